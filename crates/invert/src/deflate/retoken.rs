//! Literals and copies of one stream, used again for another one that differs
//! from it byte by byte in much the same way.

use super::{DISTANCE_MAX, LENGTH_MAX, LENGTH_MIN, Sequence, Tokens};

/// Bytes that a window must have behind what is in use.
pub(crate) const SPARE_BYTES: usize = super::reader::WINDOW_SPARE_BYTES;

/// Finds new copies where the old ones do not fit.
#[derive(Debug)]
pub(crate) struct Retoken {
    /// Distances that are worth a try.
    likely: Vec<usize>,
}

impl Retoken {
    /// Copies are likely to come from these distances.
    pub(crate) fn new(likely: impl IntoIterator<Item = usize>) -> Self {
        Self { likely: likely.into_iter().filter(|distance| (1..=DISTANCE_MAX).contains(distance)).collect() }
    }

    /// Adds to `tokens` what makes the bytes of `window` from `from` on, by way
    /// of `sequences`, which made other bytes in their place.
    pub(crate) fn retoken(&self, window: &[u8], from: usize, sequences: &[Sequence], tokens: &mut Tokens) {
        let mut at = from;
        for sequence in sequences {
            let end = at + sequence.literals as usize;
            tokens.push_literals(&window[at..end]);
            at = end;
            let (length, distance) = (usize::from(sequence.length), usize::from(sequence.distance));
            if length == 0 {
                continue;
            }
            let same = common(window, at, distance, length);
            if same == length {
                tokens.push_copy(length, distance);
            } else {
                self.mend(window, at, (length, distance, same), tokens);
            }
            at += length;
        }
    }

    /// Makes the bytes of a copy that fits only so far: by the same distance
    /// again after what differs, by a likely one, or as literals.
    #[cold]
    fn mend(&self, window: &[u8], at: usize, (length, distance, same): (usize, usize, usize), tokens: &mut Tokens) {
        let end = at + length;
        let mut at = at;
        let mut best = (same, distance);
        while at < end {
            for &likely in self.likely.iter().filter(|&&likely| likely <= at) {
                let length = common(window, at, likely, end - at);
                if length > best.0 {
                    best = (length, likely);
                }
            }
            let (length, from) = best;
            if length >= LENGTH_MIN {
                tokens.push_copy(length, from);
                at += length;
            } else {
                tokens.push_literals(&window[at..=at]);
                at += 1;
            }
            if at < end {
                best = (common(window, at, distance, end - at), distance);
            }
        }
    }
}

/// How many bytes from `at` on, at most `length`, are those `distance` before.
#[inline(always)]
fn common(window: &[u8], at: usize, distance: usize, length: usize) -> usize {
    debug_assert!(length <= LENGTH_MAX);
    let word = |at: usize| u64::from_le_bytes(*window[at..at + 8].first_chunk().expect("eight bytes"));
    let mut same = 0;
    while same < length {
        let differing = word(at + same) ^ word(at + same - distance);
        if differing != 0 {
            return (same + differing.trailing_zeros() as usize / 8).min(length);
        }
        same += 8;
    }
    length
}
