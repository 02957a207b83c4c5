use image::ImageFormat;
use invert::{ErrorKind, InvertError, Limits};

use crate::samples::{encode, noisy_rgb};

/// A PNG header with nothing behind it.
fn png_header(width: u32, height: u32) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 6, 0, 0, 0]].concat();
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(b"IHDR");
    hasher.update(&header);
    [b"\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR", header.as_slice(), &hasher.finalize().to_be_bytes()].concat()
}

fn jpeg_header(width: u16, height: u16) -> Vec<u8> {
    let sizes = [height.to_be_bytes(), width.to_be_bytes()].concat();
    [b"\xFF\xD8\xFF\xC0\0\x0B\x08", sizes.as_slice(), b"\x01\x01\x11\0"].concat()
}

fn webp_header(width: u32, height: u32) -> Vec<u8> {
    let sizes = ((width - 1) | (height - 1) << 14).to_le_bytes();
    [b"RIFF\xFF\xFF\0\0WEBPVP8L\xFF\0\0\0\x2F", sizes.as_slice()].concat()
}

fn gif_header(width: u16, height: u16) -> Vec<u8> {
    [b"GIF89a".as_slice(), &width.to_le_bytes(), &height.to_le_bytes(), b"\0\0\0"].concat()
}

fn bmp_header(width: i32, height: i32) -> Vec<u8> {
    let file = b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
    [file, width.to_le_bytes().to_vec(), height.to_le_bytes().to_vec(), b"\x01\0\x18\0".to_vec(), vec![0; 24]].concat()
}

#[test]
fn a_bomb_is_refused_by_its_header() {
    for (file, across, down) in [
        (png_header(60_000, 60_000), 60_000, 60_000),
        (png_header(i32::MAX as u32, i32::MAX as u32), i32::MAX as u32, i32::MAX as u32),
        (jpeg_header(65_535, 65_535), 65_535, 65_535),
        (webp_header(16_384, 16_384), 16_384, 16_384),
        (gif_header(65_535, 65_535), 65_535, 65_535),
        (bmp_header(100_000, -100_000), 100_000, 100_000),
        (bmp_header(i32::MAX, i32::MIN), i32::MAX as u32, 1 << 31),
    ] {
        match invert::invert(&file, &Limits::default()) {
            Err(error @ InvertError::FrameTooLarge { width, height, pixels_max: 64_000_000 }) => {
                assert_eq!((width, height), (across, down));
                assert_eq!(error.kind(), ErrorKind::TooLarge);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_must_be_decoded_has_a_bound_of_its_own() {
    for file in [webp_header(5000, 5000)] {
        match invert::invert(&file, &Limits::default()) {
            Err(InvertError::DecodeTooLarge { width: 5000, height: 5000, decode_pixels_max: 16_800_000 }) => {}
            other => panic!("{other:?}"),
        }
    }
}

fn is_in_place(format: ImageFormat) -> bool {
    matches!(
        format,
        ImageFormat::Jpeg
            | ImageFormat::Bmp
            | ImageFormat::Gif
            | ImageFormat::Png
            | ImageFormat::Tiff
            | ImageFormat::Pnm
    )
}

#[test]
fn a_picture_on_the_bound_is_made_and_one_past_it_is_not() {
    let pixels = u64::from(crate::samples::WIDTH * crate::samples::HEIGHT);
    for format in [
        ImageFormat::Jpeg,
        ImageFormat::Png,
        ImageFormat::WebP,
        ImageFormat::Bmp,
        ImageFormat::Gif,
        ImageFormat::Tiff,
        ImageFormat::Pnm,
        ImageFormat::Qoi,
    ] {
        let file = encode(&noisy_rgb().into(), format);
        let bound = Limits {
            file_max_bytes: file.len(),
            pixels_max: pixels,
            decode_pixels_max: pixels,
            rewrite_pixels_max: pixels,
            frames_max: 1,
            scans_max: 1,
        };
        assert!(invert::invert(&file, &bound).is_ok(), "{format:?}");
        let kind = |limits: Limits| invert::invert(&file, &limits).err().map(|error| error.kind());
        let (too_large, decoded) = (Some(ErrorKind::TooLarge), !is_in_place(format));
        assert_eq!(kind(Limits { file_max_bytes: file.len() - 1, ..bound }), too_large, "{format:?}");
        assert_eq!(kind(Limits { pixels_max: pixels - 1, ..bound }), too_large, "{format:?}");
        let past = kind(Limits { decode_pixels_max: pixels - 1, ..bound });
        assert_eq!(past, too_large.filter(|_| decoded), "{format:?}");
        let past = kind(Limits { rewrite_pixels_max: pixels - 1, ..bound });
        assert_eq!(past, too_large.filter(|_| format == ImageFormat::Png), "{format:?}");
    }
}

#[test]
fn frames_and_scans_are_counted() {
    let gif = encode(&noisy_rgb().into(), ImageFormat::Gif);
    let refused = invert::invert(&gif, &Limits { frames_max: 0, ..Limits::default() });
    assert!(matches!(refused, Err(InvertError::TooManyFrames { frames_max: 0 })));

    let mut jpeg = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut jpeg, 80);
    encoder.set_progressive_scans(4);
    encoder.encode(&[0; 8 * 8 * 3], 8, 8, jpeg_encoder::ColorType::Rgb).unwrap();
    let scans = jpeg.windows(2).filter(|window| *window == [0xFF, 0xDA]).count() as u32;
    assert!(scans > 1);
    assert!(invert::invert(&jpeg, &Limits { scans_max: scans, ..Limits::default() }).is_ok());
    let refused = invert::invert(&jpeg, &Limits { scans_max: scans - 1, ..Limits::default() });
    assert!(matches!(refused, Err(InvertError::TooManyScans { .. })));
}
