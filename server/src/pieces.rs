//! Answers to pictures on their way out.

use bytes::Bytes;
use hub::{Ends, Piece};
use tokio::sync::OwnedSemaphorePermit;
use wire::websocket::{Opcode, fragments};

use crate::sink::Session;

/// What a peer is told of a picture.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Its negative, bounded by the pictures under way.
    Negative(Vec<Piece>),
    /// A frame that says why there is none; bounded like every other answer.
    Refusal(Bytes),
}

impl Answer {
    /// Queues it for the peer.
    pub(crate) fn queue(self, session: &Session) {
        match self {
            Self::Negative(pieces) => session.push_pieces(pieces),
            Self::Refusal(frame) => session.push(frame),
        }
    }
}

/// Bytes that count as under way until the socket has the last of them.
#[derive(Debug)]
pub(crate) struct Held {
    bytes: Vec<u8>,
    _permit: OwnedSemaphorePermit,
}

impl Held {
    /// Gives the permit back when the bytes are dropped.
    #[must_use]
    pub(crate) fn new(bytes: Vec<u8>, permit: OwnedSemaphorePermit) -> Self {
        Self { bytes, _permit: permit }
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// A message in fragments, between which control frames may pass.
#[must_use]
pub(crate) fn pieces(opcode: Opcode, payload: Bytes, fragment_max_bytes: usize) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut fragments = fragments(opcode, payload, fragment_max_bytes).peekable();
    while let Some(fragment) = fragments.next() {
        let ends = if fragments.peek().is_some() { Ends::Frame } else { Ends::Message };
        pieces.push(Piece { bytes: fragment.header, ends: Ends::Nothing });
        pieces.push(Piece { bytes: fragment.payload, ends });
    }
    pieces
}
