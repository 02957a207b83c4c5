//! Pictures within pictures: EXIF thumbnails, and what an MPF index points to.

use invert::ErrorKind;

use crate::jpeg::{flat, progressive, segment};
use crate::scale::Scale;

const APP1: u8 = 0xE1;
const APP2: u8 = 0xE2;

/// EXIF with an empty first directory and a thumbnail in the second (EXIF 2.32
/// §4.5.7).
fn exif(thumbnail: &[u8]) -> Vec<u8> {
    let mut exif = b"Exif\0\0II*\0\x08\0\0\0\0\0\x0E\0\0\0\x02\0".to_vec();
    exif.extend(b"\x01\x02\x04\0\x01\0\0\0\x2C\0\0\0\x02\x02\x04\0\x01\0\0\0");
    exif.extend((thumbnail.len() as u32).to_le_bytes());
    exif.extend([0; 4]);
    exif.extend(thumbnail);
    segment(APP1, &exif)
}

/// Segments directly behind the start of a picture.
fn with_segments(file: &[u8], segments: &[u8]) -> Vec<u8> {
    [&file[..2], segments, &file[2..]].concat()
}

/// An index that says so often that a picture of `bytes` begins at `offset`,
/// from the byte order mark on (CIPA DC-007 §5.2).
fn index(count: u32, bytes: u32, offset: u32) -> Vec<u8> {
    let mut index = b"MPF\0II*\0\x08\0\0\0\x03\0\0\xB0\x07\0\x04\0\0\x000100\x01\xB0\x04\0\x01\0\0\0".to_vec();
    index.extend(count.to_le_bytes());
    index.extend(b"\x02\xB0\x07\0");
    index.extend([16 * count, 50, 0].map(u32::to_le_bytes).concat());
    for entry in 0..count {
        let (bytes, offset) = if entry == 0 { (0, 0) } else { (bytes, offset) };
        index.extend([0, bytes, offset, 0].map(u32::to_le_bytes).concat());
    }
    segment(APP2, &index)
}

#[test]
fn thumbnails_within_thumbnails_end_somewhere() {
    let scale = Scale::alone();
    let mut file = flat(8, 8);
    // As deep as a segment allows.
    while let Some(deeper) = (file.len() < 65_000).then(|| with_segments(&file, &exif(&file))) {
        file = deeper;
    }
    scale.inverts_or_refuses(&file, ErrorKind::Broken);
}

#[test]
fn many_thumbnails_of_many_scans_take_no_longer_than_one() {
    let scale = Scale::alone();
    // 628 x 627 blocks: twelve runs and some.
    let thumbnail = progressive(5024, 5016, 100);
    let segments = exif(&thumbnail).repeat(200);
    scale.inverts_or_refuses(&with_segments(&flat(8, 8), &segments), ErrorKind::TooLarge);
}

#[test]
fn a_thumbnail_larger_than_any_picture_is_not_decoded() {
    let scale = Scale::alone();
    let mut thumbnail = flat(8, 8);
    let size = thumbnail.windows(4).position(|window| window == [0, 8, 0, 8]).expect("a frame header");
    thumbnail[size..size + 4].copy_from_slice(&[0xFF; 4]);
    scale.inverts_or_refuses(&with_segments(&flat(8, 8), &exif(&thumbnail)), ErrorKind::Broken);
}

#[test]
fn an_index_that_names_a_picture_again_and_again_is_no_work_without_end() {
    let scale = Scale::alone();
    let second = flat(8000, 8000);
    let first = with_segments(&flat(8, 8), &index(4000, 0, 0));
    let offset = (first.len() - 10) as u32;
    let first = with_segments(&flat(8, 8), &index(4000, second.len() as u32, offset));
    scale.inverts_or_refuses(&[first, second].concat(), ErrorKind::Broken);
}

#[test]
fn an_index_that_names_its_own_picture_is_survived() {
    let scale = Scale::alone();
    for offset in [0, u32::MAX, u32::MAX - 9, 1 << 31, 4] {
        for bytes in [0, 1, 1000, u32::MAX] {
            let file = with_segments(&flat(8, 8), &index(3, bytes, offset));
            scale.inverts_or_refuses(&[file.clone(), file].concat(), ErrorKind::Broken);
        }
    }
}

#[test]
fn pictures_behind_pictures_are_survived_however_many() {
    let scale = Scale::alone();
    let mut file = flat(8, 8);
    for _ in 0..300 {
        let first = with_segments(&flat(8, 8), &index(2, file.len() as u32, 0));
        let first = with_segments(&flat(8, 8), &index(2, file.len() as u32, (first.len() - 10) as u32));
        file = [first, file].concat();
    }
    scale.inverts_or_refuses(&file, ErrorKind::Broken);
}
