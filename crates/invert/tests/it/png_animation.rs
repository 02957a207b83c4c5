//! Animated PNG: each frame is a picture of its own.

use invert::{Effort, ErrorKind, InvertError, Limits, Options, Probe, Scratch};

use crate::png_generator::{Filters, Packing, Picture, SIGNATURE, chunk};
use crate::samples::{check_that_every_cut_is_broken, complaint, kind, negative};

const CANVAS: Picture = Picture { width: 20, height: 12, colour: 6, depth: 8, interlaced: false };
const PART: Picture = Picture { width: 7, height: 5, ..CANVAS };

fn control(frames: u32) -> Vec<u8> {
    chunk(b"acTL", &[frames.to_be_bytes(), [0; 4]].concat())
}

fn frame_control(number: u32, picture: Picture, left: u32, top: u32) -> Vec<u8> {
    let numbers = [number, picture.width as u32, picture.height as u32, left, top].map(u32::to_be_bytes);
    chunk(b"fcTL", &[numbers.as_flattened(), &[0, 1, 0, 10, 2, 1]].concat())
}

fn stream(picture: Picture) -> Vec<u8> {
    Packing::Zlib(6).pack(&picture.filtered(Filters::Smallest))
}

fn frame_data(number: u32, data: &[u8]) -> Vec<u8> {
    chunk(b"fdAT", &[&number.to_be_bytes(), data].concat())
}

fn file(chunks: &[Vec<u8>]) -> Vec<u8> {
    [SIGNATURE, &CANVAS.header(), &chunks.concat(), &chunk(b"IEND", &[])].concat()
}

/// Three frames: the picture, a part of it in one chunk, and one in three.
fn animation() -> Vec<u8> {
    let (whole, part) = (stream(CANVAS), stream(PART));
    let (first, rest) = part.split_at(5);
    let (second, third) = rest.split_at(0);
    file(&[
        control(3),
        frame_control(0, CANVAS, 0, 0),
        chunk(b"IDAT", &whole),
        frame_control(1, PART, 13, 7),
        frame_data(2, &part),
        frame_control(3, PART, 0, 0),
        frame_data(4, first),
        frame_data(5, second),
        frame_data(6, third),
    ])
}

/// The bytes of all frames, as another decoder shows them.
fn frames(file: &[u8]) -> Vec<Vec<u8>> {
    let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().expect("a PNG");
    let count = reader.info().animation_control.map_or(1, |control| control.num_frames);
    let frame = |_| {
        let mut bytes = vec![0; reader.output_buffer_size().expect("a small picture")];
        let used = reader.next_frame(&mut bytes).expect("a whole frame").buffer_size();
        bytes.truncate(used);
        bytes
    };
    (0..count).map(frame).collect()
}

#[test]
pub(crate) fn every_frame_becomes_its_negative() {
    let (before, after) = (animation(), negative(&animation()));
    let (before, after) = (frames(&before), frames(&after));
    assert_eq!((before.len(), after.len()), (3, 3));
    for (before, after) in before.iter().zip(&after) {
        let expected = before.chunks(4).flat_map(|pixel| [!pixel[0], !pixel[1], !pixel[2], pixel[3]]);
        assert_eq!(*after, expected.collect::<Vec<_>>());
    }
    assert_eq!(frames(&negative(&negative(&animation()))), before);
}

#[test]
fn chunks_are_numbered_anew_without_a_gap() {
    let after = negative(&animation());
    let numbers = |name: &[u8]| -> Vec<u8> {
        after.windows(12).filter(|window| &window[..4] == name).map(|window| window[7]).collect()
    };
    assert_eq!(numbers(b"fcTL"), [0, 1, 3]);
    assert_eq!(numbers(b"fdAT"), [2, 4]);
}

/// More effort writes such frames in two ways and keeps one of them.
#[test]
fn chunks_are_numbered_without_a_gap_whatever_the_effort() {
    let picture = Picture { width: 200, height: 150, colour: 0, depth: 8, interlaced: false };
    for filters in [Filters::Only(3), Filters::Mixed] {
        let stream = Packing::Zlib(9).pack(&picture.filtered(filters));
        let chunks = [
            control(3),
            frame_control(0, picture, 0, 0),
            chunk(b"IDAT", &stream),
            frame_control(1, picture, 0, 0),
            frame_data(2, &stream),
            frame_control(3, picture, 0, 0),
            frame_data(4, &stream),
        ];
        let file = [SIGNATURE, &picture.header(), &chunks.concat(), &chunk(b"IEND", &[])].concat();
        let options = Options { effort: Effort::Small, ..Options::default() };
        let mut after = vec![];
        invert::invert_into(&file, &options, &mut Scratch::default(), &mut after).unwrap();
        let expected = |frame: Vec<u8>| frame.into_iter().map(|sample| !sample).collect();
        assert_eq!(frames(&after), frames(&file).into_iter().map(expected).collect::<Vec<Vec<u8>>>());
        let numbers = |name: &[u8]| -> Vec<u8> {
            after.windows(8).filter(|window| &window[..4] == name).map(|window| window[7]).collect()
        };
        assert_eq!((numbers(b"fcTL"), numbers(b"fdAT")), (vec![0, 1, 3], vec![2, 4]), "{filters:?}");
    }
}

