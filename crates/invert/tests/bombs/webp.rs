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
