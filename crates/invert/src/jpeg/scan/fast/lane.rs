//! One place of the fast walk, which it keeps in registers.
//!
//! In pseudo-code, for each of the two lanes in turn:
//!
//! ```text
//! write the original XOR the mask; read the next window          (refill)
//! three times:
//!     group  = table[top bits of window]                         (step)
//!     window = window << group.bits
//!     mask   = mask << group.bits | group.magnitudes
//!     table  = group ends a block ? next block's : this block's
//! ```
//!
//! Codes longer than a lookup have a second one, and a group that fills its
//! block ends it (`unusual`). Whatever else no group covers goes by the
//! reference walk's rules, one symbol at a time (`single`).

use std::hint::select_unpredictable;

use super::{Block, FastUnit, Way};
use crate::jpeg::huffman::LOOKUP_BITS;
use crate::jpeg::scan::groups::{
    BLOCK_END, GROUP_BITS, GROUP_COUNTS, Group, LONG_BITS, LONG_LOOKUPS, MASK_SHIFT, SINGLE,
};
use crate::jpeg::scan::interval::{Fault, PADDING_BYTES, Position};

/// What one round may pass: three groups or symbols of at most 31 bits, and as
/// many ends of blocks.
pub(in crate::jpeg::scan) const ROUND_BYTES: usize = 3 * 31 / 8 + 1;
const ROUND_BLOCKS: u64 = 3;
// Behind a round, eight bytes are read and written.
const _: () = assert!(ROUND_BYTES + 8 <= PADDING_BYTES);

/// The two buffers of an interval.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bytes {
    pub(super) original: *const u8,
    pub(super) negative: *mut u8,
}

impl Bytes {
    /// # Safety
    ///
    /// Eight bytes of the original can be read there.
    #[inline(always)]
    unsafe fn read(self, at: usize) -> u64 {
        // SAFETY: as the caller says.
        u64::from_be(unsafe { self.original.add(at).cast::<u64>().read_unaligned() })
    }
}

/// Where a lane stops: at a byte, and at a number of blocks that stands in its
/// place among the counts.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Stop {
    byte: usize,
    counts: u64,
}

impl Stop {
    /// Nowhere, if the way ends where it begins.
    pub(super) fn of(way: &Way<'_>, data_bytes: usize) -> Self {
        let byte = way.stop_byte.min(data_bytes);
        let blocks = way.blocks.saturating_sub(way.position.blocks_done).min(BLOCKS_MAX);
        let moves = way.position.bit / 8 < byte && blocks > 0;
        if moves { Self { byte, counts: blocks << BLOCKS_SHIFT } } else { Self::default() }
    }

    pub(super) fn moves(self) -> bool {
        self.byte > 0
    }

    /// Where no further round fits before it.
    pub(super) fn of_rounds(self) -> Self {
        Self { counts: self.counts.saturating_sub(ROUND_BLOCKS << BLOCKS_SHIFT), ..self }
    }
}

/// One place of the walk, in registers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lane {
    /// The byte that the window was read from.
    at: usize,
    /// The next bits, at the top: at least 57 less those used since the refill.
    window: u64,
    /// Which of the bits used were magnitudes, the last one lowest.
    mask: u64,
    /// From its low end: 6 bits used since `at`, 2 unused, 7 for the next
    /// coefficient, and the blocks done: the same places as in a [`Group`].
    counts: u64,
    table: *const Group,
    block: *const Block,
}

const USED: u64 = GROUP_BITS as u64;
const WHOLE_BYTES_USED: u64 = 0x38;
const COEFFICIENT: u64 = 0x7F00;
const COEFFICIENT_SHIFT: u32 = 8;
/// All coefficients of a block.
const FULL: u64 = 64 << COEFFICIENT_SHIFT;
const BLOCKS_SHIFT: u32 = BLOCK_END.trailing_zeros();
const BLOCKS_MAX: u64 = u64::MAX >> BLOCKS_SHIFT;

