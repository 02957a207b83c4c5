//! What a negative keeps: the table in `docs/pictures.md`, cell by cell.

use std::collections::BTreeMap;

use image::{DynamicImage, ImageFormat};
use image_webp::{ColorType, WebPEncoder};
use invert::ErrorKind;

use crate::png_generator::{Filters, Packing, Picture};
use crate::samples::{HEIGHT, WIDTH, check_exact, decode, encode, kind, negative, noisy_rgb, noisy_rgba};
use crate::{bmp, gif, png_animation};

const TIFF: &[u8] = include_bytes!("data/tiff/metadata.tif");
const PAGES: &[u8] = include_bytes!("data/tiff/pages.tif");
/// A directory with one entry: orientation 6.
const ORIENTATION: &[u8] = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";

/// Format, property, what the table says, and the test that holds it.
type Cell = (&'static str, &'static str, &'static str, fn());

/// Every cell that is no dash.
const CELLS: [Cell; 45] = [
    ("JPEG", "orientation", "kept", jpeg_keeps_orientation),
    ("JPEG", "ICC", "kept", jpeg_keeps_a_profile),
    ("JPEG", "interlace", "kept", jpeg_stays_progressive),
    ("JPEG", "CMYK", "refused", jpeg_in_cmyk_is_refused),
    ("JPEG", "comments", "kept", jpeg_keeps_comments),
    ("PNG", "orientation", "kept", png_keeps_orientation),
    ("PNG", "ICC", "kept", png_keeps_a_profile),
    ("PNG", "alpha", "kept", png_keeps_alpha),
    ("PNG", "palette", "kept", png_keeps_a_palette),
    ("PNG", "16 bit", "kept", png_keeps_16_bits),
    ("PNG", "colour key", "kept", png_keeps_a_colour_key),
    ("PNG", "interlace", "kept", png_stays_interlaced),
    ("PNG", "animation", "kept", png_animation::every_frame_becomes_its_negative),
    ("PNG", "sub-byte depth", "kept", png_keeps_2_bits),
    ("PNG", "comments", "kept", png_keeps_text),
    ("GIF", "ICC", "kept", gif_keeps_a_profile),
    ("GIF", "palette", "kept", gif_keeps_a_palette),
    ("GIF", "colour key", "kept", gif_keeps_everything_but_colours),
    ("GIF", "interlace", "kept", gif_stays_interlaced),
    ("GIF", "animation", "kept", gif_keeps_everything_but_colours),
    ("GIF", "comments", "kept", gif_keeps_comments),
    ("BMP", "ICC", "kept", bmp_keeps_a_profile),
    ("BMP", "alpha", "kept", bmp_keeps_alpha),
    ("BMP", "palette", "kept", bmp_keeps_a_palette),
    ("BMP", "sub-byte depth", "kept", bmp_keeps_4_bits),
    ("TIFF", "orientation", "kept", tiff_keeps_orientation),
    ("TIFF", "ICC", "kept", tiff_keeps_a_profile),
    ("TIFF", "alpha", "kept", tiff_keeps_alpha),
    ("TIFF", "palette", "kept", tiff_keeps_a_palette),
    ("TIFF", "16 bit", "kept", tiff_keeps_16_bits),
    ("TIFF", "animation", "kept", tiff_keeps_pages),
    ("TIFF", "CMYK", "refused", tiff_in_cmyk_is_refused),
    ("TIFF", "sub-byte depth", "kept", tiff_keeps_1_bit),
    ("TIFF", "comments", "kept", tiff_keeps_a_description),
    ("WebP", "orientation", "kept", webp_keeps_orientation),
    ("WebP", "ICC", "kept", webp_keeps_a_profile),
    ("WebP", "alpha", "kept", webp_keeps_alpha),
    ("WebP", "animation", "kept", webp_keeps_frames),
    ("WebP", "comments", "kept", webp_keeps_xmp),
    ("PNM", "alpha", "kept", pnm_keeps_alpha),
    ("PNM", "16 bit", "kept", pnm_keeps_16_bits),
    ("PNM", "animation", "kept", pnm_keeps_pictures),
    ("PNM", "sub-byte depth", "kept", pnm_keeps_1_bit),
    ("PNM", "comments", "kept", pnm_keeps_comments),
    ("QOI", "alpha", "kept", qoi_keeps_alpha),
];

#[test]
fn the_table_in_the_documentation_says_what_the_tests_hold() {
    let page = include_str!("../../../../docs/pictures.md");
    let mut rows = page
        .lines()
        .skip_while(|line| !line.starts_with("| format | orientation"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>());
    let properties = rows.next().expect("a table");
    let mut told = BTreeMap::new();
    for row in rows.skip(1).take_while(|row| row.len() == properties.len()) {
        for (property, cell) in properties.iter().zip(&row).skip(1).filter(|(_, cell)| **cell != "–") {
            told.insert((row[0], *property), *cell);
        }
    }
    let held: BTreeMap<_, _> = CELLS.iter().map(|&(format, property, cell, _)| ((format, property), cell)).collect();
    assert_eq!(told, held);
    for (.., test) in CELLS {
        test();
    }
}

/// The negative has this part of the file as it was.
fn check_part(file: &[u8], part: &[u8]) {
    let has = |file: &[u8]| file.windows(part.len()).any(|window| window == part);
    assert!(has(file) && has(&negative(file)), "{}", String::from_utf8_lossy(part));
}

/// A segment behind the first marker.
fn jpeg_with(marker: u8, data: &[u8]) -> Vec<u8> {
    let file = encode(&noisy_rgb().into(), ImageFormat::Jpeg);
    let length = (data.len() as u16 + 2).to_be_bytes();
    [&file[..2], &[0xFF, marker], &length, data, &file[2..]].concat()
}

#[test]
fn jpeg_keeps_orientation() {
    check_part(&jpeg_with(0xE1, &[b"Exif\0\0", ORIENTATION].concat()), ORIENTATION);
}

#[test]
fn jpeg_keeps_a_profile() {
    check_part(&jpeg_with(0xE2, b"ICC_PROFILE\0\x01\x01profile"), b"ICC_PROFILE\0\x01\x01profile");
}

#[test]
fn jpeg_keeps_comments() {
    check_part(&jpeg_with(0xFE, b"a comment"), b"a comment");
}

#[test]
fn jpeg_stays_progressive() {
    let mut file = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut file, 80);
    encoder.set_progressive(true);
    encoder.encode(&noisy_rgb(), WIDTH as u16, HEIGHT as u16, jpeg_encoder::ColorType::Rgb).unwrap();
    // T.81 B.1.1.3: SOF2.
    let is_progressive = |file: &[u8]| file.windows(4).any(|window| window == [0xFF, 0xC2, 0, 17]);
    assert!(is_progressive(&file) && is_progressive(&negative(&file)));
}

#[test]
fn jpeg_in_cmyk_is_refused() {
    assert_eq!(kind(include_bytes!("data/cmyk.jpg")), Some(ErrorKind::Unsupported));
}

/// A chunk behind the header of a PNG.
fn png_with(file: &[u8], name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    const HEADER_END: usize = 33;
    let named = [name, data].concat();
    let (length, checksum) = ((data.len() as u32).to_be_bytes(), crc32fast::hash(&named).to_be_bytes());
    [&file[..HEADER_END], &length, &named, &checksum, &file[HEADER_END..]].concat()
}

fn png(
    colour: png::ColorType,
    depth: png::BitDepth,
    data: &[u8],
    palette: Option<&[u8]>,
    key: Option<&[u8]>,
) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 4, 2);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    if let Some(palette) = palette {
        encoder.set_palette(palette.to_vec());
    }
    if let Some(key) = key {
        encoder.set_trns(key.to_vec());
    }
    encoder.write_header().and_then(|mut writer| writer.write_image_data(data)).expect("the test's own picture");
    file
}

