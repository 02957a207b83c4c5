use invert::ErrorKind;

use crate::bits::HighFirst;
use crate::scale::Scale;

pub(crate) const SOF0: u8 = 0xC0;
pub(crate) const SOF2: u8 = 0xC2;
pub(crate) const DHT: u8 = 0xC4;
pub(crate) const EOI: [u8; 2] = [0xFF, 0xD9];
const SOI: [u8; 2] = [0xFF, 0xD8];

/// The code of a block ends at once.
const END_OF_BLOCK: u8 = 0x00;
/// The longest run of blocks that end at once: 2^14, and 14 bits more.
const END_OF_BAND_14: u8 = 0xE0;
const LONGEST_RUN: u32 = (1 << 15) - 1;

pub(crate) fn segment(marker: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 2).expect("a short payload");
    [&[0xFF, marker], &length.to_be_bytes()[..], payload].concat()
}

/// A file of these parts, with tables before them.
pub(crate) fn jpeg(parts: &[Vec<u8>]) -> Vec<u8> {
    [SOI.to_vec(), tables(), parts.concat(), EOI.to_vec()].concat()
}

/// All ones to quantise by; codes of one and two bits for the symbols in use:
/// sizes 0 and 4 of a mean value (4 is what a correction of 8 needs), the end
/// of a block, a coefficient of one bit, and the longest run.
fn tables() -> Vec<u8> {
    let quantisation = segment(0xDB, &[&[0], &[1; 64][..]].concat());
    let dc = segment(DHT, &huffman(0x00, &[0, 4, 5]));
    let ac = segment(DHT, &huffman(0x10, &[END_OF_BLOCK, 0x01, END_OF_BAND_14]));
    [quantisation, dc, ac].concat()
}

/// Codes of 1, 2, 3 … bits.
pub(crate) fn huffman(class_and_place: u8, symbols: &[u8]) -> Vec<u8> {
    let counts: Vec<u8> = (0..16).map(|bits| (bits < symbols.len()).into()).collect();
    [&[class_and_place], &counts[..], symbols].concat()
}

/// Components 1, 2, … with their sampling factors.
pub(crate) fn frame(marker: u8, width: u16, height: u16, factors: &[u8]) -> Vec<u8> {
    let components = (1..).zip(factors).flat_map(|(id, &factors)| [id, factors, 0]);
    let sizes = [height.to_be_bytes(), width.to_be_bytes()].concat();
    segment(marker, &[&[8], &sizes[..], &[factors.len() as u8], &components.collect::<Vec<_>>()].concat())
}

/// A scan of components 1 to `components`.
pub(crate) fn scan(components: u8, band: [u8; 3], data: &[u8]) -> Vec<u8> {
    let ids = (1..=components).flat_map(|id| [id, 0]);
    [segment(0xDA, &[&[components], &ids.collect::<Vec<_>>()[..], &band].concat()), data.to_vec()].concat()
}

/// Nothing but zeros, and ones to the end of the last byte.
pub(crate) fn zero_bits(bits: usize) -> Vec<u8> {
    let mut data = vec![0; bits / 8];
    if !bits.is_multiple_of(8) {
        data.push(0xFF >> (bits % 8));
    }
    data
}

/// Flat grey: two bits for each block.
pub(crate) fn flat(width: u16, height: u16) -> Vec<u8> {
    let blocks = usize::from(width).div_ceil(8) * usize::from(height).div_ceil(8);
    jpeg(&[frame(SOF0, width, height, &[0x11]), scan(1, [0, 63, 0], &zero_bits(2 * blocks))])
}

/// A band without coefficients, in the longest runs of blocks that end at once
/// (T.81 G.1.2.2).
pub(crate) fn runs(blocks: u32) -> Vec<u8> {
    let mut bits = HighFirst::default();
    let mut left = blocks;
    while left > 0 {
        let run = left.min(LONGEST_RUN);
        if run >= 1 << 14 {
            // The third code.
            bits.put(0b110, 3);
            bits.put(run - (1 << 14), 14);
        } else {
            (0..run).for_each(|_| bits.put(0, 1));
        }
        left -= run;
    }
    bits.into_bytes()
}

/// A flat progressive picture of one component with so many scans: mean values,
/// then one coefficient after another, then their last bits, each in runs that
/// end as many blocks as they can.
pub(crate) fn progressive(width: u16, height: u16, scans: u8) -> Vec<u8> {
    let blocks = u32::from(width).div_ceil(8) * u32::from(height).div_ceil(8);
    let runs = runs(blocks);
    let mut parts = vec![frame(SOF2, width, height, &[0x11]), scan(1, [0, 0, 0], &zero_bits(blocks as usize))];
    for index in 0..scans - 1 {
        let place = 1 + index % 63;
        parts.push(scan(1, [place, place, if index < 63 { 0x01 } else { 0x10 }], &runs));
    }
    jpeg(&parts)
}

#[test]
fn absurd_sizes_are_refused_by_the_header() {
    let scale = Scale::alone();
    for (width, height) in [(65500, 65500), (65535, 65535), (65535, 977)] {
        for (marker, factors) in [(SOF0, &[0x11][..]), (SOF2, &[0x22, 0x11, 0x11])] {
            let file = jpeg(&[frame(marker, width, height, factors), scan(1, [0, 0, 0], &[0; 9])]);
            scale.refuses(&file, ErrorKind::TooLarge);
        }
    }
}

#[test]
fn a_height_that_never_comes_is_an_error() {
    let scale = Scale::alone();
    let file = jpeg(&[frame(SOF0, 65500, 0, &[0x11]), scan(1, [0, 63, 0], &vec![0; 16 << 20])]);
    assert!(scale.weigh(&file).is_err(), "there is no height");
}
