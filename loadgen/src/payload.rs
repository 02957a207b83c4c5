//! The bytes of messages: made from the seed, so that the same seed gives the
//! same bytes.
//!
//! ```text
//! NEGALOAD1 <run 16> <sender 8> <sequence 8> <due µs 16> <crc 8> <padding …>
//! ```
//!
//! All printable ASCII, so that it travels as JSON text, as a text frame or as
//! bytes. The checksum covers everything but itself.

use crc32fast::Hasher;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Stands at the very start of each of our messages.
pub const MARK: &[u8; 10] = b"NEGALOAD1 ";
const RUN: usize = MARK.len();
const SENDER: usize = RUN + 16;
const SEQUENCE: usize = SENDER + 8;
const DUE: usize = SEQUENCE + 8;
const CRC: usize = DUE + 16;
/// A message without padding.
pub const PAYLOAD_MIN_BYTES: usize = CRC + 8;

/// Which message it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Label {
    /// The client that sent it.
    pub sender: u32,
    /// Counts that client's messages from 0.
    pub sequence: u32,
    /// When it was due, after the start of the load, in microseconds.
    pub due_us: u64,
}

/// What an arriving frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Not one of ours, or one of another run.
    Foreign,
    /// Ours, but not as it was sent.
    Corrupted,
    /// As it was sent.
    Intact(Label),
}

/// Makes and reads the messages of one run.
#[derive(Debug, Clone)]
pub struct Payloads {
    run: [u8; 16],
    padding: Vec<u8>,
    padding_crc: Hasher,
}

/// Names a run by its seed.
#[must_use]
pub fn run_id(seed: u64) -> String {
    format!("{:08x}", StdRng::seed_from_u64(seed).random::<u32>())
}

impl Payloads {
    /// Messages of `size_bytes`, which are at least [`PAYLOAD_MIN_BYTES`].
    #[must_use]
    pub fn new(run_id: &str, seed: u64, size_bytes: usize) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let padding: Vec<u8> = (PAYLOAD_MIN_BYTES..size_bytes).map(|_| random.random_range(b'a'..=b'z')).collect();
        let mut padding_crc = Hasher::new();
        padding_crc.update(&padding);
        let mut run = [b'0'; 16];
        let digest = format!("{:08x}{:08x}", crc32fast::hash(run_id.as_bytes()), run_id.len());
        run.copy_from_slice(digest.as_bytes());
        Self { run, padding, padding_crc }
    }

    /// The bytes of a message.
    #[must_use]
    pub fn make(&self, label: Label) -> Vec<u8> {
        let Label { sender, sequence, due_us } = label;
        let mut payload = Vec::with_capacity(PAYLOAD_MIN_BYTES + self.padding.len());
        payload.extend_from_slice(MARK);
        payload.extend_from_slice(&self.run);
        payload.extend_from_slice(format!("{sender:08x}{sequence:08x}{due_us:016x}").as_bytes());
        let mut crc = Hasher::new();
        crc.update(&payload);
        crc.combine(&self.padding_crc);
        payload.extend_from_slice(format!("{:08x}", crc.finalize()).as_bytes());
        payload.extend_from_slice(&self.padding);
        payload
    }

    /// Says what an arriving payload is.
    #[must_use]
    pub fn read(&self, payload: &[u8]) -> Reading {
        if !payload.starts_with(MARK) {
            return Reading::Foreign;
        }
        let Some(label) = parse(payload) else { return Reading::Corrupted };
        if payload[RUN..SENDER] == self.run { Reading::Intact(label) } else { Reading::Foreign }
    }
}

/// The label of a payload whose checksum is right.
fn parse(payload: &[u8]) -> Option<Label> {
    let (head, padding) = payload.split_at_checked(PAYLOAD_MIN_BYTES)?;
    let mut crc = Hasher::new();
    crc.update(&head[..CRC]);
    crc.update(padding);
    if hex(&head[CRC..])? != u64::from(crc.finalize()) {
        return None;
    }
    Some(Label {
        sender: u32::try_from(hex(&head[SENDER..SEQUENCE])?).ok()?,
        sequence: u32::try_from(hex(&head[SEQUENCE..DUE])?).ok()?,
        due_us: hex(&head[DUE..CRC])?,
    })
}

/// Digits as [`Payloads::make`] writes them: any other spelling is damage.
fn hex(digits: &[u8]) -> Option<u64> {
    let is_ours = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    digits.iter().all(is_ours).then_some(())?;
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABEL: Label = Label { sender: 3, sequence: 77, due_us: 123_456 };

    #[test]
    fn a_message_reads_back_as_it_was_made() {
        for size in [PAYLOAD_MIN_BYTES, PAYLOAD_MIN_BYTES + 1, 100, 65_536] {
            let payloads = Payloads::new("run", 1, size);
            let payload = payloads.make(LABEL);
            assert_eq!(payload.len(), size);
            assert_eq!(payloads.read(&payload), Reading::Intact(LABEL));
        }
    }

    #[test]
    fn same_seed_same_bytes() {
        let make = |run, seed| Payloads::new(run, seed, 200).make(LABEL);
        assert_eq!(make("run", 1), make("run", 1));
        assert_ne!(make("run", 1), make("run", 2));
        assert_ne!(make("run", 1), make("other", 1));
    }

    #[test]
    fn every_flipped_bit_is_seen() {
        let payloads = Payloads::new("run", 1, 100);
        let payload = payloads.make(LABEL);
        for bit in 0..payload.len() * 8 {
            let mut damaged = payload.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let expected = if bit / 8 < MARK.len() { Reading::Foreign } else { Reading::Corrupted };
            assert_eq!(payloads.read(&damaged), expected, "bit {bit}");
        }
        assert_eq!(payloads.read(&payload[..99]), Reading::Corrupted);
        assert_eq!(payloads.read(&[&payload[..], b"x"].concat()), Reading::Corrupted);
    }

    #[test]
    fn another_run_and_another_program_are_foreign() {
        let payloads = Payloads::new("run", 1, 100);
        assert_eq!(payloads.read(&Payloads::new("other", 1, 100).make(LABEL)), Reading::Foreign);
        assert_eq!(payloads.read(b"hello"), Reading::Foreign);
        assert_eq!(payloads.read(b""), Reading::Foreign);
    }
}
