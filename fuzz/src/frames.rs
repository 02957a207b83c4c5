//! The WebSocket decoder: however its input is cut, and against a second
//! reading of RFC 6455.

use libfuzzer_sys::Corpus;
use wire::websocket::{Decoder, DecoderLimits, Event};

use crate::check::peak_of;
use crate::pieces::pieces;

/// What a decoder may hold beside the message under way: a control frame, and
/// the little that any allocation is rounded up to.
const MEMORY_SPARE_BYTES: usize = 512;

/// What a peer did, whatever reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(u16, Vec<u8>)>),
    /// The connection is to be closed, with this code.
    Wrong(u16),
}

/// Decodes the bytes behind five that say the limits and where it is cut.
///
/// # Panics
///
/// When it matters how the bytes are cut, or they mean something else to the
/// reference.
pub fn check_frames(input: &[u8]) -> Corpus {
    let Some((&[messages, text, announce, empty, seed], bytes)) = input.split_first_chunk() else {
        return Corpus::Reject;
    };
    let limits = DecoderLimits {
        message_max_bytes: usize::from(messages) * 300,
        text_max_bytes: usize::from(text) * 200,
        announce_min_bytes: 1 + usize::from(announce) * 16,
        empty_fragments_max: u32::from(empty % 8),
    };
    let ((), peak) = peak_of(|| decode(&limits, pieces(bytes, seed), drop));
    // While a buffer grows there are two: what it was, and at most twice the message.
    let memory_max_bytes = 3 * limits.message_max_bytes + MEMORY_SPARE_BYTES;
    assert!(peak <= memory_max_bytes, "{peak} bytes allocated where messages have {}", limits.message_max_bytes);
    let whole = events(&limits, std::iter::once(bytes));
    assert_eq!(events(&limits, pieces(bytes, seed)), whole, "it matters how the bytes are cut");
    assert_eq!(events(&limits, bytes.chunks(1)), whole, "it matters whether they come one by one");
    assert_eq!(
        whole.into_iter().filter_map(seen).collect::<Vec<_>>(),
        Reference { limits: &limits, rest: bytes }.read()
    );
    Corpus::Keep
}

/// All that a decoder says, the error as its close code.
fn events<'a>(limits: &DecoderLimits, pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Result<Event, u16>> {
    let mut events = Vec::new();
    decode(limits, pieces, |event| events.push(event));
    events
}

fn decode<'a>(
    limits: &DecoderLimits,
    pieces: impl Iterator<Item = &'a [u8]>,
    mut tell: impl FnMut(Result<Event, u16>),
) {
    let mut decoder = Decoder::new(limits.clone());
    for mut piece in pieces {
        loop {
            match decoder.next(&mut piece) {
                Ok(Some(event)) => tell(Ok(event)),
                Ok(None) => {
                    assert!(piece.is_empty(), "the decoder asks for more and leaves bytes behind");
                    break;
                }
                Err(error) => {
                    assert_eq!(decoder.next(&mut piece), Err(error), "an error is the end");
                    return tell(Err(error.close_code().as_u16()));
                }
            }
        }
    }
}

fn seen(event: Result<Event, u16>) -> Option<Seen> {
    Some(match event {
        Ok(Event::Begins { .. }) => return None,
        Ok(Event::Text(text)) => Seen::Text(text.as_bytes().to_vec()),
        Ok(Event::Binary(bytes)) => Seen::Binary(bytes.to_vec()),
        Ok(Event::Ping(payload)) => Seen::Ping(payload.as_ref().to_vec()),
        Ok(Event::Pong(payload)) => Seen::Pong(payload.as_ref().to_vec()),
        Ok(Event::Close(reason)) => {
            Seen::Close(reason.map(|reason| (reason.code.as_u16(), reason.text.as_bytes().to_vec())))
        }
        Err(code) => Seen::Wrong(code),
    })
}

const PROTOCOL: u16 = 1002;
const INVALID_PAYLOAD: u16 = 1007;
const POLICY: u16 = 1008;
const TOO_BIG: u16 = 1009;

/// RFC 6455, read from bytes that are all there.
struct Reference<'a> {
    limits: &'a DecoderLimits,
    rest: &'a [u8],
}

/// A message under way.
#[derive(Default)]
struct Partial {
    is_text: bool,
    payload: Vec<u8>,
    empty_fragments: u32,
}

