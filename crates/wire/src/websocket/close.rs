//! Why a connection ends, as a close frame says it (RFC 6455 §7.4).

use bytes::Bytes;

use super::error::ProtocolError;
use super::types::CONTROL_MAX_BYTES;
use crate::utf8::Utf8;

/// What a control frame leaves beside the code.
pub const REASON_MAX_BYTES: usize = CONTROL_MAX_BYTES - 2;

/// The number in a close frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CloseCode(u16);

impl CloseCode {
    /// The purpose is fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// The peer broke the protocol.
    pub const PROTOCOL: Self = Self(1002);
    /// A kind of message that the door does not take.
    pub const UNSUPPORTED_DATA: Self = Self(1003);
    /// Text that is not UTF-8.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// The peer goes on doing what is not allowed.
    pub const POLICY: Self = Self(1008);
    /// A message above the bound.
    pub const TOO_BIG: Self = Self(1009);
    /// The server is at fault.
    pub const INTERNAL: Self = Self(1011);
    /// The server stops or restarts: come back.
    pub const RESTART: Self = Self(1012);
    /// Try again later.
    pub const OVERLOADED: Self = Self(1013);
    /// The peer read too slowly: what it missed is not kept for it here.
    pub const TOO_SLOW: Self = Self(4001);

    /// The number.
    #[must_use]
    pub fn as_u16(self) -> u16 {
        self.0
    }

    /// What a peer may send.
    fn from_peer(code: u16) -> Option<Self> {
        // RFC 6455 §7.4.1 and the IANA registry: 1004 is reserved, 1005, 1006 and 1015 never stand on the wire, and
        // nothing is assigned from 1016 on; §7.4.2: 3000 to 4999 are for libraries and applications.
        matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999).then_some(Self(code))
    }
}

/// Why a peer closes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseReason {
    /// The number.
    pub code: CloseCode,
    /// A few words for people; may be empty.
    pub text: Utf8,
}

impl CloseReason {
    pub(super) fn parse(payload: &Bytes) -> Result<Option<Self>, ProtocolError> {
        let &[high, low, ..] = payload.as_ref() else {
            // RFC 6455 §5.5.1: a payload begins with a code of two bytes.
            return if payload.is_empty() { Ok(None) } else { Err(ProtocolError::CutCloseCode) };
        };
        let code = u16::from_be_bytes([high, low]);
        let code = CloseCode::from_peer(code).ok_or(ProtocolError::InvalidCloseCode { code })?;
        let text = Utf8::try_from(payload.slice(2..)).map_err(|_| ProtocolError::ReasonNotUtf8)?;
        Ok(Some(Self { code, text }))
    }
}
