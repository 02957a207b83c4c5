use std::io::Cursor;

use image::{DynamicImage, ImageFormat};
use invert::{ErrorKind, Metadata, Method, Options, Scratch};
use tiff::decoder::{Decoder, DecodingResult};
use tiff::encoder::{Compression, DeflateLevel, TiffEncoder, colortype};
use tiff::tags::Predictor;

use crate::samples::{
    HEIGHT, WIDTH, check_exact, check_that_every_cut_is_broken, complaint, decode, encode, kind, negative, noisy_rgb,
    noisy_rgba,
};

macro_rules! sample {
    ($name:literal) => {
        include_bytes!(concat!("data/tiff/", $name, ".tif")).as_slice()
    };
}

const PAGES: &[u8] = sample!("pages");
const METADATA: &[u8] = sample!("metadata");

/// All samples of all pictures of the main chain, as another decoder sees
/// them.
fn pages(file: &[u8]) -> Vec<DecodingResult> {
    let mut decoder = Decoder::new(Cursor::new(file)).expect("a TIFF");
    let mut pages = vec![decoder.read_image().expect("a whole picture")];
    while decoder.more_images() {
        decoder.next_image().expect("a further picture");
        pages.push(decoder.read_image().expect("a whole picture"));
    }
    pages
}

fn strip(file: &[u8]) -> Vec<u8> {
    let options = Options { metadata: Metadata::Strip, ..Options::default() };
    let mut bytes = Vec::new();
    invert::invert_into(file, &options, &mut Scratch::default(), &mut bytes).expect("a whole picture");
    bytes
}

fn contains(file: &[u8], text: &str) -> bool {
    file.windows(text.len()).any(|window| window == text.as_bytes())
}

fn encoded(compression: Compression, predictor: Predictor) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    let encoder = TiffEncoder::new(&mut file).expect("memory");
    let mut encoder = encoder.with_compression(compression).with_predictor(predictor);
    encoder.write_image::<colortype::RGB8>(WIDTH, HEIGHT, &noisy_rgb()).expect("memory");
    file.into_inner()
}

#[test]
fn samples_of_another_encoder_are_exact() {
    let sixteen = DynamicImage::from(noisy_rgba()).to_rgba16();
    for image in [noisy_rgb().into(), noisy_rgba().into(), sixteen.into()] {
        let image: DynamicImage = image;
        let file = encode(&image, ImageFormat::Tiff);
        check_exact(&file, &negative(&file));
        assert_eq!(negative(&negative(&file)), file);
        check_that_every_cut_is_broken(&file);
    }
}

#[test]
fn grey_pictures_of_another_encoder_change_in_one_bit() {
    let file = encode(&DynamicImage::from(noisy_rgb()).to_luma8().into(), ImageFormat::Tiff);
    let after = negative(&file);
    check_exact(&file, &after);
    let changed: Vec<u32> = file.iter().zip(&after).map(|(before, after)| (before ^ after).count_ones()).collect();
    assert_eq!((changed.iter().sum::<u32>(), file.len()), (1, after.len()));
}

#[test]
fn compressed_samples_are_exact() {
    for compression in [Compression::Lzw, Compression::Packbits, Compression::Deflate(DeflateLevel::Balanced)] {
        for predictor in [Predictor::None, Predictor::Horizontal] {
            if (compression, predictor) == (Compression::Packbits, Predictor::Horizontal) {
                continue;
            }
            let file = encoded(compression, predictor);
            check_exact(&file, &negative(&file));
            check_exact(&negative(&negative(&file)), &negative(&file));
            check_that_every_cut_is_broken(&file);
        }
    }
}

#[test]
fn lzw_and_packbits_stay_where_they_are_and_come_back() {
    for compression in [Compression::Lzw, Compression::Packbits] {
        let file = encoded(compression, Predictor::None);
        assert_eq!(invert::probe(&file).unwrap().method, Method::Samples);
        let after = negative(&file);
        assert_eq!(after.len(), file.len());
        assert_eq!(negative(&after), file);
    }
}

#[test]
fn every_layout_is_exact() {
    for file in [sample!("rgb16_deflate_predictor_big_endian"), sample!("rgba_packbits")] {
        check_exact(file, &negative(file));
        assert_eq!(decode(&negative(&negative(file))), decode(file));
    }
    let file = sample!("bigtiff_tiled_lzw");
    let (DecodingResult::U8(before), DecodingResult::U8(after)) =
        (pages(file).remove(0), pages(&negative(file)).remove(0))
    else {
        panic!("eight bits")
    };
    assert!(before.iter().zip(&after).all(|(before, after)| *before == !after));
}

