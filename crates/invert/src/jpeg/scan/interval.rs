//! One restart interval of a scan, and the reference walk through it: symbol
//! by symbol, without tricks.

use std::ops::Range;

use super::groups::{GroupCache, Handle};
use crate::jpeg::huffman::Huffman;

/// Bytes behind the data that may be read and written: a window, and what the
/// fast walk is ahead.
pub(super) const PADDING_BYTES: usize = 64;

/// The tables of one block of the unit that a scan repeats (the MCU of T.81
/// A.2).
#[derive(Debug, Clone, Copy)]
pub(in crate::jpeg) struct BlockTables<'a> {
    pub(super) dc: &'a Huffman,
    pub(super) ac: &'a Huffman,
    /// Groups of symbols from the beginning of the block, and from within it.
    pub(super) beginning: Handle,
    pub(super) within: Handle,
    /// The component, by its place in the frame.
    pub(super) component: usize,
}

impl<'a> BlockTables<'a> {
    pub(in crate::jpeg) fn new(cache: &mut GroupCache, dc: &'a Huffman, ac: &'a Huffman, component: usize) -> Self {
        let (beginning, within) = (cache.find_or_make(Some(dc), ac), cache.find_or_make(None, ac));
        Self { dc, ac, beginning, within, component }
    }
}

/// Entropy-coded data without stuffing, and its negative in the making.
#[derive(Debug)]
pub(super) struct Interval<'a> {
    /// The data, and [`PADDING_BYTES`].
    pub(super) original: &'a [u8],
    /// Equal to `original` but for the bits that were flipped.
    pub(super) negative: &'a mut [u8],
}

/// How far a walk came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) bit: usize,
    /// Which block of the unit.
    pub(super) block: usize,
    /// The next coefficient of the block.
    pub(super) coefficient: u32,
    /// Blocks that lie behind.
    pub(super) blocks_done: u64,
}

/// What a walk ran into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::jpeg) enum Fault {
    /// The data ends before its blocks do.
    CutShort,
    /// Bits that are no code, or a symbol that has no place here.
    Code,
    /// A table that the file does not have.
    NoTable,
}

const COEFFICIENTS: u32 = 64;

impl Interval<'_> {
    /// A part of it as an interval of its own; padding follows its `data`.
    pub(super) fn part(&mut self, data: Range<usize>) -> Interval<'_> {
        let padded = data.start..data.end + PADDING_BYTES;
        Interval { original: &self.original[padded.clone()], negative: &mut self.negative[padded] }
    }

    pub(super) fn data_bytes(&self) -> usize {
        self.original.len() - PADDING_BYTES
    }

    /// At least 57 bits, at the top.
    #[inline]
    pub(super) fn window(&self, bit: usize) -> u64 {
        let bytes = self.original[bit / 8..].first_chunk().expect("padding follows the data");
        u64::from_be_bytes(*bytes) << (bit % 8)
    }

    #[inline]
    fn flip(&mut self, bit: usize, bits: u32) {
        let bytes = self.negative[bit / 8..].first_chunk_mut().expect("padding follows the data");
        let ones = ((1_u64 << bits) - 1) << (64 - bits - (bit % 8) as u32).min(63);
        *bytes = (u64::from_be_bytes(*bytes) ^ ones).to_be_bytes();
    }

    /// As [`window`](Self::window), where the data may have ended.
    pub(super) fn checked_window(&self, bit: usize) -> Result<u64, Fault> {
        if bit > 8 * self.data_bytes() { Err(Fault::CutShort) } else { Ok(self.window(bit)) }
    }

    /// Goes past a block without flipping anything.
    pub(super) fn skip_block(&self, position: &mut Position, unit: &[BlockTables<'_>]) -> Result<(), Fault> {
        let blocks = position.blocks_done + 1;
        while position.blocks_done < blocks {
            let window = self.checked_window(position.bit)?;
            let (code_bits, size) = position.advance(window, unit)?;
            position.bit += (code_bits + size) as usize;
        }
        Ok(())
    }

    /// Takes the flips from here on back.
    pub(super) fn restore(&mut self, from_byte: usize) {
        self.negative[from_byte..].copy_from_slice(&self.original[from_byte..]);
    }

    /// Walks one symbol.
    pub(super) fn step(&mut self, position: &mut Position, unit: &[BlockTables<'_>]) -> Result<(), Fault> {
        let window = self.checked_window(position.bit)?;
        let (code_bits, size) = position.advance(window, unit)?;
        self.flip(position.bit + code_bits as usize, size);
        position.bit += (code_bits + size) as usize;
        Ok(())
    }

    /// Walks to the end of `blocks`, counted from the beginning of the
    /// interval.
    pub(super) fn walk(&mut self, position: &mut Position, blocks: u64, unit: &[BlockTables<'_>]) -> Result<(), Fault> {
        while position.blocks_done < blocks {
            self.step(position, unit)?;
        }
        if position.bit > 8 * self.data_bytes() { Err(Fault::CutShort) } else { Ok(()) }
    }

    /// Walks to the first end of a block that is not before `bit`.
    pub(super) fn walk_past(
        &mut self,
        position: &mut Position,
        bit: usize,
        unit: &[BlockTables<'_>],
    ) -> Result<(), Fault> {
        while position.bit < bit || position.coefficient != 0 {
            self.step(position, unit)?;
        }
        Ok(())
    }
}

impl Position {
    /// Takes the symbol at the top of `window` in, all but its bits; returns
    /// these: those of its code, and those of its magnitude.
    #[inline]
    pub(super) fn advance(&mut self, window: u64, unit: &[BlockTables<'_>]) -> Result<(u32, u32), Fault> {
        let tables = &unit[self.block];
        if self.coefficient == 0 {
            let symbol = tables.dc.decode(window).filter(|symbol| symbol.value < 16).ok_or(Fault::Code)?;
            self.coefficient = 1;
            return Ok((symbol.code_bits, symbol.value.into()));
        }
        let symbol = tables.ac.decode(window).ok_or(Fault::Code)?;
        let (run, size) = (u32::from(symbol.value >> 4), u32::from(symbol.value & 0x0F));
        // F.1.2.2.1: the end of the block, sixteen zeros, or a coefficient behind zeros.
        self.coefficient += match (run, size) {
            (0, 0) => COEFFICIENTS - self.coefficient,
            (15, 0) => 16,
            (_, 0) => return Err(Fault::Code),
            (run, _) => run + 1,
        };
        if self.coefficient > COEFFICIENTS {
            return Err(Fault::Code);
        }
        if self.coefficient == COEFFICIENTS {
            self.coefficient = 0;
            self.block = if self.block + 1 == unit.len() { 0 } else { self.block + 1 };
            self.blocks_done += 1;
        }
        Ok((symbol.code_bits, size))
    }
}
