//! Scans of a progressive picture (T.81 annex G), all but those of mean
//! values.
//!
//! The first scan of a band has magnitudes as a sequential picture has them.
//! A refinement has one bit more for each coefficient that is not zero so far,
//! which belongs to the magnitude and stays, and the sign of each new one,
//! which is flipped.

use std::hint::select_unpredictable;

use super::buffers::Buffers;
use super::cursor::{Cursor, REFILL_BITS};
use super::fast;
use super::groups::{BLOCK_END, BandGroups, GROUP_BITS, MASK_SHIFT, PATTERN_SHIFT, SINGLE, band_groups};
use super::interval::{Fault, Interval};
use super::restarts::intervals;
use super::select::{NthOne, Task};
use super::stuffing;
use crate::jpeg::huffman::{Huffman, LOOKUP_BITS};
use crate::jpeg::segments::ScanData;

/// The coefficients of a scan, both ends included.
#[derive(Debug, Clone, Copy)]
pub(in crate::jpeg) struct Band {
    pub(in crate::jpeg) first: u32,
    pub(in crate::jpeg) last: u32,
    /// Whether it only has one bit more of what an earlier scan gave.
    pub(in crate::jpeg) refines: bool,
}

/// Appends the negative of a scan to `out`.
///
/// `nonzero` has for each block of the component, in the order of the scan, a
/// bit for each coefficient that is not zero so far.
pub(in crate::jpeg) fn invert(
    data: ScanData<'_>,
    band: Band,
    ac: &Huffman,
    restart_interval: u16,
    nonzero: &mut [u64],
    buffers: &mut Buffers,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    let groups = if band.refines { None } else { Some(band_groups(ac)) };
    for piece in intervals(data, nonzero.len(), restart_interval) {
        let piece = piece?;
        buffers.load(piece.data);
        let nonzero = &mut nonzero[piece.units];
        match &groups {
            Some(groups) => invert_first(buffers.interval(), band, ac, groups, nonzero)?,
            None => fast::run(Refinement { interval: buffers.interval(), band, ac, nonzero })?,
        }
        let interval = buffers.interval();
        stuffing::add(&interval.negative[..interval.data_bytes()], out);
        out.extend_from_slice(piece.behind);
    }
    Ok(())
}

/// Magnitudes of coefficients that had none (T.81 G.1.2.2).
fn invert_first(
    mut interval: Interval<'_>,
    band: Band,
    ac: &Huffman,
    groups: &BandGroups,
    nonzero: &mut [u64],
) -> Result<(), Fault> {
    // Coefficients are counted so that a full band ends at 64.
    let bias = 63 - band.last;
    let start = band.first + bias;
    let (mut coefficient, mut block, mut found) = (start, 0, 0_u64);
    let mut cursor = Cursor::new(&interval);
    while block < nonzero.len() {
        cursor.refill(&mut interval);
        // Three groups fit into a refill.
        for _ in 0..3 {
            let Some(known) = nonzero.get_mut(block) else { break };
            let group = groups[(cursor.window() >> (64 - LOOKUP_BITS)) as usize];
            let next = coefficient + (group >> 8 & 0x3F) as u32;
            if group & u64::from(SINGLE) != 0 || next > 63 {
                let single = Single::take(cursor, &mut interval, ac, coefficient)?;
                cursor = single.cursor;
                found |= single.found;
                *known |= found >> bias;
                block += single.blocks;
                (coefficient, found) = if single.blocks > 0 { (start, 0) } else { (single.coefficient, found) };
                break;
            }
            cursor.take((group & u64::from(GROUP_BITS)) as u32, group >> MASK_SHIFT & 0xFFFF);
            found |= group >> PATTERN_SHIFT << coefficient;
            *known |= found >> bias;
            let ends = group & u64::from(BLOCK_END) != 0;
            block += usize::from(ends);
            coefficient = select_unpredictable(ends, start, next);
            found = select_unpredictable(ends, 0, found);
        }
    }
    cursor.finish(&mut interval)
}

/// A symbol that is in no group.
#[derive(Debug)]
struct Single {
    cursor: Cursor,
    /// The next coefficient, and the one that it brought.
    coefficient: u32,
    found: u64,
    /// Blocks that end with it.
    blocks: usize,
}

