//! The chat of the Django Channels tutorial: one key, `message`.

use std::borrow::Cow;

use serde::Deserialize;

use super::Incoming;
use crate::payload::{Label, Payloads};

#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow)]
    message: Cow<'a, str>,
}

pub(super) fn encode(label: Label, payloads: &Payloads, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"message":""#);
    payloads.put(label, out);
    out.extend_from_slice(br#""}"#);
}

pub(super) fn decode(text: &[u8]) -> Incoming<'_> {
    match serde_json::from_slice::<Frame<'_>>(text) {
        // How a negaphone refuses here; to its sender alone.
        Ok(frame) if frame.message.starts_with("error: ") => Incoming::Error,
        Ok(Frame { message: Cow::Borrowed(message) }) => Incoming::Payload(Cow::Borrowed(message.as_bytes())),
        Ok(Frame { message: Cow::Owned(message) }) => Incoming::Payload(Cow::Owned(message.into_bytes())),
        // Without the mark at its start: the receiver counts it as foreign.
        Err(_) => Incoming::Payload(Cow::Borrowed(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_mean_what_they_say() {
        let check = |text: &str, expected: Incoming<'_>| assert_eq!(decode(text.as_bytes()), expected, "{text}");
        check(r#"{"message": "hei"}"#, Incoming::Payload(Cow::Borrowed(b"hei")));
        check(r#"{"message":"h\u00e9"}"#, Incoming::Payload(Cow::Owned("hé".into())));
        check(r#"{"message":"error: too large"}"#, Incoming::Error);
        check(r#"{"text":"hei"}"#, Incoming::Payload(Cow::Borrowed(br#"{"text":"hei"}"#)));
    }

    #[test]
    fn a_message_comes_back_as_it_was_sent() {
        let (label, payloads) = (Label { sender: 1, sequence: 5, due_us: 0 }, Payloads::new("run", 1, 100));
        let mut out = Vec::new();
        encode(label, &payloads, &mut out);
        assert_eq!(decode(&out), Incoming::Payload(Cow::Owned(payloads.make(label))));
    }
}
