//! JPEG: decoded, inverted and encoded again with its own quantisation tables
//! and sampling. Component values are never converted to another colour model,
//! so that only the transform's rounding is between original and negative.

mod embedded;
mod frame;
mod huffman;
mod marker;
mod metadata;
mod recode;
mod scans;
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
use marker::{DHT, DQT, DRI, EOI, SOI, SOS};
use metadata::{colour_model, is_metadata};
use scans::ScanCheck;
use segments::{Part, Parts, Segment};
use tables::Tables;

/// A picture that is whole, taken apart.
#[derive(Debug)]
struct Picture<'a> {
    frame: Frame,
    /// As they stood at the first scan.
    quantisation: [Option<[u16; 64]>; 4],
    restart_interval: u16,
    metadata: Vec<Segment<'a>>,
    /// Where what follows the picture begins in the file.
    end: usize,
    /// The picture alone, without metadata that would change how a codec
    /// reads it.
    bare: Vec<u8>,
}

/// Working memory.
#[derive(Debug, Default)]
pub(crate) struct Scratch {}

pub(crate) fn invert(
    file: &[u8],
    options: &Options,
    _scratch: &mut Scratch,
    out: &mut Vec<u8>,
) -> Result<Summary, InvertError> {
    invert_picture(file, options, &mut invert_nested(options), out)
}

/// What makes the negatives of pictures inside a file, all together of no more
/// pixels than one file may have; those inside them go.
pub(crate) fn invert_nested(options: &Options) -> impl FnMut(&[u8]) -> Option<Vec<u8>> {
    let mut pixels_left = options.limits.pixels_max;
    move |jpeg| {
        let (frame, _) = find_frame(jpeg).ok()?;
        pixels_left = pixels_left.checked_sub(u64::from(frame.width) * u64::from(frame.height))?;
        let mut negative = Vec::new();
        invert_picture(jpeg, options, &mut |_| None, &mut negative).ok()?;
        Some(negative)
    }
}

fn invert_picture(
    file: &[u8],
    options: &Options,
    invert_nested: &mut Invert<'_>,
    out: &mut Vec<u8>,
) -> Result<Summary, InvertError> {
    let limits = &options.limits;
    let (frame, header) = find_frame(file)?;
    frame.check(&header)?;
    let (width, height) = (u32::from(frame.width), u32::from(frame.height));
    limits.check_decode(width, height)?;
    count_scans(file, limits)?;
    let picture = read_picture(file, frame)?;
    let mut samples = recode::decode(&picture, limits)?;
    recode::invert(&mut samples, colour_model(&picture.metadata, &picture.frame));
    let encoded = recode::encode(&picture, &samples);
    let extras = Extras::new(file, &picture.metadata, picture.end, options.metadata, invert_nested);
    metadata::put_before(&encoded, &picture.metadata, extras, &picture.frame, out)?;
    Ok(Summary { format: Format::Jpeg, width, height, frames: 1 })
}

pub(crate) fn probe(file: &[u8]) -> Result<Probe, InvertError> {
    let (frame, _) = find_frame(file)?;
    let (width, height) = (frame.width.into(), frame.height.into());
    Ok(Probe {
        format: Format::Jpeg,
        width,
        height,
        bits_per_sample: frame.precision,
        frames: Some(1),
        method: Method::Coefficients,
    })
}

fn find_frame(file: &[u8]) -> Result<(Frame, Segment<'_>), InvertError> {
    let mut parts = Parts::new(file)?;
    loop {
        match parts.next()? {
            Part::Segment(segment) if begins_frame(segment.marker) => return Ok((Frame::parse(&segment)?, segment)),
            Part::Segment(_) => {}
            Part::Scan { header, .. } => return Err(header.damaged("a scan before the frame header")),
            Part::End => return Err(parts.damaged("no picture before the end")),
        }
    }
}

/// Walks the whole container, before any scan is walked.
fn count_scans(file: &[u8], limits: &Limits) -> Result<(), InvertError> {
    let mut parts = Parts::new(file)?;
    let mut scans = 0;
    loop {
        match parts.next()? {
            Part::Segment(_) => {}
            Part::Scan { .. } => {
                scans += 1;
                limits.check_scans(scans)?;
            }
            Part::End => return Ok(()),
        }
    }
}

fn read_picture(file: &[u8], frame: Frame) -> Result<Picture<'_>, InvertError> {
    let mut parts = Parts::new(file)?;
    let mut tables = Tables::default();
    let mut check = ScanCheck::new(frame.clone());
    let mut picture =
        Picture { frame, quantisation: [None; 4], restart_interval: 0, metadata: vec![], end: 0, bare: vec![] };
    picture.bare.extend_from_slice(&[0xFF, SOI]);
    let (mut frames, mut scans) = (0, 0);
    loop {
        match parts.next()? {
            Part::Segment(segment) if is_metadata(segment.marker) => picture.metadata.push(segment),
            Part::Segment(segment) => {
                frames += u32::from(begins_frame(segment.marker));
                if frames > 1 {
                    return Err(segment.damaged("a second frame header"));
                }
                tables.read(&segment)?;
                if begins_frame(segment.marker) || matches!(segment.marker, DHT | DQT | DRI) {
                    Segment::write(segment.marker, segment.payload, &mut picture.bare);
                }
            }
            Part::Scan { header, data } => {
                check.walk(&header, data, &tables)?;
                Segment::write(SOS, header.payload, &mut picture.bare);
                picture.bare.extend_from_slice(data);
                if scans == 0 {
                    picture.restart_interval = tables.restart_interval;
                }
                scans += 1;
                for (kept, table) in picture.quantisation.iter_mut().zip(tables.quantisation) {
                    *kept = kept.or(table);
                }
            }
            Part::End if check.is_complete() => break,
            Part::End => return Err(parts.damaged("a component without a scan")),
        }
    }
    picture.end = parts.position();
    picture.bare.extend_from_slice(&[0xFF, EOI]);
    Ok(picture)
}
