//! PNGs as large, or of as many chunks, as the limits allow.

use invert::ErrorKind;

use crate::png::{DOT, Header, PALETTE, RGBA, chunk, data, png};
use crate::scale::Scale;

#[test]
fn the_largest_picture_in_the_smallest_file_is_inverted() {
    let scale = Scale::alone();
    let (width, height) = (7874, 7874);
    let file = png(Header { width, height, colour: RGBA, ..DOT }, &[data((4 * 7874 + 1) * 7874)]);
    assert!(file.len() < 250 << 10, "{} bytes", file.len());
    scale.inverts(&file);
}

#[test]
fn large_pictures_of_every_shape_are_inverted() {
    let scale = Scale::alone();
    for interlaced in [false, true] {
        // One row, and one column, where each pass has a row for each of its pixels.
        scale.inverts(&png(
            Header { width: 16_000_000, interlaced, ..DOT },
            &[data(if interlaced { 16_000_004 } else { 16_000_001 })],
        ));
        scale.inverts(&png(Header { height: 16_000_000, interlaced, ..DOT }, &[data(32_000_000)]));
    }
}

#[test]
fn pixel_data_shorter_than_the_header_says_is_broken() {
    let scale = Scale::alone();
    scale.refuses(&png(Header { width: 7874, height: 7874, colour: RGBA, ..DOT }, &[data(1 << 20)]), ErrorKind::Broken);
}

#[test]
fn as_many_chunks_as_fit_are_walked_in_bounds() {
    let scale = Scale::alone();
    for name in [b"IDAT", b"tEXt"] {
        // 12 bytes each: 24 MiB.
        let empty = chunk(name, &[]).repeat(2 << 20);
        scale.inverts(&png(DOT, &[empty, data(2)]));
    }
    let palette = Header { colour: PALETTE, ..DOT };
    scale.inverts(&png(palette, &[chunk(b"PLTE", b"abc"), chunk(b"tEXt", &[]).repeat(2 << 20), data(2)]));
}
