//! A room's message in the words of the native door, which SSE shares.

use hub::{Body, RoomName};
use wire::native::Message;

use crate::urls::image_path;

/// Gives `put` the message as it is worded; `base_path` stands before the
/// paths of shared pictures.
pub(crate) fn word(base_path: &str, room: &RoomName, message: &hub::Message, put: impl FnOnce(&Message<'_>)) {
    let (room, offset) = (room.as_str(), message.offset.0);
    let time = &*crate::time::format(message.time);
    let draft = &message.draft;
    let (from, id) = (draft.from.as_str(), draft.id.as_deref());
    match &draft.body {
        Body::Text(text) => {
            let text = std::str::from_utf8(text).expect("a door lets only UTF-8 into a text body");
            put(&Message::Chat { room, offset, time, from, text, id });
        }
        Body::Json(data) => put(&Message::Data { room, offset, time, from, data, id }),
        Body::Image(image) => {
            let url = image_path(base_path, &image.blob);
            let (format, width, height) = (&*image.format, image.width, image.height);
            put(&Message::Image { room, offset, time, from, url: &url, format, width, height, id });
        }
        Body::Bytes(bytes) => put(&Message::Bytes { room, offset, time, from, size: bytes.len() }),
    }
}
