//! Messages of a room as chunks of this door.

use bytes::{BufMut, BytesMut};
use hub::{Encode, Event, Happening};
use jiff::tz::TimeZone;
use wire::tcp_room::{CHUNK_MAX_BYTES, Line};

use crate::formats;
use crate::plain_text::{PlainText, Urls};

/// Before each chunk on its way to the socket: its length, since the chunks
/// themselves do not show where they end.
pub(super) const LENGTH_BYTES: usize = 2;

const _: () = assert!(CHUNK_MAX_BYTES <= u16::MAX as usize, "the length of a chunk fits");

/// Writes messages for members of this door.
#[derive(Debug)]
pub(crate) struct LineFormat {
    plain: PlainText,
    time_zone: TimeZone,
}

impl LineFormat {
    /// `base_path` stands before the paths of whole URLs; times are shown in
    /// `time_zone`.
    #[must_use]
    pub(crate) fn new(base_path: &str, time_zone: &TimeZone) -> Self {
        Self { plain: PlainText::new(Urls::Whole, base_path), time_zone: time_zone.clone() }
    }
}

impl Encode for LineFormat {
    fn encode(&self, event: &Event<'_>, out: &mut BytesMut) {
        // Comings and goings are told at the native door only.
        let Happening::Message(message) = event.happening else { return };
        let draft = &message.draft;
        let as_sent = draft.as_sent_in(formats::TCP_ROOM).map(|chunk| String::from_utf8_lossy(chunk));
        if let Some(chunk) = as_sent {
            return put(&Line::as_sent(&chunk), out);
        }
        let Some(text) = self.plain.text(&draft.body) else { return };
        let time = crate::time::format_local(message.time, &self.time_zone);
        put(&Line::said(&time, draft.from.as_str(), &text), out);
    }
}

fn put(line: &Line<'_>, out: &mut BytesMut) {
    for parts in line.chunks() {
        let bytes: usize = parts.iter().map(|part| part.len()).sum();
        out.reserve(LENGTH_BYTES + bytes);
        out.put_u16(u16::try_from(bytes).expect("a chunk has at most CHUNK_MAX_BYTES"));
        for part in parts {
            out.put_slice(part.as_bytes());
        }
    }
}
