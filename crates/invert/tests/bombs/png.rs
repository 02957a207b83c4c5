use std::io::Write;
use std::sync::LazyLock;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use invert::ErrorKind;

use crate::bits::LowFirst;
use crate::scale::Scale;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1A\n";

pub(crate) const GREY: u8 = 0;
pub(crate) const RGB: u8 = 2;
pub(crate) const PALETTE: u8 = 3;
pub(crate) const RGBA: u8 = 6;

/// What a header says.
#[derive(Clone, Copy)]
pub(crate) struct Header {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) depth: u8,
    pub(crate) colour: u8,
    pub(crate) interlaced: bool,
}

/// One grey pixel.
pub(crate) const DOT: Header = Header { width: 1, height: 1, depth: 8, colour: GREY, interlaced: false };

pub(crate) fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(name);
    hasher.update(data);
    [&(data.len() as u32).to_be_bytes(), name.as_slice(), data, &hasher.finalize().to_be_bytes()].concat()
}

/// A file of a header, chunks and an end.
pub(crate) fn png(header: Header, chunks: &[Vec<u8>]) -> Vec<u8> {
    let Header { width, height, depth, colour, interlaced } = header;
    let sizes = [width.to_be_bytes(), height.to_be_bytes()].concat();
    let header = chunk(b"IHDR", &[&sizes[..], &[depth, colour, 0, 0, interlaced.into()]].concat());
    [SIGNATURE, &header, &chunks.concat(), &chunk(b"IEND", &[])].concat()
}

/// So many zeros, compressed: a thousandth of them.
pub(crate) fn zeros(bytes: usize) -> Vec<u8> {
    static PIECE: [u8; 1 << 20] = [0; 1 << 20];
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(6));
    let mut left = bytes;
    while left > 0 {
        let piece = &PIECE[..left.min(PIECE.len())];
        encoder.write_all(piece).expect("memory");
        left -= piece.len();
    }
    encoder.finish().expect("memory")
}

/// 256 MiB in some 255 KiB; made once, which takes seconds.
static QUARTER_GIB: LazyLock<Vec<u8>> = LazyLock::new(|| zeros(256 << 20));

pub(crate) fn data(raw_bytes: usize) -> Vec<u8> {
    chunk(b"IDAT", &zeros(raw_bytes))
}

#[test]
fn absurd_sizes_are_refused_by_the_header() {
    let scale = Scale::alone();
    for (width, height) in [(60_000, 60_000), (i32::MAX as u32, i32::MAX as u32), (1, i32::MAX as u32)] {
        for colour in [GREY, PALETTE, RGBA] {
            let chunks = [chunk(b"PLTE", b"abc"), data(64)];
            scale.refuses(&png(Header { width, height, colour, ..DOT }, &chunks), ErrorKind::TooLarge);
        }
    }
    for (width, height) in [(0, 1), (1, 0), (u32::MAX, 1), (1, 1 << 31)] {
        scale.refuses(&png(Header { width, height, ..DOT }, &[data(64)]), ErrorKind::Broken);
    }
}

#[test]
fn short_headers_are_refused_and_short_keys_survived() {
    let scale = Scale::alone();
    for bytes in (0..40).filter(|&bytes| bytes != 13) {
        let header =
            chunk(b"IHDR", &[0, 0, 0, 1, 0, 0, 0, 1, 8].into_iter().chain([0; 40]).take(bytes).collect::<Vec<_>>());
        scale.refuses(&[SIGNATURE, &header, &data(2), &chunk(b"IEND", &[])].concat(), ErrorKind::Broken);
    }
    for name in [b"tRNS", b"bKGD", b"sPLT", b"hIST", b"eXIf"] {
        for bytes in 0..8 {
            let beside = chunk(name, &[1; 8][..bytes]);
            for (header, raw_bytes) in [(DOT, 2), (Header { colour: RGB, ..DOT }, 4), (Header { depth: 16, ..DOT }, 3)]
            {
                scale.inverts_or_refuses(&png(header, &[beside.clone(), data(raw_bytes)]), ErrorKind::Broken);
            }
        }
    }
}

