//! WebSocket frames as a client sees them (RFC 6455 §5): strict with what comes, quick with what goes.

use thiserror::Error;

/// RFC 6455 §5.5: a control frame carries at most 125 bytes.
const CONTROL_MAX_BYTES: usize = 125;
/// Two bytes, a length of eight, a key of four.
const HEADER_MAX_BYTES: usize = 14;

/// What a frame is (RFC 6455 §5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the standard")]
pub enum Opcode {
    Continuation = 0x0,
    Text = 0x1,
    Binary = 0x2,
    Close = 0x8,
    Ping = 0x9,
    Pong = 0xA,
}

impl Opcode {
    fn from_bits(bits: u8) -> Option<Self> {
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

    fn is_control(self) -> bool {
        match self {
            Self::Continuation | Self::Text | Self::Binary => false,
            Self::Close | Self::Ping | Self::Pong => true,
        }
    }
}

/// A whole frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Whether it ends its message.
    pub is_last: bool,
    /// What it is.
    pub opcode: Opcode,
    /// What it carries.
    pub payload: &'a [u8],
}

/// What the server did wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum FrameError {
    #[error("a frame with an RSV bit, and no extension was agreed on")]
    Reserved,
    #[error("a frame with the unknown opcode {0}")]
    Opcode(u8),
    #[error("a masked frame")]
    Masked,
    #[error("a control frame that is fragmented or longer than 125 bytes")]
    Control,
    #[error("a length that is not in its shortest form, or has its highest bit set")]
    Length,
    #[error("a message of {bytes} bytes, over {max_bytes}")]
    TooLarge { bytes: u64, max_bytes: usize },
    #[error("a fragment without a beginning")]
    StrayContinuation,
    #[error("a message inside the fragments of another")]
    MessageInsideMessage,
    #[error("text that is not UTF-8")]
    NotUtf8,
}

/// Splits the first frame off `input`; `Ok(Err(bytes))` means that it is not complete, and how many
/// bytes are needed in all as far as is known.
///
/// # Errors
///
/// As soon as the header proves the frame wrong or larger than `max_bytes`.
pub fn parse(input: &[u8], max_bytes: usize) -> Result<Result<(Frame<'_>, usize), usize>, FrameError> {
    let &[first, second, ..] = input else { return Ok(Err(2)) };
    if first & 0b0111_0000 != 0 {
        return Err(FrameError::Reserved);
    }
    let opcode = Opcode::from_bits(first & 0x0F).ok_or(FrameError::Opcode(first & 0x0F))?;
    let is_last = first & 0x80 != 0;
    // RFC 6455 §5.1: a server does not mask.
    if second & 0x80 != 0 {
        return Err(FrameError::Masked);
    }
    if opcode.is_control() && (!is_last || usize::from(second) > CONTROL_MAX_BYTES) {
        return Err(FrameError::Control);
    }
    let (start, bytes, bytes_min) = match (second, input) {
        (126, &[_, _, a, b, ..]) => (4, u64::from(u16::from_be_bytes([a, b])), 126),
        (126, _) => return Ok(Err(4)),
        (127, &[_, _, a, b, c, d, e, f, g, h, ..]) => (10, u64::from_be_bytes([a, b, c, d, e, f, g, h]), 1 << 16),
        (127, _) => return Ok(Err(10)),
        (bytes, _) => (2, u64::from(bytes), 0),
    };
    if bytes < bytes_min || bytes >> 63 != 0 {
        return Err(FrameError::Length);
    }
    if bytes > max_bytes as u64 {
        return Err(FrameError::TooLarge { bytes, max_bytes });
    }
    // Compared with a `usize` above.
    let end = start + bytes as usize;
    match input.get(start..end) {
        Some(payload) => Ok(Ok((Frame { is_last, opcode, payload }, end))),
        None => Ok(Err(end)),
    }
}

/// Appends a frame, masked with `key` (RFC 6455 §5.3).
pub fn put(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8], key: [u8; 4]) {
    out.reserve(HEADER_MAX_BYTES + payload.len());
    out.push(0x80 | opcode as u8);
    match payload.len() {
        bytes @ 0..=125 => out.push(0x80 | bytes as u8),
        bytes @ 126..=0xFFFF => {
            out.push(0x80 | 126);
            out.extend_from_slice(&(bytes as u16).to_be_bytes());
        }
        bytes => {
            out.push(0x80 | 127);
            out.extend_from_slice(&(bytes as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&key);
    let start = out.len();
    out.extend_from_slice(payload);
    let [a, b, c, d] = key;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, tail) = out[start..].as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, key) in tail.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wire::websocket::{Decoder, DecoderLimits, Event};

    use super::*;

    fn check(input: &[u8], expected: Result<Result<(Frame<'_>, usize), usize>, FrameError>) {
        assert_eq!(parse(input, 1000), expected, "{input:02x?}");
    }

    #[test]
    fn frames_are_split_off() {
        let text = Frame { is_last: true, opcode: Opcode::Text, payload: b"Hello" };
        check(b"\x81\x05Hello", Ok(Ok((text, 7))));
        check(b"\x81\x05Hello\x81", Ok(Ok((text, 7))));
        check(b"\x81\x05Hell", Ok(Err(7)));
        check(b"\x81", Ok(Err(2)));
        check(b"\x82\x7E\x01", Ok(Err(4)));
        check(b"\x82\x7F", Ok(Err(10)));
        check(b"\x01\x00", Ok(Ok((Frame { is_last: false, opcode: Opcode::Text, payload: b"" }, 2))));
    }

    #[test]
    fn what_a_server_may_not_send_is_refused_by_its_header() {
        check(b"\xC1\x05", Err(FrameError::Reserved));
        check(b"\x83\x05", Err(FrameError::Opcode(3)));
        check(b"\x81\x85", Err(FrameError::Masked));
        check(b"\x09\x00", Err(FrameError::Control));
        check(b"\x89\x7E", Err(FrameError::Control));
        check(b"\x81\x7E\x00\x05", Err(FrameError::Length));
        check(b"\x81\x7E\x03\xE9", Err(FrameError::TooLarge { bytes: 1001, max_bytes: 1000 }));
        check(b"\x81\x7F\x80\x00\x00\x00\x00\x00\x00\x00", Err(FrameError::Length));
    }

    proptest! {
        #[test]
        fn a_server_reads_what_is_put(payload in prop::collection::vec(any::<u8>(), 0..70_000), key: [u8; 4]) {
            let mut out = Vec::new();
            put(&mut out, Opcode::Binary, &payload, key);
            let mut decoder = Decoder::new(DecoderLimits::default());
            let mut input = &out[..];
            let mut event = decoder.next(&mut input).unwrap();
            if let Some(Event::Begins { .. }) = event {
                event = decoder.next(&mut input).unwrap();
            }
            prop_assert_eq!(event, Some(Event::Binary(payload.into())));
        }

        #[test]
        fn whatever_comes_does_not_panic(input in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = parse(&input, 1000);
        }
    }
}
