//! Scans of a progressive picture (T.81 annex G), all but those of mean
//! values.
//!
//! The first scan of a band has magnitudes as a sequential picture has them.
//! A refinement has one bit more for each coefficient that is not zero so far,
//! which belongs to the magnitude and stays, and the sign of each new one,
//! which is flipped.

use std::hint::select_unpredictable;

use super::band_reference;
use super::buffers::Buffers;
use super::cursor::Cursor;
use super::fast;
use super::groups::{BLOCK_END, BandGroups, GROUP_BITS, MASK_SHIFT, PATTERN_SHIFT, SINGLE, band_groups};
use super::interval::{Fault, PADDING_BYTES};
use super::refinement::{self, Refinement};
use super::restarts::intervals;
use super::sequential::Pace;
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

impl Band {
    /// A bit for each of its coefficients.
    pub(super) fn coefficients(self) -> u64 {
        (u64::MAX << self.first) & (u64::MAX >> (63 - self.last))
    }
}

/// A scan of a band.
#[derive(Debug)]
pub(in crate::jpeg) struct BandScan<'a> {
    pub(in crate::jpeg) band: Band,
    pub(in crate::jpeg) ac: &'a Huffman,
    pub(in crate::jpeg) restart_interval: u16,
    pub(in crate::jpeg) pace: Pace,
}

/// A way through a scan, with its tables.
#[derive(Debug)]
enum Walk {
    First(Box<BandGroups>),
    Refinement(Box<refinement::Steps>),
    Reference,
}

impl BandScan<'_> {
    /// Appends the negative of `data` to `out`.
    ///
    /// `nonzero` has for each block of the component, in the order of the scan,
    /// a bit for each coefficient that is not zero so far.
    pub(in crate::jpeg) fn invert(
        &self,
        data: ScanData<'_>,
        nonzero: &mut [u64],
        buffers: &mut Buffers,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let Self { band, ac, .. } = *self;
        let walk = match self.pace {
            Pace::Reference => Walk::Reference,
            Pace::Fast if band.refines => Walk::Refinement(refinement::steps(ac)),
            Pace::Fast => Walk::First(band_groups(ac)),
        };
        for piece in intervals(data, nonzero.len(), self.restart_interval) {
            let piece = piece?;
            let data = buffers.load_alone(piece.data);
            let nonzero = &mut nonzero[piece.units];
            match &walk {
                Walk::First(groups) => invert_first(data, band, ac, groups, nonzero)?,
                Walk::Refinement(steps) => fast::run(Refinement { data, band, ac, steps, nonzero })?,
                Walk::Reference => band_reference::invert(data, band, ac, nonzero)?,
            }
            stuffing::add(&data[..data.len() - PADDING_BYTES], out);
            out.extend_from_slice(piece.behind);
        }
        Ok(())
    }
}

/// Magnitudes of coefficients that had none (T.81 G.1.2.2).
fn invert_first(
    data: &mut [u8],
    band: Band,
    ac: &Huffman,
    groups: &BandGroups,
    nonzero: &mut [u64],
) -> Result<(), Fault> {
    // Coefficients are counted so that a full band ends at 64.
    let bias = 63 - band.last;
    let start = band.first + bias;
    let (mut coefficient, mut block, mut found) = (start, 0, 0_u64);
    let mut cursor = Cursor::new(data);
    while block < nonzero.len() {
        cursor.refill(data);
        // Three groups fit into a refill.
        for _ in 0..3 {
            let Some(known) = nonzero.get_mut(block) else { break };
            let group = groups[(cursor.window() >> (64 - LOOKUP_BITS)) as usize];
            let next = coefficient + (group >> 8 & 0x3F) as u32;
            if group & u64::from(SINGLE) != 0 || next > 63 {
                let single = Single::take(cursor, data, ac, coefficient)?;
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
    cursor.finish(data)?;
    Ok(())
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
    fn take(mut cursor: Cursor, data: &mut [u8], ac: &Huffman, mut coefficient: u32) -> Result<Self, Fault> {
        cursor.refill(data);
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
pub(super) fn take_run(cursor: &mut Cursor, exponent: u32) -> usize {
    let low = (cursor.window() >> 32 >> (32 - exponent)) as usize;
    cursor.take(exponent, 0);
    (1 << exponent) + low
}
