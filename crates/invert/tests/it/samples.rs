//! Pictures made for the tests, and what all formats are asked alike.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use invert::{ErrorKind, Format, Inverted, Limits, Probe};

pub(crate) const WIDTH: u32 = 37;
pub(crate) const HEIGHT: u32 = 23;

/// A byte that looks random and is the same in every run.
pub(crate) fn noise(x: u32, y: u32, channel: u32) -> u8 {
    let mixed = (x + 131 * y + 7919 * channel).wrapping_mul(2_654_435_761);
    mixed.to_be_bytes()[0]
}

pub(crate) fn noisy_rgb() -> RgbImage {
    RgbImage::from_fn(WIDTH, HEIGHT, |x, y| Rgb([0, 1, 2].map(|channel| noise(x, y, channel))))
}

pub(crate) fn noisy_rgba() -> RgbaImage {
    RgbaImage::from_fn(WIDTH, HEIGHT, |x, y| Rgba([0, 1, 2, 3].map(|channel| noise(x, y, channel))))
}

pub(crate) fn encode(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    image.write_to(&mut file, format).expect("the test's own picture");
    file.into_inner()
}

pub(crate) fn decode(file: &[u8]) -> DynamicImage {
    image::load_from_memory(file).expect("a picture that the other decoder reads")
}

/// The negative, after checking what it says about itself and what its header
/// says.
pub(crate) fn negative(file: &[u8]) -> Vec<u8> {
    let Inverted { bytes, format, width, height, frames } =
        invert::invert(file, &Limits::default()).expect("a whole picture");
    let before = invert::probe(file).expect("a whole picture");
    let after = invert::probe(&bytes).expect("our own picture");
    assert_eq!(before, after, "the same format, size, depth and frames");
    let Probe { bits_per_sample, method, .. } = before;
    assert_eq!(before, Probe { format, width, height, bits_per_sample, frames: Some(frames), method });
    assert_eq!(Format::of(&bytes).ok(), Some(format));
    bytes
}

pub(crate) fn kind(file: &[u8]) -> Option<ErrorKind> {
    invert::invert(file, &Limits::default()).err().map(|error| error.kind())
}

pub(crate) fn complaint(file: &[u8]) -> String {
    invert::invert(file, &Limits::default()).map(|inverted| inverted.format).expect_err("a refusal").to_string()
}

/// Every beginning of a file, from where its format shows.
pub(crate) fn check_that_every_cut_is_broken(file: &[u8]) {
    let first = (0..file.len()).find(|&bytes| Format::of(&file[..bytes]).is_ok()).expect("a known format");
    for bytes in first..file.len() {
        assert_eq!(kind(&file[..bytes]), Some(ErrorKind::Broken), "cut to {bytes} of {} bytes", file.len());
    }
    assert_eq!(kind(file), None);
}

/// The decoded negative has 255-x where the decoded original has x, alpha has
/// x.
pub(crate) fn check_exact(before: &[u8], after: &[u8]) {
    let (before, after) = (decode(before), decode(after));
    assert_eq!(before.color(), after.color());
    let (before, after) = (before.to_rgba16(), after.to_rgba16());
    assert_eq!(before.dimensions(), after.dimensions());
    for (x, y, &Rgba([red, green, blue, alpha])) in before.enumerate_pixels() {
        let expected = Rgba([u16::MAX - red, u16::MAX - green, u16::MAX - blue, alpha]);
        assert_eq!(*after.get_pixel(x, y), expected, "pixel {x}, {y}");
    }
}

/// As [`check_exact`], but up to `distance` levels.
pub(crate) fn check_close(before: &[u8], after: &[u8], distance: u8) {
    let (before, after) = (decode(before), decode(after));
    assert_eq!((before.width(), before.height()), (after.width(), after.height()));
    let distances = before.as_bytes().iter().zip(after.as_bytes()).map(|(old, new)| (255 - old).abs_diff(*new));
    assert!(distances.max() <= Some(distance));
}

/// Marker and payload of each segment up to the first scan.
pub(crate) fn segments(file: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut segments = Vec::new();
    let mut rest = &file[2..];
    while let [0xFF, marker, high, low, after @ ..] = rest {
        let payload_bytes = usize::from(u16::from_be_bytes([*high, *low])) - 2;
        segments.push((*marker, after[..payload_bytes].to_vec()));
        if *marker == 0xDA {
            break;
        }
        rest = &after[payload_bytes..];
    }
    segments
}

pub(crate) fn with_segments(file: &[u8], segments: &[(u8, &[u8])]) -> Vec<u8> {
    let mut out = file[..2].to_vec();
    for (marker, payload) in segments {
        out.extend_from_slice(&[0xFF, *marker]);
        out.extend_from_slice(&(payload.len() as u16 + 2).to_be_bytes());
        out.extend_from_slice(payload);
    }
    out.extend_from_slice(&file[2..]);
    out
}
