//! PackBits (TIFF 6.0 §9): runs and literals of bytes.

use crate::flip;

/// Inverts every byte that the codes stand for, where it is: a run keeps its
/// length. `None` when the codes do not make `raw_bytes`.
pub(super) fn invert(codes: &mut [u8], raw_bytes: usize) -> Option<()> {
    let (mut at, mut made) = (0, 0);
    while made < raw_bytes {
        let (bytes, stored) = length(*codes.get(at)?);
        flip(codes.get_mut(at + 1..at + 1 + stored)?);
        at += 1 + stored;
        made += bytes;
    }
    (made == raw_bytes).then_some(())
}

pub(super) fn decode(codes: &[u8], raw_bytes: usize) -> Option<Vec<u8>> {
    let mut raw = Vec::new();
    let mut at = 0;
    while raw.len() < raw_bytes {
        let (bytes, stored) = length(*codes.get(at)?);
        let data = codes.get(at + 1..at + 1 + stored)?;
        match data {
            [byte] => raw.resize(raw.len() + bytes, *byte),
            _ => raw.extend_from_slice(data),
        }
        at += 1 + stored;
    }
    (raw.len() == raw_bytes).then_some(raw)
}

/// How many bytes a code makes, and how many it has behind it.
fn length(code: u8) -> (usize, usize) {
    match code {
        0..=127 => (usize::from(code) + 1, usize::from(code) + 1),
        // A code that does nothing.
        128 => (0, 0),
        129..=255 => (257 - usize::from(code), 1),
    }
}

/// §9: each row is packed on its own.
pub(super) fn encode(raw: &[u8], row_bytes: usize) -> Vec<u8> {
    let mut codes = Vec::with_capacity(raw.len() + raw.len() / 64);
    for row in raw.chunks(row_bytes) {
        encode_row(row, &mut codes);
    }
    codes
}

fn encode_row(mut row: &[u8], codes: &mut Vec<u8>) {
    const LONGEST: usize = 128;
    while let [first, ..] = row {
        let run = row.iter().take(LONGEST).take_while(|byte| *byte == first).count();
        if run > 1 {
            codes.extend([(257 - run) as u8, *first]);
            row = &row[run..];
            continue;
        }
        // A run of two costs as much as two literals, so only three alike end a literal.
        let alike = row.windows(3).take(LONGEST).position(|next| next[0] == next[1] && next[1] == next[2]);
        let (literal, rest) = row.split_at(alike.unwrap_or(LONGEST).min(row.len()));
        codes.push((literal.len() - 1) as u8);
        codes.extend_from_slice(literal);
        row = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_and_literals_come_back() {
        let mut raw: Vec<u8> = (0..255).chain([7; 300]).chain([1, 2, 2, 3, 3, 3]).collect();
        for row_bytes in [1, 5, 100, 1000] {
            let mut codes = encode(&raw, row_bytes);
            assert_eq!(decode(&codes, raw.len()).as_ref(), Some(&raw));
            invert(&mut codes, raw.len()).unwrap();
            flip(&mut raw);
            assert_eq!(decode(&codes, raw.len()).as_ref(), Some(&raw));
            assert_eq!(decode(&codes, raw.len() + 1), None);
        }
    }

    #[test]
    fn the_specifications_example_is_read() {
        let codes = [0xFE, 0xAA, 0x02, 0x80, 0x00, 0x2A, 0x80, 0xFD, 0xAA, 0x03, 0x80, 0x00, 0x2A, 0x22, 0xF7, 0xAA];
        let raw = decode(&codes, 24).unwrap();
        assert_eq!(raw[..10], [0xAA, 0xAA, 0xAA, 0x80, 0x00, 0x2A, 0xAA, 0xAA, 0xAA, 0xAA]);
    }
}
