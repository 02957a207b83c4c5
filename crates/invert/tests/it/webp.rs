use std::io::Cursor;

use image::{DynamicImage, ImageFormat};
use image_webp::{ColorType, WebPDecoder, WebPEncoder};
use invert::{Effort, ErrorKind, Limits, Metadata, Options, Scratch};

use crate::samples::{
    HEIGHT, WIDTH, check_exact, check_that_every_cut_is_broken, decode, encode, kind, negative, noisy_rgb, noisy_rgba,
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

/// The data of the first chunk with this name, inside of frames too.
fn find<'a>(file: &'a [u8], name: &[u8; 4]) -> Option<&'a [u8]> {
    let at = file.windows(4).position(|window| window == name)?;
    let length = u32::from_le_bytes(file[at + 4..].first_chunk().copied()?) as usize;
    file.get(at + 8..at + 8 + length)
}

/// The mean squared error of the colours against 255-x becomes decibels; alpha
/// is the same.
fn check_near(before: &[u8], after: &[u8], decibels: f64) {
    let (before, after) = (decode(before).to_rgba8(), decode(after).to_rgba8());
    assert_eq!(before.dimensions(), after.dimensions());
    let mut squares = 0.0;
    for (before, after) in before.pixels().zip(after.pixels()) {
        assert_eq!(before[3], after[3], "alpha");
        squares += (0..3).map(|at| (255.0 - f64::from(before[at]) - f64::from(after[at])).powi(2)).sum::<f64>();
    }
    let mean = squares / (3.0 * f64::from(before.width() * before.height()));
    let found = 10.0 * (255.0 * 255.0 / mean.max(1e-9)).log10();
    assert!(found >= decibels, "{found} dB");
}

#[test]
fn lossy_pictures_stay_lossy_near_their_size() {
    for file in [LOSSY, LOSSY_ALPHA] {
        let after = negative(file);
        // 16 x 16 pixels of steep slopes: the colours, of which a lossy file has a quarter, suffer most.
        check_near(file, &after, 27.0);
        assert!(find(&after, b"VP8L").is_none());
        let (before, after) = (find(file, b"VP8 ").unwrap().len(), find(&after, b"VP8 ").unwrap().len());
        assert!((before * 3 / 4..before * 4 / 3).contains(&after), "{before} became {after} bytes");
    }
}

#[test]
fn the_quality_of_a_lossy_picture_is_that_of_the_original() {
    let wave = |x: u32, y: u32, slope: f64| (f64::from(x) / slope).sin() * 60.0 + f64::from(y) + f64::from(x % 7);
    let image = image::RgbImage::from_fn(128, 96, |x, y| {
        image::Rgb([9.0, 14.0, 23.0].map(|slope| (wave(x, y, slope) + 70.0) as u8))
    });
    for quality in [30.0, 60.0, 90.0] {
        let file = webp::Encoder::from_rgb(&image, 128, 96).encode(quality).to_vec();
        let after = negative(&file);
        check_near(&file, &after, 34.0);
        assert!((file.len() * 17 / 20..file.len() * 23 / 20).contains(&after.len()), "{quality}");
    }
}

#[test]
fn alpha_of_a_lossy_picture_is_the_same_bytes() {
    assert_eq!(find(LOSSY_ALPHA, b"ALPH").unwrap(), find(&negative(LOSSY_ALPHA), b"ALPH").unwrap());
}

