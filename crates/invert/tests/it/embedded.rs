//! Pictures inside a JPEG: nobody must see a mix of positive and negative.

use std::ops::Range;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use invert::{Limits, Metadata, Options, Scratch};

use crate::samples::{check_close, negative, segments, with_segments};

const THUMBNAILS: &[u8] = include_bytes!("data/thumbnails.jpg");
const FURTHER: &[u8] = include_bytes!("data/mpo.jpg");
/// The first picture of [`FURTHER`] alone has so many bytes, the second one
/// too.
const FIRST: Range<usize> = 0..866;
const SECOND: Range<usize> = 866..1610;

const XMP: &str = "http://ns.adobe.com/xap/1.0/\0";

fn find(file: &[u8], words: &[u8]) -> Option<usize> {
    file.windows(words.len()).position(|window| window == words)
}

/// The payload that begins so.
fn segment(file: &[u8], prefix: &[u8]) -> Option<Vec<u8>> {
    segments(file).into_iter().map(|(_, payload)| payload).find(|payload| payload.starts_with(prefix))
}

fn jpeg_in(bytes: &[u8]) -> Vec<u8> {
    let start = find(bytes, &[0xFF, 0xD8, 0xFF]).expect("a start of image");
    let end = find(&bytes[start..], &[0xFF, 0xD9]).expect("an end of image") + 2;
    bytes[start..start + end].to_vec()
}

/// The thumbnails of EXIF, Photoshop and XMP.
fn thumbnails(file: &[u8]) -> [Vec<u8>; 3] {
    let xmp = String::from_utf8(segment(file, XMP.as_bytes()).expect("XMP")).expect("text");
    let (_, base64) = xmp.split_once("<xmpGImg:image>").expect("a picture");
    let (base64, _) = base64.split_once('<').expect("its end");
    [
        jpeg_in(&segment(file, b"Exif\0\0").expect("EXIF")),
        jpeg_in(&segment(file, b"Photoshop 3.0\0").expect("image resources")),
        BASE64_STANDARD.decode(base64.replace(char::is_whitespace, "")).expect("base64"),
    ]
}

#[test]
fn thumbnails_are_as_negative_as_the_picture() {
    let after = negative(THUMBNAILS);
    check_close(THUMBNAILS, &after, 8);
    for (before, after) in thumbnails(THUMBNAILS).iter().zip(thumbnails(&after)) {
        check_close(before, &after, 8);
    }
    for kept in ["Hand\0", "notes", "caption", "<rdf:li xml:lang='x-default'>title</rdf:li>"] {
        assert!(find(&after, kept.as_bytes()).is_some(), "{kept}");
    }
}

/// EXIF that ends with this thumbnail.
fn exif_with(thumbnail: &[u8]) -> Vec<u8> {
    let exif = segment(THUMBNAILS, b"Exif\0\0").expect("EXIF");
    let own = jpeg_in(&exif);
    let mut with = exif[..exif.len() - own.len()].to_vec();
    let length = find(&with, &(own.len() as u32).to_be_bytes()).expect("its length");
    with[length..length + 4].copy_from_slice(&(thumbnail.len() as u32).to_be_bytes());
    with.extend_from_slice(thumbnail);
    with
}

/// What follows the first start of image in the EXIF of a file.
fn exif_thumbnail(file: &[u8]) -> Vec<u8> {
    let exif = segment(file, b"Exif\0\0").expect("EXIF");
    exif[find(&exif, &[0xFF, 0xD8, 0xFF]).expect("a thumbnail")..].to_vec()
}

#[test]
fn thumbnails_of_further_pictures_are_negative_and_deeper_ones_go() {
    let third = jpeg_in(&segment(THUMBNAILS, b"Exif\0\0").unwrap());
    let second = with_segments(&third, &[(0xE1, &exif_with(&third))]);
    let first = with_segments(&third, &[(0xE1, &exif_with(&second))]);
    let after = negative(&with_segments(&FURTHER[FIRST], &[(0xE1, &exif_with(&first))]));
    let after_first = exif_thumbnail(&after);
    let after_second = exif_thumbnail(&after_first);
    check_close(&third, &after_first, 8);
    check_close(&third, &after_second, 8);
    let exif = segment(&after_second, b"Exif\0\0").unwrap();
    // The first directory does not link to another one.
    let fields = usize::from(exif[15]);
    assert_eq!(exif[16 + 12 * fields..][..4], [0; 4]);
}