#[test]
fn frames_are_counted() {
    let invert::Inverted { frames, width, height, .. } = invert::invert(&animation(), &Limits::default()).unwrap();
    assert_eq!((frames, width, height), (3, 20, 12));
    assert!(matches!(invert::probe(&animation()), Ok(Probe { frames: Some(3), .. })));
}

#[test]
fn a_picture_that_is_no_frame_is_inverted_too() {
    let chunks =
        [control(1), chunk(b"IDAT", &stream(CANVAS)), frame_control(0, PART, 1, 2), frame_data(1, &stream(PART))];
    let (before, after) = (file(&chunks), negative(&file(&chunks)));
    let plain = file(&[chunk(b"IDAT", &stream(CANVAS))]);
    let data = |file: &[u8]| {
        let at = file.windows(4).position(|window| window == b"IDAT").expect("there is one");
        file[at..at + 200].to_vec()
    };
    assert_eq!(data(&after), data(&negative(&plain)));
    assert_eq!(frames(&negative(&after)), frames(&before));
}

#[test]
fn what_contradicts_itself_is_broken() {
    let (whole, part) = (chunk(b"IDAT", &stream(CANVAS)), stream(PART));
    let first = frame_control(0, CANVAS, 0, 0);
    let check = |chunks: &[&[u8]], expected: &str| {
        let file = file(&chunks.iter().map(|chunk| chunk.to_vec()).collect::<Vec<_>>());
        assert_eq!(kind(&file), Some(ErrorKind::Broken));
        assert!(complaint(&file).ends_with(expected), "{}", complaint(&file));
    };
    let second = frame_control(1, PART, 0, 0);
    let data = frame_data(2, &part);
    check(&[&control(0), &whole], "an animation without frames");
    check(&[&control(2), &first, &whole], "fewer frames than the animation announces");
    check(&[&control(2), &first, &whole, &second], "fewer frames than the animation announces");
    check(&[&control(1), &first, &whole, &second, &data], "more frames than the animation announces or has data for");
    check(&[&control(2), &first, &first, &whole], "animation chunks out of order");
    check(&[&control(2), &first, &whole, &second, &frame_data(3, &part)], "animation chunks out of order");
    check(&[&control(2), &first, &whole, &frame_data(1, &part)], "a frame's data out of place");
    check(&[&control(1), &first, &frame_data(1, &part), &whole], "a frame's data out of place");
    check(&[&control(1), &control(1), &whole], "a second animation control chunk");
    check(&[&control(1), &frame_control(0, PART, 0, 0), &whole], "a first frame that is smaller than the picture");
    let contradiction = "a frame control chunk that contradicts itself";
    for (left, top) in [(14, 0), (0, 8), (u32::MAX, 0)] {
        check(&[&control(2), &first, &whole, &frame_control(1, PART, left, top), &data], contradiction);
    }
    let empty = frame_control(1, Picture { width: 0, ..PART }, 0, 0);
    check(&[&control(2), &first, &whole, &empty, &data], contradiction);
    check(&[&control(2), &first, &whole, &chunk(b"fcTL", &[0, 0, 0, 1])], contradiction);
    let cut = frame_data(2, &part[..part.len() - 1]);
    let file = file(&[control(2), first, whole, second, cut]);
    assert_eq!(kind(&file), Some(ErrorKind::Broken));
}

#[test]
fn every_cut_of_an_animation_is_broken() {
    check_that_every_cut_is_broken(&animation());
}

#[test]
fn all_frames_together_have_a_bound() {
    let pixels = 20 * 12 + 2 * 7 * 5;
    let check = |limits: Limits| invert::invert(&animation(), &limits).map(|inverted| inverted.frames);
    let bound = Limits { rewrite_pixels_max: pixels, frames_max: 3, pixels_max: 240, ..Limits::default() };
    assert!(matches!(check(bound), Ok(3)));
    let refused = check(Limits { rewrite_pixels_max: pixels - 1, ..bound });
    assert!(matches!(refused, Err(InvertError::RewriteTooLarge { pixels: asked, .. }) if asked == pixels));
    assert!(matches!(check(Limits { frames_max: 2, ..bound }), Err(InvertError::TooManyFrames { frames_max: 2 })));
}

#[test]
fn an_animated_palette_is_inverted_in_place_and_back_to_the_same_file() {
    let picture = Picture { colour: 0, ..CANVAS };
    let header = [20_u32.to_be_bytes(), 12_u32.to_be_bytes()].concat();
    let header = chunk(b"IHDR", &[&header[..], &[8, 3, 0, 0, 0]].concat());
    let colours: Vec<u8> = (0..=255).flat_map(|index| [index, 3, 200]).collect();
    let chunks = [
        SIGNATURE.to_vec(),
        header,
        chunk(b"PLTE", &colours),
        control(2),
        frame_control(0, picture, 0, 0),
        chunk(b"IDAT", &stream(picture)),
        frame_control(1, picture, 0, 0),
        frame_data(2, &stream(picture)),
        chunk(b"IEND", &[]),
    ];
    let mut expected = chunks.clone();
    expected[2] = chunk(b"PLTE", &colours.iter().map(|sample| 255 - sample).collect::<Vec<_>>());
    let after = negative(&chunks.concat());
    assert_eq!(after, expected.concat());
    assert_eq!(negative(&after), chunks.concat());
}
