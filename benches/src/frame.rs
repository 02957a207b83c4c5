//! WebSocket frames from the client's side, as plainly as can be.

/// The key that all frames are masked with. A browser takes a new one for
/// each frame (RFC 6455 §5.3); the cost to the server is the same.
pub const MASK: [u8; 4] = [0x5a, 0xc3, 0x17, 0xe8];

/// What a frame is, by its four bits (RFC 6455 §5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opcode {
    /// A text message.
    Text = 0x1,
    /// A binary message.
    Binary = 0x2,
    /// Asks for a pong.
    Ping = 0x9,
    /// Answers a ping, or is a sign of life.
    Pong = 0xA,
}

/// A message of a client in one frame.
#[must_use]
pub fn masked_frame(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0b1000_0000 | opcode as u8];
    match payload.len() {
        len @ 0..=125 => frame.push(0b1000_0000 | len as u8),
        len @ 126..=0xFFFF => {
            frame.push(0b1000_0000 | 126);
            frame.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            frame.push(0b1000_0000 | 127);
            frame.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

/// Many equal messages, each with a sequence number as the first
/// [`SEQUENCE_BYTES`] of its payload.
#[derive(Debug)]
pub struct Burst {
    frames: Vec<u8>,
    frame_bytes: usize,
    payload_start: usize,
}

/// Bytes of a payload that hold the sequence number.
pub const SEQUENCE_BYTES: usize = 8;

impl Burst {
    /// Binary messages of `payload_bytes` each, at most `messages` at once.
    ///
    /// # Panics
    ///
    /// When there is no room for the sequence number.
    #[must_use]
    pub fn new(messages: usize, payload_bytes: usize) -> Self {
        assert!(payload_bytes >= SEQUENCE_BYTES, "{payload_bytes} bytes hold no sequence number");
        let frame = masked_frame(Opcode::Binary, &vec![b'x'; payload_bytes]);
        Self { frames: frame.repeat(messages), frame_bytes: frame.len(), payload_start: frame.len() - payload_bytes }
    }

    /// How many messages it holds at most.
    #[must_use]
    pub fn messages_max(&self) -> usize {
        self.frames.len() / self.frame_bytes
    }

    /// The first `messages` of the burst, numbered from `sequence`.
    pub fn numbered(&mut self, sequence: u64, messages: usize) -> &[u8] {
        let frames = &mut self.frames[..messages * self.frame_bytes];
        for (number, frame) in (sequence..).zip(frames.chunks_exact_mut(self.frame_bytes)) {
            let place = &mut frame[self.payload_start..][..SEQUENCE_BYTES];
            for ((place, byte), key) in place.iter_mut().zip(number.to_be_bytes()).zip(MASK.iter().cycle()) {
                *place = byte ^ key;
            }
        }
        frames
    }
}

/// A frame of the server.
#[derive(Debug, PartialEq, Eq)]
pub struct ServerFrame<'a> {
    /// The whole first byte: fragments and reserved bits are none of what a
    /// bench expects.
    pub first_byte: u8,
    /// What it carries.
    pub payload: &'a [u8],
}

/// Splits a whole frame off the front; `None` when it is not complete yet.
///
/// # Panics
///
/// When it is masked, or larger than memory.
#[must_use]
pub fn split_frame(input: &[u8]) -> Option<(ServerFrame<'_>, &[u8])> {
    let (&[first_byte, len], rest) = input.split_first_chunk()?;
    // RFC 6455 §5.1: a server does not mask, so that the second byte is the length alone.
    let (payload_bytes, rest) = match len {
        126 => {
            let (len, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_be_bytes(*len)), rest)
        }
        127 => {
            let (len, rest) = rest.split_first_chunk()?;
            (usize::try_from(u64::from_be_bytes(*len)).expect("the server said what fits into memory"), rest)
        }
        128.. => panic!("the server sent a frame that is masked"),
        len => (usize::from(len), rest),
    };
    let (payload, rest) = rest.split_at_checked(payload_bytes)?;
    Some((ServerFrame { first_byte, payload }, rest))
}

#[cfg(test)]
mod tests {
    use wire::websocket::{Decoder, DecoderLimits, Event, put_frame};

    use super::*;

    fn decode(mut input: &[u8]) -> Vec<Event> {
        let mut decoder = Decoder::new(DecoderLimits { announce_min_bytes: usize::MAX, ..DecoderLimits::default() });
        let events = std::iter::from_fn(|| decoder.next(&mut input).unwrap()).collect();
        assert_eq!(input, b"");
        events
    }

    #[test]
    fn the_server_understands_a_masked_frame_of_either_length_form() {
        for bytes in [0, 1, 125, 126, 65_535, 65_536] {
            let payload = vec![b'a'; bytes];
            let events = decode(&masked_frame(Opcode::Binary, &payload));
            assert_eq!(events, [Event::Binary(payload.into())]);
        }
    }

    #[test]
    fn the_messages_of_a_burst_are_numbered_in_order() {
        let mut burst = Burst::new(4, 20);
        burst.numbered(1, 4);
        let events = decode(burst.numbered(250, 3));
        let payloads = [250_u64, 251, 252].map(|number| [&number.to_be_bytes()[..], &[b'x'; 12]].concat());
        assert_eq!(events, payloads.map(|payload| Event::Binary(payload.into())));
    }

    #[test]
    fn a_frame_of_the_server_is_split_off_once_it_is_complete() {
        for bytes in [0, 125, 126, 1000, 65_536] {
            let payload = vec![b'a'; bytes];
            let mut frames = bytes::BytesMut::new();
            put_frame(&mut frames, wire::websocket::Opcode::Binary, &payload);
            let frame_bytes = frames.len();
            for cut in (0..frame_bytes.min(1100)).chain([frame_bytes - 1]) {
                assert_eq!(split_frame(&frames[..cut]), None, "{bytes} bytes cut at {cut}");
            }
            frames.extend_from_slice(b"next");
            let frame = ServerFrame { first_byte: 0x82, payload: &payload };
            assert_eq!(split_frame(&frames), Some((frame, &b"next"[..])));
        }
    }
}
