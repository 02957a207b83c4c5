//! The wire formats that the hub is started with, and the dialects in which a
//! message may have been sent.

use hub::{Dialect, Encode, Format, Formats};
use jiff::tz::TimeZone;

use crate::doors::channels::ChannelsFormat;
use crate::doors::htmx::HtmxFormat;
use crate::doors::native::NativeFormat;
use crate::doors::raw::RawFormat;
use crate::doors::socketio::SocketIoFormats;
use crate::doors::sse::SseFormat;
use crate::doors::tcp_room::LineFormat;

/// What each door joins its members with.
#[derive(Debug)]
pub(crate) struct DoorFormats {
    pub(crate) native: Format,
    pub(crate) raw: Format,
    pub(crate) sse: Format,
    pub(crate) channels: Format,
    pub(crate) htmx: Format,
    pub(crate) tcp_room: Format,
    pub(crate) socketio: SocketIoFormats,
}

impl DoorFormats {
    /// All formats; `base_path` stands before the paths that they show, and
    /// where they show a time it is that of `time_zone`.
    pub(crate) fn new(base_path: &str, time_zone: &TimeZone) -> (Self, Formats) {
        let mut list = FormatList::default();
        let formats = Self {
            native: list.add(NativeFormat::new(base_path)),
            raw: list.add(RawFormat::new(base_path)),
            sse: list.add(SseFormat::new(base_path)),
            channels: list.add(ChannelsFormat::new(base_path)),
            htmx: list.add(HtmxFormat::new(base_path)),
            tcp_room: list.add(LineFormat::new(base_path, time_zone)),
            socketio: SocketIoFormats::add_to(&mut list, base_path),
        };
        (formats, Formats::new(list.0))
    }
}

/// Gives each encoder its place.
#[derive(Default)]
pub(crate) struct FormatList(Vec<Box<dyn Encode>>);

impl FormatList {
    /// A door that has several formats adds them itself.
    pub(crate) fn add(&mut self, encoder: impl Encode + 'static) -> Format {
        self.0.push(Box::new(encoder));
        Format(self.0.len() - 1)
    }
}

/// Members of the raw relay: the message's bytes.
pub(crate) const RAW: Dialect = Dialect(1);
/// Members of the Channels style chat: the text.
pub(crate) const CHANNELS: Dialect = Dialect(2);
/// Members of the TCP room: the chunk.
pub(crate) const TCP_ROOM: Dialect = Dialect(3);
/// Members that speak Socket.IO's `message`: the JSON value.
pub(crate) const SOCKETIO_MESSAGE: Dialect = Dialect(4);
/// Members that speak Socket.IO's `receive_msg`: the JSON object.
pub(crate) const SOCKETIO_RECEIVE_MSG: Dialect = Dialect(5);
