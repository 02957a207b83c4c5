//! The refinement of a band (T.81 G.1.2.3): one bit more for each coefficient
//! that is not zero so far, which belongs to its magnitude and stays, and the
//! sign of each new one, which is flipped.

use std::hint::select_unpredictable;

use super::cursor::{Cursor, REFILL_BITS};
use super::interval::Fault;
use super::progressive::{Band, take_run};
use super::select::{NthOne, Task};
use crate::jpeg::huffman::{Huffman, LOOKUP_BITS, LOOKUPS, Symbol};

/// What a symbol means, from its low end:
///
/// | bits | what |
/// |---|---|
/// | 0–7 | bits of its code and of a sign |
/// | 8–13 | coefficients that are zero and stay so |
/// | 16 | a coefficient is new |
///
/// The end of a block is more zeros than it can have.
type Step = u32;
pub(super) type Steps = [Step; LOOKUPS];

const BITS: Step = 0xFF;
const ZEROS_SHIFT: u32 = 8;
const ZEROS: Step = 63;
const NEW_SHIFT: u32 = 16;
/// Of what is left to [`Walk::single`]: no step may have so many bits.
const SINGLE: Step = BITS;
const _: () = assert!(STEP_BITS_MAX < SINGLE);

/// The meanings of all short codes.
pub(super) fn steps(ac: &Huffman) -> Box<Steps> {
    let mut steps = Box::new([0; LOOKUPS]);
    for (lookup, entry) in steps.iter_mut().enumerate() {
        *entry = ac.decode_short((lookup as u64) << (64 - LOOKUP_BITS)).and_then(step).unwrap_or(SINGLE);
    }
    steps
}

/// `None` where it is not that simple.
fn step(symbol: Symbol) -> Option<Step> {
    let (zeros, new) = match (symbol.value >> 4, symbol.value & 0x0F) {
        (0, 0) => (ZEROS, 0),
        (15, 0) => (15, 0),
        (zeros, 1) => (zeros.into(), 1),
        _ => return None,
    };
    let bits = symbol.code_bits + new;
    Some(bits | zeros << ZEROS_SHIFT | new << NEW_SHIFT)
}

/// An interval to be refined.
#[derive(Debug)]
pub(super) struct Refinement<'a> {
    /// With padding.
    pub(super) data: &'a mut [u8],
    pub(super) band: Band,
    pub(super) ac: &'a Huffman,
    pub(super) steps: &'a Steps,
    pub(super) nonzero: &'a mut [u64],
}

impl Task for Refinement<'_> {
    type Output = Result<(), Fault>;

    #[inline(always)]
    fn run<N: NthOne>(mut self, way: N) -> Result<(), Fault> {
        let band = self.band.coefficients();
        let mut walk = Walk { cursor: Cursor::new(self.data), block: 0, zeros: 0, ones: 0 };
        walk.enter(0, self.nonzero, band);
        while walk.block < self.nonzero.len() {
            walk.cursor.refill(self.data);
            for _ in 0..STEPS {
                let step = self.steps[(walk.cursor.window() >> (64 - LOOKUP_BITS)) as usize];
                if !walk.step(step, self.nonzero, band, way) {
                    walk = walk.single(&mut self, band, way)?;
                    break;
                }
            }
        }
        walk.cursor.finish(self.data)?;
        Ok(())
    }
}

/// Steps in a refill.
const STEPS: usize = 2;

/// Bits that one step may have.
const STEP_BITS_MAX: u32 = REFILL_BITS / STEPS as u32;

/// A place of the walk.
#[derive(Debug, Clone, Copy)]
struct Walk {
    cursor: Cursor,
    block: usize,
    /// The coefficients ahead in the block: those that are zero so far, and the
    /// others.
    zeros: u64,
    ones: u64,
}

impl Walk {
    /// Takes a symbol; `false` when that is not so simple or no block is left,
    /// and nothing happened.
    #[inline(always)]
    fn step<N: NthOne>(&mut self, step: Step, nonzero: &mut [u64], band: u64, way: N) -> bool {
        let (bits, zeros, new) = (step & BITS, step >> ZEROS_SHIFT & ZEROS, step >> NEW_SHIFT & 1);
        let place = way.nth_one(self.zeros, zeros);
        // A bit for each coefficient on the way that is not zero; all of them where there is no such place.
        let before = place.wrapping_sub(1);
        let bits = bits + (self.ones & before).count_ones();
        let next = nonzero.get(self.block + 1).copied().unwrap_or_default();
        let Some(known) = nonzero.get_mut(self.block) else { return false };
        if bits > STEP_BITS_MAX || place < u64::from(new) {
            return false;
        }
        *known |= place & 0_u64.wrapping_sub(new.into());
        let passed = bits - (step & BITS);
        self.cursor.take(bits, u64::from(new) << passed);
        let zeros = self.zeros & !(before | place);
        let ones = self.ones & !before;
        let ends = zeros | ones == 0;
        self.block += usize::from(ends);
        self.zeros = select_unpredictable(ends, !next & band, zeros);
        self.ones = select_unpredictable(ends, next & band, ones);
        true
    }

    /// Takes any symbol.
    #[inline(never)]
    fn single<N: NthOne>(mut self, scan: &mut Refinement<'_>, band: u64, way: N) -> Result<Self, Fault> {
        let Refinement { data, ac, nonzero, .. } = scan;
        let Some(known) = nonzero.get_mut(self.block) else { return Ok(self) };
        self.cursor.refill(data);
        let symbol = ac.decode(self.cursor.window()).ok_or(Fault::Code)?;
        let (zeros, size) = (u32::from(symbol.value >> 4), u32::from(symbol.value & 0x0F));
        self.cursor.take(symbol.code_bits, 0);
        if size == 0 && zeros < 15 {
            let run = take_run(&mut self.cursor, zeros);
            // The rest of this block, and the others that end with it: only bits of what was there.
            let end = nonzero.len().min(self.block + run);
            let others = nonzero[self.block + 1..end].iter().map(|known| (known & band).count_ones() as usize);
            let passed = self.ones.count_ones() as usize + others.sum::<usize>();
            self.cursor = self.cursor.skip(data, passed);
            self.enter(end, nonzero, band);
            return Ok(self);
        }
        let place = way.nth_one(self.zeros, zeros);
        let before = place.wrapping_sub(1);
        if size > 1 || place < u64::from(size) {
            return Err(Fault::Code);
        }
        *known |= place & 0_u64.wrapping_sub(size.into());
        self.cursor.take(size, size.into());
        self.cursor = self.cursor.skip(data, (self.ones & before).count_ones() as usize);
        self.zeros &= !(before | place);
        self.ones &= !before;
        if self.zeros | self.ones == 0 {
            self.enter(self.block + 1, nonzero, band);
        }
        Ok(self)
    }

    fn enter(&mut self, block: usize, nonzero: &[u64], band: u64) {
        let known = nonzero.get(block).copied().unwrap_or_default();
        (self.block, self.zeros, self.ones) = (block, !known & band, known & band);
    }
}