#[test]
fn png_keeps_orientation() {
    check_part(&png_with(&encode(&noisy_rgb().into(), ImageFormat::Png), b"eXIf", ORIENTATION), ORIENTATION);
}

#[test]
fn png_keeps_a_profile() {
    let profile = b"name\0\0compressed bytes of a profile";
    check_part(&png_with(&encode(&noisy_rgb().into(), ImageFormat::Png), b"iCCP", profile), profile);
}

#[test]
fn png_keeps_text() {
    let text = b"Comment\0some words";
    check_part(&png_with(&encode(&noisy_rgb().into(), ImageFormat::Png), b"tEXt", text), text);
}

#[test]
fn png_keeps_alpha() {
    let file = encode(&noisy_rgba().into(), ImageFormat::Png);
    check_exact(&file, &negative(&file));
}

#[test]
fn png_keeps_a_palette() {
    let file = png(png::ColorType::Indexed, png::BitDepth::Eight, &[0, 1, 0, 1, 1, 0, 1, 0], Some(b"abcdef"), None);
    let after = negative(&file);
    assert!(after.windows(6).any(|window| window == b"abcdef".map(|byte| !byte)));
    assert_eq!(after[25], 3, "the colour type of a palette");
}

#[test]
fn png_keeps_16_bits() {
    let file = encode(&DynamicImage::from(noisy_rgb()).to_rgb16().into(), ImageFormat::Png);
    check_exact(&file, &negative(&file));
    assert_eq!(decode(&negative(&file)).color(), image::ColorType::Rgb16);
}

