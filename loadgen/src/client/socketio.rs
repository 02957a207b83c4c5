//! Socket.IO 5 over Engine.IO 4, transport WebSocket, in the `newMessage` dialect: a client emits
//! `newMessage {name, text}`, all receive `messages [{name, text}]`.

use std::borrow::Cow;
use std::io::Write;

use serde::Deserialize;

use super::{Incoming, Welcome};
use crate::payload::{Label, Payloads};

/// Engine.IO message 4 with Socket.IO packet 0: join the namespace `/`.
pub(super) const CONNECT: &[u8] = b"40";
/// Engine.IO: the server pings with 2, the client answers with 3.
const PONG: &[u8] = b"3";

#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
}

pub(super) fn encode(label: Label, payloads: &Payloads, out: &mut Vec<u8>) {
    write!(out, r#"42["newMessage",{{"name":"client-{}","text":""#, label.sender).expect("memory takes it");
    payloads.put(label, out);
    out.extend_from_slice(br#""}]"#);
}

pub(super) fn decode(packet: &[u8]) -> Incoming<'_> {
    match packet {
        [b'2'] => Incoming::Ping(PONG),
        // Refused by the namespace.
        [b'4', b'4', ..] => Incoming::Error,
        [b'4', b'0', ..] => Incoming::Welcome(Welcome { offset: 0, head: 0 }),
        [b'4', b'2', event @ ..] => event_of(event),
        // Engine.IO open and noop, acks.
        [b'0' | b'6', ..] | [b'4', b'3', ..] => Incoming::Other,
        // Without the mark at its start: the receiver counts it as foreign.
        _ => Incoming::Payload(Cow::Borrowed(packet)),
    }
}

fn event_of(event: &[u8]) -> Incoming<'_> {
    if event.starts_with(br#"["refused""#) {
        return Incoming::Error;
    }
    match serde_json::from_slice::<(&str, Vec<Said<'_>>)>(event) {
        Ok(("messages", mut said)) if said.len() == 1 => match said.pop().map(|said| said.text) {
            Some(Cow::Borrowed(text)) => Incoming::Payload(Cow::Borrowed(text.as_bytes())),
            Some(Cow::Owned(text)) => Incoming::Payload(Cow::Owned(text.into_bytes())),
            None => Incoming::Other,
        },
        // What was said before, or another dialect.
        Ok(_) | Err(_) => Incoming::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_mean_what_they_say() {
        let check = |text: &str, expected: Incoming<'_>| assert_eq!(decode(text.as_bytes()), expected, "{text}");
        check(r#"0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#, Incoming::Other);
        check(r#"40{"sid":"y"}"#, Incoming::Welcome(Welcome { offset: 0, head: 0 }));
        check("2", Incoming::Ping(b"3"));
        check(r#"42["messages",[{"name":"a","text":"hei"}]]"#, Incoming::Payload(Cow::Borrowed(b"hei")));
        check(r#"42["messages",[{"name":"a","text":"x"},{"name":"a","text":"y"}]]"#, Incoming::Other);
        check(r#"42["messages",[]]"#, Incoming::Other);
        check(r#"42["response",{"data":"hei"}]"#, Incoming::Other);
        check(r#"42["refused",{"code":"rate_limited"}]"#, Incoming::Error);
        check(r#"44{"message":"Invalid namespace"}"#, Incoming::Error);
    }

    #[test]
    fn a_message_is_an_event_with_name_and_text() {
        let (label, payloads) = (Label { sender: 1, sequence: 5, due_us: 0 }, Payloads::new("run", 1, 100));
        let mut out = Vec::new();
        encode(label, &payloads, &mut out);
        let json: serde_json::Value = serde_json::from_slice(out.strip_prefix(b"42").unwrap()).unwrap();
        let text = String::from_utf8(payloads.make(label)).unwrap();
        assert_eq!(json, serde_json::json!(["newMessage", {"name": "client-1", "text": text}]));
    }
}