impl Single {
    fn take(
        mut cursor: Cursor,
        interval: &mut Interval<'_>,
        ac: &Huffman,
        mut coefficient: u32,
    ) -> Result<Self, Fault> {
        cursor.refill(interval);
        let symbol = ac.decode(cursor.window()).ok_or(Fault::Code)?;
        let (run, size) = (u32::from(symbol.value >> 4), u32::from(symbol.value & 0x0F));
        cursor.take(symbol.code_bits, 0);
        let (mut found, mut blocks) = (0, 0);
        match (run, size) {
            (15, 0) => coefficient += 16,
            (exponent, 0) => blocks = take_run(&mut cursor, exponent),
            (run, size) => {
                coefficient += run + 1;
                found = 1_u64.checked_shl(coefficient - 1).ok_or(Fault::Code)?;
                cursor.take(size, (1 << size) - 1);
            }
        }
        match coefficient {
            0..64 => {}
            64 => blocks = 1,
            _ => return Err(Fault::Code),
        }
        Ok(Self { cursor, coefficient, found, blocks })
    }
}

/// How many blocks an end-of-band symbol ends, this one included (T.81 table
/// G.1).
fn take_run(cursor: &mut Cursor, exponent: u32) -> usize {
    let low = (cursor.window() >> 32 >> (32 - exponent)) as usize;
    cursor.take(exponent, 0);
    (1 << exponent) + low
}

/// One bit more for each coefficient, and the signs of new ones (T.81 G.1.2.3).
#[derive(Debug)]
struct Refinement<'a> {
    interval: Interval<'a>,
    band: Band,
    ac: &'a Huffman,
    nonzero: &'a mut [u64],
}

impl Task for Refinement<'_> {
    type Output = Result<(), Fault>;

    #[inline(always)]
    fn run<N: NthOne>(self, way: N) -> Result<(), Fault> {
        let Self { mut interval, band, ac, nonzero } = self;
        let band = (u64::MAX << band.first) & (u64::MAX >> (63 - band.last));
        let mut cursor = Cursor::new(&interval);
        let mut block = 0;
        while let Some(known) = nonzero.get_mut(block) {
            let refined = refine(cursor, &mut interval, ac, *known, band, way)?;
            *known |= refined.found;
            cursor = refined.cursor;
            let first = (*known & refined.rest).count_ones();
            if refined.run <= 1 {
                // Most blocks end alone.
                cursor.refill(&mut interval);
                if first <= REFILL_BITS {
                    cursor.take(first, 0);
                } else {
                    cursor = cursor.skip(&mut interval, first as usize);
                }
                block += 1;
                continue;
            }
            // The rest of this block, and the others that end with it: only bits of what was there.
            let end = nonzero.len().min(block + refined.run);
            let others = nonzero[block + 1..end].iter().map(|known| (known & band).count_ones() as usize);
            cursor = cursor.skip(&mut interval, first as usize + others.sum::<usize>());
            block = end;
        }
        cursor.finish(&mut interval)
    }
}

/// What a first symbol may have so that a second one fits behind it: a code of
/// 16 bits and the length of a run, of 14.
const FIRST_BITS_MAX: u32 = REFILL_BITS - 16 - 14;

/// What the symbols of a block did.
#[derive(Debug)]
struct Refined {
    cursor: Cursor,
    /// Coefficients that are new.
    found: u64,
    /// The part of the band that no symbol reached.
    rest: u64,
    /// How many blocks have ended, none where the band is full.
    run: usize,
}

#[inline(always)]
fn refine<N: NthOne>(
    mut cursor: Cursor,
    interval: &mut Interval<'_>,
    ac: &Huffman,
    known: u64,
    band: u64,
    way: N,
) -> Result<Refined, Fault> {
    let (mut rest, mut found) = (band, 0);
    'block: while rest != 0 {
        cursor.refill(interval);
        // Two symbols fit into a refill, but for rare long ones.
        for _ in 0..2 {
            let symbol = ac.decode(cursor.window()).ok_or(Fault::Code)?;
            let (zeros, size) = (u32::from(symbol.value >> 4), u32::from(symbol.value & 0x0F));
            if size == 0 && zeros < 15 {
                cursor.take(symbol.code_bits, 0);
                let run = take_run(&mut cursor, zeros);
                return Ok(Refined { cursor, found, rest, run });
            }
            // The place behind that many coefficients that are zero so far; each other one has a bit here.
            let place = way.nth_one(!known & rest, zeros);
            if size > 1 || (place == 64 && size == 1) {
                return Err(Fault::Code);
            }
            let behind = (u64::MAX - 1).checked_shl(place).unwrap_or(0);
            let bits = (known & rest & !behind).count_ones();
            found |= u64::from(size) << (place % 64);
            rest &= behind;
            if symbol.code_bits + size + bits > FIRST_BITS_MAX {
                cursor.take(symbol.code_bits + size, size.into());
                cursor = cursor.skip(interval, bits as usize);
                continue 'block;
            }
            cursor.take(symbol.code_bits + size + bits, u64::from(size) << bits);
            if rest == 0 {
                break 'block;
            }
        }
    }
    Ok(Refined { cursor, found, rest, run: 0 })
}
