//! Messages that are posted, one at a time: each is a request of its own, and its answer says what became
//! of it.

use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;

use super::connection::{End, Message, Taken};
use super::gate::Access;
use super::http::{PostError, Poster};
use crate::payload::{Label, Payloads};

type Posting = Pin<Box<dyn Future<Output = Result<Bytes, PostError>> + Send>>;

/// A client that speaks; a message waits for the answer to the one before.
pub struct Posts {
    poster: Poster,
    posting: Option<Posting>,
    waiting: Option<Bytes>,
    /// How many messages were answered.
    answered: u32,
}

impl Posts {
    /// Posts JSON to this address.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn new(url: &str, access: &Access) -> Result<Self, PostError> {
        let mut access = access.clone();
        access.headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        Ok(Self { poster: Poster::new(url, &access)?, posting: None, waiting: None, answered: 0 })
    }

    /// Hands over the answer to the message under way, once it has come.
    ///
    /// # Errors
    ///
    /// When there will be none.
    pub fn poll_read(&mut self, cx: &mut Context<'_>, mut take: impl FnMut(Message<'_>)) -> Poll<Result<(), End>> {
        let Some(posting) = &mut self.posting else { return Poll::Pending };
        let answer = ready!(posting.as_mut().poll(cx));
        self.posting = None;
        let is_accepted = match answer {
            Ok(_) => true,
            Err(PostError::Status { .. }) => false,
            Err(error) => return Poll::Ready(Err(io::Error::other(error).into())),
        };
        take(Message::Answer { number: self.answered, is_accepted });
        self.answered += 1;
        Poll::Ready(Ok(()))
    }

    /// Posts a message, behind the one that has no answer yet.
    pub fn send(&mut self, cx: &mut Context<'_>, message: &[u8]) -> Taken {
        self.waiting = Some(Bytes::copy_from_slice(message));
        match self.poll_flush(cx) {
            Poll::Ready(()) => Taken::Whole,
            Poll::Pending => Taken::Part,
        }
    }

    /// Begins to post what waits, once the message before is answered.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.waiting.take() {
            Some(message) if self.posting.is_none() => {
                let poster = self.poster.clone();
                self.posting = Some(Box::pin(async move { poster.post(message).await }));
                // Who reads gets it on its way.
                cx.waker().wake_by_ref();
                Poll::Ready(())
            }
            Some(message) => {
                self.waiting = Some(message);
                Poll::Pending
            }
            None => Poll::Ready(()),
        }
    }
}

impl std::fmt::Debug for Posts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A future cannot be shown.
        f.debug_struct("Posts").field("answered", &self.answered).finish_non_exhaustive()
    }
}

pub(super) fn encode(label: Label, payloads: &Payloads, out: &mut Vec<u8>) {
    write!(out, r#"{{"name":"client-{}","text":""#, label.sender).expect("memory takes it");
    payloads.put(label, out);
    out.extend_from_slice(br#""}"#);
}

#[cfg(test)]
mod tests {
    use super::*;

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
