//! Events of a room as native messages.

use bytes::{Bytes, BytesMut};
use hub::{Encode, Event, Happening};
use wire::native::Message;

use super::put;
use crate::native_message::word;

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
}

impl Encode for NativeFormat {
    fn encode(&self, event: &Event<'_>, out: &mut BytesMut) {
        match event.happening {
            Happening::Message(message) => word(&self.base_path, event.room, message, |message| put(message, out)),
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