/// Where the index says that the pictures are.
fn places(file: &[u8]) -> Vec<Range<usize>> {
    let index = find(file, b"MPF\0").expect("an index") + 4;
    let number = |at: usize| {
        let bytes = file[index + at..][..4].try_into().expect("four");
        (if file[index] == b'I' { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) }) as usize
    };
    // Version, number of pictures, entries.
    let (count, entries) = (number(8 + 2 + 12 + 8), number(8 + 2 + 24 + 8));
    let place = |entry: usize| {
        let (bytes, position) = (number(entries + 16 * entry + 4), number(entries + 16 * entry + 8));
        let start = if entry == 0 { 0 } else { index + position };
        start..start + bytes
    };
    (0..count).map(place).collect()
}

#[test]
fn further_pictures_are_negative_and_where_the_index_says() {
    let after = negative(FURTHER);
    let mut before_places = places(FURTHER);
    before_places[2].end = FURTHER.len();
    let after_places = places(&after);
    assert_eq!(after_places.len(), 3);
    assert_eq!(after_places[2].end, after.len());
    for (before, place) in before_places.into_iter().zip(after_places) {
        assert_eq!(after[place.clone()][..2], [0xFF, 0xD8]);
        assert_eq!(after[place.clone()][place.len() - 2..], [0xFF, 0xD9]);
        check_close(&FURTHER[before], &after[place], 8);
    }
}

/// [`FURTHER`] with these segments in front of the first and of the second
/// picture, and these bytes behind the second.
fn with_further(first: &[(u8, &[u8])], second: &[(u8, &[u8])], behind: &[u8]) -> Vec<u8> {
    let second = with_segments(&FURTHER[SECOND], second);
    let grown = second.len() - SECOND.len();
    let mut file = with_segments(&FURTHER[FIRST], first);
    let index = find(&file, b"MPF\0").expect("an index") + 4;
    let first_grown = file.len() - FIRST.len();
    let mut add = |at: usize, more: usize| {
        let number: [u8; 4] = file[index + at..][..4].try_into().expect("four");
        let number = u32::from_le_bytes(number) + more as u32;
        file[index + at..][..4].copy_from_slice(&number.to_le_bytes());
    };
    // Pillow puts the entries behind a directory of three fields.
    let entries = 8 + 2 + 3 * 12 + 4;
    add(entries + 4, first_grown);
    add(entries + 16 + 4, grown);
    add(entries + 32 + 8, grown + behind.len());
    [&file, &second, behind, &FURTHER[SECOND.end..]].concat()
}

#[test]
fn bytes_that_nothing_announces_stay_between_and_behind_the_pictures() {
    let after = negative(&with_further(&[], &[], b"between"));
    let places = places(&after);
    assert_eq!(&after[places[1].end..places[2].start], b"between");
    let alone = [&FURTHER[SECOND], b"a film that nobody knows of"].concat();
    assert!(negative(&alone).ends_with(b"a film that nobody knows of"));
}

#[test]
fn bytes_that_the_index_counts_to_the_first_picture_still_do() {
    let mut file = [&FURTHER[FIRST], b"padding", &FURTHER[SECOND.start..]].concat();
    let index = find(&file, b"MPF\0").unwrap() + 4;
    let entries = index + 8 + 2 + 3 * 12 + 4;
    for number in [entries + 4, entries + 16 + 8, entries + 32 + 8] {
        // None of them overflows its lowest byte.
        file[number] += 7;
    }
    assert_eq!(places(&file)[1].start, FIRST.end + 7);
    let after = negative(&file);
    let places = places(&after);
    assert!(after[places[0].clone()].ends_with(b"\xFF\xD9padding"));
    assert_eq!(places[0].end, places[1].start);
}

#[test]
fn a_gain_map_goes_with_its_entry_and_its_announcement() {
    let xmp = "<x xmlns:hdrgm='http://ns.adobe.com/hdr-gain-map/1.0/' hdrgm:Version='1.0' dc:title='title'/>";
    let announcement = [XMP, xmp].concat();
    let apple = [XMP, "<x xmlns:HDRGainMap='http://ns.apple.com/HDRGainMap/1.0/'/>"].concat();
    let iso: (u8, &[u8]) = (0xE2, b"urn:iso:std:iso:ts:21496:-1\0\0\0\0\0");
    for gain_map in [(0xE1, announcement.as_bytes()), (0xE1, apple.as_bytes()), iso] {
        let file = with_further(&[(0xE1, announcement.as_bytes()), iso], &[gain_map], b"");
        let after = negative(&file);
        let places = places(&after);
        assert_eq!(places.len(), 2);
        assert_eq!(places[1], places[0].end..after.len());
        check_close(&FURTHER[SECOND.end..], &after[places[1].clone()], 8);
        assert!(find(&after, b"hdrgm:Version").is_none() && find(&after, b"dc:title='title'").is_some());
        assert!(find(&after, b"21496").is_none());
    }
}

