use image::ImageFormat;
use invert::{ErrorKind, Metadata, Options, Scratch};

use crate::samples::{
    HEIGHT, WIDTH, check_exact, check_that_every_cut_is_broken, complaint, encode, kind, negative, noise, noisy_rgb,
    noisy_rgba,
};

const V3: u32 = 40;
const CORE: u32 = 12;

/// A bitmap of 37 x 23 with a palette or masks behind its header.
fn bitmap(header_bytes: u32, bits: u16, compression: u32, behind_header: &[u8], pixels: &[u8]) -> Vec<u8> {
    let mut header = header_bytes.to_le_bytes().to_vec();
    if header_bytes == CORE {
        header.extend([WIDTH as u16, HEIGHT as u16, 1, bits].map(u16::to_le_bytes).concat());
    } else {
        header.extend([WIDTH, HEIGHT].map(u32::to_le_bytes).concat());
        header.extend([1, bits].map(u16::to_le_bytes).concat());
        header.extend(compression.to_le_bytes());
        header.resize(header_bytes as usize, 0);
    }
    let offset = 14 + header.len() + behind_header.len();
    let file_bytes = offset + pixels.len();
    let mut file = b"BM".to_vec();
    file.extend([file_bytes as u32, 0, offset as u32].map(u32::to_le_bytes).concat());
    [file, header, behind_header.to_vec(), pixels.to_vec()].concat()
}

fn palette(entries: u32, entry_bytes: u32) -> Vec<u8> {
    (0..entries * entry_bytes).map(|at| if at % entry_bytes == 3 { 0 } else { noise(at, 0, 0) }).collect()
}

/// Rows with the padding set, so that a change of it shows.
fn rows(bits: u32) -> Vec<u8> {
    let row_bytes = (WIDTH * bits).div_ceil(8);
    let stride = row_bytes.next_multiple_of(4);
    let byte = |at: u32| if at % stride < row_bytes { noise(at, 0, 1) } else { 0xA5 };
    (0..stride * HEIGHT).map(byte).collect()
}

fn check(file: &[u8]) {
    let after = negative(file);
    check_exact(file, &after);
    assert_eq!(negative(&after), file, "the negative of the negative is the same file");
    check_that_every_cut_is_broken(file);
}

#[test]
fn pictures_of_another_encoder_are_exact() {
    check(&encode(&noisy_rgb().into(), ImageFormat::Bmp));
    check(&encode(&noisy_rgba().into(), ImageFormat::Bmp));
    check(&encode(&image::DynamicImage::from(noisy_rgb()).to_luma8().into(), ImageFormat::Bmp));
}

#[test]
pub(crate) fn palettes_are_inverted_and_indexes_stay() {
    for bits in [1, 4, 8] {
        check(&bitmap(V3, bits, 0, &palette(1 << bits, 4), &rows(bits.into())));
        check(&bitmap(CORE, bits, 0, &palette(1 << bits, 3), &rows(bits.into())));
    }
}

#[test]
fn direct_pixels_change_in_their_colour_bits_alone() {
    for bits in [16, 24, 32] {
        let file = bitmap(V3, bits, 0, &[], &rows(bits.into()));
        check(&file);
        let (before, after) = (&file[54..], &negative(&file)[54..]);
        let mask: &[u8] = match bits {
            16 => &[0xFF, 0x7F],
            24 => &[0xFF],
            _ => &[0xFF, 0xFF, 0xFF, 0],
        };
        let row_bytes = WIDTH as usize * usize::from(bits) / 8;
        let stride = row_bytes.next_multiple_of(4);
        for (at, (before, after)) in before.iter().zip(after).enumerate() {
            let column = at % stride;
            let expected = if column < row_bytes { mask[column % mask.len()] } else { 0 };
            assert_eq!(before ^ after, expected, "byte {at} at {bits} bits");
        }
    }
}

