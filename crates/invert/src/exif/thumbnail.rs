//! The thumbnail of EXIF data, in its place.

use std::ops::Range;

use super::without_prefix;
use crate::flip;
use crate::nested::{Invert, fit};
use crate::tiff::{Directory, Tiff};

/// Directories behind the first. EXIF 2.32 §4.5.2 has one, for the thumbnail;
/// chosen: some, for what else writers put there.
const DIRECTORIES_MAX: usize = 4;

const BITS_PER_SAMPLE: u16 = 0x0102;
const COMPRESSION: u16 = 0x0103;
const COLOUR_MODEL: u16 = 0x0106;
const STRIP_POSITIONS: u16 = 0x0111;
const SAMPLES_PER_PIXEL: u16 = 0x0115;
const STRIP_BYTES: u16 = 0x0117;
const PLANES: u16 = 0x011C;
const JPEG_POSITION: u16 = 0x0201;
const JPEG_BYTES: u16 = 0x0202;
const CHROMA_SAMPLING: u16 = 0x0212;

/// Replaces the thumbnail of EXIF data (with or without
/// [`PREFIX`](super::PREFIX)) by its negative; the data then have at most
/// `bytes_max` bytes, if they had before.
///
/// Everything else stays at its place: makers' notes hold positions that nobody
/// else knows. A thumbnail whose negative is longer goes to the end. One that
/// cannot be inverted is unlinked, so that readers make one from the picture.
///
/// Previews in makers' notes and in directories beside the chain are not
/// followed.
pub(crate) fn invert_thumbnail(exif: &mut Vec<u8>, bytes_max: usize, invert: &mut Invert<'_>) {
    let start = exif.len() - without_prefix(exif).len();
    let mut block = exif.split_off(start);
    invert_chain(&mut block, bytes_max.saturating_sub(start), invert);
    exif.append(&mut block);
}

/// Follows the links from the first directory on. `None` only says that
/// nothing follows.
fn invert_chain(block: &mut Vec<u8>, bytes_max: usize, invert: &mut Invert<'_>) -> Option<()> {
    let tiff = Tiff::new(block)?;
    let mut link = tiff.link(tiff.first_directory()?)?;
    for _ in 0..DIRECTORIES_MAX {
        let tiff = Tiff::new(block)?;
        if tiff.u32(link)? == 0 {
            return Some(());
        }
        let Some(directory) = tiff.directory(link) else { break };
        let next = tiff.link(directory);
        if invert_directory(block, directory, bytes_max, invert).is_none() {
            break;
        }
        link = next?;
    }
    block.get_mut(link..)?.first_chunk_mut::<4>()?.fill(0);
    Some(())
}

/// `None` when what the directory describes cannot be made negative.
fn invert_directory(
    block: &mut Vec<u8>,
    directory: Directory,
    bytes_max: usize,
    invert: &mut Invert<'_>,
) -> Option<()> {
    let tiff = Tiff::new(block)?;
    match (tiff.find(directory, JPEG_POSITION), tiff.find(directory, STRIP_POSITIONS)) {
        (Some(_), None) => invert_jpeg(block, directory, bytes_max, invert),
        (None, Some(_)) => invert_strips(block, directory),
        (Some(_), Some(_)) => None,
        (None, None) => Some(()),
    }
}

fn invert_jpeg(block: &mut Vec<u8>, directory: Directory, bytes_max: usize, invert: &mut Invert<'_>) -> Option<()> {
    let tiff = Tiff::new(block)?;
    let order = tiff.order();
    let (position_field, position) = tiff.long(directory, JPEG_POSITION)?;
    let (bytes_field, bytes) = tiff.long(directory, JPEG_BYTES)?;
    let (position, bytes) = (position as usize, bytes as usize);
    let place = position..position.checked_add(bytes)?;
    let mut negative = invert(block.get(place.clone())?)?;
    let (position, bytes) = if place.end == block.len() && position + negative.len() <= bytes_max {
        block.truncate(position);
        (position, negative.len())
    } else if fit(&mut negative, bytes) {
        block[place].copy_from_slice(&negative);
        return Some(());
    } else if block.len() + 1 + negative.len() <= bytes_max {
        block[place].fill(0);
        // TIFF 6.0 §2: values begin at even positions.
        block.resize(block.len().next_multiple_of(2), 0);
        (block.len(), negative.len())
    } else {
        return None;
    };
    block.append(&mut negative);
    order.put_u32(block, position_field, u32::try_from(position).ok()?)?;
    order.put_u32(block, bytes_field, u32::try_from(bytes).ok()?)
}

