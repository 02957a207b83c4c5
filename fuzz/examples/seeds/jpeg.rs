//! JPEG.

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use crate::{HEIGHT, WIDTH, exif, noise, rgb};

pub(crate) fn files() -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for sampling in [
        SamplingFactor::R_4_4_4,
        SamplingFactor::R_4_2_2,
        SamplingFactor::R_4_2_0,
        SamplingFactor::R_4_4_0,
        SamplingFactor::R_4_1_1,
    ] {
        for progressive in [false, true] {
            for restart_interval in [0, 1, 2] {
                files.push(picture(|encoder| {
                    encoder.set_sampling_factor(sampling);
                    encoder.set_progressive(progressive);
                    encoder.set_optimized_huffman_tables(restart_interval == 0);
                    if restart_interval > 0 {
                        encoder.set_restart_interval(restart_interval);
                    }
                }));
            }
        }
    }
    for scans in [2, 7, 64] {
        files.push(picture(|encoder| encoder.set_progressive_scans(scans)));
    }
    for progressive in [false, true] {
        for (samples, colours) in [(1, ColorType::Luma), (4, ColorType::Cmyk), (4, ColorType::Ycck)] {
            let mut file = Vec::new();
            let mut encoder = Encoder::new(&mut file, 60);
            encoder.set_progressive(progressive);
            let bytes: Vec<u8> = (0..usize::from(WIDTH) * usize::from(HEIGHT) * samples).map(noise).collect();
            encoder.encode(&bytes, WIDTH, HEIGHT, colours).expect("memory");
            files.push(file);
        }
    }
    files.push(two_pictures());
    files.push(with_metadata());
    files.extend(with_thumbnails());
    files.push(include_bytes!("../../../crates/invert/tests/it/data/rgb.jpg").to_vec());
    files
}

fn picture(choose: impl FnOnce(&mut Encoder<&mut Vec<u8>>)) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 70);
    choose(&mut encoder);
    encoder.encode(&rgb(), WIDTH, HEIGHT, ColorType::Rgb).expect("memory");
    file
}

fn small() -> Vec<u8> {
    let mut file = Vec::new();
    Encoder::new(&mut file, 50).encode(&[7; 64], 8, 8, ColorType::Luma).expect("memory");
    file
}

/// A second picture behind the first, and an index of both (CIPA DC-007).
fn two_pictures() -> Vec<u8> {
    let entry = |size: u32, offset: u32| [&[0; 4], &size.to_le_bytes()[..], &offset.to_le_bytes(), &[0; 4]].concat();
    let index = |first: u32, size: u32, offset: u32| {
        let mut index = b"MPF\0II*\0\x08\0\0\0\x03\0".to_vec();
        index.extend(
            b"\0\xB0\x07\0\x04\0\0\x000100\x01\xB0\x04\0\x01\0\0\0\x02\0\0\0\x02\xB0\x07\0\x20\0\0\0\x32\0\0\0",
        );
        index.extend([0; 4]);
        index.extend([entry(first, 0), entry(size, offset)].concat());
        index
    };
    let make = |index: &[u8]| {
        picture(|encoder| {
            encoder.add_app_segment(2, index.to_vec()).expect("a short segment");
        })
    };
    let second = small();
    let first = make(&index(0, 0, 0));
    let start = first.windows(4).position(|window| window == b"MPF\0").expect("the index") + 4;
    let index = index(first.len() as u32, second.len() as u32, (first.len() - start) as u32);
    [make(&index), second].concat()
}

fn with_metadata() -> Vec<u8> {
    picture(|encoder| {
        encoder.add_exif_metadata(&exif(&small())).expect("a short segment");
        encoder.add_icc_profile(b"a profile").expect("a short segment");
        for (number, data) in [
            (1, &b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta/>"[..]),
            (11, b"JP\0\0signature"),
            (13, b"Photoshop 3.0\0"),
        ] {
            encoder.add_app_segment(number, data.to_vec()).expect("a short segment");
        }
    })
}

/// Thumbnails wherever somebody has put one.
fn with_thumbnails() -> Vec<Vec<u8>> {
    let file = picture(|_| {});
    let jpeg = small();
    let resource = [
        &b"Photoshop 3.0\08BIM\x04\x0C\0\0"[..],
        &(28 + jpeg.len() as u32).to_be_bytes(),
        b"\0\0\0\x01\0\0\0\x08\0\0\0\x08\0\0\0\x18\0\0\0\xC0\0\0\0\xC0\0\x18\0\x01",
        &jpeg,
    ];
    let xmp =
        b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta><rdf:Description xmlns:g='http://ns.adobe.com/xap/1.0/g/img/' \
        xmlns:GCamera='http://ns.google.com/photos/1.0/camera/' GCamera:MotionPhoto='1'>\
        <g:image>/9j/2wBDAAEBAQEBAQEBAQEB&#xA;</g:image></rdf:Description></x:xmpmeta>";
    let segments = [
        (0xE0, [b"JFXX\0\x10".as_slice(), &jpeg].concat()),
        (0xE0, [b"JFXX\0\x13\x01\x01".as_slice(), b"abc"].concat()),
        (0xED, resource.concat()),
        (0xE1, xmp.to_vec()),
        (0xE2, b"urn:iso:std:iso:ts:21496:-1\0\0\0\0\0".to_vec()),
    ];
    let with = |(marker, payload): &(u8, Vec<u8>)| {
        let length = (payload.len() as u16 + 2).to_be_bytes();
        [&file[..2], &[0xFF, *marker], &length, payload, &file[2..], b"behind the picture"].concat()
    };
    segments.iter().map(with).collect()
}