#[test]
fn every_cut_is_broken() {
    for file in [
        sample!("rgb16_deflate_predictor_big_endian"),
        sample!("bigtiff_tiled_lzw"),
        sample!("rgba_packbits"),
        sample!("palette"),
        sample!("planar_rgba_lzw_predictor"),
        sample!("premultiplied_deflate_predictor"),
        sample!("fax"),
        METADATA,
    ] {
        check_that_every_cut_is_broken(file);
    }
}

#[test]
pub(crate) fn only_the_colour_map_of_a_palette_picture_changes() {
    let file = sample!("palette");
    let colours = |file: &[u8]| {
        let mut decoder = Decoder::new(Cursor::new(file.to_vec())).expect("a TIFF");
        decoder.get_tag_u16_vec(tiff::tags::Tag::ColorMap).expect("a colour map")
    };
    let after = negative(file);
    assert_eq!(colours(&after), colours(file).iter().map(|colour| !colour).collect::<Vec<_>>());
    let changed = file.iter().zip(&after).filter(|(before, after)| before != after).count();
    assert_eq!(changed, 2 * 3 * 256);
    assert_eq!(negative(&after), file);
}

#[test]
fn premultiplied_colours_are_taken_from_their_alpha() {
    let file = sample!("premultiplied_deflate_predictor");
    let (DecodingResult::U8(before), DecodingResult::U8(after)) =
        (pages(file).remove(0), pages(&negative(file)).remove(0))
    else {
        panic!("eight bits")
    };
    for (before, after) in before.chunks(4).zip(after.chunks(4)) {
        let [red, green, blue, alpha] = before.try_into().unwrap();
        assert_eq!(after, [alpha - red, alpha - green, alpha - blue, alpha]);
    }
}

#[test]
fn planes_of_alpha_stay() {
    let file = sample!("planar_rgba_lzw_predictor");
    let planes = |file: &[u8]| {
        let mut decoder = Decoder::new(Cursor::new(file.to_vec())).expect("a TIFF");
        let strips = decoder.strip_count().expect("strips");
        (0..strips).map(|index| decoder.read_chunk(index).expect("a strip")).collect::<Vec<_>>()
    };
    let (before, after) = (planes(file), planes(&negative(file)));
    let per_plane = before.len() / 4;
    for (index, (before, after)) in before.iter().zip(&after).enumerate() {
        let (DecodingResult::U8(before), DecodingResult::U8(after)) = (before, after) else { panic!("eight bits") };
        let flipped: Vec<u8> = before.iter().map(|sample| !sample).collect();
        let expected = if index / per_plane < 3 { &flipped } else { before };
        assert_eq!(after, expected, "strip {index}");
    }
}

#[test]
fn fax_is_inverted_in_one_bit() {
    let file = sample!("fax");
    let after = negative(file);
    let changed: u32 = file.iter().zip(&after).map(|(before, after)| (before ^ after).count_ones()).sum();
    assert_eq!(changed, 1);
    assert_eq!(negative(&after), file);
}

#[test]
fn every_page_and_subdirectory_is_inverted() {
    let after = negative(PAGES);
    assert_eq!(invert::probe(PAGES).unwrap().frames, Some(4));
    let (before, pages) = (pages(PAGES), pages(&after));
    assert_eq!((before.len(), pages.len()), (3, 3));
    for (before, after) in before.iter().zip(&pages) {
        match (before, after) {
            (DecodingResult::U8(before), DecodingResult::U8(after)) => {
                assert!(before.iter().zip(after).all(|(before, after)| *before == 255 - after));
            }
            (DecodingResult::U16(before), DecodingResult::U16(after)) => {
                assert!(before.iter().zip(after).all(|(before, after)| *before == 65535 - after));
            }
            other => panic!("{other:?}"),
        }
    }
    // The subdirectory's picture has each second pixel of the first one, raw.
    let DecodingResult::U8(first) = &pages[0] else { panic!("eight bits") };
    let row: Vec<u8> = (0..WIDTH as usize).step_by(2).flat_map(|x| first[3 * x..3 * x + 3].to_vec()).collect();
    assert!(after.windows(row.len()).any(|window| window == row));
}

