//! Everything in a file beside the picture: what of it stays, and the pictures
//! in it.
//!
//! Whoever opens the negative must not see a mix of positive and negative.
//! Thumbnails and further pictures become negatives, too; what cannot be
//! inverted goes together with the words that announce it. All else stays, byte
//! for byte.
//!
//! | | becomes negative | goes |
//! |---|---|---|
//! | JFIF | thumbnails of all kinds | |
//! | EXIF | the thumbnail | its link, where it cannot be inverted |
//! | XMP | thumbnails; the original behind a blurred background | where they cannot be inverted; all extended XMP where that has some |
//! | Photoshop | thumbnails | where they cannot be inverted |
//! | MPF index | the pictures that it tells of | gain maps and what cannot be inverted, with their entries; the index and all behind the picture, where it cannot be followed |
//! | behind the picture | | films, and containers that XMP announces, with the announcement |
//! | APP11 boxes | | all but text: signatures of the original, layers |
//! | FlashPix (APP2), segments that begin as a JPEG | | previews; FlashPix whole where it has one |
//! | ISO 21496-1 | | all: it is about gain maps |
//!
//! Distances and masks (Apple's depth and mattes in an MPF index) hold for the
//! negative as for the original and stay as they are. Not followed: previews in
//! makers' notes; bytes behind the picture that nothing announces.

mod jfif;
mod jumbf;
mod mpf;
mod photoshop;
mod tail;
mod xmp;

use std::borrow::Cow;
use std::vec;

use memchr::memmem;

use super::marker::{APP0, APP1, APP2, APP11, APP13, APP14, APP15, SOI};
use super::segments::Segment;
use crate::nested::Invert;
use crate::{exif, options};
pub(super) use jfif::JFIF;
use jumbf::Boxes;
use mpf::{Index, MPF, Place};
use photoshop::PHOTOSHOP;
use tail::Tail;
use xmp::{Announced, EXTENDED, XMP};

pub(super) const ADOBE: &[u8] = b"Adobe";
const FLASHPIX: &[u8] = b"FPXR\0";
const START_OF_JPEG: &[u8] = &[0xFF, SOI, 0xFF];

/// T.81 B.1.1.4: the length counts itself.
const PAYLOAD_MAX: usize = u16::MAX as usize - 2;

/// Pictures in one file that are inverted; further ones go. Chosen: as many as
/// an index may have, and some thumbnails.
const PICTURES_MAX: usize = 128;

/// What stands beside the picture in the negative.
#[derive(Debug, Clone)]
pub(super) struct Extras<'a> {
    /// For each segment of the original what stands in its place.
    segments: vec::IntoIter<Option<Extra<'a>>>,
    index: Option<Index>,
    /// Where the block of the index was written.
    index_position: usize,
    tail: Tail<'a>,
}

#[derive(Debug, Clone)]
struct Extra<'a> {
    marker: u8,
    payload: Cow<'a, [u8]>,
    has_index: bool,
}

impl<'a> Extras<'a> {
    /// Decides on all `segments` of metadata in `file`, in their order, and on
    /// what follows the end of the picture at `end`.
    ///
    /// `invert` is given the pictures in them; it bounds how deep they may be
    /// in one another.
    pub(super) fn new(
        file: &'a [u8],
        segments: &[Segment<'a>],
        end: usize,
        keep: options::Metadata,
        invert: &mut Invert<'_>,
    ) -> Self {
        let mut left = PICTURES_MAX;
        let invert: &mut Invert<'_> = &mut |jpeg| {
            left = left.checked_sub(1)?;
            invert(jpeg)
        };
        let (segments, index, tail) = match keep {
            options::Metadata::Keep => keep_all(&file[end..], segments, end, invert),
            options::Metadata::Strip => (segments.iter().map(strip).collect(), None, Tail::default()),
        };
        Self { segments: segments.into_iter(), index, index_position: 0, tail }
    }

