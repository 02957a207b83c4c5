//! The fast walk: several symbols with each lookup, and two places of the data
//! at once, so that the processor has something to do while one of them waits
//! for its table. The one module of the crate with `unsafe` in it.
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
//! Whatever no group covers (long codes, the last coefficients of a full
//! block) is left to the reference walk's rules, one symbol at a time.

use std::hint::select_unpredictable;
use std::marker::PhantomData;

use super::groups::{BLOCK_END, GROUP_BITS, GROUP_COUNTS, Group, GroupCache, MASK_SHIFT, SINGLE};
use super::interval::{BlockTables, Fault, Interval, PADDING_BYTES, Position};
use super::select::{NthOne, Portable, Task};
use crate::jpeg::huffman::LOOKUP_BITS;

/// What one round may pass: three groups or symbols of at most 31 bits, and as
/// many ends of blocks.
pub(super) const ROUND_BYTES: usize = 3 * 31 / 8 + 1;
pub(super) const ROUND_BLOCKS: u64 = 3;
// Behind a round, eight bytes are read and written.
const _: () = assert!(ROUND_BYTES + 8 <= PADDING_BYTES);

/// The unit of a scan, ready to be walked: a ring of blocks.
#[derive(Debug)]
pub(super) struct FastUnit<'a> {
    blocks: Vec<Block>,
    tables: &'a [BlockTables<'a>],
    /// What the blocks point into.
    cache: PhantomData<&'a GroupCache>,
}

#[derive(Debug, Clone, Copy)]
struct Block {
    beginning: *const Group,
    within: *const Group,
    next_beginning: *const Group,
    next: *const Block,
    index: usize,
}

impl<'a> FastUnit<'a> {
    pub(super) fn new(tables: &'a [BlockTables<'a>], cache: &'a GroupCache) -> Self {
        let pointer = |handle| cache.groups(handle).as_ptr();
        let block = |index: usize| Block {
            beginning: pointer(tables[index].beginning),
            within: pointer(tables[index].within),
            next_beginning: pointer(tables[(index + 1) % tables.len()].beginning),
            next: std::ptr::null(),
            index,
        };
        let mut blocks: Vec<_> = (0..tables.len()).map(block).collect();
        let first = blocks.as_ptr();
        for (index, block) in blocks.iter_mut().enumerate() {
            block.next = first.wrapping_add((index + 1) % tables.len());
        }
        Self { blocks, tables, cache: PhantomData }
    }

    pub(super) fn tables(&self) -> &'a [BlockTables<'a>] {
        self.tables
    }
}

/// The two buffers of an interval.
#[derive(Debug, Clone, Copy)]
struct Bytes {
    original: *const u8,
    negative: *mut u8,
}

