//! negaphone's own JSON.

use std::borrow::Cow;
use std::io::Write;

use serde::Deserialize;

use super::{Incoming, Welcome};
use crate::payload::{Label, Payloads};

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
pub(super) fn offset(text: &[u8]) -> Option<u64> {
    let frame = serde_json::from_slice::<Frame<'_>>(text).ok()?;
    matches!(frame.kind, "chat" | "data" | "image" | "bytes").then_some(frame.offset).flatten()
}

/// Where a member stands, and who it is: what it comes back with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Ticket {
    epoch: String,
    session: String,
    /// The last offset that it saw.
    #[serde(rename = "head")]
    pub offset: u64,
}

impl Ticket {
    /// That of a member who has heard everything before its welcome; `None` where this is no welcome, or
    /// of a server that lets nobody come back.
    #[must_use]
    pub fn of(welcome: &[u8]) -> Option<Self> {
        serde_json::from_slice(welcome).ok()
    }

    /// Appends it to the path of an address.
    #[must_use]
    pub fn put_on(&self, path: &str) -> String {
        let mark = if path.contains('?') { '&' } else { '?' };
        let Self { epoch, session, offset } = self;
        format!("{path}{mark}since={offset}&epoch={epoch}&session={session}")
    }
}

/// A chat message; its id is the sequence number.
pub(super) fn encode(label: Label, payloads: &Payloads, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"type":"chat","text":""#);
    payloads.put(label, out);
    write!(out, r#"","id":"{}"}}"#, label.sequence).expect("memory takes it");
}

pub(super) fn decode(text: &[u8]) -> Incoming<'_> {
    let Ok(frame) = serde_json::from_slice::<Frame<'_>>(text) else {
        // Without the mark at its start: the receiver counts it as foreign.
        return Incoming::Payload(Cow::Borrowed(text));
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
        let check = |text: &str, expected: Incoming<'_>| assert_eq!(decode(text.as_bytes()), expected, "{text}");
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
    fn a_member_comes_back_with_its_position_and_its_key() {
        let welcome = br#"{"type":"welcome","session":"key","epoch":"e1","offset":41,"head":91,"members":1}"#;
        let ticket = Ticket::of(welcome).unwrap();
        assert_eq!(ticket.put_on("/ws?room=r"), "/ws?room=r&since=91&epoch=e1&session=key");
        assert_eq!(Ticket::of(br#"{"type":"chat","text":"hei","offset":1}"#), None);
    }

    #[test]
    fn a_message_carries_its_payload_and_its_number() {
        let (label, payloads) = (Label { sender: 1, sequence: 5, due_us: 0 }, Payloads::new("run", 1, 100));
        let mut out = Vec::new();
        encode(label, &payloads, &mut out);
        let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
        let text = String::from_utf8(payloads.make(label)).unwrap();
        assert_eq!(json, serde_json::json!({"type": "chat", "text": text, "id": "5"}));
    }
}