    /// Writes what stands in the place of the next segment of metadata, if
    /// anything, behind the bytes that fill the space before it; `out` begins with this picture.
    pub(super) fn write_next(&mut self, filling: &[u8], out: &mut Vec<u8>) {
        let Some(Extra { marker, payload, has_index }) = self.segments.next().flatten() else { return };
        out.extend_from_slice(filling);
        Segment::write(marker, &payload, out);
        if has_index {
            self.index_position = out.len() - payload.len() + MPF.len();
        }
    }

    /// Writes what follows the picture, which ends at the end of `out`, and
    /// tells the index where everything is.
    pub(super) fn finish(self, out: &mut Vec<u8>) {
        let start = self.index_position;
        let mut places = self.tail.write(out);
        // DC-007 §5.2.3.3.3: positions count from the index, but the first picture is at zero.
        places.iter_mut().skip(1).for_each(|place| place.position -= start);
        if let Some(index) = self.index {
            index.put_places(&mut out[start..], &places);
        }
    }
}

type Plan<'a> = (Vec<Option<Extra<'a>>>, Option<Index>, Tail<'a>);

fn keep_all<'a>(tail: &'a [u8], segments: &[Segment<'a>], end: usize, invert: &mut Invert<'_>) -> Plan<'a> {
    let has_pictures = has_pictures_in_extended_xmp(segments);
    let has_preview = segments.iter().any(is_flashpix_with_jpeg);
    let mut announced = Announced::default();
    let mut boxes = Boxes::default();
    let mut extras: Vec<_> = segments
        .iter()
        .map(|segment| {
            let payload = segment.payload;
            let payload = match segment.marker {
                APP1 if payload.starts_with(EXTENDED) && has_pictures => None,
                APP1 if payload.starts_with(XMP) => {
                    let (payload, said) = keep_xmp(payload, has_pictures, invert);
                    announced.parts |= said.parts;
                    announced.gain_map |= said.gain_map;
                    Some(payload.into())
                }
                APP2 if payload.starts_with(FLASHPIX) && has_preview => None,
                APP11 => boxes.stays(payload).then_some(Cow::Borrowed(payload)),
                _ => keep_one(segment, invert),
            };
            let payload = payload.filter(|payload| payload.len() <= PAYLOAD_MAX)?;
            Some(Extra { marker: segment.marker, payload, has_index: false })
        })
        .collect();
    keep_photoshop(segments, &mut extras, invert);
    let (index, tail) = keep_tail(tail, segments, end, &mut extras, announced, invert);
    (extras, index, tail)
}

/// What is decided by the segment alone.
fn keep_one<'a>(segment: &Segment<'a>, invert: &mut Invert<'_>) -> Option<Cow<'a, [u8]>> {
    let mut payload = Cow::Borrowed(segment.payload);
    match segment.marker {
        APP0 if payload.starts_with(JFIF) => jfif::invert(payload.to_mut()),
        APP0 if payload.starts_with(jfif::EXTENSION) => jfif::invert_extension(payload.to_mut(), invert)?,
        APP1 if payload.starts_with(exif::PREFIX) => exif::invert_thumbnail(payload.to_mut(), PAYLOAD_MAX, invert),
        APP2 if payload.starts_with(tail::ISO_GAIN_MAP) => return None,
        // Some makers put a preview into segments of their own; without its beginning nobody finds the rest.
        APP2..=APP15 if payload.starts_with(START_OF_JPEG) => return None,
        _ => {}
    }
    Some(payload)
}

fn keep_xmp(payload: &[u8], extended_goes: bool, invert: &mut Invert<'_>) -> (Vec<u8>, Announced) {
    let mut packet = payload[XMP.len()..].to_vec();
    let announced = xmp::take_announcements(&mut packet);
    if extended_goes {
        xmp::take_extension(&mut packet);
    }
    xmp::invert_pictures(&mut packet, PAYLOAD_MAX - XMP.len(), invert);
    ([XMP, &packet].concat(), announced)
}

