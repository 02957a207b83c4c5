//! What a room needs of a history.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use thiserror::Error;

use crate::message::{BlobId, Draft, Epoch, Message, Offset, Position, Timestamp};
use crate::name::RoomName;
use crate::nodes::Nodes;

/// Makes a retry the same message: the room, this key and this id name one
/// message within the store's window.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct DedupKey {
    /// The session's secret.
    pub session: Arc<str>,
    /// The sender's label for the message.
    pub id: Arc<str>,
}

impl fmt::Debug for DedupKey {
    /// Leaves the secret out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DedupKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// One message to append.
#[derive(Debug, Clone)]
pub struct Append {
    /// Into which room.
    pub room: RoomName,
    /// Where the hub saw the room last. A store that holds nothing of the
    /// room goes on from here, so that no offset is used twice under one epoch.
    pub known: Position,
    /// What to append.
    pub draft: Draft,
    /// Under which key a retry would come.
    pub dedup: Option<DedupKey>,
}

/// What became of an [`Append`].
#[derive(Debug, Clone)]
pub enum Appended {
    /// It is stored.
    Fresh {
        /// The room's epoch.
        epoch: Epoch,
        /// The message in its place.
        message: Arc<Message>,
    },
    /// It was stored before, under the same key.
    Repeat {
        /// The room's epoch.
        epoch: Epoch,
        /// Where the first one stands.
        offset: Offset,
        /// When the first one was stored.
        time: Timestamp,
    },
}

/// Where a stored room stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The room's life.
    pub epoch: Epoch,
    /// The newest message.
    pub offset: Offset,
    /// The oldest message that can still be read; `offset + 1` when there is
    /// none.
    pub first_held: Offset,
}

/// Part of a room's messages.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// In their order, without holes.
    pub messages: Vec<Arc<Message>>,
}

/// Bytes kept under an id.
#[derive(Debug, Clone)]
pub struct Blob {
    /// The bytes.
    pub bytes: Bytes,
    /// Their media type.
    pub mime_type: Cow<'static, str>,
}

/// What a stored message survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Nothing: it is gone with the process.
    Memory,
    /// The end of the process, however sudden: the operating system has it.
    Os,
    /// The end of the process, but for the last two seconds.
    Seconds,
    /// The loss of power: the disk has it.
    Disk,
    /// Nobody says; it is not to be relied on.
    Unknown,
}

impl Durability {
    /// The word for it, the same everywhere.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Os => "os",
            Self::Seconds => "seconds",
            Self::Disk => "disk",
            Self::Unknown => "unknown",
        }
    }
}

/// What a store holds at a moment, and what retention has taken from it; what
/// it does not know is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes of messages and pictures, with all that is kept to find them.
    pub bytes: Option<u64>,
    /// Messages forgotten since it was opened, since they were too many, too
    /// large together, or too old.
    pub forgotten_messages: Option<u64>,
}

/// The store could not do it; nothing was stored.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoreError {
    /// It does not answer.
    #[error("the history is not available")]
    Down,
    /// A blob is larger than the store may hold.
    #[error("the picture has {bytes} bytes, {bytes_max} can be kept")]
    BlobTooLarge {
        /// What it has.
        bytes: usize,
        /// What it may have.
        bytes_max: usize,
    },
}

/// A history: gives messages their offsets and keeps them.
///
/// Retention is the store's business. One task appends; reads come from
/// everywhere.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync {
    /// Appends in the batch's order; answers one for one. What is answered is
    /// stored as durably as [`durability`](Self::durability) says; what is
    /// refused is not stored.
    async fn append(&self, batch: Vec<Append>) -> Vec<Result<Appended, StoreError>>;

    /// Where the room stands; `None` when nothing of it is stored. Stores
    /// nothing.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    async fn head(&self, room: &RoomName) -> Result<Option<Head>, StoreError>;

    /// The messages after `after`, at most `limit`. Where some of them are
    /// not held any more, it begins with the first held one.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    async fn read(&self, room: &RoomName, after: Offset, limit: usize) -> Result<Page, StoreError>;

    /// Forgets the room's messages; its epoch stays, and its offsets go on.
    ///
    /// # Errors
    ///
    /// When the store does not answer; then nothing is forgotten.
    async fn clear(&self, room: &RoomName) -> Result<(), StoreError>;

    /// Keeps a blob that is to be seen in `room`, and names it.
    ///
    /// # Errors
    ///
    /// When it is too large or the store does not answer.
    async fn put_blob(&self, room: &RoomName, blob: Blob) -> Result<BlobId, StoreError>;

    /// The blob of that name, if it is still held.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    async fn get_blob(&self, id: &BlobId) -> Result<Option<Blob>, StoreError>;

    /// What the room's messages survive once they are acked.
    fn durability(&self, room: &RoomName) -> Durability;

    /// How long messages may be gathered while more keep coming, since a
    /// larger batch costs less a message.
    fn gather_max(&self) -> Duration {
        Duration::ZERO
    }

    /// Whether it answers, as far as is known.
    fn is_available(&self) -> bool {
        true
    }

    /// What it holds.
    fn usage(&self) -> Usage {
        Usage::default()
    }

    /// The other nodes that store into it, where there can be any.
    fn nodes(&self) -> Option<&dyn Nodes> {
        None
    }

    /// Says that nothing more will come, and waits until all is put away.
    async fn close(&self) {}
}
