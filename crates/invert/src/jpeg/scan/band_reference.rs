//! The reference walk through a scan of a band: coefficient by coefficient, as
//! the standard says it, without tricks.

use super::interval::{Fault, PADDING_BYTES};
use super::progressive::Band;
use crate::jpeg::huffman::Huffman;

/// Makes the negative of an interval in place; `data` has padding behind it.
pub(super) fn invert(data: &mut [u8], band: Band, ac: &Huffman, nonzero: &mut [u64]) -> Result<(), Fault> {
    let mut bits = Bits { data, bit: 0 };
    // Blocks that end before their first symbol.
    let mut run = 0;
    for known in nonzero {
        if run > 0 {
            run -= 1;
            bits.pass_corrections(*known, band.first..=band.last, band);
            continue;
        }
        let mut next = band.first;
        while next <= band.last {
            let symbol = ac.decode(bits.window()).ok_or(Fault::Code)?;
            bits.bit += symbol.code_bits as usize;
            let (zeros, size) = (u32::from(symbol.value >> 4), u32::from(symbol.value & 0x0F));
            if size == 0 && zeros < 15 {
                // Table G.1.
                let low = if zeros == 0 { 0 } else { (bits.window() >> (64 - zeros)) as usize };
                bits.bit += zeros as usize;
                run = (1 << zeros) + low - 1;
                bits.pass_corrections(*known, next..=band.last, band);
                break;
            }
            if band.refines && size > 1 {
                return Err(Fault::Code);
            }
            bits.flip(size);
            let place = if band.refines { place_behind(zeros, *known, next) } else { next + zeros };
            if place > band.last && (size > 0 || !band.refines) {
                return Err(Fault::Code);
            }
            let end = place.min(band.last);
            bits.pass_corrections(*known, next..=end, band);
            if size > 0 {
                *known |= 1 << place;
            }
            next = end + 1;
        }
    }
    if bits.bit > 8 * (bits.data.len() - PADDING_BYTES) { Err(Fault::CutShort) } else { Ok(()) }
}

/// The place of a coefficient that is zero so far, behind as many others that
/// are; 64 where there is none.
fn place_behind(zeros: u32, known: u64, next: u32) -> u32 {
    (next..64).filter(|place| known >> place & 1 == 0).nth(zeros as usize).unwrap_or(64)
}

#[derive(Debug)]
struct Bits<'a> {
    data: &'a mut [u8],
    bit: usize,
}

