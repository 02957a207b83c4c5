//! What follows the picture: further pictures that an index tells of, and
//! whatever else.

use std::borrow::Cow;

use memchr::memmem;

use super::mpf::Place;
use super::xmp::{self, Announced};
use crate::jpeg::frame::begins_frame;
use crate::jpeg::marker::{APP1, APP2};
use crate::jpeg::segments::{Part, Parts};
use crate::nested::Invert;

/// ISO 21496-1: how a gain map is to be read.
pub(super) const ISO_GAIN_MAP: &[u8] = b"urn:iso:std:iso:ts:21496:-1\0";

/// The bytes behind the picture, in their order.
#[derive(Debug, Clone, Default)]
pub(super) struct Tail<'a> {
    pieces: Vec<Piece<'a>>,
    /// So many of the first of them the index counts to the first picture.
    padding_bytes: usize,
}

#[derive(Debug, Clone)]
enum Piece<'a> {
    /// Nobody knows what.
    Other(&'a [u8]),
    /// A picture of the index; `None` when it is not to be seen.
    Picture { row: usize, bytes: Option<Cow<'a, [u8]>> },
}

/// What a further picture is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Something to look at.
    Picture,
    /// How much brighter the first picture is to be shown, pixel by pixel.
    GainMap,
    /// Distances or masks: they hold for the negative as for the original.
    Auxiliary,
}

impl<'a> Tail<'a> {
    /// Where there is no index.
    pub(super) fn without_pictures(tail: &'a [u8], announced: Announced) -> Self {
        let is_kept = !announced.parts && !is_samsung_motion_photo(tail);
        Self { pieces: if is_kept { vec![Piece::Other(tail)] } else { vec![] }, padding_bytes: 0 }
    }

    /// With the pictures at these places in `tail`; `None` when one does not
    /// begin in it.
    ///
    /// The index may count bytes behind the first picture to it, as padding. A
    /// picture ends where the next one begins or the file ends, if it says
    /// that it is longer: some writers are wrong about the last one.
    pub(super) fn new(
        tail: &'a [u8],
        padding_bytes: usize,
        pictures: &[Place],
        announced: Announced,
        invert: &mut Invert<'_>,
    ) -> Option<Self> {
        let keeps_others = Self::without_pictures(tail, announced).pieces.len() == 1;
        let mut in_order: Vec<_> = pictures.iter().enumerate().collect();
        in_order.sort_by_key(|(_, place)| place.position);
        let ends: Vec<_> = in_order.iter().skip(1).map(|(_, place)| place.position).chain([tail.len()]).collect();
        let mut found = Vec::new();
        let mut pieces = Vec::new();
        let mut position = 0;
        for ((row, place), end) in in_order.into_iter().zip(ends) {
            let others = tail.get(position..place.position)?;
            position = place.position.saturating_add(place.bytes).min(end);
            let picture = tail.get(place.position..position)?;
            pieces.push(Piece::Other(others));
            pieces.push(Piece::Picture { row, bytes: None });
            found.push((picture, kind(picture)));
        }
        pieces.push(Piece::Other(&tail[position..]));
        // A gain map that is announced and does not say what it is can be any of them.
        let is_gain_map_hidden = announced.gain_map && !found.iter().any(|&(_, kind)| kind == Kind::GainMap);
        let mut found = found.into_iter();
        for piece in &mut pieces {
            match piece {
                Piece::Other(others) if !keeps_others => *others = &[],
                Piece::Other(_) => {}
                Piece::Picture { bytes, .. } => {
                    *bytes = match found.next()? {
                        _ if is_gain_map_hidden => None,
                        (_, Kind::GainMap) => None,
                        (picture, Kind::Auxiliary) => Some(Cow::Borrowed(picture)),
                        (picture, Kind::Picture) => invert(picture).map(Cow::Owned),
                    };
                }
            }
        }
        Some(Self { pieces, padding_bytes })
    }

    /// Which pictures stay, in the order of the index, which had so many.
    pub(super) fn is_kept(&self, pictures: usize) -> Vec<bool> {
        let mut is_kept = vec![false; pictures];
        for piece in &self.pieces {
            if let Piece::Picture { row, bytes } = piece {
                is_kept[*row] = bytes.is_some();
            }
        }
        is_kept
    }

    /// Writes what stays; gives the places of all pictures in `out`, in the
    /// order of the index. The first picture is what is in `out`.
    pub(super) fn write(self, out: &mut Vec<u8>) -> Vec<Place> {
        let padded = out.len().saturating_add(self.padding_bytes);
        let mut places = Vec::new();
        for piece in self.pieces {
            match piece {
                Piece::Other(bytes) => out.extend_from_slice(bytes),
                Piece::Picture { row, bytes: Some(bytes) } => {
                    places.push((row, Place { position: out.len(), bytes: bytes.len() }));
                    out.extend_from_slice(&bytes);
                }
                Piece::Picture { bytes: None, .. } => {}
            }
        }
        let end = places.first().map_or(out.len(), |(_, place)| place.position);
        places.sort_by_key(|&(row, _)| row);
        let first = Place { position: 0, bytes: padded.min(end) };
        [first].into_iter().chain(places.into_iter().map(|(_, place)| place)).collect()
    }
}

/// Samsung's phones put a film behind the picture, and a directory behind that,
/// without a word in XMP.
fn is_samsung_motion_photo(tail: &[u8]) -> bool {
    tail.ends_with(b"SEFT") && memmem::find(tail, b"MotionPhoto_Data").is_some()
}

/// What a further picture says of itself before its frame header.
fn kind(picture: &[u8]) -> Kind {
    let Ok(mut parts) = Parts::new(picture) else { return Kind::Picture };
    let mut kind = Kind::Picture;
    while let Ok(Part::Segment(segment)) = parts.next() {
        let says = |words: &[u8]| memmem::find(segment.payload, words).is_some();
        match segment.marker {
            APP2 if segment.payload.starts_with(ISO_GAIN_MAP) => return Kind::GainMap,
            APP1 if segment.payload.starts_with(xmp::XMP) => {
                if says(xmp::GAIN_MAP) || says(b"http://ns.apple.com/HDRGainMap/") || says(b":aux:hdrgainmap") {
                    return Kind::GainMap;
                }
                // Apple's depth and its mattes.
                if says(b"http://ns.apple.com/pixeldatainfo/") {
                    kind = Kind::Auxiliary;
                }
            }
            marker if begins_frame(marker) => break,
            _ => {}
        }
    }
    kind
}