/// One place of the walk, in registers.
#[derive(Debug, Clone, Copy)]
struct Lane {
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
const BLOCKS_SHIFT: u32 = BLOCK_END.trailing_zeros();
const BLOCKS_MAX: u64 = u64::MAX >> BLOCKS_SHIFT;

impl Lane {
    /// # Safety
    ///
    /// `position` is at most at the end of the data of `bytes`.
    unsafe fn new(bytes: Bytes, position: &Position, unit: &FastUnit<'_>) -> Self {
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
    unsafe fn finish(mut self, bytes: Bytes, position: &mut Position) {
        // SAFETY: as the caller says; blocks are a ring.
        unsafe {
            self.refill(bytes);
            position.block = (*self.block).index;
        }
        position.bit = 8 * self.at + (self.counts & USED) as usize;
        position.coefficient = ((self.counts & COEFFICIENT) >> COEFFICIENT_SHIFT) as u32;
        position.blocks_done += self.counts >> BLOCKS_SHIFT;
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

    /// Takes a group; `false` when there is none and nothing happened.
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
        let bits = group & GROUP_BITS;
        self.window <<= bits;
        self.mask = self.mask << bits | u64::from(group >> MASK_SHIFT);
        let ends = group & BLOCK_END != 0;
        // SAFETY: a ring of blocks.
        let block = unsafe { &*self.block };
        self.counts = select_unpredictable(ends, counts & !COEFFICIENT, counts);
        self.table = select_unpredictable(ends, block.next_beginning, block.within);
        self.block = select_unpredictable(ends, block.next, self.block);
        true
    }

    /// Whether it is before a byte, and before a number of blocks that stands in
    /// its place among the counts.
    #[inline(always)]
    fn is_before(&self, (byte, blocks): (usize, u64)) -> bool {
        self.at < byte && self.counts < blocks
    }

    /// Takes three groups, or symbols where there is none.
    ///
    /// # Safety
    ///
    /// As for [`refill`](Self::refill) and [`step`](Self::step).
    #[inline(always)]
    unsafe fn round(&mut self, bytes: Bytes, unit: &FastUnit<'_>) -> Result<(), Fault> {
        // SAFETY: as the caller says.
        unsafe {
            self.refill(bytes);
            for _ in 0..3 {
                if !self.step() {
                    *self = self.single(bytes, unit)?;
                }
            }
        }
        Ok(())
    }

    /// Takes one symbol.
    ///
    /// # Safety
    ///
    /// As for [`refill`](Self::refill) and [`step`](Self::step).
    #[cold]
    #[inline(never)]
    unsafe fn single(mut self, bytes: Bytes, unit: &FastUnit<'_>) -> Result<Self, Fault> {
        // SAFETY: as the caller says.
        unsafe {
            self.refill(bytes);
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

/// Proof that the processor has BMI2.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy)]
struct Bmi2(());

#[cfg(target_arch = "x86_64")]
impl NthOne for Bmi2 {
    #[inline(always)]
    fn nth_one(self, ones: u64, n: u32) -> u64 {
        // SAFETY: this value is only made where the processor has it.
        unsafe { std::arch::x86_64::_pdep_u64(1 << n, ones) }
    }
}

/// Runs a task in the best way that this processor has.
pub(super) fn run<T: Task>(task: T) -> T::Output {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("bmi1")
        && std::arch::is_x86_feature_detected!("bmi2")
        && std::arch::is_x86_feature_detected!("popcnt")
    {
        #[target_feature(enable = "bmi1,bmi2,popcnt")]
        fn run_bmi2<T: Task>(task: T) -> T::Output {
            task.run(Bmi2(()))
        }
        // SAFETY: the processor has what the function is compiled for.
        return unsafe { run_bmi2(task) };
    }
    task.run(Portable)
}

/// A place to walk from, and when to stop.
#[derive(Debug)]
pub(super) struct Way<'a> {
    pub(super) position: &'a mut Position,
    /// It stops at this byte or up to [`ROUND_BYTES`] behind it.
    pub(super) stop_byte: usize,
    /// It stops before this many blocks are done, by at most
    /// [`ROUND_BLOCKS`].
    pub(super) blocks: u64,
}

/// Where two lanes have come to.
pub(super) type Ends = (Result<(), Fault>, Result<(), Fault>);

/// Walks one way.
pub(super) fn walk_one(interval: &mut Interval<'_>, unit: &FastUnit<'_>, way: Way<'_>) -> Result<(), Fault> {
    let nowhere = Way { position: &mut Position::default(), stop_byte: 0, blocks: 0 };
    walk_two(interval, unit, [way, nowhere]).0
}

/// Walks two ways at once. A lane that begins where it should stop does
/// nothing.
pub(super) fn walk_two(interval: &mut Interval<'_>, unit: &FastUnit<'_>, ways: [Way<'_>; 2]) -> Ends {
    assert_eq!(interval.original.len(), interval.negative.len());
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("bmi1") && std::arch::is_x86_feature_detected!("bmi2") {
        #[target_feature(enable = "bmi1,bmi2")]
        fn walk_two_bmi2(interval: &mut Interval<'_>, unit: &FastUnit<'_>, ways: [Way<'_>; 2]) -> Ends {
            walk_two_anywhere(interval, unit, ways)
        }
        // SAFETY: the processor has what the function is compiled for.
        return unsafe { walk_two_bmi2(interval, unit, ways) };
    }
    walk_two_anywhere(interval, unit, ways)
}

#[inline(always)]
fn walk_two_anywhere(interval: &mut Interval<'_>, unit: &FastUnit<'_>, ways: [Way<'_>; 2]) -> Ends {
    let bytes = Bytes { original: interval.original.as_ptr(), negative: interval.negative.as_mut_ptr() };
    let data_bytes = interval.data_bytes();
    let [first, second] = ways;
    // A lane without a way stands at the beginning and never moves.
    let stop = |way: &Way<'_>| {
        let stop_byte = way.stop_byte.min(data_bytes);
        let blocks = way.blocks.saturating_sub(way.position.blocks_done + ROUND_BLOCKS);
        let moves = way.position.bit / 8 < stop_byte && blocks > 0;
        if moves { (stop_byte, blocks.min(BLOCKS_MAX) << BLOCKS_SHIFT) } else { (0, 0) }
    };
    let (first_stop, second_stop) = (stop(&first), stop(&second));
    let (origin, mut ends) = (Position::default(), (Ok(()), Ok(())));
    // SAFETY: a lane begins before its stop and is only moved while it is before it, which is not behind the end of the
    // data: so each read and write of eight bytes ends within the padding. `unit` lives as long as this function, and
    // nothing else uses the two buffers meanwhile.
    unsafe {
        let mut a = Lane::new(bytes, if first_stop.0 > 0 { first.position } else { &origin }, unit);
        let mut b = Lane::new(bytes, if second_stop.0 > 0 { second.position } else { &origin }, unit);
        while a.is_before(first_stop) && b.is_before(second_stop) && ends.0.is_ok() && ends.1.is_ok() {
            ends = (a.round(bytes, unit), b.round(bytes, unit));
        }
        while a.is_before(first_stop) && ends.0.is_ok() {
            ends.0 = a.round(bytes, unit);
        }
        while b.is_before(second_stop) && ends.1.is_ok() {
            ends.1 = b.round(bytes, unit);
        }
        if first_stop.0 > 0 {
            a.finish(bytes, first.position);
        }
        if second_stop.0 > 0 {
            b.finish(bytes, second.position);
        }
    }
    ends
}
