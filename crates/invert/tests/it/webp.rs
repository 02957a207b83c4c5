use image::{DynamicImage, ImageFormat};
use image_webp::{ColorType, WebPDecoder, WebPEncoder};
use invert::ErrorKind;

use crate::samples::{
    HEIGHT, WIDTH, check_exact, check_that_every_cut_is_broken, complaint, encode, kind, negative, noisy_rgb,
    noisy_rgba,
};

/// A lossy picture of 16 x 16: a VP8 key frame, made once by libwebp.
const LOSSY: &[u8] = include_bytes!("data/lossy.webp");
/// The same with a lossy picture and a lossless alpha channel.
const LOSSY_ALPHA: &[u8] = include_bytes!("data/lossy_alpha.webp");
/// Three frames.
const ANIMATED: &[u8] = include_bytes!("data/animated.webp");

fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut chunk = name.to_vec();
    chunk.extend_from_slice(&(data.len() as u32).to_le_bytes());
    chunk.extend_from_slice(data);
    chunk.resize(chunk.len().next_multiple_of(2), 0);
    chunk
}

fn with_metadata() -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = WebPEncoder::new(&mut file);
    encoder.set_icc_profile(b"a profile, odd".to_vec());
    encoder.set_exif_metadata(b"II*\0\x08\0\0\0\0\0\0\0\0\0".to_vec());
    encoder.set_xmp_metadata(b"<x:xmpmeta/>".to_vec());
    encoder.encode(&noisy_rgba(), WIDTH, HEIGHT, ColorType::Rgba8).expect("memory");
    file
}

#[test]
fn lossless_pictures_stay_exact() {
    for image in [DynamicImage::from(noisy_rgb()), DynamicImage::from(noisy_rgba())] {
        let file = encode(&image, ImageFormat::WebP);
        check_exact(&file, &negative(&file));
        check_exact(&negative(&negative(&file)), &negative(&file));
    }
}

#[test]
fn lossy_pictures_are_exact_against_what_they_decode_to_and_become_lossless() {
    for file in [LOSSY, LOSSY_ALPHA] {
        let after = negative(file);
        check_exact(file, &after);
        assert!(after.windows(4).any(|window| window == b"VP8L"));
    }
}

#[test]
fn profile_exif_and_xmp_are_kept() {
    let read = |file: &[u8]| {
        let mut decoder = WebPDecoder::new(std::io::Cursor::new(file.to_vec())).unwrap();
        [decoder.icc_profile(), decoder.exif_metadata(), decoder.xmp_metadata()].map(|data| data.unwrap().unwrap())
    };
    let file = with_metadata();
    assert_eq!(read(&file), read(&negative(&file)));
}

#[test]
fn every_cut_is_broken() {
    check_that_every_cut_is_broken(&with_metadata());
    check_that_every_cut_is_broken(LOSSY);
    check_that_every_cut_is_broken(LOSSY_ALPHA);
}

#[test]
fn pixels_that_end_early_in_a_whole_container_are_broken() {
    for name in [b"VP8L", b"VP8 "] {
        let file = if name == b"VP8L" { encode(&noisy_rgb().into(), ImageFormat::WebP) } else { LOSSY.to_vec() };
        let data = &file[20..];
        for kept in (12..data.len() * 9 / 10).step_by(7) {
            let mut cut = b"RIFF\0\0\0\0WEBP".to_vec();
            cut.extend(chunk(name, &data[..kept]));
            let riff_bytes = (cut.len() - 8) as u32;
            cut[4..8].copy_from_slice(&riff_bytes.to_le_bytes());
            assert_eq!(kind(&cut), Some(ErrorKind::Broken), "{kept} of {} bytes", data.len());
        }
    }
}

#[test]
fn an_animation_is_counted_and_refused_by_name() {
    assert_eq!(invert::probe(ANIMATED).unwrap().frames, Some(3));
    assert_eq!(kind(ANIMATED), Some(ErrorKind::Unsupported));
    assert_eq!(complaint(ANIMATED), "animated WebP is not supported");
}
