//! A place in an interval that moves on bit by bit and flips some of them.

use super::interval::{Fault, Interval};

/// Walks an interval once, front to back. What it passes is written when it
/// reads on.
///
/// It is small, copied, and given its interval each time, so that a walk keeps
/// it in registers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor {
    /// The byte that the window was read from.
    at: usize,
    /// The next bits, at the top; zeros where the padding ends.
    window: u64,
    /// Which of the bits used were flipped, the last one lowest.
    mask: u64,
    /// Bits used since `at`.
    used: u32,
}

/// Bits that can be taken after a refill.
pub(super) const REFILL_BITS: u32 = 56;

impl Cursor {
    pub(super) fn new(interval: &Interval<'_>) -> Self {
        Self { at: 0, window: interval.window(0), mask: 0, used: 0 }
    }

    #[inline(always)]
    pub(super) fn window(&self) -> u64 {
        self.window
    }

    /// Writes what was used and reads on, so that [`REFILL_BITS`] can be taken.
    #[inline(always)]
    pub(super) fn refill(&mut self, interval: &mut Interval<'_>) {
        self.write(interval);
        self.at += (self.used / 8) as usize;
        self.used %= 8;
        // Past the end there are only zeros; whoever walks there is told in the end.
        let next = interval.original.get(self.at..).and_then(<[u8]>::first_chunk);
        self.window = next.map_or(0, |bytes| u64::from_be_bytes(*bytes)) << self.used;
    }

    #[inline(always)]
    fn write(&mut self, interval: &mut Interval<'_>) {
        let mask = (self.mask << 1) << (63 - self.used);
        let original = interval.original.get(self.at..).and_then(<[u8]>::first_chunk);
        let negative = interval.negative.get_mut(self.at..).and_then(<[u8]>::first_chunk_mut);
        if let (Some(original), Some(negative)) = (original, negative) {
            *negative = (u64::from_be_bytes(*original) ^ mask).to_be_bytes();
        }
    }

    /// Goes past bits and flips those that are set in `mask`, whose lowest is
    /// the last of them.
    #[inline(always)]
    pub(super) fn take(&mut self, bits: u32, mask: u64) {
        self.window <<= bits;
        self.mask = self.mask << bits | mask;
        self.used += bits;
    }

    /// Past any number of bits.
    #[inline(never)]
    pub(super) fn skip(mut self, interval: &mut Interval<'_>, bits: usize) -> Self {
        self.refill(interval);
        if bits <= REFILL_BITS as usize {
            self.take(bits as u32, 0);
            return self;
        }
        // Nothing between here and there is flipped.
        let bit = 8 * self.at + self.used as usize + bits;
        self.write(interval);
        (self.at, self.used, self.mask) = (bit / 8, (bit % 8) as u32, 0);
        self.refill(interval);
        self
    }

    /// Writes what was used; fails where that is more than there is.
    pub(super) fn finish(mut self, interval: &mut Interval<'_>) -> Result<(), Fault> {
        self.refill(interval);
        let bit = 8 * self.at + self.used as usize;
        if bit > 8 * interval.data_bytes() { Err(Fault::CutShort) } else { Ok(()) }
    }
}
