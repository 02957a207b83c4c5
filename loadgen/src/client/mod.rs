//! One file per protocol spoken: payloads to frames, frames to what they mean.

pub mod http;
pub mod native;
pub mod plain;
pub mod websocket;

use std::borrow::Cow;

use tokio_tungstenite::tungstenite::Message;

use crate::cli::Protocol;
use crate::payload::Label;

/// What an arriving frame means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming<'a> {
    /// Somebody's message.
    Payload(Cow<'a, [u8]>),
    /// The server has the message with this sequence number.
    Acked(u32),
    /// The server did not take the message with this sequence number.
    Refused(u32),
    /// The server complains about something else.
    Error,
    /// The client is in its room; older messages may follow.
    Welcome(Welcome),
    /// Nothing that counts.
    Other,
}

/// Where a room's stream stands when a client joins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Welcome {
    /// The next message has the offset after this one.
    pub offset: u64,
    /// The newest message.
    pub head: u64,
}

/// A payload as a frame.
#[must_use]
pub fn encode(protocol: Protocol, label: Label, payload: Vec<u8>) -> Message {
    match protocol {
        Protocol::Native => native::encode(label, &payload),
        Protocol::Raw | Protocol::Echo => plain::encode(payload),
    }
}

/// What a frame means.
#[must_use]
pub fn decode(protocol: Protocol, frame: &Message) -> Incoming<'_> {
    match protocol {
        Protocol::Native => native::decode(frame),
        Protocol::Raw | Protocol::Echo => plain::decode(frame),
    }
}

/// Whether a client has joined only when the server says so.
#[must_use]
pub fn is_welcomed(protocol: Protocol) -> bool {
    match protocol {
        Protocol::Native => true,
        Protocol::Raw | Protocol::Echo => false,
    }
}

/// Whether the server says what became of each message.
#[must_use]
pub fn has_acks(protocol: Protocol) -> bool {
    match protocol {
        Protocol::Native => true,
        Protocol::Raw | Protocol::Echo => false,
    }
}

/// The offset of a message that the room keeps, where there is one.
#[must_use]
pub fn offset(protocol: Protocol, frame: &Message) -> Option<u64> {
    match protocol {
        Protocol::Native => native::offset(frame),
        Protocol::Raw | Protocol::Echo => None,
    }
}
