use invert::ErrorKind;

use crate::bits::LowFirst;
use crate::scale::Scale;

pub(crate) fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let padding: &[u8] = if data.len().is_multiple_of(2) { &[] } else { &[0] };
    [name.as_slice(), &(data.len() as u32).to_le_bytes(), data, padding].concat()
}

pub(crate) fn webp(chunks: &[Vec<u8>]) -> Vec<u8> {
    let body = [b"WEBP".to_vec(), chunks.concat()].concat();
    [b"RIFF".as_slice(), &(body.len() as u32).to_le_bytes(), &body].concat()
}

/// The header of an extended file: flags, then a canvas of this size.
pub(crate) fn extended(flags: u8, width: u32, height: u32) -> Vec<u8> {
    let (width, height) = ((width - 1).to_le_bytes(), (height - 1).to_le_bytes());
    chunk(b"VP8X", &[&[flags, 0, 0, 0], &width[..3], &height[..3]].concat())
}

/// A lossless picture of one colour: each of the five codes has a single
/// symbol, which takes no bits (RFC 9649 §3.7.2.1.1).
pub(crate) fn flat(width: u32, height: u32) -> Vec<u8> {
    let mut bits = LowFirst::default();
    bits.put(0x2F, 8);
    bits.put(width - 1, 14);
    bits.put(height - 1, 14);
    // No alpha, version 0; no transform, no colour cache, no groups of codes.
    bits.put(0, 1 + 3 + 1 + 1 + 1);
    for symbol in [0x40, 0x80, 0xC0, 0xFF, 0] {
        // A simple code of one symbol of eight bits.
        bits.put(0b1_0_1, 3);
        bits.put(symbol, 8);
    }
    chunk(b"VP8L", &bits.into_bytes())
}

/// The header of a lossy key frame, and nothing of its partitions.
fn lossy(width: u16, height: u16) -> Vec<u8> {
    // RFC 6386 §9.1: the first partition has 2^19 - 1 bytes.
    let data =
        [&[0xF0, 0xFF, 0xFF, 0x9D, 0x01, 0x2A], &width.to_le_bytes()[..], &height.to_le_bytes(), &[0; 64]].concat();
    chunk(b"VP8 ", &data)
}

#[test]
fn absurd_sizes_are_refused_by_the_header() {
    let scale = Scale::alone();
    scale.refuses(&webp(&[flat(16384, 16384)]), ErrorKind::TooLarge);
    scale.refuses(&webp(&[lossy(16383, 16383)]), ErrorKind::TooLarge);
    for (width, height) in [(1 << 24, 1 << 24), (1 << 16, 1 << 16)] {
        scale.refuses(&webp(&[extended(0, width, height), flat(1, 1)]), ErrorKind::TooLarge);
    }
    scale.refuses(&webp(&[extended(0, 1 << 24, 1), flat(1, 1)]), ErrorKind::Broken);
}

#[test]
fn the_largest_picture_in_the_smallest_file_is_inverted() {
    let scale = Scale::alone();
    let file = webp(&[flat(4096, 4096)]);
    assert!(file.len() < 64, "{} bytes", file.len());
    scale.inverts(&file);
}

#[test]
fn partitions_that_are_not_there_are_missed() {
    let scale = Scale::alone();
    for (width, height) in [(1, 1), (4096, 4096)] {
        scale.refuses(&webp(&[lossy(width, height)]), ErrorKind::Broken);
    }
}

#[test]
fn metadata_is_copied_not_multiplied() {
    let scale = Scale::alone();
    for (name, flags) in [(b"EXIF", 0x08), (b"XMP ", 0x04), (b"ICCP", 0x20), (b"abcd", 0)] {
        let beside = chunk(name, &vec![0; 16 << 20]);
        scale.inverts(&webp(&[extended(flags, 1, 1), beside, flat(1, 1)]));
    }
    // Three million chunks of which nobody knows anything.
    scale.inverts(&webp(&[extended(0, 1, 1), chunk(b"abcd", &[]).repeat(3 << 20), flat(1, 1)]));
}

/// 65,536 groups of five codes (RFC 9649 §3.7.2.2), of which a picture of one
/// pixel uses the last; each code has eleven symbols, of up to ten bits.
fn groups_of_codes() -> Vec<u8> {
    let mut bits = LowFirst::default();
    bits.put(0x2F, 8);
    bits.put(0, 14 + 14);
    bits.put(0, 1 + 3 + 1 + 1);
    // Groups, for blocks of four by four pixels, told by a picture of its own: one pixel, 0xFFFF.
    bits.put(1, 1 + 3 + 1);
    for symbol in [0xFF, 0xFF, 0, 0, 0] {
        bits.put(0b101, 3);
        bits.put(symbol, 8);
    }
    for _ in 0..65_536 * 5 {
        // No simple code; lengths for 14 of the code lengths, in their order 17, 18, 0, 1, …, 5, 16, 6, …, 10.
        bits.put(10 << 1, 5);
        for length in [0, 0, 0, 3, 3, 3, 3, 3, 0, 3, 4, 4, 4, 4] {
            bits.put(length, 3);
        }
        // Eleven symbols: a number of four bits, and two.
        bits.put(1 | 1 << 1 | 9 << 4, 8);
        for length in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10_u32] {
            let (code, code_bits) = if length <= 6 { (length - 1, 3) } else { (length + 5, 4) };
            bits.put(code.reverse_bits() >> (32 - code_bits), code_bits);
        }
    }
    bits.put(0, 32);
    bits.put(0, 32);
    chunk(b"VP8L", &bits.into_bytes())
}

#[test]
fn codes_for_more_groups_than_there_are_blocks_are_not_built() {
    let scale = Scale::alone();
    scale.refuses(&webp(&[groups_of_codes()]), ErrorKind::Unsupported);
}
