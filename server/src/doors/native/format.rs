//! Events of a room as native messages.

use bytes::{Bytes, BytesMut};
use hub::{Body, Encode, Event, Happening, RoomName};
use wire::native::Message;

use super::put;
use crate::urls::image_path;

/// Writes events for native members.
#[derive(Debug)]
pub(crate) struct NativeFormat {
    base_path: String,
}

impl NativeFormat {
    /// `base_path` stands before the paths of shared pictures.
    #[must_use]
    pub(crate) fn new(base_path: &str) -> Self {
        Self { base_path: base_path.to_owned() }
    }

    fn put_message(&self, room: &RoomName, message: &hub::Message, out: &mut BytesMut) {
        let (room, offset) = (room.as_str(), message.offset.0);
        let time = crate::time::format(message.time);
        let time = time.as_str();
        let draft = &message.draft;
        let (from, id) = (draft.from.as_str(), draft.id.as_deref());
        match &draft.body {
            Body::Text(text) => {
                let text = std::str::from_utf8(text).expect("a door lets only UTF-8 into a text body");
                put(&Message::Chat { room, offset, time, from, text, id }, out);
            }
            Body::Json(data) => put(&Message::Data { room, offset, time, from, data, id }, out),
            Body::Image(image) => {
                let url = image_path(&self.base_path, &image.blob);
                let (format, width, height) = (&*image.format, image.width, image.height);
                put(&Message::Image { room, offset, time, from, url: &url, format, width, height, id }, out);
            }
            Body::Bytes(bytes) => put(&Message::Bytes { room, offset, time, from, size: bytes.len() }, out),
        }
    }
}

impl Encode for NativeFormat {
    fn encode(&self, event: &Event<'_>, out: &mut BytesMut) {
        match event.happening {
            Happening::Message(message) => self.put_message(event.room, message, out),
            Happening::Joined { name, members } => put(&Message::Join { name, members }, out),
            Happening::Left { name, members } => put(&Message::Leave { name, members }, out),
        }
    }
}

/// A private message as a frame.
pub(super) fn frame(message: &Message<'_>) -> Bytes {
    let mut out = BytesMut::new();
    put(message, &mut out);
    out.freeze()
}
