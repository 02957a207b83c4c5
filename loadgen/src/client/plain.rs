//! Servers that send on what they are sent, as it is.

use std::borrow::Cow;

use tokio_tungstenite::tungstenite::Message;

use super::Incoming;

pub(super) fn encode(payload: Vec<u8>) -> Message {
    Message::text(String::from_utf8(payload).expect("payloads are ASCII"))
}

pub(super) fn decode(frame: &Message) -> Incoming<'_> {
    match frame {
        Message::Text(text) => Incoming::Payload(Cow::Borrowed(text.as_bytes())),
        Message::Binary(bytes) => Incoming::Payload(Cow::Borrowed(bytes)),
        Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_) => Incoming::Other,
    }
}
