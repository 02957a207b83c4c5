//! From a stream of bytes to messages and control frames.

use bytes::Bytes;

use super::close::CloseReason;
use super::error::ProtocolError;
use super::frame::{Header, HeaderBytes};
use super::mask::Mask;
use super::types::{ControlPayload, DecoderLimits, Event, Fin, Opcode};
use crate::utf8::Utf8;

/// Takes a client's bytes in, however they are cut.
///
/// Between messages it holds nothing on the heap.
#[derive(Debug)]
pub struct Decoder {
    limits: DecoderLimits,
    state: State,
    header: HeaderBytes,
    /// The message that has begun; control frames may come between its
    /// fragments.
    message: Option<Message>,
    /// Payload of the control frame under way, in its full length.
    control: Box<[u8]>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Header,
    Payload(Frame),
    Closed,
    Failed(ProtocolError),
}

/// A frame whose payload is not complete.
#[derive(Debug, Clone, Copy)]
struct Frame {
    fin: Fin,
    opcode: Opcode,
    mask: Mask,
    missing_bytes: usize,
}

/// A message that is not complete.
#[derive(Debug)]
struct Message {
    kind: Kind,
    payload: Vec<u8>,
    /// Bytes at the end that may be the beginning of a character.
    unchecked_bytes: u8,
    unannounced_bytes: usize,
    empty_fragments: u32,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Text,
    Binary,
}

impl Decoder {
    /// A decoder at the beginning of a connection.
    #[must_use]
    pub fn new(limits: DecoderLimits) -> Self {
        Self { limits, state: State::Header, header: HeaderBytes::default(), message: None, control: Box::default() }
    }

    /// Takes bytes off the front of `input` up to the next event; `Ok(None)`
    /// means that all were taken and more are needed.
    ///
    /// # Errors
    ///
    /// As soon as the bytes prove the peer wrong; from then on always the
    /// same.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Event>, ProtocolError> {
        let event = self.advance(input);
        if let Err(error) = event {
            self.end(State::Failed(error));
        }
        event
    }

    /// Whether a message has begun and is not complete.
    #[must_use]
    pub fn is_mid_message(&self) -> bool {
        self.message.is_some()
    }

    fn advance(&mut self, input: &mut &[u8]) -> Result<Option<Event>, ProtocolError> {
        loop {
            match self.state {
                State::Header => {
                    let Some(header) = self.header.take(input)? else { return Ok(None) };
                    if let Some(event) = self.begin_frame(header)? {
                        return Ok(Some(event));
                    }
                }
                State::Payload(frame) => {
                    if !self.take_payload(frame, input)? {
                        return Ok(None);
                    }
                    self.state = State::Header;
                    if let Some(event) = self.end_frame(frame)? {
                        return Ok(Some(event));
                    }
                }
                State::Closed => {
                    // RFC 6455 §5.5.1: what comes after a close frame is not looked at.
                    *input = &[];
                    return Ok(None);
                }
                State::Failed(error) => return Err(error),
            }
        }
    }

    fn begin_frame(&mut self, header: Header) -> Result<Option<Event>, ProtocolError> {
        let Header { fin, opcode, payload_bytes, mask } = header;
        let announced_bytes = match opcode {
            Opcode::Text => self.begin_message(Kind::Text, fin, payload_bytes)?,
            Opcode::Binary => self.begin_message(Kind::Binary, fin, payload_bytes)?,
            Opcode::Continuation => {
                let message = self.message.as_mut().ok_or(ProtocolError::StrayContinuation)?;
                message.grow(fin, payload_bytes, &self.limits)?
            }
            Opcode::Close | Opcode::Ping | Opcode::Pong => {
                self.control = vec![0; payload_bytes as usize].into(); // at most CONTROL_MAX_BYTES
                None
            }
        };
        // Every length was compared with a `usize`.
        self.state = State::Payload(Frame { fin, opcode, mask, missing_bytes: payload_bytes as usize });
        Ok(announced_bytes.map(|message_bytes| Event::Begins { message_bytes }))
    }

    fn begin_message(&mut self, kind: Kind, fin: Fin, payload_bytes: u64) -> Result<Option<usize>, ProtocolError> {
        if self.message.is_some() {
            return Err(ProtocolError::MessageInsideMessage);
        }
        let message =
            Message { kind, payload: Vec::new(), unchecked_bytes: 0, unannounced_bytes: 0, empty_fragments: 0 };
        self.message.insert(message).grow(fin, payload_bytes, &self.limits)
    }

    /// Whether the payload is complete.
    fn take_payload(&mut self, mut frame: Frame, input: &mut &[u8]) -> Result<bool, ProtocolError> {
        let (taken, rest) = input.split_at(frame.missing_bytes.min(input.len()));
        *input = rest;
        if frame.opcode.is_control() {
            let start = self.control.len() - frame.missing_bytes;
            let place = &mut self.control[start..start + taken.len()];
            place.copy_from_slice(taken);
            frame.mask.apply(place);
        } else {
            self.message.as_mut().expect("a data frame belongs to a message").append(taken, &mut frame)?;
        }
        frame.missing_bytes -= taken.len();
        self.state = State::Payload(frame);
        Ok(frame.missing_bytes == 0)
    }

    fn end_frame(&mut self, frame: Frame) -> Result<Option<Event>, ProtocolError> {
        match frame.opcode {
            Opcode::Ping => Ok(Some(Event::Ping(ControlPayload(self.take_control())))),
            Opcode::Pong => Ok(Some(Event::Pong(ControlPayload(self.take_control())))),
            Opcode::Close => {
                let reason = CloseReason::parse(&self.take_control())?;
                self.end(State::Closed);
                Ok(Some(Event::Close(reason)))
            }
            Opcode::Continuation | Opcode::Text | Opcode::Binary if frame.fin == Fin::More => Ok(None),
            Opcode::Continuation | Opcode::Text | Opcode::Binary => {
                self.message.take().map(Message::finish).transpose()
            }
        }
    }

    fn take_control(&mut self) -> Bytes {
        std::mem::take(&mut self.control).into()
    }

    fn end(&mut self, state: State) {
        self.state = state;
        self.message = None;
        self.control = Box::default();
    }
}

