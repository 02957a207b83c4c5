//! What a member says.

use std::sync::Arc;

use bytes::Bytes;
use hub::{AsSent, Body, Draft, PersonName, Reply};
use tokio::time::timeout;
use wire::tcp_room::{Chunk, Parts, Splitter, TooLong, is_http_request};

use crate::app::App;
use crate::formats;
use crate::rate::Bucket;
use crate::sink::{Seat, Session};
use crate::tcp::{Left, Visitor};

/// A member in its talking.
#[derive(Debug)]
pub(super) struct Speaker<'a> {
    app: &'a App,
    session: &'a Arc<Session>,
    seat: &'a Seat,
    /// Who it last said it is.
    name: PersonName,
    splitter: Splitter,
    bucket: Bucket,
}

/// Why nothing more is taken from a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    /// It has left.
    Left,
    /// It did what this door answers with the end of the stream.
    SentAway,
}

impl<'a> Speaker<'a> {
    pub(super) fn new(app: &'a App, session: &'a Arc<Session>, seat: &'a Seat) -> Self {
        Self {
            app,
            session,
            seat,
            name: PersonName::guest(),
            splitter: Splitter::new(app.limits.tcp.room.chunk_max_bytes),
            bucket: Bucket::new(app.limits.rates.messages),
        }
    }

    /// Puts into the room what the visitor says, until it leaves or does what
    /// ends its stream.
    pub(super) async fn listen_to(mut self, visitor: &Visitor) {
        let over = loop {
            let chunk = match self.next_chunk(visitor).await {
                Ok(chunk) if chunk.is_goodbye() => return,
                Ok(chunk) => chunk,
                Err(over) => break over,
            };
            if let Err(over) = self.say(chunk).await {
                break over;
            }
        };
        match over {
            // A program may say something and leave at once.
            Over::Left => {
                if let Some(chunk) = self.splitter.take_rest() {
                    self.say(chunk).await.ok();
                }
            }
            Over::SentAway => tracing::debug!("a member of the TCP room is sent away"),
        }
    }

    async fn next_chunk(&mut self, visitor: &Visitor) -> Result<Chunk, Over> {
        // Over the rate it is not read until the rate allows: the door has no way to refuse a message.
        self.bucket.filled().await;
        loop {
            match self.splitter.next_chunk() {
                Ok(Some(chunk)) => return Ok(chunk),
                Ok(None) => {}
                Err(TooLong { .. }) => return Err(Over::SentAway),
            }
            if let Some(chunk) = self.read(visitor).await? {
                return Ok(chunk);
            }
        }
    }

    /// Reads on; a chunk that has no end is ended by silence.
    async fn read(&mut self, visitor: &Visitor) -> Result<Option<Chunk>, Over> {
        let limits = &self.app.limits.tcp;
        let is_waiting = self.splitter.is_waiting();
        let silence = if is_waiting { limits.silence } else { limits.room.idle_max };
        let told_before = self.session.written_bytes();
        let mut is_http = false;
        let reading = visitor.read(|bytes| {
            is_http = !is_waiting && is_http_request(bytes);
            self.splitter.push(bytes);
        });
        match timeout(silence, reading).await {
            Ok(Ok(())) if is_http => Err(Over::SentAway),
            Ok(Ok(())) => Ok(None),
            Ok(Err(Left)) => Err(Over::Left),
            Err(_) if is_waiting => Ok(self.splitter.take_rest()),
            // Who listens is not idle while there is something to hear.
            Err(_) if self.session.written_bytes() > told_before => Ok(None),
            Err(_) => Err(Over::SentAway),
        }
    }

    async fn say(&mut self, chunk: Chunk) -> Result<(), Over> {
        let parts = Parts::of(chunk.as_str());
        if parts.text.len() > self.app.limits.native.text_max_bytes {
            return Err(Over::SentAway);
        }
        if let Some(name) = parts.name().and_then(|name| PersonName::parse(name).ok()) {
            self.name = name;
        }
        let body = Body::Text(Bytes::copy_from_slice(parts.text.as_bytes()));
        let as_sent = Some(AsSent { dialect: formats::TCP_ROOM, bytes: chunk.into_string().into() });
        let draft = Draft { from: self.name.clone(), body, as_sent, id: None };
        self.bucket.charge();
        self.app.hub.publish(self.seat.room(), draft, None, Reply::OrLeave(Arc::clone(self.session))).await;
        Ok(())
    }
}
