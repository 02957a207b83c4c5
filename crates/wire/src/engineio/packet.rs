//! One packet: a digit and, with some kinds, text; or bytes.

use bytes::{BufMut, Bytes, BytesMut};
use thiserror::Error;

use crate::utf8::Utf8;

/// Asks the client for a sign of life.
pub const PING: &str = "2";
/// Says that the session is over.
pub const CLOSE: &str = "1";
/// Says nothing; answers a long poll that is to end.
pub const NOOP: &str = "6";
/// What a client asks on a WebSocket before it moves its session there.
pub const PROBE: &str = "probe";
/// The answer to it.
pub const PROBE_ANSWER: &str = "3probe";

/// What one side tells the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet {
    /// The session begins: JSON, from the server.
    Open(Utf8),
    /// The session is over.
    Close,
    /// Asks for a pong; with text it is a probe.
    Ping(Utf8),
    /// Answers a ping.
    Pong(Utf8),
    /// A text message.
    Message(Utf8),
    /// From here on the session is on this transport.
    Upgrade,
    /// Nothing.
    Noop,
    /// A binary message: it has no digit.
    Binary(Bytes),
}

/// Why something is no packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PacketError {
    /// Not even a digit.
    #[error("an empty packet")]
    Empty,
    /// A first character that stands for no kind.
    #[error("a packet of an unknown kind")]
    UnknownKind,
    /// A `b` with something else behind it than base64.
    #[error("a binary packet that is not base64")]
    NotBase64,
}

impl Packet {
    /// Reads a packet that came as text; what stands behind a kind that
    /// carries nothing is dropped.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn parse(text: &Utf8) -> Result<Self, PacketError> {
        let kind = text.as_bytes().first().ok_or(PacketError::Empty)?;
        // A digit is a whole character, and so is what `tail` begins with.
        let rest = || text.tail(1);
        Ok(match kind {
            b'0' => Self::Open(rest()),
            b'1' => Self::Close,
            b'2' => Self::Ping(rest()),
            b'3' => Self::Pong(rest()),
            b'4' => Self::Message(rest()),
            b'5' => Self::Upgrade,
            b'6' => Self::Noop,
            _ => return Err(PacketError::UnknownKind),
        })
    }

    /// Appends it as text; nothing for bytes, which have no such form.
    pub fn put_text(&self, out: &mut BytesMut) {
        let (kind, rest) = match self {
            Self::Open(json) => (b'0', json.as_str()),
            Self::Close => (b'1', ""),
            Self::Ping(text) => (b'2', text.as_str()),
            Self::Pong(text) => (b'3', text.as_str()),
            Self::Message(text) => (b'4', text.as_str()),
            Self::Upgrade => (b'5', ""),
            Self::Noop => (b'6', ""),
            Self::Binary(_) => return,
        };
        out.put_u8(kind);
        out.put_slice(rest.as_bytes());
    }
}
