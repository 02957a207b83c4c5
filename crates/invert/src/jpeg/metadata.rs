//! What in the metadata changes how the picture is read.

use super::embedded::{ADOBE, Extras, JFIF};
use super::frame::Frame;
use super::marker::{APP0, APP14, APP15, COM, EOI, SOI, SOS};
use super::segments::{Part, Parts, Segment};
use crate::error::InvertError;

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

/// What decoders take the components for: T.871 says luma and differences, an
/// Adobe segment says itself, and else the components' letters may.
pub(super) fn colour_model(segments: &[Segment<'_>], frame: &Frame) -> ColourModel {
    // The transform is the last of twelve bytes; 0 is none.
    let adobe = find(segments, APP14, ADOBE).and_then(|payload| payload.get(11));
    match (frame.components.len(), find(segments, APP0, JFIF), adobe) {
        (3, Some(_), _) => ColourModel::YCbCr,
        (3, None, Some(0)) => ColourModel::Direct,
        (3, None, Some(_)) => ColourModel::YCbCr,
        (3, None, None) if frame.has_letters() => ColourModel::Direct,
        (3, None, None) => ColourModel::YCbCr,
        _ => ColourModel::Direct,
    }
}

/// Writes the encoder's file with metadata in the place of its own.
pub(super) fn put_before(
    encoded: &[u8],
    segments: &[Segment<'_>],
    mut extras: Extras<'_>,
    frame: &Frame,
    out: &mut Vec<u8>,
) -> Result<(), InvertError> {
    out.extend_from_slice(&[0xFF, SOI]);
    for _ in segments {
        extras.write_next(out);
    }
    // The encoder numbers its components, so that their letters are lost.
    let says_rgb = find(segments, APP14, ADOBE).is_some();
    if colour_model(segments, frame) == ColourModel::Direct && frame.components.len() == 3 && !says_rgb {
        Segment::write(APP14, b"Adobe\0\x64\0\0\0\0\0", out);
    }
    let mut parts = Parts::new(encoded)?;
    loop {
        match parts.next()? {
            Part::Segment(segment) if is_metadata(segment.marker) => {}
            Part::Segment(segment) => Segment::write(segment.marker, segment.payload, out),
            Part::Scan { header, data } => {
                Segment::write(SOS, header.payload, out);
                out.extend_from_slice(data);
            }
            Part::End => break,
        }
    }
    out.extend_from_slice(&[0xFF, EOI]);
    extras.finish(out);
    Ok(())
}

fn find<'a>(segments: &[Segment<'a>], marker: u8, prefix: &[u8]) -> Option<&'a [u8]> {
    let mut payloads = segments.iter().filter(|segment| segment.marker == marker).map(|segment| segment.payload);
    payloads.find(|payload| payload.starts_with(prefix))
}