/// Extended XMP carries its digest, so that it is not changed.
fn has_pictures_in_extended_xmp(segments: &[Segment<'_>]) -> bool {
    let extended = segments.iter().filter(|segment| segment.marker == APP1 && segment.payload.starts_with(EXTENDED));
    let parts = extended.map(|segment| segment.payload.get(xmp::EXTENDED_HEADER_BYTES..).unwrap_or_default());
    xmp::has_pictures(&parts.collect::<Vec<_>>().concat())
}

/// A preview is in streams that are cut into segments by a list of their own;
/// nobody needs it enough.
fn is_flashpix_with_jpeg(segment: &Segment<'_>) -> bool {
    let is_flashpix = segment.marker == APP2 && segment.payload.starts_with(FLASHPIX);
    is_flashpix && memmem::find(segment.payload, START_OF_JPEG).is_some()
}

fn keep_photoshop<'a>(segments: &[Segment<'a>], extras: &mut [Option<Extra<'a>>], invert: &mut Invert<'_>) {
    let is_photoshop = |segment: &Segment<'_>| segment.marker == APP13 && segment.payload.starts_with(PHOTOSHOP);
    let places: Vec<_> = (0..segments.len()).filter(|&place| is_photoshop(&segments[place])).collect();
    let resources: Vec<_> = places.iter().map(|&place| &segments[place].payload[PHOTOSHOP.len()..]).collect();
    let inverted = photoshop::invert_all(&resources, PAYLOAD_MAX - PHOTOSHOP.len(), invert);
    for ((place, before), after) in places.into_iter().zip(resources).zip(inverted) {
        let payload = [PHOTOSHOP, &after].concat().into();
        let is_left = before.is_empty() || !after.is_empty();
        extras[place] = is_left.then_some(Extra { marker: APP13, payload, has_index: false });
    }
}

fn keep_tail<'a>(
    tail: &'a [u8],
    segments: &[Segment<'a>],
    end: usize,
    extras: &mut [Option<Extra<'a>>],
    announced: Announced,
    invert: &mut Invert<'_>,
) -> (Option<Index>, Tail<'a>) {
    let has_index =
        |segment: &Segment<'_>| segment.marker == APP2 && segment.payload.strip_prefix(MPF).is_some_and(mpf::has_index);
    let mut places = (0..segments.len()).filter(|&place| has_index(&segments[place]));
    let Some(place) = places.next() else { return (None, Tail::without_pictures(tail, announced)) };
    // A second index would tell of the same pictures.
    places.chain([place]).for_each(|place| extras[place] = None);
    let mut payload = segments[place].payload.to_vec();
    // Positions in the index count from its start.
    let start = segments[place].offset + MPF.len();
    let followed = follow(&mut payload[MPF.len()..], start, tail, end, announced, invert);
    // What an index that cannot be followed tells of can be anywhere.
    let Some((index, tail)) = followed else { return (None, Tail::default()) };
    if index.is_some() {
        extras[place] = Some(Extra { marker: APP2, payload: payload.into(), has_index: true });
    }
    (index, tail)
}

/// The pictures of an index whose block begins at `start`, in the tail that
/// begins at `end`. It is changed to tell of those that stay; no index where
/// none does.
fn follow<'a>(
    block: &mut [u8],
    start: usize,
    tail: &'a [u8],
    end: usize,
    announced: Announced,
    invert: &mut Invert<'_>,
) -> Option<(Option<Index>, Tail<'a>)> {
    let mut index = Index::read(block)?;
    let places = index.places(block);
    let in_tail = |place: &Place| Some(Place { position: place.position.checked_sub(end - start)?, ..*place });
    let (first, further) = places.split_first()?;
    let further = further.iter().map(in_tail).collect::<Option<Vec<_>>>()?;
    let tail = Tail::new(tail, first.bytes.saturating_sub(end), &further, announced, invert)?;
    let is_kept = [vec![true], tail.is_kept(further.len())].concat();
    index.retain(block, &is_kept);
    let has_further = is_kept.iter().filter(|&&kept| kept).count() > 1;
    Some((has_further.then_some(index), tail))
}

