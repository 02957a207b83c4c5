use invert::ErrorKind;

use crate::scale::Scale;

/// What a header says.
#[derive(Clone, Copy)]
struct Header {
    width: i32,
    height: i32,
    bits: u16,
    compression: u32,
    palette_entries: u32,
    pixels_offset: u32,
}

const PLAIN: Header = Header { width: 1, height: 1, bits: 24, compression: 0, palette_entries: 0, pixels_offset: 54 };

fn bmp(header: Header, behind: &[u8]) -> Vec<u8> {
    let Header { width, height, bits, compression, palette_entries, pixels_offset } = header;
    let mut file = b"BM\0\0\0\0\0\0\0\0".to_vec();
    file.extend([pixels_offset, 40, width.cast_unsigned(), height.cast_unsigned()].map(u32::to_le_bytes).concat());
    file.extend([1, bits].map(u16::to_le_bytes).concat());
    file.extend([compression, 0, 0, 0, palette_entries, 0].map(u32::to_le_bytes).concat());
    file.extend(behind);
    file
}

#[test]
fn absurd_sizes_are_refused() {
    let scale = Scale::alone();
    for (width, height) in
        [(i32::MAX, i32::MAX), (i32::MAX, i32::MIN), (1, i32::MIN), (i32::MAX, 1), (100_000, -100_000)]
    {
        scale.refuses(&bmp(Header { width, height, ..PLAIN }, &[0; 64]), ErrorKind::TooLarge);
    }
    for (width, height) in [(0, 1), (1, 0), (-1, 1), (i32::MIN, 1)] {
        scale.refuses(&bmp(Header { width, height, ..PLAIN }, &[0; 64]), ErrorKind::Broken);
    }
}

#[test]
fn rows_that_are_not_there_are_missed_before_any_is_made() {
    let scale = Scale::alone();
    for bits in [16, 24, 32] {
        scale.refuses(&bmp(Header { width: 8000, height: 8000, bits, ..PLAIN }, &[0; 64]), ErrorKind::Broken);
        scale.refuses(&bmp(Header { width: 64_000_000, bits, ..PLAIN }, &[0; 64]), ErrorKind::Broken);
        scale.refuses(&bmp(Header { height: -64_000_000, bits, ..PLAIN }, &[0; 64]), ErrorKind::Broken);
    }
}

#[test]
fn palettes_and_places_beyond_the_file_are_refused() {
    let scale = Scale::alone();
    for bits in [1, 4, 8] {
        let palette = Header { bits, palette_entries: u32::MAX, ..PLAIN };
        scale.refuses(&bmp(palette, &[0; 64]), ErrorKind::Broken);
        scale.refuses(&bmp(Header { pixels_offset: u32::MAX, ..palette }, &[0; 64]), ErrorKind::Broken);
    }
    scale.refuses(&bmp(Header { pixels_offset: u32::MAX, ..PLAIN }, &[0; 64]), ErrorKind::Broken);
    scale.refuses(&bmp(Header { pixels_offset: 0, ..PLAIN }, &[0; 64]), ErrorKind::Broken);
}

#[test]
fn a_large_picture_of_no_runs_is_only_a_palette() {
    let header = Header { width: 8000, height: 8000, bits: 8, compression: 1, palette_entries: 1, pixels_offset: 58 };
    Scale::alone().inverts_there_and_back(&bmp(header, b"abc\0\0\x01"));
}

#[test]
fn as_many_runs_as_fit_are_walked_in_time() {
    let scale = Scale::alone();
    let header = Header { bits: 8, compression: 1, palette_entries: 1, pixels_offset: 58, ..PLAIN };
    scale.inverts_there_and_back(&bmp(header, &[b"abc\0".to_vec(), vec![0; 24 << 20], vec![0, 1]].concat()));
}
