//! How events look on the wire, one encoder per format.

use std::fmt;
use std::sync::Arc;

use bytes::BytesMut;

use crate::message::{Epoch, Message};
use crate::name::RoomName;

/// Names one of the hub's formats: its place in the list given to
/// [`Formats::new`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Format(pub usize);

/// Something that the members of a room are told.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// Where it happened.
    pub room: &'a RoomName,
    /// In which life of the room.
    pub epoch: Epoch,
    /// What happened.
    pub happening: Happening<'a>,
}

/// What can happen in a room.
#[derive(Debug, Clone, Copy)]
pub enum Happening<'a> {
    /// A message was stored.
    Message(&'a Message),
    /// Somebody came.
    Joined {
        /// Who; absent in a large room.
        name: Option<&'a str>,
        /// How many are there, whatever their door.
        members: usize,
    },
    /// Somebody left.
    Left {
        /// Who; absent in a large room.
        name: Option<&'a str>,
        /// How many are there, whatever their door.
        members: usize,
    },
}

/// Writes events as frames of one format.
pub trait Encode: Send + Sync {
    /// Appends whole frames to `out`, or nothing where the format does not
    /// show such events.
    fn encode(&self, event: &Event<'_>, out: &mut BytesMut);
}

/// The formats that a hub knows.
#[derive(Clone)]
pub struct Formats(Arc<[Box<dyn Encode>]>);

impl Formats {
    /// `encoders[i]` writes `Format(i)`.
    #[must_use]
    pub fn new(encoders: Vec<Box<dyn Encode>>) -> Self {
        Self(encoders.into())
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The encoder of a format.
    ///
    /// # Panics
    ///
    /// When the format was not in the list.
    #[must_use]
    pub fn encoder(&self, format: Format) -> &dyn Encode {
        self.0[format.0].as_ref()
    }
}

impl fmt::Debug for Formats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} formats", self.count())
    }
}
