//! negaphone's rooms by HTTP: `/rooms/<room>/events` is read, `/rooms/<room>/messages` is posted to. The
//! events are what the native door says.

use std::borrow::Cow;
use std::io::Write;
use std::time::Duration;

use tokio::time::timeout;

use super::Incoming;
use super::connection::Message;
use super::events::Events;
use super::gate::Access;
use super::http::{PostError, Poster};
use super::native;
use crate::payload::{Label, Payloads};

/// Connects a client to the room at an address such as `http://127.0.0.1:8080/rooms/lobby`.
///
/// # Errors
///
/// When the server cannot be reached, or says no.
pub async fn connect(room: &str, client: u32, access: &Access, within: Duration) -> Result<Events, PostError> {
    let room = room.trim_end_matches('/');
    let reader = Poster::new(&format!("{room}/events?name=client-{client}"), access)?;
    let mut access = access.clone();
    access.headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
    let poster = Poster::new(&format!("{room}/messages"), &access)?;
    let opening = timeout(within, reader.open()).await;
    let body = opening.map_err(|_| PostError::Connection(format!("no answer within {within:?}")))??;
    Ok(Events::new(body, poster))
}

pub(super) fn encode(label: Label, payloads: &Payloads, out: &mut Vec<u8>) {
    write!(out, r#"{{"name":"client-{}","text":""#, label.sender).expect("memory takes it");
    payloads.put(label, out);
    out.extend_from_slice(br#""}"#);
}

pub(super) fn decode(message: Message<'_>) -> Incoming<'_> {
    match message {
        Message::Text(event) => native::decode(event),
        Message::Answer { number, is_accepted: true } => Incoming::Acked(number),
        Message::Answer { number, is_accepted: false } => Incoming::Refused(number),
        // Without the mark at its start: the receiver counts it as foreign.
        Message::Binary(bytes) => Incoming::Payload(Cow::Borrowed(bytes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_a_post_says_what_became_of_it() {
        let answer = |is_accepted| Message::Answer { number: 7, is_accepted };
        assert_eq!(decode(answer(true)), Incoming::Acked(7));
        assert_eq!(decode(answer(false)), Incoming::Refused(7));
        let event = Message::Text(br#"{"type":"chat","offset":1,"text":"hei"}"#);
        assert_eq!(decode(event), Incoming::Payload(Cow::Borrowed(b"hei")));
    }

    #[test]
    fn a_message_has_a_name_and_a_text() {
        let (label, payloads) = (Label { sender: 1, sequence: 5, due_us: 0 }, Payloads::new("run", 1, 100));
        let mut out = Vec::new();
        encode(label, &payloads, &mut out);
        let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
        let text = String::from_utf8(payloads.make(label)).unwrap();
        assert_eq!(json, serde_json::json!({"name": "client-1", "text": text}));
    }
}
