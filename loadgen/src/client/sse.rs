//! negaphone's rooms by HTTP: `/rooms/<room>/events` is read, `/rooms/<room>/messages` is posted to. The
//! events are what the native door says.

use std::borrow::Cow;
use std::time::Duration;

use tokio::time::timeout;

use super::Incoming;
use super::connection::Message;
use super::events::Events;
use super::gate::Access;
use super::http::{PostError, Poster};
use super::native;
use super::posts::Posts;

/// Connects a client to the room at an address such as `http://127.0.0.1:8080/rooms/lobby`.
///
/// # Errors
///
/// When the server cannot be reached, or says no.
pub async fn connect(room: &str, client: u32, access: &Access, within: Duration) -> Result<Events, PostError> {
    let room = room.trim_end_matches('/');
    let reader = Poster::new(&format!("{room}/events?name=client-{client}"), access)?;
    let posts = Posts::new(&format!("{room}/messages"), access)?;
    let opening = timeout(within, reader.open()).await;
    let body = opening.map_err(|_| PostError::Connection(format!("no answer within {within:?}")))??;
    Ok(Events::new(body, posts))
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
}