/// What is left of a segment that may tell nothing but how to show the picture.
fn strip<'a>(segment: &Segment<'a>) -> Option<Extra<'a>> {
    let payload = segment.payload;
    let payload = match segment.marker {
        APP0 if payload.starts_with(JFIF) => {
            let mut header = payload.to_vec();
            jfif::clear(&mut header);
            header.into()
        }
        APP1 if payload.starts_with(exif::PREFIX) => {
            let orientation = exif::orientation(payload).filter(|&orientation| orientation != 1)?;
            [exif::PREFIX, &exif::only_orientation(orientation)].concat().into()
        }
        APP2 if payload.starts_with(b"ICC_PROFILE\0") => Cow::Borrowed(payload),
        // Its twelve bytes tell the colour model.
        APP14 if payload.starts_with(ADOBE) => Cow::Borrowed(&payload[..payload.len().min(12)]),
        _ => return None,
    };
    Some(Extra { marker: segment.marker, payload, has_index: false })
}

#[cfg(test)]
mod tests {
    use super::super::marker::is_metadata;
    use super::super::marker::{EOI, SOS};
    use super::super::segments::{Part, Parts};
    use super::*;
    use crate::error::InvertError;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::{Index as Choice, select};

    const THUMBNAILS: &[u8] = include_bytes!("../../../tests/it/data/thumbnails.jpg");
    const FURTHER: &[u8] = include_bytes!("../../../tests/it/data/mpo.jpg");

    fn apply(file: &[u8], invert: &mut Invert<'_>) -> Vec<u8> {
        try_apply(file, invert).unwrap()
    }

    /// The file with what stands beside the picture in its negative, and the
    /// picture as it is.
    fn try_apply(file: &[u8], invert: &mut Invert<'_>) -> Result<Vec<u8>, InvertError> {
        let mut found = Vec::new();
        let mut parts = Parts::new(file)?;
        loop {
            match parts.next()? {
                Part::End => break,
                part => found.push(part),
            }
        }
        let is_ours = |segment: &Segment<'_>| is_metadata(segment.marker);
        let segments: Vec<_> = found
            .iter()
            .filter_map(|part| match part {
                Part::Segment(segment) if is_ours(segment) => Some(*segment),
                _ => None,
            })
            .collect();
        let mut extras = Extras::new(file, &segments, parts.position(), options::Metadata::Keep, invert);
        let mut out = vec![0xFF, SOI];
        for part in found {
            match part {
                Part::Segment(segment) if is_ours(&segment) => extras.write_next(&[], &mut out),
                Part::Segment(Segment { marker, payload, .. }) => Segment::write(marker, payload, &mut out),
                Part::Scan { header, data } => {
                    Segment::write(SOS, header.payload, &mut out);
                    out.extend_from_slice(data.bytes);
                }
                Part::End => {}
            }
        }
        out.extend_from_slice(&[0xFF, EOI]);
        extras.finish(&mut out);
        Ok(out)
    }

    /// Its own inverse, and changes the length, as stuffed zeros do.
    fn longer_or_shorter(jpeg: &[u8]) -> Option<Vec<u8>> {
        Some(jpeg.strip_suffix(b"!").map_or_else(|| [jpeg, b"!"].concat(), <[u8]>::to_vec))
    }