#[test]
fn png_keeps_a_colour_key() {
    let file = png(png::ColorType::Grayscale, png::BitDepth::Eight, b"abcdabcd", None, Some(&[0, b'b']));
    let key = [b't', b'R', b'N', b'S', 0, !b'b'];
    assert!(negative(&file).windows(6).any(|window| window == key));
}

#[test]
fn png_keeps_2_bits() {
    let file = png(png::ColorType::Grayscale, png::BitDepth::Two, &[0b0001_1011, 0b1110_0100], None, None);
    let after = negative(&file);
    assert_eq!(after[24], 2, "the depth");
    check_exact(&file, &after);
}

#[test]
fn png_stays_interlaced() {
    let picture = Picture { width: 13, height: 11, colour: 2, depth: 8, interlaced: true };
    let file = picture.file(&Packing::Zlib(6).pack(&picture.filtered(Filters::Mixed)));
    let after = negative(&file);
    assert_eq!((file[28], after[28]), (1, 1), "the header's last byte");
    check_exact(&file, &after);
}

fn gif_with(extension: &[u8]) -> Vec<u8> {
    let mut file = gif::animation(gif::Palettes::Both);
    let trailer = file.pop();
    [file, extension.to_vec(), trailer.into_iter().collect()].concat()
}

#[test]
fn gif_keeps_a_profile() {
    let profile = b"\x21\xFF\x0BICCRGBG1012\x07profile\0";
    check_part(&gif_with(profile), profile);
}

#[test]
fn gif_keeps_comments() {
    check_part(&gif_with(b"\x21\xFE\x07comment\0"), b"\x07comment\0");
}

#[test]
fn gif_keeps_a_palette() {
    check_part(&gif_with(b""), b"NETSCAPE2.0");
    let (before, after) = (gif_with(b""), negative(&gif_with(b"")));
    // GIF89a §18: behind the screen descriptor.
    assert_eq!(after[13..61], before[13..61].iter().map(|colour| !colour).collect::<Vec<_>>());
}

#[test]
fn gif_keeps_everything_but_colours() {
    gif::every_frame_keeps_all_but_its_colours();
}

#[test]
fn gif_stays_interlaced() {
    // GIF89a §20: a local table of two colours, interlaced.
    let file = b"GIF89a\x01\0\x01\0\0\0\0\x2C\0\0\0\0\x01\0\x01\0\xC0abcdef\x02\x02\x4C\x01\0\x3B";
    check_part(file, b"\x01\0\x01\0\xC0");
}

#[test]
fn bmp_keeps_a_profile() {
    check_part(&bmp::with_profile(), b"profile");
}

