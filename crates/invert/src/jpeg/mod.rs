//! JPEG: bits are flipped where they lie, in the entropy-coded data.
//!
//! A decoded sample is 128 and the transform of its block's coefficients: with
//! all of them negated it is 256-x. Where a table says so, one level less
//! comes from the mean values, so that luma becomes 255-x; chroma's negative
//! is around 128 already. Everything else in the file stays as it is.

mod colour;
mod embedded;
mod frame;
mod huffman;
mod marker;

mod rewrite;
mod scan;
mod scan_header;
mod segments;
mod tables;

use crate::Summary;
use crate::error::InvertError;
use crate::format::Format;
use crate::limits::Limits;
use crate::nested::Invert;
use crate::options::Options;
use crate::probe::{Method, Probe};
use embedded::Extras;
use frame::{Frame, begins_frame};
use marker::{DNL, is_metadata};
use segments::{Part, Parts, Segment};

pub(crate) use rewrite::Scratch;

/// How deep pictures may be in one another; deeper ones go. Further pictures
/// have thumbnails of their own, and these have none.
const LEVELS_MAX: u8 = 2;

/// Segments and scans of one file. Chosen: a profile of 16 MiB has 256, extended
/// XMP of 4 GiB would have 65,536, and each is remembered.
const SEGMENTS_MAX: usize = 1 << 16;

/// A file, taken apart.
#[derive(Debug)]
struct Picture<'a> {
    frame: Frame,
    parts: Vec<Part<'a>>,
    file: &'a [u8],
    /// Where what follows the picture begins in the file.
    end: usize,
}

pub(crate) fn invert(
    file: &[u8],
    options: &Options,
    scratch: &mut Scratch,
    out: &mut Vec<u8>,
) -> Result<Summary, InvertError> {
    let picture = Picture::read(file, &options.limits)?;
    let (width, height) = (picture.frame.width.into(), picture.frame.height.into());
    let extras = {
        let mut invert_nested = invert_nested(options, scratch);
        picture.extras(options, &mut invert_nested)
    };
    rewrite::negative(&picture, &extras, scratch, out)?;
    Ok(Summary { format: Format::Jpeg, width, height, frames: 1 })
}

/// What makes the negatives of pictures inside a file, all together of no more
/// pixels than one file may have.
pub(crate) fn invert_nested(options: &Options, scratch: &mut Scratch) -> impl FnMut(&[u8]) -> Option<Vec<u8>> {
    let mut pixels_left = options.limits.pixels_max;
    move |jpeg| invert_level(jpeg, options, LEVELS_MAX, &mut pixels_left, scratch)
}

fn invert_level(
    jpeg: &[u8],
    options: &Options,
    levels: u8,
    pixels_left: &mut u64,
    scratch: &mut Scratch,
) -> Option<Vec<u8>> {
    let levels_below = levels.checked_sub(1)?;
    let picture = Picture::read(jpeg, &options.limits).ok()?;
    let pixels = u64::from(picture.frame.width) * u64::from(picture.frame.height);
    *pixels_left = pixels_left.checked_sub(pixels)?;
    let extras = picture.extras(options, &mut |inner| invert_level(inner, options, levels_below, pixels_left, scratch));
    let mut negative = Vec::new();
    rewrite::negative(&picture, &extras, scratch, &mut negative).ok()?;
    Some(negative)
}

pub(crate) fn probe(file: &[u8]) -> Result<Probe, InvertError> {
    let mut parts = Parts::new(file)?;
    let (mut frame, header) = loop {
        match parts.next()? {
            Part::Segment(segment) if begins_frame(segment.marker) => break (Frame::parse(&segment)?, segment),
            Part::Segment(_) => {}
            Part::Scan { header, .. } => return Err(header.damaged("a scan before the frame header")),
            Part::End => return Err(parts.damaged("no picture before the end")),
        }
    };
    let method = match frame.check(&header) {
        Ok(()) => Method::Coefficients,
        Err(InvertError::UnsupportedFeature { feature }) => Method::Refused { feature },
        Err(error) => return Err(error),
    };
    // The height may follow the first scan.
    while frame.height == 0 {
        if let Part::Segment(segment) = parts.next()?
            && segment.marker == DNL
        {
            frame.height = number_of_lines(&segment)?;
        }
    }
    let (width, height) = (frame.width.into(), frame.height.into());
    let bits_per_sample = frame.precision;
    Ok(Probe { format: Format::Jpeg, width, height, bits_per_sample, frames: Some(1), method })
}

impl<'a> Picture<'a> {
    fn damaged(&self, fault: &'static str) -> InvertError {
        InvertError::Damaged { format: Format::Jpeg, fault, offset: self.end }
    }

    /// What stands beside the picture in its negative.
    fn extras(&self, options: &Options, invert_nested: &mut Invert<'_>) -> Extras<'a> {
        let metadata = self.parts.iter().filter_map(|part| match part {
            Part::Segment(segment) if is_metadata(segment.marker) => Some(*segment),
            _ => None,
        });
        Extras::new(self.file, &metadata.collect::<Vec<_>>(), self.end, options.metadata, invert_nested)
    }

    /// Walks the container, and none of the scans.
    fn read(file: &'a [u8], limits: &Limits) -> Result<Self, InvertError> {
        let mut reader = Parts::new(file)?;
        let (mut parts, mut frame, mut scans) = (Vec::new(), None::<Frame>, 0);
        loop {
            let part = reader.next()?;
            match (&part, &mut frame) {
                (Part::Segment(segment), Some(_)) if begins_frame(segment.marker) => {
                    return Err(segment.damaged("a second frame header"));
                }
                (Part::Segment(segment), None) if begins_frame(segment.marker) => {
                    let found = Frame::parse(segment)?;
                    found.check(segment)?;
                    limits.check_frame(found.width.into(), found.height.into())?;
                    frame = Some(found);
                }
                (Part::Segment(segment), Some(frame)) if segment.marker == DNL => {
                    frame.height = number_of_lines(segment)?;
                }
                (Part::Segment(_), _) => {}
                (Part::Scan { header, .. }, None) => return Err(header.damaged("a scan before the frame header")),
                (Part::Scan { .. }, Some(_)) => {
                    scans += 1;
                    limits.check_scans(scans)?;
                }
                (Part::End, _) => break,
            }
            parts.push(part);
            if parts.len() > SEGMENTS_MAX {
                return Err(InvertError::TooManySegments { segments_max: SEGMENTS_MAX });
            }
        }
        let frame = frame.ok_or_else(|| reader.damaged("no picture before the end"))?;
        if frame.height == 0 {
            return Err(reader.damaged("a picture without pixels"));
        }
        limits.check_frame(frame.width.into(), frame.height.into())?;
        Ok(Self { frame, parts, file, end: reader.position() })
    }
}

/// B.2.5: a frame header without a height leaves it to a segment behind the
/// first scan.
fn number_of_lines(segment: &Segment<'_>) -> Result<u16, InvertError> {
    match *segment.payload {
        [high, low] if high | low != 0 => Ok(u16::from_be_bytes([high, low])),
        _ => Err(segment.damaged("a number of lines that cannot be")),
    }
}
