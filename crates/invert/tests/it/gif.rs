use gif::{DecodeOptions, Encoder, Frame, Repeat};
use invert::{ErrorKind, Metadata, Options, Scratch};

use crate::samples::{check_that_every_cut_is_broken, complaint, kind, negative, noise};

#[derive(Clone, Copy)]
pub(crate) enum Palettes {
    Global,
    Local,
    Both,
}

/// Three frames with different delays and places, the second half transparent.
pub(crate) fn animation(palettes: Palettes) -> Vec<u8> {
    let palette: Vec<u8> = (0..16 * 3).map(|index| noise(index, 0, 0)).collect();
    let global: &[u8] = if matches!(palettes, Palettes::Local) { &[] } else { &palette };
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 20, 10, global).expect("the test's own picture");
    encoder.set_repeat(Repeat::Finite(7)).expect("memory");
    for index in 0..3 {
        let has_local = matches!(palettes, Palettes::Local) || (matches!(palettes, Palettes::Both) && index == 1);
        let frame = Frame {
            delay: 10 * (index + 1),
            left: index,
            width: 12,
            height: 8,
            transparent: (index == 1).then_some(3),
            palette: has_local.then(|| palette.iter().rev().copied().collect()),
            buffer: (0..12 * 8).map(|pixel| noise(pixel, index.into(), 1) % 16).collect(),
            ..Frame::default()
        };
        encoder.write_frame(&frame).expect("memory");
    }
    drop(encoder);
    file
}

fn frames(file: &[u8]) -> Vec<(Frame<'static>, Vec<u8>)> {
    let mut decoder = DecodeOptions::new().read_info(file).expect("a GIF");
    let global = decoder.global_palette().map(<[u8]>::to_vec);
    let mut frames = Vec::new();
    while let Some(frame) = decoder.read_next_frame().expect("a whole GIF") {
        let palette = frame.palette.clone().or_else(|| global.clone()).expect("a palette");
        frames.push((frame.clone(), palette));
    }
    frames
}

#[test]
pub(crate) fn every_frame_keeps_all_but_its_colours() {
    for palettes in [Palettes::Global, Palettes::Local, Palettes::Both] {
        let file = animation(palettes);
        let (before, after) = (frames(&file), frames(&negative(&file)));
        assert_eq!((before.len(), after.len()), (3, 3));
        for ((before, old), (after, new)) in before.iter().zip(&after) {
            assert_eq!(before.buffer, after.buffer);
            assert_eq!(
                (before.delay, before.dispose, before.transparent),
                (after.delay, after.dispose, after.transparent)
            );
            assert_eq!((before.left, before.top), (after.left, after.top));
            assert_eq!(*new, old.iter().map(|sample| 255 - sample).collect::<Vec<_>>());
        }
    }
}

#[test]
fn the_negative_of_the_negative_is_the_same_file() {
    let mut file = animation(Palettes::Both);
    file.extend_from_slice(b"what follows the trailer");
    assert_eq!(negative(&negative(&file)), file);
}

#[test]
fn every_cut_is_broken() {
    check_that_every_cut_is_broken(&animation(Palettes::Both));
}

#[test]
fn a_colour_table_is_found_by_walking_not_by_searching() {
    let mut file = animation(Palettes::Global);
    let trailer = file.pop();
    // A comment that looks like a frame with a local table.
    file.extend_from_slice(b"\x21\xFE\x0D\x2C\0\0\0\0\x01\0\x01\0\x80abc\0");
    file.extend(trailer);
    let after = negative(&file);
    assert!(after.windows(3).any(|window| window == b"abc"));
}

#[test]
fn comments_and_what_only_programs_read_go_on_request() {
    let mut file = animation(Palettes::Both);
    let trailer = file.pop();
    let bare = file.len();
    file.extend_from_slice(b"\x21\xFE\x07comment\0");
    file.extend_from_slice(b"\x21\xFF\x0BXMP DataXMP\x0C<x:xmpmeta/>\0");
    file.extend_from_slice(b"\x21\xFF\x0BICCRGBG1012\x07profile\0");
    file.extend(trailer);
    file.extend_from_slice(b"behind");
    let options = Options { metadata: Metadata::Strip, ..Options::default() };
    let mut after = Vec::new();
    invert::invert_into(&file, &options, &mut Scratch::default(), &mut after).unwrap();
    let kept = negative(&file);
    let rest = b"\x21\xFF\x0BICCRGBG1012\x07profile\0\x3B".as_slice();
    assert_eq!(after, [&kept[..bare], rest].concat());
    assert!(after.windows(11).any(|window| window == b"NETSCAPE2.0"));
}

#[test]
fn a_hundred_thousand_frames_are_refused() {
    let frame = b"\x2C\0\0\0\0\x01\0\x01\0\0\x02\x02\x4C\x01\0";
    let many = [b"GIF89a\x01\0\x01\0\x80\0\0abcdef".as_slice(), &frame.repeat(100_000), b"\x3B"].concat();
    assert_eq!(kind(&many), Some(ErrorKind::TooLarge));
    assert_eq!(complaint(&many), "the animation has more than 10000 frames");
}

#[test]
fn a_picture_without_any_table_is_named() {
    let file = b"GIF89a\x01\0\x01\0\0\0\0\x2C\0\0\0\0\x01\0\x01\0\0\x02\x02\x4C\x01\0\x3B";
    assert_eq!(kind(file), Some(ErrorKind::Unsupported));
    assert_eq!(complaint(file), "GIF without a colour table is not supported");
}

#[test]
fn a_file_without_a_picture_is_broken() {
    assert_eq!(kind(b"GIF89a\x01\0\x01\0\x80\0\0abcdef\x3B"), Some(ErrorKind::Broken));
}

#[test]
fn frames_of_a_cut_file_are_not_counted() {
    let file = animation(Palettes::Global);
    assert_eq!(invert::probe(&file).unwrap().frames, Some(3));
    assert_eq!(invert::probe(&file[..file.len() - 1]).unwrap().frames, None);
}
