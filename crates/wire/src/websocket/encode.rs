//! The server's frames: unmasked, so that all receivers get the same bytes.

use bytes::{BufMut, Bytes, BytesMut};

use super::close::{CloseCode, REASON_MAX_BYTES};
use super::types::{CONTROL_MAX_BYTES, Fin, Opcode};

/// Two bytes and a length of eight: a server's frame has no key.
const HEADER_MAX_BYTES: usize = 10;

/// The bytes before a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    bytes: [u8; HEADER_MAX_BYTES],
    len: u8,
}

impl AsRef<[u8]> for FrameHeader {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

/// The header of a server's frame, its length in the shortest form (RFC 6455
/// §5.2).
#[must_use]
pub fn frame_header(fin: Fin, opcode: Opcode, payload_bytes: usize) -> FrameHeader {
    let fin = match fin {
        Fin::More => 0,
        Fin::Last => 0b1000_0000,
    };
    let mut bytes = [0; HEADER_MAX_BYTES];
    bytes[0] = fin | opcode.bits();
    let len = match payload_bytes {
        0..=125 => {
            bytes[1] = payload_bytes as u8;
            2
        }
        126..=0xFFFF => {
            bytes[1] = 126;
            bytes[2..4].copy_from_slice(&(payload_bytes as u16).to_be_bytes());
            4
        }
        _ => {
            bytes[1] = 127;
            bytes[2..10].copy_from_slice(&(payload_bytes as u64).to_be_bytes());
            10
        }
    };
    FrameHeader { bytes, len }
}

/// Appends a message in one frame.
pub fn put_frame(out: &mut BytesMut, opcode: Opcode, payload: &[u8]) {
    let header = frame_header(Fin::Last, opcode, payload.len());
    out.reserve(header.as_ref().len() + payload.len());
    out.put_slice(header.as_ref());
    out.put_slice(payload);
}

/// Appends a message in one frame whose payload `put_payload` appends.
pub fn put_frame_with(out: &mut BytesMut, opcode: Opcode, put_payload: impl FnOnce(&mut BytesMut)) {
    let start = out.len();
    let payload_start = start + HEADER_MAX_BYTES;
    out.put_bytes(0, HEADER_MAX_BYTES);
    put_payload(out);
    let header = frame_header(Fin::Last, opcode, out.len() - payload_start);
    let header = header.as_ref();
    // The length is known afterwards only; moving a payload that is in the cache costs less than a buffer of its own.
    out[start..start + header.len()].copy_from_slice(header);
    out.copy_within(payload_start.., start + header.len());
    out.truncate(out.len() - (HEADER_MAX_BYTES - header.len()));
}

/// One frame of a message; its bytes are `header`, then `payload`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    /// The frame's header.
    pub header: Bytes,
    /// A part of the message, shared with it.
    pub payload: Bytes,
}

/// Cuts a message into frames of at most `fragment_max_bytes` each, so that
/// control frames can pass between them; the payload is not copied.
///
/// # Panics
///
/// When `fragment_max_bytes` is zero.
pub fn fragments(opcode: Opcode, payload: Bytes, fragment_max_bytes: usize) -> impl Iterator<Item = Fragment> {
    assert!(fragment_max_bytes > 0, "a fragment has to carry something");
    let mut rest = Some(payload);
    let mut opcode = opcode;
    std::iter::from_fn(move || {
        let mut payload = rest.take()?;
        let fin = if payload.len() > fragment_max_bytes {
            rest = Some(payload.split_off(fragment_max_bytes));
            Fin::More
        } else {
            Fin::Last
        };
        let header = frame_header(fin, opcode, payload.len());
        // RFC 6455 §5.4: only the first fragment says what the message is.
        opcode = Opcode::Continuation;
        Some(Fragment { header: Bytes::copy_from_slice(header.as_ref()), payload })
    })
}

/// A close frame; of a reason that is too long only the beginning is said.
#[must_use]
pub fn close_frame(code: CloseCode, reason: &str) -> Bytes {
    let reason = &reason[..reason.floor_char_boundary(REASON_MAX_BYTES)];
    let mut out = BytesMut::new();
    put_frame_with(&mut out, Opcode::Close, |out| {
        out.put_u16(code.as_u16());
        out.put_slice(reason.as_bytes());
    });
    out.freeze()
}

/// A close frame without a code, as the answer to one without a code.
#[must_use]
pub fn empty_close_frame() -> Bytes {
    control_frame(Opcode::Close, &[])
}

/// Asks for a pong with the same payload.
///
/// # Panics
///
/// When the payload is longer than [`CONTROL_MAX_BYTES`].
#[must_use]
pub fn ping_frame(payload: &[u8]) -> Bytes {
    control_frame(Opcode::Ping, payload)
}

/// Answers the ping with this payload.
///
/// # Panics
///
/// When the payload is longer than [`CONTROL_MAX_BYTES`], which that of an
/// [`Event::Ping`](super::Event::Ping) never is.
#[must_use]
pub fn pong_frame(payload: &[u8]) -> Bytes {
    control_frame(Opcode::Pong, payload)
}

fn control_frame(opcode: Opcode, payload: &[u8]) -> Bytes {
    assert!(payload.len() <= CONTROL_MAX_BYTES, "a control frame has {} bytes", payload.len());
    let mut out = BytesMut::new();
    put_frame(&mut out, opcode, payload);
    out.freeze()
}