#[test]
fn masks_say_where_the_colours_are() {
    let masks = [0xF800_u32, 0x07E0, 0x001F].map(u32::to_le_bytes).concat();
    check(&bitmap(V3, 16, 3, &masks, &rows(16)));
    assert_eq!(invert::probe(&bitmap(V3, 16, 3, &masks, &rows(16))).unwrap().bits_per_sample, 6);
    let masks = [0x0000_00FF_u32, 0x0000_FF00, 0xFF00_0000].map(u32::to_le_bytes).concat();
    check(&bitmap(V3, 32, 3, &masks, &rows(32)));
}

#[test]
fn run_lengths_stay_and_their_palette_is_inverted() {
    let rle8: Vec<u8> = (0..HEIGHT).flat_map(|row| [37, row as u8, 0, 0]).chain([0, 1]).collect();
    let with_literals = [&[0, 5, 1, 2, 3, 4, 5, 0, 32, 7, 0, 0, 0, 2, 1, 1][..], &rle8[4 * 3..]].concat();
    let rle4: Vec<u8> = (0..HEIGHT).flat_map(|_| [0, 5, 0x12, 0x34, 0x50, 0, 32, 0x9A, 0, 0]).chain([0, 1]).collect();
    for (bits, compression, codes) in [(8, 1, &rle8), (8, 1, &with_literals), (4, 2, &rle4)] {
        let file = bitmap(V3, bits, compression, &palette(1 << bits, 4), codes);
        let after = negative(&file);
        let palette_end = 54 + (4 << bits);
        assert_eq!((&file[..54], &file[palette_end..]), (&after[..54], &after[palette_end..]));
        for (before, after) in file[54..palette_end].chunks(4).zip(after[54..palette_end].chunks(4)) {
            assert_eq!(
                [before[0] ^ after[0], before[1] ^ after[1], before[2] ^ after[2], before[3] ^ after[3]],
                [255, 255, 255, 0]
            );
        }
        assert_eq!(negative(&after), file);
        check_that_every_cut_is_broken(&file);
    }
}

#[test]
fn what_is_no_bitmap_inside_is_named() {
    assert_eq!(complaint(&bitmap(V3, 0, 4, &[], &[0; 99])), "BMP with a JPEG inside is not supported");
    assert_eq!(complaint(&bitmap(V3, 0, 5, &[], &[0; 99])), "BMP with a PNG inside is not supported");
    assert_eq!(complaint(&bitmap(64, 24, 4, &[], &[0; 99])), "OS/2 compressed BMP is not supported");
    assert_eq!(kind(&bitmap(V3, 7, 0, &[], &[0; 99])), Some(ErrorKind::Broken));
}

#[test]
fn a_picture_stored_from_the_top_down_is_inverted_alike() {
    let mut file = bitmap(V3, 24, 0, &[], &rows(24));
    file[22..26].copy_from_slice(&(-(HEIGHT as i32)).to_le_bytes());
    check(&file);
}

/// A version 5 header whose profile stands behind the pixels, and a byte more.
pub(crate) fn with_profile() -> Vec<u8> {
    let mut file = bitmap(124, 24, 0, &[], &rows(24));
    let place = (file.len() - 14) as u32;
    file[14 + 56..][..4].copy_from_slice(b"DEBM");
    file[14 + 112..][..4].copy_from_slice(&place.to_le_bytes());
    file[14 + 116..][..4].copy_from_slice(&7_u32.to_le_bytes());
    [file.as_slice(), b"profile", b"behind"].concat()
}

#[test]
fn the_profile_behind_the_pixels_is_kept_and_what_follows_goes_on_request() {
    let file = with_profile();
    let kept = negative(&file);
    assert!(kept.ends_with(b"profilebehind"));
    assert_eq!(negative(&kept), file);
    let options = Options { metadata: Metadata::Strip, ..Options::default() };
    let mut after = Vec::new();
    invert::invert_into(&file, &options, &mut Scratch::default(), &mut after).unwrap();
    assert_eq!(after, kept[..kept.len() - b"behind".len()]);
}