#[test]
fn every_frame_of_an_animation_is_inverted_in_its_place() {
    let after = negative(ANIMATED);
    let frames = |file: &[u8]| {
        let mut decoder = WebPDecoder::new(Cursor::new(file.to_vec())).unwrap();
        let samples = if decoder.has_alpha() { 4 } else { 3 };
        let mut frames = Vec::new();
        for _ in 0..decoder.num_frames() {
            let mut frame = vec![0; 16 * 16 * samples];
            let milliseconds = decoder.read_frame(&mut frame).unwrap();
            frames.push((milliseconds, frame));
        }
        (samples, frames)
    };
    let ((samples, before), (_, after_frames)) = (frames(ANIMATED), frames(&after));
    assert_eq!((before.len(), after_frames.len()), (3, 3));
    for (index, ((before_time, before), (after_time, after))) in before.iter().zip(&after_frames).enumerate() {
        assert_eq!(before_time, after_time);
        // The other decoder blends half transparent pixels with the frame below, and rounds.
        let rounding = if index == 0 { 0 } else { 3 };
        for (before, after) in before.chunks(samples).zip(after.chunks(samples)) {
            assert_eq!(before[3..], after[3..]);
            // Where nothing was drawn, the canvas of the other decoder is black in both.
            let is_drawn = before.get(3).is_none_or(|&alpha| alpha > 0);
            let is_near = |at: usize| before[at].abs_diff(255 - after[at]) <= rounding;
            assert!(!is_drawn || (0..3).all(is_near), "frame {index}: {before:?} {after:?}");
        }
    }
    let headers = |file: &[u8]| find(file, b"ANMF").unwrap()[..16].to_vec();
    assert_eq!(headers(ANIMATED), headers(&after));
    check_that_every_cut_is_broken(ANIMATED);
}

#[test]
fn an_animations_background_is_inverted_without_its_alpha() {
    let (before, after) = (find(ANIMATED, b"ANIM").unwrap().to_vec(), negative(ANIMATED));
    let after = find(&after, b"ANIM").unwrap();
    assert_eq!(after[..3], [!before[0], !before[1], !before[2]]);
    assert_eq!(after[3..], before[3..]);
}

#[test]
fn frames_have_bounds() {
    let refusal = |limits| invert::invert(ANIMATED, &limits).err().map(|error| error.kind());
    assert_eq!(refusal(Limits { frames_max: 2, ..Limits::default() }), Some(ErrorKind::TooLarge));
    assert_eq!(refusal(Limits { decode_pixels_max: 3 * 16 * 16 - 1, ..Limits::default() }), Some(ErrorKind::TooLarge));
    assert_eq!(refusal(Limits { decode_pixels_max: 3 * 16 * 16, ..Limits::default() }), None);
}

#[test]
fn lossless_pictures_can_be_made_smaller_and_stay_exact() {
    let file = encode(&noisy_rgba().into(), ImageFormat::WebP);
    let options = Options { effort: Effort::Small, ..Options::default() };
    let mut after = Vec::new();
    invert::invert_into(&file, &options, &mut Scratch::default(), &mut after).unwrap();
    check_exact(&file, &after);
}

#[test]
fn an_alpha_channel_stays_even_where_all_is_opaque() {
    let mut opaque = noisy_rgba();
    opaque.pixels_mut().for_each(|pixel| pixel[3] = 0xFF);
    let file = encode(&opaque.into(), ImageFormat::WebP);
    for effort in [Effort::Fast, Effort::Small] {
        let options = Options { effort, ..Options::default() };
        let mut after = Vec::new();
        invert::invert_into(&file, &options, &mut Scratch::default(), &mut after).unwrap();
        check_exact(&file, &after);
        assert_eq!(decode(&file).color(), decode(&after).color());
    }
}

#[test]
fn unknown_chunks_and_what_follows_are_kept_or_go_on_request() {
    let mut file = with_metadata();
    file.extend(chunk(b"ABCD", b"unknown"));
    let riff_bytes = (file.len() - 8) as u32;
    file[4..8].copy_from_slice(&riff_bytes.to_le_bytes());
    file.extend_from_slice(b"behind");
    let kept = negative(&file);
    assert!(find(&kept, b"ABCD") == Some(b"unknown") && kept.ends_with(b"behind"));
    let options = Options { metadata: Metadata::Strip, ..Options::default() };
    let mut after = Vec::new();
    invert::invert_into(&file, &options, &mut Scratch::default(), &mut after).unwrap();
    for name in [b"ABCD", b"EXIF", b"XMP "] {
        assert!(find(&file, name).is_some() && find(&after, name).is_none());
    }
    assert_eq!(find(&after, b"ICCP"), find(&file, b"ICCP"));
    // RFC 9649 §2.7: profile, alpha.
    assert_eq!(find(&after, b"VP8X").unwrap()[0], 0x30);
    check_exact(&file, &after);
}

#[test]
fn profile_exif_and_xmp_are_kept() {
    let read = |file: &[u8]| {
        let mut decoder = WebPDecoder::new(Cursor::new(file.to_vec())).unwrap();
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
