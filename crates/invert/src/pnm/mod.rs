//! PBM, PGM, PPM and PAM. Raw samples are inverted in place; numbers in text
//! are written anew between the same spaces and comments.

mod header;
mod text;

use crate::error::InvertError;
use crate::format::Format;
use crate::limits::Limits;
use crate::options::{Metadata, Options};
use crate::probe::{Method, Probe};
use crate::reader::Reader;
use crate::{Summary, append_changed, flip, flip_masked};

pub(crate) use header::is_magic;
use header::{Header, Raster};

pub(crate) fn invert(file: &[u8], options: &Options, out: &mut Vec<u8>) -> Result<Summary, InvertError> {
    let limits = &options.limits;
    let mut reader = Reader::new(file, Format::Pnm);
    let mut first = None;
    let mut frames = 0;
    while frames == 0 || has_another(reader.rest()) {
        frames += 1;
        limits.check_frames(frames)?;
        let start = reader.position();
        let header = header::read(&mut reader)?;
        limits.check_frame(header.width, header.height)?;
        match options.metadata {
            Metadata::Keep => out.extend_from_slice(&file[start..reader.position()]),
            Metadata::Strip => header.write(out),
        }
        invert_raster(&mut reader, &header, options.metadata, out)?;
        first.get_or_insert((header.width, header.height));
        if header.raster.is_text() {
            break;
        }
    }
    if options.metadata == Metadata::Keep {
        out.extend_from_slice(reader.rest());
    }
    let (width, height) = first.unwrap_or_default();
    Ok(Summary { format: Format::Pnm, width, height, frames })
}

pub(crate) fn probe(file: &[u8]) -> Result<Probe, InvertError> {
    let header = header::read(&mut Reader::new(file, Format::Pnm))?;
    let Header { width, height, maxval, .. } = header;
    let bits_per_sample = (16 - maxval.leading_zeros()) as u8;
    let method = if header.raster.is_text() { Method::Recode } else { Method::Samples };
    let frames = count_frames(file, &Limits::default()).ok();
    Ok(Probe { format: Format::Pnm, width, height, bits_per_sample, frames, method })
}

fn count_frames(file: &[u8], limits: &Limits) -> Result<u32, InvertError> {
    let mut reader = Reader::new(file, Format::Pnm);
    let mut frames = 0;
    while frames == 0 || has_another(reader.rest()) {
        frames += 1;
        limits.check_frames(frames)?;
        let header = header::read(&mut reader)?;
        if header.raster.is_text() {
            break;
        }
        reader.take(header.raster_bytes().ok_or_else(|| reader.truncated())?)?;
    }
    Ok(frames)
}

/// A raw picture may be followed by the next one.
fn has_another(rest: &[u8]) -> bool {
    is_magic(rest)
}

fn invert_raster(
    reader: &mut Reader<'_>,
    header: &Header,
    metadata: Metadata,
    out: &mut Vec<u8>,
) -> Result<(), InvertError> {
    match header.raster {
        Raster::BitsText => text::invert_bits(reader, header, metadata, out),
        Raster::Text => text::invert_numbers(reader, header, metadata, out),
        Raster::Bits | Raster::Samples => {
            let raster_bytes = header.raster_bytes().ok_or_else(|| reader.truncated())?;
            let raster = reader.take(raster_bytes)?;
            let mut is_valid = true;
            append_changed(raster, header.group_bytes(), out, |samples| {
                is_valid &= invert_raw(samples, header).is_some();
            });
            if is_valid { Ok(()) } else { Err(reader.damaged("a sample above the largest value")) }
        }
    }
}

/// `None` when a sample is above the largest value.
fn invert_raw(raster: &mut [u8], header: &Header) -> Option<()> {
    let (colours, channels) = (header.colours, header.channels);
    match (header.raster, header.maxval) {
        (Raster::Bits, _) => {
            let width = header.width as usize;
            for row in raster.chunks_exact_mut(width.div_ceil(8)) {
                flip(row);
                // The bits behind the last pixel of a row stay.
                if let (Some(last), used @ 1..) = (row.last_mut(), width % 8) {
                    *last ^= 0xFF >> used;
                }
            }
        }
        (_, 255 | 65535) if colours == channels => flip(raster),
        (_, maxval @ (255 | 65535)) => {
            let sample_bytes = if maxval == 255 { 1 } else { 2 };
            let mut mask = vec![0; channels * sample_bytes];
            mask[..colours * sample_bytes].fill(0xFF);
            flip_masked(raster, &mask);
        }
        (_, maxval @ ..256) => {
            for pixel in raster.chunks_exact_mut(channels) {
                for sample in &mut pixel[..colours] {
                    *sample = (maxval as u8).checked_sub(*sample)?;
                }
            }
        }
        (_, maxval) => {
            for pixel in raster.chunks_exact_mut(2 * channels) {
                for sample in pixel[..2 * colours].chunks_exact_mut(2) {
                    let negative = maxval.checked_sub(u16::from_be_bytes([sample[0], sample[1]]))?;
                    sample.copy_from_slice(&negative.to_be_bytes());
                }
            }
        }
    }
    Some(())
}