/// Samples without compression, in strips of rows.
struct Samples {
    /// How many samples of luma share two differences; `None` where each sample
    /// stands for itself.
    luma: Option<usize>,
    strips: Vec<Range<usize>>,
}

fn invert_strips(block: &mut [u8], directory: Directory) -> Option<()> {
    let Samples { luma, strips } = read_samples(Tiff::new(block)?, directory)?;
    for strip in strips {
        match luma {
            None => flip(&mut block[strip]),
            Some(luma) => invert_units(&mut block[strip], luma),
        }
    }
    Some(())
}

fn read_samples(tiff: Tiff<'_>, directory: Directory) -> Option<Samples> {
    let mut bits = tiff.numbers(tiff.find(directory, BITS_PER_SAMPLE)?);
    if tiff.number(directory, COMPRESSION) != Some(1) || bits.any(|bits| bits != 8) {
        return None;
    }
    let samples = tiff.number(directory, SAMPLES_PER_PIXEL);
    let planes = tiff.number(directory, PLANES).unwrap_or(1);
    // TIFF 6.0 §8: 0 and 1 are grey, 2 is red, green, blue, 6 is luma and two differences.
    let luma = match (tiff.number(directory, COLOUR_MODEL)?, samples, planes) {
        (0 | 1, None | Some(1), _) | (2, None | Some(3), _) => None,
        (6, None | Some(3), 1) => Some(luma_in_unit(tiff, directory)?),
        _ => return None,
    };
    let strips = strips(tiff, directory)?;
    let is_whole = |strip: &Range<usize>| luma.is_none_or(|luma| strip.len().is_multiple_of(luma + 2));
    strips.iter().all(is_whole).then_some(Samples { luma, strips })
}

/// Where the strips are: inside the block, and together not longer than it.
fn strips(tiff: Tiff<'_>, directory: Directory) -> Option<Vec<Range<usize>>> {
    let positions = tiff.numbers(tiff.find(directory, STRIP_POSITIONS)?);
    let lengths = tiff.numbers(tiff.find(directory, STRIP_BYTES)?);
    let mut left = tiff.bytes().len();
    let strip = |(position, bytes): (u32, u32)| {
        let (position, bytes) = (position as usize, bytes as usize);
        left = left.checked_sub(bytes)?;
        let strip = position..position.checked_add(bytes)?;
        tiff.bytes().get(strip.clone()).map(|_| strip)
    };
    positions.zip(lengths).map(strip).collect()
}

/// How many samples of luma share two differences (TIFF 6.0 §21).
fn luma_in_unit(tiff: Tiff<'_>, directory: Directory) -> Option<usize> {
    let Some(field) = tiff.find(directory, CHROMA_SAMPLING) else { return Some(4) };
    let mut factors = tiff.numbers(field);
    match (factors.next()?, factors.next()?) {
        (across @ (1 | 2 | 4), down @ (1 | 2 | 4)) => usize::try_from(across * down).ok(),
        _ => None,
    }
}

