//! What a peer can do wrong, and the code that tells it.

use thiserror::Error;

use super::close::CloseCode;

/// A violation of the protocol or of a bound; the connection is to be closed
/// with [`close_code`](Self::close_code).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ProtocolError {
    /// RFC 6455 §5.1: a client masks every frame.
    #[error("the frame is not masked")]
    Unmasked,
    /// RFC 6455 §5.2: no extension was agreed on.
    #[error("a reserved bit is set (first byte {first_byte:#04x})")]
    ReservedBit {
        /// The byte with FIN, the bits and the opcode.
        first_byte: u8,
    },
    /// RFC 6455 §5.2: 3 to 7 and 0xB to 0xF.
    #[error("opcode {opcode:#x} is reserved")]
    ReservedOpcode {
        /// The opcode's four bits.
        opcode: u8,
    },
    /// RFC 6455 §5.4: there is no message to go on with.
    #[error("continuation of no message")]
    StrayContinuation,
    /// RFC 6455 §5.4: messages are not interleaved.
    #[error("a message begins inside another one")]
    MessageInsideMessage,
    /// RFC 6455 §5.5.
    #[error("a control frame is fragmented")]
    FragmentedControl,
    /// RFC 6455 §5.5.
    #[error("a control frame has more than 125 bytes")]
    LongControl,
    /// RFC 6455 §5.2: the most significant bit of a 64-bit length is 0.
    #[error("payload length {payload_bytes:#x} has its highest bit set")]
    LengthOverflow {
        /// As declared.
        payload_bytes: u64,
    },
    /// RFC 6455 §5.2: the shortest form of a length is the only one.
    #[error("payload length {payload_bytes} is not in its shortest form")]
    NonMinimalLength {
        /// As declared.
        payload_bytes: u64,
    },
    /// RFC 6455 §5.5.1: a close frame has no payload or at least two bytes.
    #[error("the close code is cut")]
    CutCloseCode,
    /// RFC 6455 §7.4.
    #[error("close code {code} may not be sent")]
    InvalidCloseCode {
        /// As sent.
        code: u16,
    },
    /// RFC 6455 §8.1.
    #[error("the text is not UTF-8")]
    TextNotUtf8,
    /// RFC 6455 §8.1 and §5.5.1.
    #[error("the close reason is not UTF-8")]
    ReasonNotUtf8,
    /// A message is, or would become, larger than allowed.
    #[error("the message has {message_bytes} bytes or more, {message_max_bytes} are allowed")]
    TooBig {
        /// What came and what was declared so far.
        message_bytes: u64,
        /// The bound.
        message_max_bytes: usize,
    },
    /// A message that costs work without getting on.
    #[error("the message has more than {empty_fragments_max} empty fragments")]
    TooManyEmptyFragments {
        /// The bound.
        empty_fragments_max: u32,
    },
}

impl ProtocolError {
    /// What the close frame has to say.
    #[must_use]
    pub fn close_code(self) -> CloseCode {
        match self {
            Self::Unmasked
            | Self::ReservedBit { .. }
            | Self::ReservedOpcode { .. }
            | Self::StrayContinuation
            | Self::MessageInsideMessage
            | Self::FragmentedControl
            | Self::LongControl
            | Self::LengthOverflow { .. }
            | Self::NonMinimalLength { .. }
            | Self::CutCloseCode
            | Self::InvalidCloseCode { .. } => CloseCode::PROTOCOL,
            Self::TextNotUtf8 | Self::ReasonNotUtf8 => CloseCode::INVALID_PAYLOAD,
            Self::TooBig { .. } => CloseCode::TOO_BIG,
            Self::TooManyEmptyFragments { .. } => CloseCode::POLICY,
        }
    }
}