impl Message {
    /// Checks a frame of this message by its header; returns how many bytes
    /// are to be announced.
    fn grow(&mut self, fin: Fin, payload_bytes: u64, limits: &DecoderLimits) -> Result<Option<usize>, ProtocolError> {
        let message_max_bytes = match self.kind {
            Kind::Text => limits.text_max_bytes.min(limits.message_max_bytes),
            Kind::Binary => limits.message_max_bytes,
        };
        let message_bytes = self.payload.len() as u64 + payload_bytes; // the latter is below 2^63
        if message_bytes > message_max_bytes as u64 {
            return Err(ProtocolError::TooBig { message_bytes, message_max_bytes });
        }
        if payload_bytes == 0 && fin == Fin::More {
            self.empty_fragments += 1;
            if self.empty_fragments > limits.empty_fragments_max {
                let empty_fragments_max = limits.empty_fragments_max;
                return Err(ProtocolError::TooManyEmptyFragments { empty_fragments_max });
            }
        }
        self.unannounced_bytes += payload_bytes as usize;
        if self.unannounced_bytes < limits.announce_min_bytes {
            return Ok(None);
        }
        Ok(Some(std::mem::take(&mut self.unannounced_bytes)))
    }

    fn append(&mut self, masked: &[u8], frame: &mut Frame) -> Result<(), ProtocolError> {
        if masked.is_empty() {
            return Ok(());
        }
        // Not before its first byte came, so that the caller has had the announcement. A message in one frame gets
        // exactly its length; among fragments the buffer doubles, or many small ones would be copied again and again.
        if self.payload.is_empty() && frame.fin == Fin::Last {
            self.payload.reserve_exact(frame.missing_bytes);
        } else {
            self.payload.reserve(frame.missing_bytes);
        }
        let unchecked_from = self.payload.len() - usize::from(self.unchecked_bytes);
        frame.mask.append(masked, &mut self.payload);
        match self.kind {
            Kind::Text => self.check_text(unchecked_from),
            Kind::Binary => Ok(()),
        }
    }

    fn check_text(&mut self, unchecked_from: usize) -> Result<(), ProtocolError> {
        let unchecked = &self.payload[unchecked_from..];
        self.unchecked_bytes = match str::from_utf8(unchecked) {
            Ok(_) => 0,
            Err(error) if error.error_len().is_some() => return Err(ProtocolError::TextNotUtf8),
            // A character of up to four bytes is cut.
            Err(error) => (unchecked.len() - error.valid_up_to()) as u8,
        };
        Ok(())
    }

    fn finish(self) -> Result<Event, ProtocolError> {
        let payload = Bytes::from(self.payload);
        match self.kind {
            Kind::Text if self.unchecked_bytes > 0 => Err(ProtocolError::TextNotUtf8),
            Kind::Text => Ok(Event::Text(Utf8::from_checked(payload))),
            Kind::Binary => Ok(Event::Binary(payload)),
        }
    }
}
