use invert::ErrorKind;

use crate::scale::Scale;

/// A frame of one pixel.
const FRAME: &[u8] = b"\x2C\0\0\0\0\x01\0\x01\0\0\x02\x02\x4C\x01\0";

/// A picture of this size with a table of two colours.
fn gif(width: u16, height: u16, blocks: &[u8]) -> Vec<u8> {
    [b"GIF89a", &width.to_le_bytes()[..], &height.to_le_bytes(), b"\x80\0\0abcdef", blocks, b"\x3B"].concat()
}

#[test]
fn a_screen_that_is_too_large_is_refused_however_small_its_frame() {
    Scale::alone().refuses(&gif(65535, 65535, FRAME), ErrorKind::TooLarge);
}

#[test]
fn a_frame_that_is_too_large_is_refused_however_small_the_screen() {
    Scale::alone().refuses(&gif(1, 1, b"\x2C\0\0\0\0\xFF\xFF\xFF\xFF\0\x02\x02\x4C\x01\0"), ErrorKind::TooLarge);
}

#[test]
fn the_largest_screen_costs_nothing() {
    Scale::alone().inverts_there_and_back(&gif(8000, 8000, FRAME));
}

#[test]
fn frames_are_counted_up_to_the_bound() {
    let scale = Scale::alone();
    scale.inverts_there_and_back(&gif(1, 1, &FRAME.repeat(10_000)));
    scale.refuses(&gif(1, 1, &FRAME.repeat(100_000)), ErrorKind::TooLarge);
}

#[test]
fn as_many_empty_extensions_as_fit_are_walked_in_time() {
    let scale = Scale::alone();
    let comments = b"\x21\xFE\0".repeat(8 << 20);
    scale.inverts_there_and_back(&gif(1, 1, &[&comments, FRAME].concat()));
}