impl Bits<'_> {
    /// At least 57 bits, at the top; zeros behind the padding.
    fn window(&self) -> u64 {
        let bytes = self.data.get(self.bit / 8..).and_then(<[u8]>::first_chunk);
        bytes.map_or(0, |bytes| u64::from_be_bytes(*bytes)) << (self.bit % 8)
    }

    fn flip(&mut self, bits: u32) {
        for _ in 0..bits {
            if let Some(byte) = self.data.get_mut(self.bit / 8) {
                *byte ^= 0x80 >> (self.bit % 8);
            }
            self.bit += 1;
        }
    }

    /// Of a refinement, past one bit for each coefficient that is not zero.
    fn pass_corrections(&mut self, known: u64, places: std::ops::RangeInclusive<u32>, band: Band) {
        if band.refines {
            self.bit += places.filter(|place| known >> place & 1 == 1).count();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::buffers::Buffers;
    use super::super::progressive::BandScan;
    use super::super::sequential::Pace;
    use super::super::splice::BitWriter;
    use super::super::stuffing;
    use super::*;
    use crate::jpeg::huffman::{Code, Definition};
    use crate::jpeg::segments::ScanData;

    /// Codes of many lengths: every end of a band, zeros, and magnitudes of up
    /// to `size_max` bits. Which symbols have the short ones says `shift`.
    fn definition(size_max: u8, shift: usize) -> Definition {
        let ends = (0..15).map(|exponent| exponent << 4);
        let sizes = (1..=size_max).flat_map(|size| (0..16).map(move |zeros| zeros << 4 | size));
        let mut symbols: Vec<u8> = sizes.chain(ends).chain([0xF0]).collect();
        let behind = shift % symbols.len();
        symbols.rotate_left(behind);
        let mut counts = [0_u8, 1, 1, 1, 2, 2, 3, 4, 4, 8, 16, 16, 64, 64, 64, 64];
        let mut left = symbols.len() as u8;
        for count in &mut counts {
            *count = left.min(*count);
            left -= *count;
        }
        Definition { counts, symbols }
    }

    /// Figure C.2.
    fn code(definition: &Definition, symbol: u8) -> Code {
        let place = definition.symbols.iter().position(|&other| other == symbol).expect("a symbol of the table");
        let (mut code, mut before) = (0, 0);
        for (count, bits) in definition.counts.iter().zip(1..) {
            let count = usize::from(*count);
            if place < before + count {
                return Code { code: code + (place - before) as u32, bits };
            }
            (code, before) = ((code + count as u32) << 1, before + count);
        }
        unreachable!("as many codes as symbols")
    }

    /// A whole scan, whose symbols are those that `choices` leads to.
    fn scan(band: Band, definition: &Definition, known: &[u64], choices: &[u8]) -> Vec<u8> {
        let mut choices = choices.iter().copied().cycle();
        let mut choose = |below: u32| u32::from(choices.next().expect("endless")) % below;
        let mut bytes = vec![];
        let mut out = BitWriter::new(&mut bytes);
        let mut run = 0;
        for &known in known {
            let mut next = band.first;
            while run == 0 && next <= band.last {
                let (zeros, size) = (choose(16), if band.refines { 1 } else { 1 + choose(4) });
                let place = if band.refines { place_behind(zeros, known, next) } else { next + zeros };
                if choose(5) == 0 || place > band.last {
                    let exponent = choose(4) * choose(3);
                    let code = code(definition, (exponent << 4) as u8);
                    out.put(code.code.into(), code.bits);
                    let low = choose(1 << exponent);
                    out.put(low.into(), exponent);
                    run = (1 << exponent) + low;
                    break;
                }
                let is_new = zeros < 15 || choose(2) == 0;
                let code = code(definition, if is_new { (zeros << 4 | size) as u8 } else { 0xF0 });
                out.put(code.code.into(), code.bits);
                for _ in 0..if is_new { size } else { 0 } {
                    out.put(choose(2).into(), 1);
                }
                for _ in (next..place).filter(|place| band.refines && known >> place & 1 == 1) {
                    out.put(choose(2).into(), 1);
                }
                next = place + 1;
            }
            if run > 0 {
                run -= 1;
                for _ in (next..=band.last).filter(|place| band.refines && known >> place & 1 == 1) {
                    out.put(choose(2).into(), 1);
                }
            }
        }
        out.finish(1);
        let mut stuffed = vec![];
        stuffing::add(&bytes, &mut stuffed);
        stuffed
    }

    /// The negative, and which coefficients are then not zero.
    fn walk(
        pace: Pace,
        bytes: &[u8],
        band: Band,
        definition: &Definition,
        known: &[u64],
    ) -> Result<(Vec<u8>, Vec<u64>), Fault> {
        let ac = &Huffman::new(definition.clone()).expect("codes of these lengths are free");
        let (mut nonzero, mut out) = (known.to_vec(), vec![]);
        let data = ScanData { bytes, is_unbroken: true };
        let scan = BandScan { band, ac, restart_interval: 0, pace };
        scan.invert(data, &mut nonzero, &mut Buffers::default(), &mut out).map(|()| (out, nonzero))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn the_fast_walk_goes_as_the_reference_does(
            choices in prop::collection::vec(any::<u8>(), 1..400),
            history in prop::collection::vec(any::<(u64, u64)>(), 1..40),
            dense: bool,
            (one, other) in (1..64_u32, 1..64_u32),
            refines: bool,
            shift: usize,
            wrong in prop::option::of((any::<prop::sample::Index>(), any::<u8>())),
        ) {
            let band = Band { first: one.min(other), last: one.max(other), refines };
            let definition = definition(if refines { 1 } else { 4 }, shift);
            let join = |&(one, other): &(u64, u64)| match (refines, dense) {
                (false, _) => 0,
                (true, false) => one & other,
                (true, true) => one | other,
            };
            let known: Vec<u64> = history.iter().map(join).collect();
            let mut bytes = scan(band, &definition, &known, &choices);
            if let (Some((place, bits)), false) = (wrong, bytes.is_empty()) {
                let place = place.index(bytes.len());
                bytes[place] ^= bits;
            }
            let [fast, reference] =
                [Pace::Fast, Pace::Reference].map(|pace| walk(pace, &bytes, band, &definition, &known));
            prop_assert!(fast.is_ok() || wrong.is_some());
            prop_assert_eq!(fast, reference);
        }
    }
}
