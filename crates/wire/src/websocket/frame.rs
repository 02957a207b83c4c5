//! The header of a client's frame (RFC 6455 §5.2).

use super::error::ProtocolError;
use super::mask::Mask;
use super::types::{CONTROL_MAX_BYTES, Fin, Opcode};

/// Two bytes, a length of eight, a key of four.
const HEADER_MAX_BYTES: usize = 14;

/// What a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) fin: Fin,
    pub(super) opcode: Opcode,
    pub(super) payload_bytes: u64,
    pub(super) mask: Mask,
}

/// As much of a header as has come.
#[derive(Debug, Clone, Default)]
pub(super) struct HeaderBytes {
    bytes: [u8; HEADER_MAX_BYTES],
    len: u8,
}

impl HeaderBytes {
    /// Takes bytes off `input` until the header is complete.
    pub(super) fn take(&mut self, input: &mut &[u8]) -> Result<Option<Header>, ProtocolError> {
        if !self.fill(2, input) {
            return Ok(None);
        }
        // What the first two bytes prove wrong is refused before the rest is waited for.
        let (fin, opcode) = parse_first(self.bytes[0])?;
        let length_bytes = parse_second(self.bytes[1], opcode)?;
        if !self.fill(2 + length_bytes + 4, input) {
            return Ok(None);
        }
        let (length, key) = self.bytes[2..].split_at(length_bytes);
        let payload_bytes = parse_length(self.bytes[1], length)?;
        let mask = Mask::new([key[0], key[1], key[2], key[3]]);
        self.len = 0;
        Ok(Some(Header { fin, opcode, payload_bytes, mask }))
    }

    fn fill(&mut self, wanted: usize, input: &mut &[u8]) -> bool {
        let len = usize::from(self.len);
        let (taken, rest) = input.split_at(wanted.saturating_sub(len).min(input.len()));
        self.bytes[len..len + taken.len()].copy_from_slice(taken);
        self.len += taken.len() as u8; // at most HEADER_MAX_BYTES
        *input = rest;
        usize::from(self.len) >= wanted
    }
}

fn parse_first(byte: u8) -> Result<(Fin, Opcode), ProtocolError> {
    if byte & 0b0111_0000 != 0 {
        return Err(ProtocolError::ReservedBit { first_byte: byte });
    }
    let bits = byte & 0b0000_1111;
    let opcode = Opcode::from_bits(bits).ok_or(ProtocolError::ReservedOpcode { opcode: bits })?;
    let fin = if byte & 0b1000_0000 == 0 { Fin::More } else { Fin::Last };
    if opcode.is_control() && fin == Fin::More {
        return Err(ProtocolError::FragmentedControl);
    }
    Ok((fin, opcode))
}

/// The number of bytes in which the length goes on.
fn parse_second(byte: u8, opcode: Opcode) -> Result<usize, ProtocolError> {
    if byte & 0b1000_0000 == 0 {
        return Err(ProtocolError::Unmasked);
    }
    let length = byte & 0b0111_1111;
    if opcode.is_control() && usize::from(length) > CONTROL_MAX_BYTES {
        return Err(ProtocolError::LongControl);
    }
    Ok(match length {
        126 => 2,
        127 => 8,
        _ => 0,
    })
}

fn parse_length(second: u8, extension: &[u8]) -> Result<u64, ProtocolError> {
    let (payload_bytes, min) = match *extension {
        [a, b] => (u64::from(u16::from_be_bytes([a, b])), 126),
        [a, b, c, d, e, f, g, h] => (u64::from_be_bytes([a, b, c, d, e, f, g, h]), 1 << 16),
        _ => (u64::from(second & 0b0111_1111), 0),
    };
    if payload_bytes >> 63 != 0 {
        return Err(ProtocolError::LengthOverflow { payload_bytes });
    }
    if payload_bytes < min {
        return Err(ProtocolError::NonMinimalLength { payload_bytes });
    }
    Ok(payload_bytes)
}
