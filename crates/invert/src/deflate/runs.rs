//! Copies from next by: runs of one byte or of one pixel. Among bytes that
//! nothing else can be told of, such as the noise of a filter, they are worth
//! more than copies from far away, whose distances cost more than the few
//! literals that they replace; and they are found at next to no cost.

use super::finder::common;
use super::{LENGTH_MAX, Tokens};

/// Bytes that are compared at once.
const WORD_BYTES: usize = 8;
/// Chosen: three bytes that occur often are about as short as literals.
const RUN_BYTES_MIN: usize = 4;
/// Places of a word where a run may begin and be seen.
const STEP_BYTES: usize = WORD_BYTES - RUN_BYTES_MIN + 1;

/// Adds to `tokens` what makes the bytes of `window` between `from` and `to`:
/// runs of what stands one byte or `period` bytes before, and literals.
pub(super) fn push_runs(window: &[u8], (from, to): (usize, usize), period: usize, tokens: &mut Tokens) {
    // Up to where bytes are made, and from where on runs are looked for.
    let (mut done, mut at) = (from, from.max(period));
    while at < to {
        match next_run(window, at, period) {
            None => at += STEP_BYTES,
            Some((start, _)) if start + RUN_BYTES_MIN > to => break,
            Some((start, distance)) => {
                let length = common(window, start, distance, (to - start).min(LENGTH_MAX));
                tokens.push_literals(window, done, start);
                tokens.push_copy(length, distance);
                done = start + length;
                at = done;
            }
        }
    }
    if done < to {
        tokens.push_literals(window, done, to);
    }
}

/// Where the first run begins that can be seen in the word at `at`, and from how
/// far back it is.
#[inline(always)]
fn next_run(window: &[u8], at: usize, period: usize) -> Option<(usize, usize)> {
    let word = |at: usize| u64::from_le_bytes(*window[at..at + WORD_BYTES].first_chunk().expect("eight bytes"));
    let here = word(at);
    let (bytes, pixels) = (runs(here ^ word(at - 1)), runs(here ^ word(at - period)));
    if bytes | pixels == 0 {
        return None;
    }
    let distance = if bytes.trailing_zeros() <= pixels.trailing_zeros() { 1 } else { period };
    Some((at + (bytes | pixels).trailing_zeros() as usize / 8, distance))
}

/// Marks the bytes that [`RUN_BYTES_MIN`] zeros begin with, in the highest bit.
#[inline(always)]
fn runs(differing: u64) -> u64 {
    const LOW: u64 = 0x7F7F_7F7F_7F7F_7F7F;
    // No carry leaves its byte, so that each is marked for itself alone.
    let zeros = !(((differing & LOW) + LOW) | differing | LOW);
    zeros & (zeros >> 8) & (zeros >> 16) & (zeros >> 24)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deflate::SPARE_BYTES;

    /// Literals and copies as (literals before, length, distance).
    fn check(before: usize, bytes: &[u8], period: usize, expected: &[(u32, u16, u16)]) {
        let window = [bytes, &[0; SPARE_BYTES]].concat();
        let mut tokens = Tokens::default();
        tokens.make_room(bytes.len() - before);
        push_runs(&window, (before, bytes.len()), period, &mut tokens);
        let found: Vec<_> = tokens.sequences().iter().map(|copy| (copy.literals, copy.length, copy.distance)).collect();
        assert_eq!(found, expected, "{bytes:?}");
        let mut made = bytes[..before].to_vec();
        let mut literals = tokens.literals();
        for (run, length, distance) in found {
            let (run, rest) = literals.split_at(run as usize);
            made.extend_from_slice(run);
            literals = rest;
            for _ in 0..length {
                made.push(made[made.len() - usize::from(distance)]);
            }
        }
        made.extend_from_slice(literals);
        assert_eq!(made, bytes);
    }

    #[test]
    fn runs_of_bytes_and_of_pixels_are_found_wherever_they_begin() {
        for start in 0..20_u8 {
            let noise: Vec<u8> = (0..start).map(|byte| 100 + 7 * byte).collect();
            let before = u32::from(start);
            check(0, &[&noise[..], &[7; 9]].concat(), 1, &[(before + 1, 8, 1)]);
            check(0, &[&noise[..], &[1, 2, 3, 1, 2, 3, 1]].concat(), 3, &[(before + 3, 4, 3)]);
        }
    }

    #[test]
    fn short_runs_are_literals() {
        check(0, &[7, 7, 7, 7, 1, 2, 3, 1, 2, 3], 3, &[]);
    }

    #[test]
    fn runs_go_on_from_what_stands_before_and_end_with_the_part() {
        check(3, &[5; 7], 3, &[(0, 4, 1)]);
        check(3, &[5; 6], 3, &[]);
        check(0, &[5; 600], 1, &[(1, 258, 1), (0, 258, 1), (0, 83, 1)]);
    }

    #[test]
    fn a_run_of_one_byte_goes_before_one_of_a_pixel() {
        check(4, &[9; 20], 4, &[(0, 16, 1)]);
    }
}
