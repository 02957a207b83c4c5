//! Servers that send on what they are sent, as it is.

use std::borrow::Cow;

use super::Incoming;
use super::connection::Message;

pub(super) fn decode(message: Message<'_>) -> Incoming<'_> {
    match message {
        Message::Text(bytes) | Message::Binary(bytes) => Incoming::Payload(Cow::Borrowed(bytes)),
        Message::Answer { .. } => Incoming::Other,
    }
}