    #[test]
    fn twice_is_the_original_byte_for_byte() {
        // The first time corrects the length of the last picture, which is too long in this file.
        for file in [THUMBNAILS, &apply(FURTHER, &mut |jpeg| Some(jpeg.to_vec()))] {
            let mut pictures = 0;
            let once = apply(file, &mut |jpeg| {
                pictures += 1;
                longer_or_shorter(jpeg)
            });
            assert!(once.len() > file.len());
            assert!(pictures == 3 || pictures == 2, "{pictures}");
            assert_eq!(apply(&once, &mut longer_or_shorter), file);
        }
    }

    #[test]
    fn nothing_changes_but_the_pictures() {
        let same = apply(THUMBNAILS, &mut |jpeg| Some(jpeg.to_vec()));
        assert_eq!(same, THUMBNAILS);
        let same = apply(FURTHER, &mut |jpeg| Some(jpeg.to_vec()));
        let changed: Vec<_> = (0..FURTHER.len()).filter(|&at| same[at] != FURTHER[at]).collect();
        // The length of the last picture.
        assert_eq!((same.len(), changed.len()), (FURTHER.len(), 2));
    }

    #[test]
    fn previews_in_segments_of_their_own_go() {
        let write = |segments: &[(u8, &[u8])]| {
            let mut file = vec![0xFF, SOI];
            segments.iter().for_each(|(marker, payload)| Segment::write(*marker, payload, &mut file));
            [&file, &FURTHER[2..]].concat()
        };
        let check = |before: &[(u8, &[u8])], after: &[(u8, &[u8])]| {
            let identity: &mut Invert<'_> = &mut |jpeg| Some(jpeg.to_vec());
            assert_eq!(apply(&write(before), identity), apply(&write(after), identity));
        };
        let list: (u8, &[u8]) = (APP2, b"FPXR\0\0\x01a list");
        let stream: (u8, &[u8]) = (APP2, b"FPXR\0\0\x02header, \xFF\xD8\xFF");
        let other: (u8, &[u8]) = (0xE4, b"something else");
        check(&[list, stream, other], &[other]);
        check(&[list, other], &[list, other]);
        check(&[(0xE4, b"\xFF\xD8\xFF\xDB"), other], &[other]);
    }

    #[test]
    fn no_more_pictures_than_the_bound_are_inverted() {
        let jfxx = [b"\xFF\xE0\0\x0D".as_slice(), jfif::EXTENSION, b"\x10thumb"].concat();
        let file = [&[0xFF, SOI], jfxx.repeat(PICTURES_MAX + 1).as_slice(), &FURTHER[2..]].concat();
        let mut pictures = 0;
        let after = apply(&file, &mut |jpeg| {
            pictures += 1;
            Some(jpeg.to_vec())
        });
        assert_eq!(pictures, PICTURES_MAX);
        // One thumbnail, both further pictures and their index are not there.
        assert!(after.len() < file.len() - jfxx.len());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// Bytes are changed where the structures are: in front of the picture.
        #[test]
        fn whatever_is_changed_something_comes_out_that_can_be_done_again(
            original in select(vec![THUMBNAILS, FURTHER]),
            changes in vec((any::<Choice>(), select(vec![0, 1, 2, 4, 0x10, 0x7F, 0x80, 0xFF])), 1..12),
            cut in prop::option::of(any::<Choice>()),
            inverts in any::<bool>(),
        ) {
            let mut file = original.to_vec();
            let frame = memmem::find(&file, &[0xFF, 0xC0, 0, 17, 8, 0, 24, 0, 32]).unwrap();
            for (place, byte) in changes {
                file[place.index(frame)] = byte;
            }
            let end = frame + memmem::find(&file[frame..], &[0xFF, EOI]).unwrap() + 2;
            file.truncate(cut.map_or(file.len(), |cut| end + cut.index(file.len() - end + 1)));
            let mut invert = |jpeg: &[u8]| longer_or_shorter(jpeg).filter(|_| inverts);
            if let Ok(once) = try_apply(&file, &mut invert) {
                prop_assert!(try_apply(&once, &mut invert).is_ok());
            }
        }
    }
}
