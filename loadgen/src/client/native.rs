//! negaphone's own JSON.

use std::borrow::Cow;

use serde::Deserialize;
use tokio_tungstenite::tungstenite::Message;

use super::{Incoming, Welcome};
use crate::payload::Label;

#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(default)]
    offset: Option<u64>,
    #[serde(default)]
    head: Option<u64>,
}

/// The offset of a room message, of whatever kind.
pub(super) fn offset(frame: &Message) -> Option<u64> {
    let Message::Text(text) = frame else { return None };
    let frame = serde_json::from_str::<Frame<'_>>(text.as_str()).ok()?;
    matches!(frame.kind, "chat" | "data" | "image" | "bytes").then_some(frame.offset).flatten()
}

/// A chat message; its id is the sequence number.
pub(super) fn encode(label: Label, payload: &[u8]) -> Message {
    let text = std::str::from_utf8(payload).expect("payloads are ASCII");
    Message::text(format!(r#"{{"type":"chat","text":"{text}","id":"{}"}}"#, label.sequence))
}

pub(super) fn decode(frame: &Message) -> Incoming<'_> {
    let Message::Text(text) = frame else { return Incoming::Other };
    let Ok(frame) = serde_json::from_str::<Frame<'_>>(text.as_str()) else {
        // Without the mark at its start: the receiver counts it as foreign.
        return Incoming::Payload(Cow::Borrowed(text.as_bytes()));
    };
    let sequence = || frame.id.as_deref().and_then(|id| id.parse().ok());
    match frame.kind {
        "chat" => match frame.text {
            Some(Cow::Borrowed(text)) => Incoming::Payload(Cow::Borrowed(text.as_bytes())),
            Some(Cow::Owned(text)) => Incoming::Payload(Cow::Owned(text.into_bytes())),
            None => Incoming::Error,
        },
        "ack" => sequence().map_or(Incoming::Error, Incoming::Acked),
        "error" => sequence().map_or(Incoming::Error, Incoming::Refused),
        "welcome" => {
            let offset = frame.offset.unwrap_or(0);
            Incoming::Welcome(Welcome { offset, head: frame.head.unwrap_or(offset) })
        }
        _ => Incoming::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_mean_what_they_say() {
        let check = |text: &str, expected: Incoming<'_>| assert_eq!(decode(&Message::text(text)), expected, "{text}");
        let welcome = Incoming::Welcome(Welcome { offset: 41, head: 91 });
        check(r#"{"type":"welcome","room":"r","offset":41,"head":91}"#, welcome);
        check(r#"{"type":"ack","id":"7","offset":1,"epoch":"x"}"#, Incoming::Acked(7));
        check(r#"{"type":"error","code":"rate_limited","message":"m","id":"8"}"#, Incoming::Refused(8));
        check(r#"{"type":"error","code":"bad_json","message":"m"}"#, Incoming::Error);
        check(r#"{"type":"join","name":"a","members":2}"#, Incoming::Other);
        check(r#"{"type":"chat","text":"a\u0062"}"#, Incoming::Payload(Cow::Owned(b"ab".to_vec())));
        check("rubbish", Incoming::Payload(Cow::Borrowed(b"rubbish")));
    }

    #[test]
    fn a_message_carries_its_payload_and_its_number() {
        let label = Label { sender: 1, sequence: 5, due_us: 0 };
        let Message::Text(text) = encode(label, b"payload") else { panic!("chat is text") };
        assert_eq!(text.as_str(), r#"{"type":"chat","text":"payload","id":"5"}"#);
    }
}
