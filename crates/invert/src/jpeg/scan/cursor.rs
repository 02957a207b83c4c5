//! A place in entropy-coded data that moves on bit by bit and flips some of
//! them.

use super::interval::{Fault, PADDING_BYTES};

/// Walks the data of an interval once, front to back, and changes it in place.
/// The data has no stuffing, and [`PADDING_BYTES`] follow.
///
/// It is small, copied, and given the data each time, so that a walk keeps it in
/// registers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor {
    /// The byte at which the last refill began.
    at: usize,
    /// The next bits, at the top; zeros behind the padding.
    window: u64,
    /// The eight bytes behind those at `at`: read long before they are needed.
    ahead: u64,
    /// Which of the bits taken since the refill are flipped, the last one
    /// lowest.
    mask: u64,
    /// Bits used since `at`.
    used: u32,
}

/// What a refill reads: the eight bytes that it writes, and eight from up to
/// seven bytes behind these.
const REFILL_BYTES: usize = 24;
const _: () = assert!(REFILL_BYTES <= PADDING_BYTES);

/// Bits that can be taken after a refill.
pub(super) const REFILL_BITS: u32 = 56;

impl Cursor {
    pub(super) fn new(data: &[u8]) -> Self {
        Self { at: 0, window: word(data, 0), ahead: word(data, 8), mask: 0, used: 0 }
    }

    #[inline(always)]
    pub(super) fn window(&self) -> u64 {
        self.window
    }

    /// Writes what was taken and reads on, so that [`REFILL_BITS`] can be taken.
    #[inline(always)]
    pub(super) fn refill(&mut self, data: &mut [u8]) {
        let unused = 63 - self.used;
        // The first of these bits are there already, if any were used before.
        self.window |= (self.ahead >> 1) >> unused;
        let mask = (self.mask << 1) << unused;
        let bytes = (self.used / 8) as usize;
        // Past the end there are only zeros; whoever walks there is told in the end.
        self.ahead = 0;
        if let Some(chunk) = data.get_mut(self.at..).and_then(<[u8]>::first_chunk_mut::<REFILL_BYTES>) {
            self.ahead = word(chunk, 8 + bytes);
            let [first, ..] = chunk.as_chunks_mut::<8>().0 else { unreachable!("three words") };
            *first = (u64::from_ne_bytes(*first) ^ mask.to_be()).to_ne_bytes();
        }
        self.at += bytes;
        self.used %= 8;
        self.mask = 0;
    }

    /// As [`refill`](Self::refill), where nothing is flipped.
    #[inline(always)]
    pub(super) fn read_on(&mut self, data: &[u8]) {
        self.window |= (self.ahead >> 1) >> (63 - self.used);
        self.at += (self.used / 8) as usize;
        self.used %= 8;
        self.ahead = word(data, self.at + 8);
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
    pub(super) fn skip(mut self, data: &mut [u8], bits: usize) -> Self {
        self.refill(data);
        if bits <= REFILL_BITS as usize {
            self.take(bits as u32, 0);
            return self;
        }
        let bit = 8 * self.at + self.used as usize + bits;
        (self.at, self.used) = (bit / 8, (bit % 8) as u32);
        self.ahead = word(data, self.at + 8);
        self.window = word(data, self.at) << self.used | (self.ahead >> 1) >> (63 - self.used);
        self
    }

    /// Writes what was taken; returns the bit where it ends.
    ///
    /// # Errors
    ///
    /// When that is behind the end of the data.
    pub(super) fn finish(mut self, data: &mut [u8]) -> Result<usize, Fault> {
        self.refill(data);
        let bit = 8 * self.at + self.used as usize;
        if bit > 8 * (data.len() - PADDING_BYTES) { Err(Fault::CutShort) } else { Ok(bit) }
    }
}

/// The 64 bits from a byte on; zeros where they are not all there.
#[inline(always)]
fn word(data: &[u8], at: usize) -> u64 {
    let bytes = data.get(at..).and_then(<[u8]>::first_chunk);
    bytes.map_or(0, |bytes| u64::from_be_bytes(*bytes))
}