impl Lane {
    /// # Safety
    ///
    /// `position` is at most at the end of the data of `bytes`.
    pub(super) unsafe fn new(bytes: Bytes, position: &Position, unit: &FastUnit<'_>) -> Self {
        let block = &unit.blocks[position.block];
        let (at, used) = (position.bit / 8, (position.bit % 8) as u64);
        // SAFETY: within the data or its padding.
        let flipped = unsafe { bytes.original.add(at).read() ^ bytes.negative.add(at).read() };
        // SAFETY: the same.
        let window = unsafe { bytes.read(at) << used };
        Self {
            at,
            window,
            // What was flipped in a byte that is only used in part has to be written again.
            mask: u64::from(flipped) >> (8 - used),
            counts: used | u64::from(position.coefficient) << COEFFICIENT_SHIFT,
            table: if position.coefficient == 0 { block.beginning } else { block.within },
            block: &raw const *block,
        }
    }

    /// # Safety
    ///
    /// As for [`refill`](Self::refill).
    pub(super) unsafe fn finish(mut self, bytes: Bytes, position: &mut Position) {
        // SAFETY: as the caller says; blocks are a ring.
        unsafe {
            self.refill(bytes);
            position.block = (*self.block).index;
        }
        position.bit = 8 * self.at + (self.counts & USED) as usize;
        position.coefficient = ((self.counts & COEFFICIENT) >> COEFFICIENT_SHIFT) as u32;
        position.blocks_done += self.counts >> BLOCKS_SHIFT;
    }

    /// Whether it has to go on.
    #[inline(always)]
    pub(super) fn is_before(&self, stop: Stop) -> bool {
        self.at < stop.byte && self.counts < stop.counts
    }

    /// Takes three groups, or symbols where there is none.
    ///
    /// # Safety
    ///
    /// As for [`refill`](Self::refill) and [`step`](Self::step).
    #[inline(always)]
    pub(super) unsafe fn round(&mut self, bytes: Bytes, unit: &FastUnit<'_>) -> Result<(), Fault> {
        // SAFETY: as the caller says.
        unsafe {
            self.refill(bytes);
            for _ in 0..3 {
                if !self.step() {
                    *self = self.unusual(bytes, unit)?;
                }
            }
        }
        Ok(())
    }

    /// Takes a group, or a symbol where there is none: for the last blocks, of
    /// which a round may be too many.
    ///
    /// # Safety
    ///
    /// As for [`refill`](Self::refill) and [`step`](Self::step).
    #[inline(always)]
    pub(super) unsafe fn round_of_one(&mut self, bytes: Bytes, unit: &FastUnit<'_>) -> Result<(), Fault> {
        // SAFETY: as the caller says.
        unsafe {
            self.refill(bytes);
            if !self.step() {
                *self = self.unusual(bytes, unit)?;
            }
        }
        Ok(())
    }

    /// Writes what was used, and reads on.
    ///
    /// # Safety
    ///
    /// `at` is within the data of `bytes` or at most [`ROUND_BYTES`] past it.
    #[inline(always)]
    unsafe fn refill(&mut self, bytes: Bytes) {
        let used = self.counts & USED;
        // The mask to the top; no shift by 64 where nothing was used.
        let mask = (self.mask << 1) << (63 - used);
        // SAFETY: eight bytes from here are within the padding, and so they are from `at` as it will be.
        unsafe {
            let word = bytes.original.add(self.at).cast::<u64>().read_unaligned() ^ mask.to_be();
            bytes.negative.add(self.at).cast::<u64>().write_unaligned(word);
            self.at += (used >> 3) as usize;
            self.counts &= !WHOLE_BYTES_USED;
            self.window = bytes.read(self.at) << (self.counts & USED);
        }
    }

    /// Takes a group; `false` when that is not so simple and nothing happened.
    ///
    /// # Safety
    ///
    /// The tables and blocks are those of a live [`FastUnit`].
    #[inline(always)]
    unsafe fn step(&mut self) -> bool {
        // SAFETY: ten bits index a table of 1024.
        let group = unsafe { self.table.add((self.window >> (64 - LOOKUP_BITS)) as usize).read() };
        let counts = self.counts + u64::from(group & GROUP_COUNTS);
        // Set by the group itself, or by a sum of more than 63 coefficients.
        if counts & u64::from(SINGLE) != 0 {
            return false;
        }
        // SAFETY: as the caller says.
        unsafe { self.take(group, counts, group & BLOCK_END != 0) };
        true
    }

