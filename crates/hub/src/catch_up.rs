//! Gives a member what it missed, before the tape.

use std::sync::Arc;

use bytes::BytesMut;

use crate::format::{Event, Format, Formats, Happening};
use crate::leave::Leave;
use crate::message::{Epoch, Offset};
use crate::outbox::Piece;
use crate::room::Room;
use crate::session::{MembershipId, Session, Sink};
use crate::store::Store;

/// A member that reads its way up to the tape.
#[derive(Debug)]
pub(crate) struct CatchUp<S> {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) formats: Formats,
    pub(crate) room: Arc<Room<S>>,
    pub(crate) session: Arc<Session<S>>,
    pub(crate) membership: MembershipId,
    pub(crate) format: Format,
    /// Its life of the room.
    pub(crate) epoch: Epoch,
    /// It has seen this one.
    pub(crate) after: Offset,
    /// Its cursor stands behind this one.
    pub(crate) until: Offset,
}

impl<S: Sink> CatchUp<S> {
    /// Reads page by page, each when the peer has taken the one before; then
    /// the member is live.
    pub(crate) async fn run(mut self) {
        match self.read_up().await {
            Ok(()) => {
                self.session.make_live(self.membership);
                self.session.flush();
            }
            Err(reason) => self.session.end(reason),
        }
    }

    async fn read_up(&mut self) -> Result<(), Leave> {
        let limits = self.room.limits();
        let mut out = BytesMut::new();
        while self.after < self.until {
            let missing = usize::try_from(self.until.0 - self.after.0).unwrap_or(usize::MAX);
            let limit = missing.min(limits.catch_up_page_messages);
            let page = self.store.read(self.room.name(), self.after, limit).await.map_err(|error| {
                tracing::warn!(room = %self.room.name(), %error, "a member cannot catch up");
                Leave::StoreDown
            })?;
            // What retention has taken meanwhile is a hole, and a hole is never skipped: the peer comes back and is
            // told so.
            if page.messages.first().is_none_or(|first| first.offset != self.after.next()) {
                return Err(Leave::TooSlow);
            }
            for message in page.messages.iter().take(limit) {
                let happening = Happening::Message(message);
                let event = Event { room: self.room.name(), epoch: self.epoch, happening };
                self.formats.encoder(self.format).encode(&event, &mut out);
                self.after = message.offset;
                if out.len() >= limits.write_max_bytes {
                    self.send(&mut out).await?;
                }
            }
            self.send(&mut out).await?;
        }
        Ok(())
    }

    async fn send(&self, out: &mut BytesMut) -> Result<(), Leave> {
        if !out.is_empty() {
            self.session.push_pieces([Piece::message(out.split().freeze())]);
            self.session.flush();
        }
        self.session.has_drained().await;
        self.session.left().map_or(Ok(()), Err)
    }
}
