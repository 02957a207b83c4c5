//! Messages that say who sent them and as which one, so that a lost, doubled,
//! swapped or damaged one is told from the right one.

use std::iter::zip;

use benches::frame::MASK;

use crate::dialect::Dialect;

/// Digits of the speaker's number, then of the message's.
const SPEAKER_DIGITS: usize = 4;
const SEQUENCE_DIGITS: usize = 12;
/// A message has at least these bytes.
pub(crate) const NUMBER_BYTES: usize = SPEAKER_DIGITS + SEQUENCE_DIGITS;

/// The text of a message: its numbers, then letters.
pub(crate) fn text(speaker: usize, sequence: u64, bytes: usize) -> Vec<u8> {
    let mut text = number(speaker, sequence).into_bytes();
    text.extend((b'a'..=b'z').cycle().take(bytes - NUMBER_BYTES));
    text
}

fn number(speaker: usize, sequence: u64) -> String {
    format!("{speaker:0SPEAKER_DIGITS$}{sequence:0SEQUENCE_DIGITS$}")
}

/// Who said a message.
pub(crate) fn speaker(text: &[u8]) -> Option<usize> {
    std::str::from_utf8(text.get(..SPEAKER_DIGITS)?).ok()?.parse().ok()
}

/// One speaker's frames, made by writing the number into a finished one.
#[derive(Debug)]
pub(crate) struct Frames {
    speaker: usize,
    frame: Vec<u8>,
    /// Where in the frame the number begins.
    number_at: usize,
    /// Where the masked bytes begin.
    payload_at: usize,
}

impl Frames {
    pub(crate) fn new(dialect: Dialect, speaker: usize, bytes: usize) -> Self {
        let (frame, number_at, payload_at) = dialect.say(&text(speaker, 0, bytes));
        Self { speaker, frame, number_at, payload_at }
    }

    /// Appends the frame with this number.
    pub(crate) fn put(&mut self, sequence: u64, out: &mut Vec<u8>) {
        let key = MASK.iter().cycle().skip((self.number_at - self.payload_at) % MASK.len());
        let digits = number(self.speaker, sequence);
        for ((place, digit), key) in zip(zip(&mut self.frame[self.number_at..], digits.bytes()), key) {
            *place = digit ^ key;
        }
        out.extend_from_slice(&self.frame);
    }
}