#[test]
fn compressed_profiles_and_texts_are_never_opened() {
    let scale = Scale::alone();
    let text = [b"Comment\0\0".as_slice(), &QUARTER_GIB].concat();
    let international = [b"Comment\0\x01\0\0\0".as_slice(), &QUARTER_GIB].concat();
    for beside in [chunk(b"iCCP", &text), chunk(b"zTXt", &text), chunk(b"iTXt", &international)] {
        let (negative, _) = scale.inverts(&png(DOT, &[beside.clone(), data(2)]));
        assert!(negative.windows(beside.len()).any(|window| window == beside), "the chunk is kept");
    }
}

#[test]
fn pixel_data_longer_than_the_header_says_is_not_inflated_to_its_end() {
    let scale = Scale::alone();
    scale.inverts_or_refuses(&png(DOT, &[chunk(b"IDAT", &QUARTER_GIB)]), ErrorKind::Broken);
}

#[test]
fn passes_without_pixels_are_passed_over() {
    let scale = Scale::alone();
    let passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];
    for width in 1..=9_usize {
        for height in 1..=9_usize {
            for depth in [1, 8, 16] {
                let bytes = passes.map(|(left, top, across, down): (usize, usize, usize, usize)| {
                    let columns = width.saturating_sub(left).div_ceil(across);
                    let rows = height.saturating_sub(top).div_ceil(down);
                    if columns == 0 { 0 } else { rows * (1 + (columns * depth).div_ceil(8)) }
                });
                let header =
                    Header { width: width as u32, height: height as u32, depth: depth as u8, interlaced: true, ..DOT };
                let raw_bytes: usize = bytes.iter().sum();
                scale.inverts(&png(header, &[data(raw_bytes)]));
                scale.refuses(&png(header, &[data(raw_bytes - 1)]), ErrorKind::Broken);
            }
        }
    }
}

/// Deflate blocks that hold nothing, each with Huffman tables of its own, are
/// the most work for a byte.
#[test]
fn deflate_blocks_without_content_are_read_in_time() {
    let scale = Scale::alone();
    for (block, count) in
        [(empty_stored as fn(&mut LowFirst), 1 << 20), (empty_fixed, 4 << 20), (empty_dynamic, 1 << 19)]
    {
        let mut bits = LowFirst::default();
        bits.put(0x0178, 16);
        for _ in 0..count {
            block(&mut bits);
        }
        // The last block, fixed: two zeros and the end.
        bits.put(1 | 1 << 1, 3);
        for code in [0x30_u32, 0x30] {
            bits.put(code.reverse_bits() >> 24, 8);
        }
        bits.put(0, 7);
        let mut stream = bits.into_bytes();
        // Adler-32 of two zeros.
        stream.extend([0, 2, 0, 1]);
        scale.inverts(&png(DOT, &[chunk(b"IDAT", &stream)]));
    }
}

/// RFC 1951 §3.2.4: at the start of a byte, which only a row of such blocks is.
fn empty_stored(bits: &mut LowFirst) {
    bits.put(0, 8);
    bits.put(0, 16);
    bits.put(0xFFFF, 16);
}

/// §3.2.6: the code of the end has seven zeros.
fn empty_fixed(bits: &mut LowFirst) {
    bits.put(1 << 1, 3);
    bits.put(0, 7);
}

/// §3.2.7: one code for a zero byte, one for the end, none for distances.
fn empty_dynamic(bits: &mut LowFirst) {
    bits.put(2 << 1, 3);
    // 257 codes for lengths, one for distances, and 18 code lengths.
    bits.put(0, 5);
    bits.put(0, 5);
    bits.put(14, 4);
    // In their order 16, 17, 18, 0, 8, 7, …, 2, 14, 1: a code of one bit for 18, of two for 0 and 1.
    for place in 0..18 {
        let length = match place {
            2 => 1,
            3 | 17 => 2,
            _ => 0,
        };
        bits.put(length, 3);
    }
    // Canonical, written from their highest bit: 18 is 0, 0 is 10, 1 is 11.
    let one = |bits: &mut LowFirst| bits.put(0b11, 2);
    let zeros = |bits: &mut LowFirst, count: u32| {
        bits.put(0, 1);
        bits.put(count - 11, 7);
    };
    one(bits);
    zeros(bits, 138);
    zeros(bits, 117);
    one(bits);
    // No distances: one code of no bits.
    bits.put(0b01, 2);
    // The end is the second of the two codes.
    bits.put(1, 1);
}
