//! Bytes of strangers.

use std::sync::LazyLock;

use image::{DynamicImage, ImageFormat};
use invert::{Limits, Probe};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::samples::{encode, noisy_rgb, noisy_rgba};

const LIMITS: Limits = Limits {
    file_max_bytes: 1 << 20,
    pixels_max: 1 << 16,
    decode_pixels_max: 1 << 15,
    rewrite_pixels_max: 1 << 15,
    frames_max: 8,
    scans_max: 12,
};

/// One file for each way through the crate.
static WHOLE_FILES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(whole_files);

fn whole_files() -> Vec<Vec<u8>> {
    let formats = [
        ImageFormat::Jpeg,
        ImageFormat::Png,
        ImageFormat::Gif,
        ImageFormat::WebP,
        ImageFormat::Bmp,
        ImageFormat::Tiff,
        ImageFormat::Pnm,
        ImageFormat::Qoi,
    ];
    let mut files: Vec<_> = formats.map(|format| encode(&noisy_rgb().into(), format)).into();
    for file in [
        include_bytes!("data/tiff/rgb16_deflate_predictor_big_endian.tif").as_slice(),
        include_bytes!("data/tiff/bigtiff_tiled_lzw.tif"),
        include_bytes!("data/tiff/planar_rgba_lzw_predictor.tif"),
        include_bytes!("data/tiff/premultiplied_deflate_predictor.tif"),
        include_bytes!("data/tiff/rgba_packbits.tif"),
        include_bytes!("data/tiff/pages.tif"),
        include_bytes!("data/tiff/palette.tif"),
        include_bytes!("data/tiff/metadata.tif"),
        b"P3\n2 1\n255\n1 2 3\n4 5 6\n",
        b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\nabcd",
        b"P4\n9 1\n\x0F\x55P5 1 1 100\n\x05",
    ] {
        files.push(file.to_vec());
    }
    files.push(encode(&noisy_rgba().into(), ImageFormat::Png));
    files.push(encode(&noisy_rgba().into(), ImageFormat::WebP));
    files.push(encode(&DynamicImage::from(noisy_rgb()).to_luma8().into(), ImageFormat::Bmp));
    files.push(include_bytes!("data/lossy.webp").to_vec());
    files.push(include_bytes!("data/lossy_alpha.webp").to_vec());
    files.push(include_bytes!("data/animated.webp").to_vec());
    files.push(include_bytes!("data/rgb.jpg").to_vec());
    files.push(include_bytes!("data/thumbnails.jpg").to_vec());
    files.push(include_bytes!("data/mpo.jpg").to_vec());
    for is_progressive in [false, true] {
        let mut file = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut file, 70);
        encoder.set_progressive(is_progressive);
        encoder.set_restart_interval(2);
        encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::R_4_2_0);
        encoder.encode(&noisy_rgb(), 37, 23, jpeg_encoder::ColorType::Rgb).expect("memory");
        files.push(file);
    }
    files
}

/// Whatever comes out fits its limits and is a picture of the same size.
fn check(file: &[u8]) {
    let probe = invert::probe(file);
    let Ok(inverted) = invert::invert(file, &LIMITS) else { return };
    let pixels = u64::from(inverted.width) * u64::from(inverted.height);
    assert!(pixels <= LIMITS.pixels_max && inverted.frames <= LIMITS.frames_max);
    let Probe { format, width, height, .. } = probe.expect("what can be inverted can be probed");
    assert_eq!((format, width, height), (inverted.format, inverted.width, inverted.height));
    let after = invert::probe(&inverted.bytes).expect("our own picture");
    assert_eq!((after.format, after.width, after.height), (format, width, height));
    invert::invert(&inverted.bytes, &LIMITS).expect("our own picture has a negative, too");
}

/// Mends the checksums, so that a change reaches what is behind them.
fn mend_png(file: &mut [u8]) {
    let mut at = 8;
    while let Some(length) = file.get(at..at + 4).and_then(|bytes| bytes.first_chunk::<4>()) {
        let end = at + 8 + u32::from_be_bytes(*length) as usize;
        let Some(checksum) = file.get(at + 4..end).map(crc32fast::hash) else { return };
        let Some(stored) = file.get_mut(end..end + 4) else { return };
        stored.copy_from_slice(&checksum.to_be_bytes());
        at = end + 4;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn noise_behind_any_magic_is_survived(
        magic in prop::sample::select(vec![
            &b"\xFF\xD8\xFF"[..], b"\x89PNG\r\n\x1A\n", b"GIF89a", b"RIFF\x40\0\0\0WEBPVP8L", b"RIFF\x40\0\0\0WEBPVP8X",
            b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0", b"II*\0\x08\0\0\0", b"MM\0+\0\x08\0\0\0\0\0\0\0\0\0\x10",
            b"P5 2 2 255\n", b"P2 2 2 9\n", b"P7\nWIDTH ", b"qoif\0\0\0\x02\0\0\0\x02\x03\0", b"",
        ]),
        noise in vec(any::<u8>(), 0..200),
    ) {
        check(&[magic, noise.as_slice()].concat());
    }

    #[test]
    fn changed_files_are_survived(
        which in any::<Index>(),
        changes in vec((any::<Index>(), any::<u8>()), 0..6),
        cut in prop::option::weighted(0.2, any::<Index>()),
    ) {
        let mut file = which.get(&WHOLE_FILES).clone();
        for (place, byte) in changes {
            let place = place.index(file.len());
            file[place] = byte;
        }
        if let Some(cut) = cut {
            file.truncate(cut.index(file.len()));
        }
        mend_png(&mut file);
        check(&file);
    }

    #[test]
    fn changed_headers_are_survived(
        which in any::<Index>(),
        changes in vec((0..64_usize, prop::sample::select(vec![0, 1, 2, 3, 4, 0x11, 0x21, 0x41, 0x7F, 0x80, 0xFF_u8])), 1..4),
    ) {
        let mut file = which.get(&WHOLE_FILES).clone();
        for (place, byte) in changes {
            if let Some(place) = file.get_mut(place) {
                *place = byte;
            }
        }
        mend_png(&mut file);
        check(&file);
    }
}

#[test]
fn whole_files_are_whole() {
    for file in WHOLE_FILES.iter() {
        check(file);
    }
}
