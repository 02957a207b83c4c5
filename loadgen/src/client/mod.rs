//! One file per protocol spoken: payloads to messages, messages to what they mean; and the
//! connections that carry them.

pub mod channels;
pub mod connection;
pub mod events;
pub mod frame;
pub mod gate;
pub mod http;
pub mod line;
pub mod native;
pub mod plain;
pub mod posts;
pub mod socketio;
pub mod sse;
pub mod tls;
pub mod websocket;

use std::borrow::Cow;

use crate::cli::Protocol;
use crate::payload::{Label, Payloads};
use crate::plan::Talk;
use connection::Message;
use frame::Opcode;

/// What an arriving message means.
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
    /// The server asks for a sign of life, which is this text.
    Ping(&'static [u8]),
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

/// Appends a message that carries the payload of `label`; returns what frame it goes in.
pub fn encode(talk: &Talk, label: Label, payloads: &Payloads, out: &mut Vec<u8>) -> Opcode {
    match talk.protocol {
        Protocol::Native => native::encode(label, payloads, out),
        Protocol::Channels => channels::encode(label, payloads, out),
        Protocol::Socketio => socketio::encode(label, payloads, out),
        Protocol::Sse | Protocol::Http => posts::encode(label, payloads, out),
        Protocol::Raw | Protocol::Echo => payloads.put(label, out),
    }
    talk.opcode
}

/// What a message means.
#[must_use]
pub fn decode(protocol: Protocol, message: Message<'_>) -> Incoming<'_> {
    match (protocol, message) {
        (Protocol::Native, Message::Text(text)) => native::decode(text),
        (Protocol::Channels, Message::Text(text)) => channels::decode(text),
        (Protocol::Socketio, Message::Text(text)) => socketio::decode(text),
        (Protocol::Sse | Protocol::Http, message) => sse::decode(message),
        (Protocol::Native | Protocol::Channels | Protocol::Socketio, Message::Binary(_) | Message::Answer { .. }) => {
            Incoming::Other
        }
        (Protocol::Raw | Protocol::Echo, message) => plain::decode(message),
    }
}

/// What a client says first, where the protocol wants it to.
#[must_use]
pub fn greeting(protocol: Protocol) -> Option<&'static [u8]> {
    match protocol {
        Protocol::Socketio => Some(socketio::CONNECT),
        Protocol::Native | Protocol::Sse | Protocol::Http | Protocol::Channels | Protocol::Raw | Protocol::Echo => None,
    }
}

/// Whether a client has joined only when the server says so.
#[must_use]
pub fn is_welcomed(protocol: Protocol) -> bool {
    match protocol {
        Protocol::Native | Protocol::Socketio | Protocol::Sse => true,
        Protocol::Http | Protocol::Channels | Protocol::Raw | Protocol::Echo => false,
    }
}

/// Whether clients hear what is said; where they do not, the answer to a message is all that can come.
#[must_use]
pub fn is_heard(protocol: Protocol) -> bool {
    protocol != Protocol::Http
}

/// Whether clients are no WebSockets.
#[must_use]
pub fn is_by_http(protocol: Protocol) -> bool {
    matches!(protocol, Protocol::Sse | Protocol::Http)
}

/// Whether the server says what became of each message.
#[must_use]
pub fn has_acks(protocol: Protocol) -> bool {
    match protocol {
        Protocol::Native | Protocol::Sse | Protocol::Http => true,
        Protocol::Channels | Protocol::Socketio | Protocol::Raw | Protocol::Echo => false,
    }
}

/// The offset of a message that the room keeps, where there is one.
#[must_use]
pub fn offset(protocol: Protocol, message: Message<'_>) -> Option<u64> {
    match (protocol, message) {
        (Protocol::Native | Protocol::Sse, Message::Text(text)) => native::offset(text),
        _ => None,
    }
}
