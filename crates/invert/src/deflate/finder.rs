//! Finds where bytes stood before.

use super::{DISTANCE_MAX, LENGTH_MAX};

/// Chosen: 128 KiB of heads stay in the second-level cache.
const HASH_BITS: u32 = 15;
/// Bytes that are hashed, and so the shortest copy that is found.
const HASHED_BYTES: usize = 4;

/// Places by the bytes that stand there, for each the one before.
///
/// Places are counted from the beginning of the stream, and one more, so that
/// zero is none. They may wrap around, for what is found is always compared.
#[derive(Debug, Default)]
pub(super) struct Finder {
    heads: Vec<u32>,
    /// By place, modulo how far copies reach.
    before: Vec<u32>,
    /// The first place that is not known.
    next: u32,
}

impl Finder {
    /// Forgets another stream.
    pub(super) fn clear(&mut self) {
        self.heads.clear();
        self.heads.resize(1 << HASH_BITS, 0);
        self.before.resize(DISTANCE_MAX, 0);
        self.next = 1;
    }

    /// Learns the places before `at` in a window that ends at `to`, as far back
    /// as copies reach. `passed_bytes` have left the window.
    #[inline]
    pub(super) fn learn(&mut self, window: &[u8], (at, to): (usize, usize), passed_bytes: u32) {
        // The last places are learnt when the bytes behind them are there.
        let at = at.min((to + 1).saturating_sub(HASHED_BYTES));
        let first = passed_bytes.wrapping_add(1);
        let known = self.next.wrapping_sub(first) as usize;
        let known =
            if known > at { at.saturating_sub(DISTANCE_MAX) } else { known.max(at.saturating_sub(DISTANCE_MAX)) };
        for place in known..at {
            let hash = hash(window, place);
            let number = first.wrapping_add(place as u32);
            self.before[number as usize % DISTANCE_MAX] = self.heads[hash];
            self.heads[hash] = number;
        }
        self.next = first.wrapping_add(at as u32);
    }

    /// The longest copy for the bytes at `at`, at most `most` long, among
    /// `tries` places that were learnt, if it is longer than `least`: its length
    /// and distance.
    #[inline]
    pub(super) fn longest(
        &self,
        window: &[u8],
        (at, most): (usize, usize),
        passed_bytes: u32,
        least: (usize, usize),
        tries: u32,
    ) -> (usize, usize) {
        let mut best = least;
        if most < HASHED_BYTES {
            return best;
        }
        let before: &[u32; DISTANCE_MAX] = self.before.first_chunk().expect("cleared before it is used");
        let most = most.min(LENGTH_MAX);
        let here = passed_bytes.wrapping_add(1).wrapping_add(at as u32);
        let mut candidate = self.heads[hash(window, at)];
        let mut last_distance = 0;
        for _ in 0..tries {
            let distance = here.wrapping_sub(candidate) as usize;
            // Further back each time, or the place has been taken by another one since.
            if candidate == 0 || distance <= last_distance || distance > at.min(DISTANCE_MAX) {
                break;
            }
            last_distance = distance;
            // A longer copy also has the byte behind the best one.
            if best.0 < most && window[at + best.0] == window[at + best.0 - distance] {
                let length = common(window, at, distance, most);
                if length > best.0 {
                    best = (length, distance);
                    if length == most {
                        break;
                    }
                }
            }
            candidate = before[candidate as usize % DISTANCE_MAX];
        }
        best
    }
}

/// Knuth's multiplicative hash.
#[inline(always)]
fn hash(window: &[u8], at: usize) -> usize {
    let bytes = u32::from_le_bytes(*window[at..at + HASHED_BYTES].first_chunk().expect("as many as were taken"));
    (bytes.wrapping_mul(2_654_435_761) >> (u32::BITS - HASH_BITS)) as usize
}

/// How many bytes from `at` on, at most `length`, are those `distance` before.
#[inline(always)]
pub(super) fn common(window: &[u8], at: usize, distance: usize, length: usize) -> usize {
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
