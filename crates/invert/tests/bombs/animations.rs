//! Animations of many frames.

use invert::ErrorKind;

use crate::png::{DOT, Header, PALETTE, RGBA, chunk, png, zeros};
use crate::scale::Scale;

/// Frame control for a frame of this size.
fn control(sequence: u32, width: u32, height: u32) -> Vec<u8> {
    let numbers = [sequence, width, height, 0, 0].map(u32::to_be_bytes).concat();
    chunk(b"fcTL", &[&numbers[..], &[0, 1, 0, 10, 0, 0]].concat())
}

/// An animation that says to have `claimed` frames and has `count`, each of
/// `raw_bytes` zeros. The first is the still picture.
fn animation(header: Header, claimed: u32, count: u32, raw_bytes: usize) -> Vec<u8> {
    let stream = zeros(raw_bytes);
    let mut chunks = vec![chunk(b"acTL", &[claimed.to_be_bytes(), [0; 4]].concat())];
    for frame in 0..count {
        let sequence = if frame == 0 { 0 } else { 2 * frame - 1 };
        chunks.push(control(sequence, header.width, header.height));
        chunks.push(match frame {
            0 => chunk(b"IDAT", &stream),
            _ => chunk(b"fdAT", &[&(2 * frame).to_be_bytes()[..], &stream].concat()),
        });
    }
    png(header, &chunks)
}

#[test]
fn frames_of_png_are_counted_up_to_the_bound() {
    let scale = Scale::alone();
    scale.inverts(&animation(DOT, 10_000, 10_000, 2));
    scale.refuses(&animation(DOT, 100_000, 100_000, 2), ErrorKind::TooLarge);
    scale.refuses(&animation(DOT, u32::MAX, 1, 2), ErrorKind::TooLarge);
}

#[test]
fn a_wrong_number_of_frames_is_broken() {
    let scale = Scale::alone();
    scale.refuses(&animation(DOT, 3, 2, 2), ErrorKind::Broken);
    scale.refuses(&animation(DOT, 2, 3, 2), ErrorKind::Broken);
}

#[test]
fn all_frames_together_are_bounded() {
    let scale = Scale::alone();
    let header = Header { width: 2000, height: 2000, colour: RGBA, ..DOT };
    scale.weigh(&animation(header, 16, 16, 2000 * 8001)).expect("an animation within its limits");
    scale.refuses(&animation(header, 17, 17, 2000 * 8001), ErrorKind::TooLarge);
}

/// Found by fuzzing: control chunks are numbered together with the data, which
/// is copied here.
#[test]
fn frames_of_a_palette_keep_their_numbers() {
    let file = animation(Header { colour: PALETTE, ..DOT }, 3, 3, 2);
    // Behind signature and header.
    let (before, after) = file.split_at(8 + 25);
    let file = [before, &chunk(b"PLTE", b"abc"), after].concat();
    Scale::alone().inverts_there_and_back(&file);
}