impl Reference<'_> {
    fn read(mut self) -> Vec<Seen> {
        let mut seen = Vec::new();
        let mut partial = None;
        loop {
            match self.frame(&mut partial) {
                Ok(None) => return seen,
                Ok(Some(None)) => {}
                Ok(Some(Some(one))) => {
                    let is_last = matches!(one, Seen::Close(_));
                    seen.push(one);
                    if is_last {
                        return seen;
                    }
                }
                Err(code) => {
                    seen.push(Seen::Wrong(code));
                    return seen;
                }
            }
        }
    }

    /// Takes a frame; `None` when it is not all there, `Some(None)` when it
    /// completes nothing.
    fn frame(&mut self, partial: &mut Option<Partial>) -> Result<Option<Option<Seen>>, u16> {
        let &[first, second, ref rest @ ..] = self.rest else { return Ok(None) };
        let (is_last, opcode, length) = (first & 0x80 != 0, first & 0x0F, second & 0x7F);
        let is_control = opcode >= 8;
        // §5.2, §5.1, §5.5.
        if first & 0x70 != 0 || !matches!(opcode, 0..=2 | 8..=10) || second & 0x80 == 0 {
            return Err(PROTOCOL);
        }
        if is_control && (!is_last || length > 125) {
            return Err(PROTOCOL);
        }
        let extended = [0, 2, 8][usize::from(length > 125) + usize::from(length > 126)];
        let Some((header, rest)) = rest.split_at_checked(extended + 4) else { return Ok(None) };
        let (extension, key) = header.split_at(extended);
        let long = extension.iter().fold(0_u64, |long, byte| long << 8 | u64::from(*byte));
        let bytes = if extended == 0 { u64::from(length) } else { long };
        // §5.2: the minimal number of bytes, and the highest bit is 0.
        if bytes >> 63 != 0 || (extended == 2 && bytes < 126) || (extended == 8 && bytes < 1 << 16) {
            return Err(PROTOCOL);
        }
        if !is_control {
            self.grow(partial, opcode, is_last, bytes)?;
        }
        let there = rest.len().min(usize::try_from(bytes).unwrap_or(usize::MAX));
        let is_whole = there as u64 == bytes;
        let payload: Vec<u8> = rest[..there].iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
        self.rest = &rest[there..];
        if is_control {
            return if is_whole { control(opcode, payload).map(|seen| Some(Some(seen))) } else { Ok(None) };
        }
        let message = partial.as_mut().expect("a data frame has a message");
        message.payload.extend(payload);
        // §8.1; what may still become a character is waited for.
        let is_complete = is_last && is_whole;
        let fault = str::from_utf8(&message.payload).err();
        if message.is_text && fault.is_some_and(|fault| fault.error_len().is_some() || is_complete) {
            return Err(INVALID_PAYLOAD);
        }
        if !is_whole {
            return Ok(None);
        }
        if !is_last {
            return Ok(Some(None));
        }
        let Partial { is_text, payload, .. } = partial.take().expect("it was there");
        Ok(Some(Some(if is_text { Seen::Text(payload) } else { Seen::Binary(payload) })))
    }

    /// Judges a frame of a message by its header.
    fn grow(&self, partial: &mut Option<Partial>, opcode: u8, is_last: bool, bytes: u64) -> Result<(), u16> {
        // §5.4.
        if (opcode == 0) != partial.is_some() {
            return Err(PROTOCOL);
        }
        let message = partial.get_or_insert_with(|| Partial { is_text: opcode == 1, ..Partial::default() });
        let limits = self.limits;
        let text_max = if message.is_text { limits.text_max_bytes } else { usize::MAX };
        if message.payload.len() as u64 + bytes > text_max.min(limits.message_max_bytes) as u64 {
            return Err(TOO_BIG);
        }
        message.empty_fragments += u32::from(bytes == 0 && !is_last);
        if message.empty_fragments > limits.empty_fragments_max { Err(POLICY) } else { Ok(()) }
    }
}

fn control(opcode: u8, payload: Vec<u8>) -> Result<Seen, u16> {
    if opcode == 9 {
        return Ok(Seen::Ping(payload));
    }
    if opcode == 10 {
        return Ok(Seen::Pong(payload));
    }
    // §5.5.1, §7.4.
    let (code, text) = match payload[..] {
        [] => return Ok(Seen::Close(None)),
        [_] => return Err(PROTOCOL),
        [high, low, ref text @ ..] => (u16::from_be_bytes([high, low]), text),
    };
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(PROTOCOL);
    }
    if str::from_utf8(text).is_err() { Err(INVALID_PAYLOAD) } else { Ok(Seen::Close(Some((code, text.to_vec())))) }
}