#[test]
fn an_index_without_further_pictures_goes() {
    let gain_map: (u8, &[u8]) = (0xE2, b"urn:iso:std:iso:ts:21496:-1\0\0\0\0\0");
    let mut file = with_further(&[], &[gain_map], b"");
    // The third picture is none.
    file.truncate(file.len() - 100);
    let after = negative(&file);
    assert!(find(&after, b"MPF\0").is_none());
    assert!(after.ends_with(&[0xFF, 0xD9]));
    check_close(&FURTHER[FIRST], &after, 8);
    assert_eq!(find(&after, &[0xFF, 0xD9]), Some(after.len() - 2), "nothing is behind it");
}

#[test]
fn an_index_that_cannot_be_followed_goes_with_all_that_is_behind() {
    // The second picture is said to begin in the first one.
    let mut file = FURTHER.to_vec();
    let index = find(&file, b"MPF\0").unwrap() + 4;
    file[index + 8 + 2 + 36 + 4 + 16 + 8..][..4].copy_from_slice(&[9, 0, 0, 0]);
    let after = negative(&file);
    assert!(find(&after, b"MPF\0").is_none());
    assert_eq!(find(&after, &[0xFF, 0xD9]), Some(after.len() - 2));
}

#[test]
fn a_film_goes_with_its_announcement() {
    let xmp = "<x xmlns:GCamera='http://ns.google.com/photos/1.0/camera/' GCamera:MotionPhoto='1' a:b='c'/>";
    let segment = [XMP, xmp].concat();
    let alone = [&with_segments(&FURTHER[SECOND], &[(0xE1, segment.as_bytes())]), b"a film".as_slice()].concat();
    let after = negative(&alone);
    assert!(after.ends_with(&[0xFF, 0xD9]));
    assert!(find(&after, b"MotionPhoto").is_none() && find(&after, b"a:b='c'").is_some());
    let samsung = [&FURTHER[SECOND], b"MotionPhoto_Data, a film, SEFHSEFT"].concat();
    assert!(negative(&samsung).ends_with(&[0xFF, 0xD9]));
    let both = with_further(&[(0xE1, segment.as_bytes())], &[], b"a film");
    let after = negative(&both);
    let places = places(&after);
    assert_eq!((places.len(), places[1].end), (3, places[2].start));
}

#[test]
fn pictures_that_hold_distances_stay_as_they_are() {
    let xmp = "<x xmlns:apdi='http://ns.apple.com/pixeldatainfo/1.0/' apdi:AuxiliaryImageType='depth'/>";
    let segment = [XMP, xmp].concat();
    let file = with_further(&[], &[(0xE1, segment.as_bytes())], b"");
    let after = negative(&file);
    let (before_place, after_place) = (places(&file)[1].clone(), places(&after)[1].clone());
    assert_eq!(file[before_place], after[after_place]);
}

#[test]
fn pictures_that_take_more_pixels_than_allowed_go() {
    // The first picture has 768 pixels, the second as many, the third 256.
    let options = |pixels_max| Options::from(Limits { pixels_max, decode_pixels_max: pixels_max, ..Limits::default() });
    for (pixels_max, expected) in [(1024, 3), (1023, 2)] {
        let mut after = Vec::new();
        invert::invert_into(FURTHER, &options(pixels_max), &mut Scratch::default(), &mut after).unwrap();
        assert_eq!(places(&after).len(), expected, "{pixels_max}");
    }
}

#[test]
fn nothing_of_them_is_left_in_a_stripped_file() {
    let options = Options { metadata: Metadata::Strip, ..Options::default() };
    for file in [THUMBNAILS, FURTHER] {
        let mut after = Vec::new();
        invert::invert_into(file, &options, &mut Scratch::default(), &mut after).unwrap();
        let starts = after.windows(2).filter(|window| *window == [0xFF, 0xD8]).count();
        assert_eq!((starts, find(&after, &[0xFF, 0xD9])), (1, Some(after.len() - 2)));
        check_close(file, &after, 8);
    }
}
