//! The nouns of the protocol.

use bytes::Bytes;

use super::close::CloseReason;
use crate::utf8::Utf8;

/// RFC 6455 §5.5: a control frame carries at most 125 bytes.
pub const CONTROL_MAX_BYTES: usize = 125;

/// What a frame is (RFC 6455 §5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opcode {
    /// Goes on with the message under way.
    Continuation,
    /// Begins a text message.
    Text,
    /// Begins a binary message.
    Binary,
    /// The sender will send nothing more.
    Close,
    /// Asks for a pong.
    Ping,
    /// Answers a ping, or is a sign of life.
    Pong,
}

impl Opcode {
    /// The four bits on the wire.
    #[must_use]
    pub fn bits(self) -> u8 {
        match self {
            Self::Continuation => 0x0,
            Self::Text => 0x1,
            Self::Binary => 0x2,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xA,
        }
    }

    pub(super) fn from_bits(bits: u8) -> Option<Self> {
        match bits {
            0x0 => Some(Self::Continuation),
            0x1 => Some(Self::Text),
            0x2 => Some(Self::Binary),
            0x8 => Some(Self::Close),
            0x9 => Some(Self::Ping),
            0xA => Some(Self::Pong),
            _ => None,
        }
    }

    /// Whether it is about the connection rather than part of a message.
    #[must_use]
    pub fn is_control(self) -> bool {
        match self {
            Self::Continuation | Self::Text | Self::Binary => false,
            Self::Close | Self::Ping | Self::Pong => true,
        }
    }
}

/// Whether a frame ends its message: the FIN bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fin {
    /// Fragments follow.
    More,
    /// The message is complete.
    Last,
}

/// Bounds on what a peer may send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecoderLimits {
    /// Payload of one message, all fragments together.
    pub message_max_bytes: usize,
    /// The same for text alone, where that is to be less.
    pub text_max_bytes: usize,
    /// So much of one message is announced by [`Event::Begins`] before it is
    /// taken in.
    pub announce_min_bytes: usize,
    /// Fragments of one message, before its last, that carry nothing.
    pub empty_fragments_max: u32,
}

impl Default for DecoderLimits {
    /// 1 MiB a message; 64 KiB are announced; 1,024 empty fragments.
    fn default() -> Self {
        Self {
            message_max_bytes: 1 << 20,
            text_max_bytes: usize::MAX,
            announce_min_bytes: 64 << 10,
            empty_fragments_max: 1024,
        }
    }
}

/// What a peer did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// That many further bytes of a message are declared and come next; none
    /// of them has been taken in.
    ///
    /// Sent for a frame of [`DecoderLimits::announce_min_bytes`] or more, and
    /// whenever smaller fragments have summed up to it.
    Begins {
        /// Bytes of the message since its last announcement.
        message_bytes: usize,
    },
    /// A text message.
    Text(Utf8),
    /// A binary message.
    Binary(Bytes),
    /// Wants to be answered by a pong with the same payload.
    Ping(ControlPayload),
    /// An answer to a ping, asked for or not.
    Pong(ControlPayload),
    /// The peer says good-bye; nothing comes after it.
    Close(Option<CloseReason>),
}

/// Up to [`CONTROL_MAX_BYTES`] that go with a ping or pong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ControlPayload(pub(super) Bytes);

impl AsRef<[u8]> for ControlPayload {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}
