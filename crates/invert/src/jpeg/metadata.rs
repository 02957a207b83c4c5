//! What is in a file beside the picture: profiles, EXIF, XMP, comments.

use super::frame::Frame;
use super::marker::{APP0, APP1, APP2, APP11, APP14, APP15, COM, EOI, SOI, SOS};
use super::segments::{Part, Parts, Segment};
use crate::error::InvertError;
use crate::{exif, options};

const JFIF: &[u8] = b"JFIF\0";
const ADOBE: &[u8] = b"Adobe";

/// Segments to keep, in order.
#[derive(Debug, Default)]
pub(super) struct Metadata {
    segments: Vec<(u8, Vec<u8>)>,
}

/// What the components mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ColourModel {
    /// Grey, or one sample for each of red, green and blue.
    Direct,
    /// Luma, and two differences around 128.
    YCbCr,
}

pub(super) fn is_metadata(marker: u8) -> bool {
    matches!(marker, APP0..=APP15 | COM)
}

impl Metadata {
    /// Keeps a segment, unless it would make the negative lie or is to be
    /// stripped.
    pub(super) fn add(&mut self, segment: &Segment<'_>, keep: options::Metadata) {
        let mut payload = match keep {
            options::Metadata::Keep => segment.payload.to_vec(),
            options::Metadata::Strip => match strip(segment) {
                Some(payload) => payload,
                None => return,
            },
        };
        match segment.marker {
            APP0 if payload.starts_with(JFIF) => {
                // T.871 §10.1: 14 bytes, of which the last two are the size of the thumbnail behind them.
                payload.truncate(14);
                payload.iter_mut().skip(12).for_each(|size| *size = 0);
            }
            // A thumbnail and nothing else.
            APP0 if payload.starts_with(b"JFXX\0") => return,
            APP1 if payload.starts_with(exif::PREFIX) => exif::unlink_thumbnail(&mut payload),
            // CIPA DC-007: places of further pictures behind this one, which are not kept.
            APP2 if payload.starts_with(b"MPF\0") => return,
            // JUMBF boxes: C2PA signatures of the original, layers of an HDR picture.
            APP11 => return,
            _ => {}
        }
        self.segments.push((segment.marker, payload));
    }

    /// What decoders take the components for: T.871 says luma and differences,
    /// an Adobe segment says itself, and else the components' letters may.
    pub(super) fn colour_model(&self, frame: &Frame) -> ColourModel {
        // The transform is the last of twelve bytes; 0 is none.
        let adobe = self.find(APP14, ADOBE).and_then(|payload| payload.get(11));
        match (frame.components.len(), self.find(APP0, JFIF), adobe) {
            (3, Some(_), _) => ColourModel::YCbCr,
            (3, None, Some(0)) => ColourModel::Direct,
            (3, None, Some(_)) => ColourModel::YCbCr,
            (3, None, None) if frame.has_letters() => ColourModel::Direct,
            (3, None, None) => ColourModel::YCbCr,
            _ => ColourModel::Direct,
        }
    }

    /// The encoder's file with these segments in front, in the place of its
    /// own.
    pub(super) fn put_before(&self, encoded: &[u8], model: ColourModel, frame: &Frame) -> Result<Vec<u8>, InvertError> {
        let mut out = vec![0xFF, SOI];
        for (marker, payload) in &self.segments {
            Segment::write(*marker, payload, &mut out);
        }
        // The encoder numbers its components, so that their letters are lost.
        let says_rgb = self.find(APP14, ADOBE).is_some();
        if model == ColourModel::Direct && frame.components.len() == 3 && !says_rgb {
            Segment::write(APP14, b"Adobe\0\x64\0\0\0\0\0", &mut out);
        }
        let mut parts = Parts::new(encoded)?;
        loop {
            match parts.next()? {
                Part::Segment(segment) if is_metadata(segment.marker) => {}
                Part::Segment(segment) => Segment::write(segment.marker, segment.payload, &mut out),
                Part::Scan { header, data } => {
                    Segment::write(SOS, header.payload, &mut out);
                    out.extend_from_slice(data);
                }
                Part::End => break,
            }
        }
        out.extend_from_slice(&[0xFF, EOI]);
        Ok(out)
    }

    fn find(&self, marker: u8, prefix: &[u8]) -> Option<&[u8]> {
        let mut segments = self.segments.iter();
        let found = segments.find(|(other, payload)| *other == marker && payload.starts_with(prefix));
        found.map(|(_, payload)| payload.as_slice())
    }
}

/// What is left of a segment that may tell nothing but how to show the picture.
fn strip(segment: &Segment<'_>) -> Option<Vec<u8>> {
    let payload = segment.payload;
    match segment.marker {
        APP0 if payload.starts_with(JFIF) => Some(payload.to_vec()),
        APP1 if payload.starts_with(exif::PREFIX) => {
            let orientation = exif::orientation(payload).filter(|&orientation| orientation != 1)?;
            Some([exif::PREFIX, &exif::only_orientation(orientation)].concat())
        }
        APP2 if payload.starts_with(b"ICC_PROFILE\0") => Some(payload.to_vec()),
        // Its twelve bytes tell the colour model.
        APP14 if payload.starts_with(ADOBE) => Some(payload[..payload.len().min(12)].to_vec()),
        _ => None,
    }
}