    /// Goes past a group, to where `counts` says; `ends` tells whether that is
    /// the end of the block.
    ///
    /// # Safety
    ///
    /// As for [`step`](Self::step).
    #[inline(always)]
    unsafe fn take(&mut self, group: Group, counts: u64, ends: bool) {
        let bits = group & GROUP_BITS;
        self.window <<= bits;
        self.mask = self.mask << bits | u64::from(group >> MASK_SHIFT);
        let block = self.block;
        // SAFETY: a ring of blocks. Volatile, so that both tables are read before it is known which of them is next:
        // else the compiler chooses between their addresses, and the next lookup waits for one read more.
        let (within, next_beginning, next) = unsafe {
            let within = (&raw const (*block).within).read_volatile();
            let next_beginning = (&raw const (*block).next_beginning).read_volatile();
            (within, next_beginning, (*block).next)
        };
        self.counts = select_unpredictable(ends, counts & !COEFFICIENT, counts);
        self.table = select_unpredictable(ends, next_beginning, within);
        self.block = select_unpredictable(ends, next, self.block);
    }

    /// Takes a long code, or a group that fills its block, or one symbol.
    ///
    /// # Safety
    ///
    /// As for [`refill`](Self::refill) and [`step`](Self::step).
    #[inline(never)]
    unsafe fn unusual(mut self, bytes: Bytes, unit: &FastUnit<'_>) -> Result<Self, Fault> {
        // SAFETY: as the caller says; a number is that of a table.
        unsafe {
            self.refill(bytes);
            let mut group = self.table.add((self.window >> (64 - LOOKUP_BITS)) as usize).read();
            if group & SINGLE != 0 && group >> MASK_SHIFT != 0 {
                let rest = (self.window >> (64 - LOOKUP_BITS - LONG_BITS)) as usize % LONG_LOOKUPS;
                group = self.table.add((group >> MASK_SHIFT) as usize * LONG_LOOKUPS + rest).read();
            }
            let counts = self.counts + u64::from(group & GROUP_COUNTS);
            let (coefficients, ends) = (counts & COEFFICIENT, group & BLOCK_END != 0);
            if group & SINGLE != 0 || coefficients > FULL || ends && coefficients == FULL {
                return self.single(bytes, unit);
            }
            if coefficients == FULL {
                self.take(group, counts + u64::from(BLOCK_END), true);
            } else {
                self.take(group, counts, ends);
            }
            self.refill(bytes);
        }
        Ok(self)
    }

    /// Takes one symbol, right after a refill.
    ///
    /// # Safety
    ///
    /// As for [`refill`](Self::refill) and [`step`](Self::step).
    #[cold]
    #[inline(never)]
    unsafe fn single(mut self, bytes: Bytes, unit: &FastUnit<'_>) -> Result<Self, Fault> {
        // SAFETY: as the caller says.
        unsafe {
            let mut position = Position {
                bit: 0,
                block: (*self.block).index,
                coefficient: ((self.counts & COEFFICIENT) >> COEFFICIENT_SHIFT) as u32,
                blocks_done: self.counts >> BLOCKS_SHIFT,
            };
            let (code_bits, size) = position.advance(self.window, unit.tables)?;
            self.mask = self.mask << (code_bits + size) | ((1 << size) - 1);
            let used = (self.counts & USED) + u64::from(code_bits + size);
            let coefficient = u64::from(position.coefficient) << COEFFICIENT_SHIFT;
            self.counts = position.blocks_done << BLOCKS_SHIFT | coefficient | used;
            self.block = &raw const unit.blocks[position.block];
            let block = &*self.block;
            self.table = if position.coefficient == 0 { block.beginning } else { block.within };
            self.refill(bytes);
        }
        Ok(self)
    }
}
