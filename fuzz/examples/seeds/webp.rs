//! WebP.

use image_webp::{ColorType, WebPEncoder};

use crate::{HEIGHT, WIDTH, exif, rgb, rgba};

pub(crate) fn files() -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for (samples, colour) in [(rgb(), ColorType::Rgb8), (rgba(), ColorType::Rgba8)] {
        for with_metadata in [false, true] {
            let mut file = Vec::new();
            let mut encoder = WebPEncoder::new(&mut file);
            if with_metadata {
                encoder.set_icc_profile(b"a profile, odd".to_vec());
                encoder.set_exif_metadata(exif(b"jpeg"));
                encoder.set_xmp_metadata(b"<x:xmpmeta/>".to_vec());
            }
            encoder.encode(&samples, WIDTH.into(), HEIGHT.into(), colour).expect("memory");
            files.push(file);
        }
    }
    files.push(include_bytes!("../../../crates/invert/tests/it/data/lossy.webp").to_vec());
    files.push(include_bytes!("../../../crates/invert/tests/it/data/lossy_alpha.webp").to_vec());
    files.push(include_bytes!("../../../crates/invert/tests/it/data/animated.webp").to_vec());
    files
}