fn invert_units(samples: &mut [u8], luma: usize) {
    for unit in samples.chunks_exact_mut(luma + 2) {
        let (luma, differences) = unit.split_at_mut(luma);
        flip(luma);
        // T.871 §7: differences are around 128, so that 128-(c-128) is 256-c.
        for difference in differences {
            *difference = (!*difference).saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the second directory of [`exif`] is.
    const SECOND: usize = 26;

    /// A directory that tells the orientation, then one with these fields, then
    /// `data`. A field is a tag, its kind and a number; [`AT_DATA`] stands for
    /// the position of the data.
    fn exif(fields: &[(u16, u16, u32)], data: &[u8]) -> Vec<u8> {
        let mut exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\x1A\0\0\0".to_vec();
        exif.extend_from_slice(&(fields.len() as u16).to_le_bytes());
        let data_position = (SECOND + 2 + 12 * fields.len() + 4) as u32;
        for &(tag, kind, number) in fields {
            exif.extend_from_slice(&tag.to_le_bytes());
            exif.extend_from_slice(&kind.to_le_bytes());
            exif.extend_from_slice(&1_u32.to_le_bytes());
            let number = number.checked_sub(AT_DATA).map_or(number, |further| data_position + further);
            exif.extend_from_slice(&number.to_le_bytes());
        }
        exif.extend_from_slice(&[0; 4]);
        exif.extend_from_slice(data);
        exif
    }

    const AT_DATA: u32 = 1 << 30;

    fn with_jpeg(jpeg_bytes: u32, data: &[u8]) -> Vec<u8> {
        exif(&[(COMPRESSION, 3, 6), (JPEG_POSITION, 4, AT_DATA), (JPEG_BYTES, 4, jpeg_bytes)], data)
    }

    fn check(before: &[u8], bytes_max: usize, thumbnail: &[u8], negative: Option<&[u8]>, expected: &[u8]) {
        let mut after = before.to_vec();
        invert_thumbnail(&mut after, bytes_max, &mut |jpeg| {
            assert_eq!(jpeg, thumbnail);
            negative.map(<[u8]>::to_vec)
        });
        assert_eq!(after, expected);
        let mut prefixed = [super::super::PREFIX, before].concat();
        invert_thumbnail(&mut prefixed, bytes_max + 6, &mut |_| negative.map(<[u8]>::to_vec));
        assert_eq!(prefixed, [super::super::PREFIX, expected].concat());
    }

    fn unlinked(exif: &[u8]) -> Vec<u8> {
        let mut exif = exif.to_vec();
        exif[22..26].fill(0);
        exif
    }

    #[test]
    fn a_thumbnail_at_the_end_grows_and_shrinks_in_its_place() {
        check(&with_jpeg(5, b"thumb"), 100, b"thumb", Some(b"THUMB"), &with_jpeg(5, b"THUMB"));
        check(&with_jpeg(5, b"thumb"), 100, b"thumb", Some(b"THUMBS"), &with_jpeg(6, b"THUMBS"));
        check(&with_jpeg(5, b"thumb"), 100, b"thumb", Some(b"THUM"), &with_jpeg(4, b"THUM"));
    }

    #[test]
    fn a_thumbnail_between_others_is_filled_up_with_zeros() {
        check(&with_jpeg(5, b"thumb, notes"), 100, b"thumb", Some(b"TH"), &with_jpeg(5, b"TH\0\0\0, notes"));
        check(&with_jpeg(5, b"TH\0\0\0, notes"), 100, b"TH\0\0\0", Some(b"thumb\0\0"), &with_jpeg(5, b"thumb, notes"));
    }

    #[test]
    fn a_thumbnail_that_has_no_room_goes_to_the_end_and_nothing_else_moves() {
        let before = with_jpeg(5, b"thumb, note");
        let expected = exif(
            &[(COMPRESSION, 3, 6), (JPEG_POSITION, 4, AT_DATA + 12), (JPEG_BYTES, 4, 6)],
            b"\0\0\0\0\0, note\0THUMBS",
        );
        check(&before, expected.len(), b"thumb", Some(b"THUMBS"), &expected);
        check(&before, expected.len() - 1, b"thumb", Some(b"THUMBS"), &unlinked(&before));
    }

    #[test]
    fn a_thumbnail_that_cannot_be_inverted_is_unlinked() {
        let before = with_jpeg(5, b"thumb");
        check(&before, 100, b"thumb", None, &unlinked(&before));
        for before in
            [with_jpeg(6, b"thumb"), with_jpeg(u32::MAX, b"thumb"), exif(&[(JPEG_POSITION, 4, AT_DATA)], b"th")]
        {
            check(&before, 100, b"not called", Some(b""), &unlinked(&before));
        }
    }

    fn samples(colour_model: u32, further: &[(u16, u16, u32)], data: &[u8]) -> Vec<u8> {
        let fields = [
            (BITS_PER_SAMPLE, 3, 8),
            (COMPRESSION, 3, 1),
            (COLOUR_MODEL, 3, colour_model),
            (STRIP_POSITIONS, 4, AT_DATA),
            (STRIP_BYTES, 3, 6),
        ];
        exif(&[&fields, further].concat(), data)
    }

    #[test]
    fn samples_of_grey_and_of_red_green_and_blue_are_flipped() {
        for colour_model in [0, 1, 2] {
            let before = samples(colour_model, &[], b"\x00\x01\x02\x7F\x80\xFF and more");
            let after = samples(colour_model, &[], b"\xFF\xFE\xFD\x80\x7F\x00 and more");
            check(&before, 0, b"", None, &after);
        }
    }

    #[test]
    fn differences_are_mirrored_around_their_middle() {
        let before = samples(6, &[], &[0, 1, 2, 3, 128, 0]);
        check(&before, 0, b"", None, &samples(6, &[], &[255, 254, 253, 252, 128, 255]));
        let halved = [(CHROMA_SAMPLING, 3, 0x0001_0001)];
        // The builder's fields have one value; this one has two of two bytes each.
        let two_values = |mut exif: Vec<u8>| {
            exif[SECOND + 2 + 5 * 12 + 4] = 2;
            exif
        };
        let before = two_values(samples(6, &halved, &[0, 100, 1, 9, 128, 255]));
        check(&before, 0, b"", None, &two_values(samples(6, &halved, &[255, 156, 255, 246, 128, 1])));
    }

    #[test]
    fn samples_that_are_not_understood_are_unlinked() {
        let strange: [&[_]; 3] = [&[(SAMPLES_PER_PIXEL, 3, 4)], &[(PLANES, 3, 2)], &[(CHROMA_SAMPLING, 3, 3)]];
        for further in strange {
            let before = samples(6, further, b"sample");
            check(&before, 0, b"", None, &unlinked(&before));
        }
        for before in
            [samples(5, &[], b"sample"), samples(2, &[], b"short"), samples(6, &[(JPEG_POSITION, 4, 8)], b"sample")]
        {
            check(&before, 0, b"", None, &unlinked(&before));
        }
    }

    #[test]
    fn a_chain_is_followed_to_its_bound_and_cut_there() {
        // The second directory links to itself.
        let mut before = with_jpeg(5, b"thumb");
        let link = before.len() - 5 - 4;
        before[link] = SECOND as u8;
        let mut after = before.clone();
        let mut calls = 0;
        invert_thumbnail(&mut after, 100, &mut |jpeg| {
            calls += 1;
            Some(jpeg.to_vec())
        });
        assert_eq!(calls, DIRECTORIES_MAX);
        before[link] = 0;
        assert_eq!(after, before);
    }

    #[test]
    fn what_shows_nothing_or_cannot_be_followed_is_left_alone() {
        let nothing = exif(&[(COMPRESSION, 3, 6)], b"");
        for before in [
            &nothing,
            &nothing[..nothing.len() - 4],
            &nothing[..25],
            &nothing[..20],
            b"II*\0\xFF\xFF\xFF\xFF\x01\0",
            b"no exif",
            b"",
        ] {
            check(before, 0, b"not called", Some(b""), before);
        }
        let cut = &nothing[..nothing.len() - 5];
        check(cut, 0, b"not called", Some(b""), &unlinked(cut));
    }
}
