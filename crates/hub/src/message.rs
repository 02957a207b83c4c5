//! What a room remembers: messages, their places and their pasts.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use thiserror::Error;

use crate::name::PersonName;

/// The place of a message in its room: 1, 2, 3 … without holes. 0 stands
/// before the first message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Offset(pub u64);

impl Offset {
    /// The place after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The place `count` before this one, at least 0.
    #[must_use]
    pub fn back(self, count: u64) -> Self {
        Self(self.0.saturating_sub(count))
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Tells one life of a room from another: under one epoch no offset is ever
/// used twice.
///
/// Written as 16 hexadecimal digits, and `.` with the generation where that
/// is not 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Epoch {
    /// Random, made with the room's record.
    pub life: u64,
    /// Raised by the store when it may have lost messages that it had acked.
    pub generation: u32,
}

impl Epoch {
    /// A new life, of generation 0.
    #[must_use]
    pub fn random() -> Self {
        Self { life: rand::random(), generation: 0 }
    }

    /// Whether `other` has come after it, in the same life.
    #[must_use]
    pub fn is_before(self, other: Self) -> bool {
        self.life == other.life && self.generation < other.generation
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.life)?;
        if self.generation > 0 {
            write!(f, ".{:x}", self.generation)?;
        }
        Ok(())
    }
}

/// The text is not an epoch.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not an epoch")]
pub struct EpochError;

impl FromStr for Epoch {
    type Err = EpochError;

    fn from_str(text: &str) -> Result<Self, EpochError> {
        let (life, generation) = text.split_once('.').unwrap_or((text, "0"));
        if life.len() != 16 || !life.bytes().chain(generation.bytes()).all(|byte| byte.is_ascii_hexdigit()) {
            return Err(EpochError);
        }
        Ok(Self {
            life: u64::from_str_radix(life, 16).map_err(|_| EpochError)?,
            generation: u32::from_str_radix(generation, 16).map_err(|_| EpochError)?,
        })
    }
}

/// Where a reader stands: the last offset it saw, in which life of the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The last message seen.
    pub offset: Offset,
    /// The life of the room it was seen in.
    pub epoch: Epoch,
}

/// Milliseconds since the Unix epoch, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub i64);

/// Names a kept blob; whoever knows it may fetch the blob.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BlobId(pub Arc<str>);

/// A negative that was shared with a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedImage {
    /// The blob that holds it.
    pub blob: BlobId,
    /// Short lower-case name of its format, such as `jpeg`.
    pub format: Cow<'static, str>,
    /// Pixels per row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Scheme and authority under which the sender reached the server: what
    /// the doors that need a whole URL put before the path.
    pub origin: Arc<str>,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// UTF-8 text (checked by the door).
    Text(Bytes),
    /// The bytes of a JSON value, as sent (checked by the door).
    Json(Bytes),
    /// A negative that was shared.
    Image(SharedImage),
    /// Anything.
    Bytes(Bytes),
}

impl Body {
    /// Bytes that the body itself holds.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Text(bytes) | Self::Json(bytes) | Self::Bytes(bytes) => bytes.len(),
            Self::Image(image) => image.blob.0.len() + image.origin.len(),
        }
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Names the protocol family in which a message was sent; the numbers are the
/// server's, the hub only compares them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect(pub u8);

/// What was sent, to the letter, for members that speak the same dialect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsSent {
    /// Who understands it.
    pub dialect: Dialect,
    /// What it was.
    pub bytes: Bytes,
}

/// A message on its way into a room: all but what the store decides.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Who says it.
    pub from: PersonName,
    /// What is said.
    pub body: Body,
    /// How it was said, where its dialect wants that back.
    pub as_sent: Option<AsSent>,
    /// The sender's own label for it, echoed to all.
    pub id: Option<Arc<str>>,
}

impl Draft {
    /// Bytes that count against the bounds of queues and rooms.
    #[must_use]
    pub fn len(&self) -> usize {
        // A raw message's body is a view of the same bytes as `as_sent`: counted once.
        let as_sent = self.as_sent.as_ref().map_or(0, |sent| sent.bytes.len());
        self.body.len().max(as_sent) + self.from.as_str().len() + self.id.as_ref().map_or(0, |id| id.len())
    }

    /// What was sent, for a member that speaks the dialect it was sent in.
    #[must_use]
    pub fn as_sent_in(&self, dialect: Dialect) -> Option<&Bytes> {
        self.as_sent.as_ref().filter(|sent| sent.dialect == dialect).map(|sent| &sent.bytes)
    }

    /// Never: a draft has at least its sender's name.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }
}

/// A message of a room, stored and in its place.
#[derive(Debug, Clone)]
pub struct Message {
    /// Its place.
    pub offset: Offset,
    /// When it was stored; never earlier than the message before it.
    pub time: Timestamp,
    /// All that its sender gave.
    pub draft: Draft,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_reads_back_as_it_was_written() {
        for epoch in [
            Epoch { life: 0, generation: 0 },
            Epoch { life: 0x0123_4567_89ab_cdef, generation: 0 },
            Epoch { life: u64::MAX, generation: 0x1f },
        ] {
            assert_eq!(epoch.to_string().parse(), Ok(epoch));
        }
        for bad in ["", "1", "0123456789abcdeg", "0123456789abcdef.", "0123456789abcdef.x", "+123456789abcdef"] {
            assert_eq!(bad.parse::<Epoch>(), Err(EpochError), "{bad:?} was let through");
        }
    }
}
