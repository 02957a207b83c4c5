//! The bytes of a message, and what an arriving payload is.
//!
//! ```text
//! #loadgen-1:8d3f00c2 5c1e90ab 000003 0000002a 00000a4cb8 x7Gq…
//! mark        crc32   run id   sender sequence intended µs padding from the seed
//! ```
//!
//! All of it is printable ASCII that needs no escaping in JSON or HTML, so the
//! same bytes travel as chat text, as raw text and as an echo. The checksum
//! covers everything but itself. Knows no clock: the intended time is counted
//! from the start of the load, so equal seeds give equal bytes.

use crate::seed::SplitMix;

/// What every payload of this tool begins with.
pub const MARK: &[u8] = b"#loadgen-1:";
/// The longest run id.
pub const RUN_ID_MAX_BYTES: usize = 16;

const CRC_DIGITS: usize = 8;
const BODY_AT: usize = MARK.len() + CRC_DIGITS;
/// Everything but the run id and the padding: mark, checksum, four spaces before fields, the fields, a space.
const FIXED_BYTES: usize = BODY_AT + 5 + 6 + 8 + 10;
/// Paddings of one sender begin at this many places, so that neighbours differ.
const PADDING_STARTS: usize = 64;

/// The smallest message that has room for everything.
#[must_use]
pub fn size_min_bytes(run_id: &str) -> usize {
    FIXED_BYTES + run_id.len()
}

/// Which message it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Label {
    /// The client that sent it.
    pub sender: u32,
    /// Its number among that client's messages, from 0.
    pub sequence: u32,
    /// When it was due, from the start of the load, in microseconds.
    pub due_us: u64,
}

/// What an arriving payload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Not one of ours, or one of another run.
    Foreign,
    /// It begins with the mark, and what follows is not what was sent.
    Corrupted,
    /// As it was sent.
    Intact(Label),
}

/// Makes and reads the messages of one run; ready but for the numbers in them.
#[derive(Debug, Clone)]
pub struct Payloads {
    run_id: String,
    padding_bytes: usize,
    padding: Vec<u8>,
}

impl Payloads {
    /// Messages of `size_bytes`, which is at least [`size_min_bytes`].
    #[must_use]
    pub fn new(run_id: &str, seed: u64, size_bytes: usize) -> Self {
        const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut random = SplitMix::new(seed, 0);
        let padding_bytes = size_bytes.saturating_sub(size_min_bytes(run_id));
        let padding = (0..padding_bytes + PADDING_STARTS).map(|_| LETTERS[(random.draw() % 64) as usize]).collect();
        Self { run_id: run_id.to_owned(), padding_bytes, padding }
    }

    /// The bytes of a message.
    #[must_use]
    pub fn make(&self, label: Label) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(size_min_bytes(&self.run_id) + self.padding_bytes);
        self.put(label, &mut bytes);
        bytes
    }

    /// Appends the bytes of a message.
    pub fn put(&self, label: Label, out: &mut Vec<u8>) {
        let Label { sender, sequence, due_us } = label;
        out.extend_from_slice(MARK);
        let crc_at = out.len();
        out.extend_from_slice(&[b'0'; CRC_DIGITS]);
        let body_at = out.len();
        out.push(b' ');
        out.extend_from_slice(self.run_id.as_bytes());
        for (number, digits) in [(sender.into(), 6), (sequence.into(), 8), (due_us, 10)] {
            out.push(b' ');
            put_hex(out, number, digits);
        }
        out.push(b' ');
        let start = (sender as usize).wrapping_add(sequence as usize) % PADDING_STARTS;
        out.extend_from_slice(&self.padding[start..start + self.padding_bytes]);
        let mut crc = checksum(&out[body_at..]);
        for digit in out[crc_at..body_at].iter_mut().rev() {
            *digit = HEX[(crc % 16) as usize];
            crc /= 16;
        }
    }

    /// Says what an arriving payload is; never fails, whatever the bytes.
    #[must_use]
    pub fn read(&self, payload: &[u8]) -> Reading {
        let Some(rest) = payload.strip_prefix(MARK) else { return Reading::Foreign };
        let Some((crc, body)) = rest.split_first_chunk::<CRC_DIGITS>() else { return Reading::Corrupted };
        if hex(crc) != Some(checksum(body).into()) {
            return Reading::Corrupted;
        }
        match read_body(body) {
            Some((run_id, label)) if run_id == self.run_id.as_bytes() => Reading::Intact(label),
            Some(_) => Reading::Foreign,
            None => Reading::Corrupted,
        }
    }
}