#[test]
fn metadata_goes_on_request_and_what_tells_colours_stays() {
    let kept = negative(METADATA);
    let stripped = strip(METADATA);
    check_exact(METADATA, &stripped);
    for text in ["A description", "Software here", "Some artist", "2001:02:03", "a comment by", "<x:xmpmeta"] {
        assert!(contains(METADATA, text) && contains(&kept, text) && !contains(&stripped, text), "{text}");
    }
    let mut decoder = Decoder::new(Cursor::new(&stripped)).unwrap();
    assert_eq!(decoder.get_tag_u32(tiff::tags::Tag::Orientation).unwrap(), 6);
    assert_eq!(decoder.get_tag_u8_vec(tiff::tags::Tag::IccProfile).unwrap(), b"profile ".repeat(20));
    assert!(decoder.find_tag(tiff::tags::Tag::ExifDirectory).unwrap().is_none());
    assert!(decoder.find_tag(tiff::tags::Tag::GpsDirectory).unwrap().is_none());
    assert_eq!(negative(&kept), METADATA);
}

#[test]
fn what_has_no_negative_is_named() {
    assert_eq!(complaint(sample!("jpeg")), "TIFF with JPEG inside is not supported");
    assert_eq!(complaint(sample!("cmyk")), "TIFF in CMYK is not supported");
    assert_eq!(complaint(sample!("float")), "TIFF with floating-point samples is not supported");
    assert!(matches!(invert::probe(sample!("cmyk")).unwrap().method, Method::Refused { feature: "TIFF in CMYK" }));
}

/// A raw RGB picture of one row of two pixels, with a directory behind it.
fn tiny(directories: &[&[(u16, u16, u32, u32)]]) -> Vec<u8> {
    let mut file = b"II*\0\x10\0\0\0abcdef\0\0".to_vec();
    for (index, entries) in directories.iter().enumerate() {
        file.extend((entries.len() as u16).to_le_bytes());
        for &(tag, kind, count, value) in *entries {
            file.extend([tag, kind].map(u16::to_le_bytes).concat());
            file.extend([count, value].map(u32::to_le_bytes).concat());
        }
        let next = if index + 1 < directories.len() { file.len() as u32 + 4 } else { 0 };
        file.extend(next.to_le_bytes());
    }
    file
}

const TINY: [(u16, u16, u32, u32); 7] =
    [(256, 3, 1, 2), (257, 3, 1, 1), (258, 3, 1, 8), (262, 3, 1, 2), (273, 4, 1, 8), (277, 3, 1, 3), (279, 4, 1, 6)];

#[test]
fn pixels_that_two_pictures_share_are_refused() {
    assert_eq!(negative(&tiny(&[&TINY]))[8..14], b"abcdef".map(|byte| !byte));
    assert_eq!(kind(&tiny(&[&TINY, &TINY])), Some(ErrorKind::Broken));
}

#[test]
fn pixels_within_a_directory_are_refused() {
    let mut entries = TINY;
    entries[4].3 = 14;
    assert_eq!(kind(&tiny(&[&entries])), Some(ErrorKind::Broken));
    entries[4].3 = 2;
    assert_eq!(kind(&tiny(&[&entries])), Some(ErrorKind::Broken));
}

#[test]
fn directories_in_a_circle_are_refused() {
    let mut file = tiny(&[&TINY]);
    let link = file.len() - 4;
    file[link..].copy_from_slice(&16_u32.to_le_bytes());
    assert_eq!(kind(&file), Some(ErrorKind::Broken));
}

#[test]
fn raw_pictures_of_cameras_are_named() {
    let with = |entry| tiny(&[&[&TINY[..], &[entry]].concat()]);
    assert_eq!(complaint(&with((50706, 1, 4, 0x0401))), "DNG is not supported");
    let mut sensor = TINY;
    sensor[3].3 = 32803;
    assert_eq!(complaint(&tiny(&[&sensor])), "camera raw is not supported");
}

#[test]
fn the_original_does_not_stay_behind_its_negative() {
    let file = encoded(Compression::Deflate(DeflateLevel::Balanced), Predictor::None);
    let after = negative(&file);
    let mut decoder = Decoder::new(Cursor::new(&file)).unwrap();
    let at = decoder.get_tag_u64(tiff::tags::Tag::StripOffsets).unwrap() as usize;
    let start = &file[at..at + 64];
    assert!(!after.windows(64).any(|window| window == start));
}