#[test]
fn bmp_keeps_alpha() {
    let file = encode(&noisy_rgba().into(), ImageFormat::Bmp);
    check_exact(&file, &negative(&file));
}

#[test]
fn bmp_keeps_a_palette() {
    let file = encode(&DynamicImage::from(noisy_rgb()).to_luma8().into(), ImageFormat::Bmp);
    let after = negative(&file);
    assert_eq!((file.len(), &file[..54]), (after.len(), &after[..54]));
}

#[test]
fn bmp_keeps_4_bits() {
    bmp::palettes_are_inverted_and_indexes_stay();
}

#[test]
fn tiff_keeps_orientation() {
    // Tag 274, one SHORT: 6.
    check_part(TIFF, b"\x12\x01\x03\0\x01\0\0\0\x06\0");
}

#[test]
fn tiff_keeps_a_profile() {
    check_part(TIFF, &b"profile ".repeat(20));
}

#[test]
fn tiff_keeps_a_description() {
    check_part(TIFF, b"A description, longer than four");
}

#[test]
fn tiff_keeps_alpha() {
    let file = encode(&noisy_rgba().into(), ImageFormat::Tiff);
    check_exact(&file, &negative(&file));
}

#[test]
fn tiff_keeps_16_bits() {
    let file = encode(&DynamicImage::from(noisy_rgb()).to_rgb16().into(), ImageFormat::Tiff);
    check_exact(&file, &negative(&file));
    assert_eq!(decode(&negative(&file)).color(), image::ColorType::Rgb16);
}

#[test]
fn tiff_keeps_a_palette() {
    crate::tiff::only_the_colour_map_of_a_palette_picture_changes();
}

#[test]
fn tiff_keeps_pages() {
    assert_eq!(invert::probe(&negative(PAGES)).unwrap().frames, Some(4));
}

#[test]
fn tiff_in_cmyk_is_refused() {
    assert_eq!(kind(include_bytes!("data/tiff/cmyk.tif")), Some(ErrorKind::Unsupported));
}

#[test]
fn tiff_keeps_1_bit() {
    assert_eq!(invert::probe(&negative(include_bytes!("data/tiff/fax.tif"))).unwrap().bits_per_sample, 1);
}

fn webp() -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = WebPEncoder::new(&mut file);
    encoder.set_icc_profile(b"a profile".to_vec());
    encoder.set_exif_metadata(ORIENTATION.to_vec());
    encoder.set_xmp_metadata(b"<x:xmpmeta/>".to_vec());
    encoder.encode(&noisy_rgba(), WIDTH, HEIGHT, ColorType::Rgba8).expect("memory");
    file
}

#[test]
fn webp_keeps_orientation() {
    check_part(&webp(), ORIENTATION);
}

#[test]
fn webp_keeps_a_profile() {
    check_part(&webp(), b"a profile");
}

#[test]
fn webp_keeps_xmp() {
    check_part(&webp(), b"<x:xmpmeta/>");
}

#[test]
fn webp_keeps_alpha() {
    check_exact(&webp(), &negative(&webp()));
}

#[test]
fn webp_keeps_frames() {
    let file = include_bytes!("data/animated.webp");
    assert_eq!(invert::probe(&negative(file)).unwrap().frames, Some(3));
}

#[test]
fn pnm_keeps_alpha() {
    crate::pnm::alpha_of_pam_stays();
}

#[test]
fn pnm_keeps_16_bits() {
    check_part(b"P5 1 1 1000\n\x00\x01", b"P5 1 1 1000\n");
}

#[test]
fn pnm_keeps_pictures() {
    crate::pnm::several_pictures_and_what_follows_them_are_kept();
}

#[test]
fn pnm_keeps_1_bit() {
    crate::pnm::bits_behind_the_end_of_a_row_stay();
}

#[test]
fn pnm_keeps_comments() {
    check_part(b"P5 # a comment\n1 1 255\n\x01", b"# a comment");
}

#[test]
fn qoi_keeps_alpha() {
    let file = encode(&noisy_rgba().into(), ImageFormat::Qoi);
    check_exact(&file, &negative(&file));
}