fn read_body(body: &[u8]) -> Option<(&[u8], Label)> {
    let mut fields = body.splitn(6, |byte| *byte == b' ').skip(1);
    let run_id = fields.next()?;
    let sender = u32::try_from(hex(fields.next()?)?).ok()?;
    let sequence = u32::try_from(hex(fields.next()?)?).ok()?;
    let due_us = hex(fields.next()?)?;
    Some((run_id, Label { sender, sequence, due_us }))
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// At least so many digits.
fn put_hex(out: &mut Vec<u8>, number: u64, digits: u32) {
    let digits = digits.max((u64::BITS - number.leading_zeros()).div_ceil(4));
    out.extend((0..digits).rev().map(|place| HEX[(number >> (4 * place) & 15) as usize]));
}

fn checksum(body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(MARK);
    hasher.update(body);
    hasher.finalize()
}

/// Lower-case hexadecimal only: another spelling of the same number is not what was sent.
fn hex(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 16 {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u64::from(value))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LABEL: Label = Label { sender: 3, sequence: 42, due_us: 84_000 };

    fn payloads() -> Payloads {
        Payloads::new("5c1e90ab", 7, 100)
    }

    #[test]
    fn same_seed_gives_the_same_bytes_and_another_seed_others() {
        let make = |run_id, seed| Payloads::new(run_id, seed, 200).make(LABEL);
        assert_eq!(make("run", 7), make("run", 7));
        assert_ne!(make("run", 7), make("run", 8));
        assert_ne!(make("run", 7), make("other", 7));
    }

    #[test]
    fn bytes_are_the_same_in_every_version() {
        let bytes = Payloads::new("5c1e90ab", 7, 64).make(LABEL);
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "#loadgen-1:c5ef4ffe 5c1e90ab 000003 0000002a 0000014820 PHz-oiSg"
        );
    }

    #[test]
    fn message_has_the_wanted_size_and_says_what_was_put_in() {
        for size in [size_min_bytes("5c1e90ab"), 64, 100, 16 * 1024] {
            let payloads = Payloads::new("5c1e90ab", 7, size);
            let bytes = payloads.make(LABEL);
            assert_eq!(bytes.len(), size);
            assert!(bytes.iter().all(|byte| (b' '..=b'~').contains(byte) && !b"\"\\<>&".contains(byte)));
            assert_eq!(payloads.read(&bytes), Reading::Intact(LABEL));
        }
    }

    #[test]
    fn every_changed_bit_is_noticed() {
        let bytes = payloads().make(LABEL);
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let expected = if bit / 8 < MARK.len() { Reading::Foreign } else { Reading::Corrupted };
            assert_eq!(payloads().read(&changed), expected, "bit {bit}");
        }
        assert_eq!(payloads().read(&bytes[..bytes.len() - 1]), Reading::Corrupted);
        assert_eq!(payloads().read(&[&bytes[..], b"x"].concat()), Reading::Corrupted);
    }

    #[test]
    fn another_run_and_another_program_are_foreign() {
        assert_eq!(payloads().read(&Payloads::new("other", 7, 100).make(LABEL)), Reading::Foreign);
        assert_eq!(payloads().read(b"hello"), Reading::Foreign);
        assert_eq!(payloads().read(b""), Reading::Foreign);
        assert_eq!(payloads().read(MARK), Reading::Corrupted);
    }

    proptest! {
        #[test]
        fn foreign_bytes_never_panic(tail in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut bytes = MARK.to_vec();
            bytes.extend(tail);
            prop_assert_eq!(payloads().read(&bytes), Reading::Corrupted);
        }
    }
}
