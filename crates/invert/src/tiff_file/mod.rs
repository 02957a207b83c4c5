//! TIFF and BigTIFF. Colour maps, the tag that says which end of a grey scale
//! is white, raw samples and those in PackBits and LZW are inverted where they
//! are; only what is behind Deflate, or depends on its neighbour, is
//! decompressed and compressed again, strip by strip.

mod claims;
mod directory;
mod lzw;
mod packbits;
mod page;
mod recode;
mod samples;
mod strip;
mod tag;

use crate::Summary;
use crate::error::InvertError;
use crate::flip;
use crate::format::Format;
use crate::limits::Limits;
use crate::options::Options;
use crate::probe::{Method, Probe};

use claims::Claims;
use directory::{Directory, Tiff, damaged};
use page::{Change, Compression, Page, Samples, Segment};

pub(crate) fn invert(file: &[u8], options: &Options, out: &mut Vec<u8>) -> Result<Summary, InvertError> {
    let limits = &options.limits;
    let mut tiff = Tiff::new(file)?;
    let directories = tiff.directories(limits)?;
    let pages = directories.iter().map(|directory| Page::read(&tiff, directory)).collect::<Result<Vec<_>, _>>()?;
    let Some(&Page { width, height, .. }) = pages.first() else {
        return Err(damaged("no picture", tiff.header_bytes));
    };
    check_limits(&pages, limits)?;
    let removals = directories
        .iter()
        .map(|directory| strip::Removal::read(&mut tiff, directory, options.metadata))
        .collect::<Result<Vec<_>, _>>()?;
    claim(&tiff, &directories, &pages, &removals)?;
    out.extend_from_slice(file);
    for page in &pages {
        invert_in_place(page, &tiff, out)?;
    }
    recode::invert(&tiff, &pages, out)?;
    for (directory, removal) in directories.iter().zip(&removals) {
        removal.apply(&tiff, directory, out);
    }
    let frames = u32::try_from(pages.len()).unwrap_or(u32::MAX);
    Ok(Summary { format: Format::Tiff, width, height, frames })
}

pub(crate) fn probe(file: &[u8]) -> Result<Probe, InvertError> {
    let limits = Limits::default();
    let mut tiff = Tiff::new(file)?;
    let (first, frames) = match tiff.directories(&limits) {
        Ok(mut directories) if !directories.is_empty() => {
            let frames = u32::try_from(directories.len()).ok();
            (directories.swap_remove(0), frames)
        }
        _ => {
            tiff = Tiff::new(file)?;
            (tiff.first_directory()?, None)
        }
    };
    let (width, height) = page::size(&tiff, &first)?;
    let (bits_per_sample, method) = match Page::read(&tiff, &first) {
        Ok(page) => (page.bits, method(&page)),
        Err(InvertError::UnsupportedFeature { feature }) => (8, Method::Refused { feature }),
        Err(error) => return Err(error),
    };
    Ok(Probe { format: Format::Tiff, width, height, bits_per_sample, frames, method })
}

fn method(page: &Page) -> Method {
    match &page.change {
        Change::Nothing | Change::WhiteIsZero { .. } | Change::ColorMap(_) => Method::ColourTables,
        Change::Samples(samples) if samples.is_in_place() => Method::Samples,
        Change::Samples(_) => Method::Recode,
    }
}

/// The samples of a page that has to be decompressed.
fn recoded(page: &Page) -> Option<&Samples> {
    match &page.change {
        Change::Samples(samples) if !samples.is_in_place() => Some(samples),
        Change::Samples(_) | Change::Nothing | Change::WhiteIsZero { .. } | Change::ColorMap(_) => None,
    }
}

fn check_limits(pages: &[Page], limits: &Limits) -> Result<(), InvertError> {
    let decode_pixels_max = limits.decode_pixels_max;
    let mut pixels = 0;
    for page in pages {
        let &Page { width, height, .. } = page;
        limits.check_frame(width, height)?;
        if recoded(page).is_none() {
            continue;
        }
        limits.check_decode(width, height)?;
        pixels += u64::from(width) * u64::from(height);
        // One strip or tile is in memory at a time; a tile may be far larger than its picture.
        let is_bounded = |segment: &Segment| {
            let raw_bytes = segment.rows.checked_mul(segment.row_bytes);
            raw_bytes.is_some_and(|bytes| bytes as u64 / 8 <= decode_pixels_max)
        };
        if pixels > decode_pixels_max || !page.segments.iter().all(is_bounded) {
            return Err(InvertError::DecodeTooLarge { width, height, decode_pixels_max });
        }
    }
    Ok(())
}

/// Makes sure that nothing is changed twice, and that no change reaches what
/// something else is read from.
fn claim(
    tiff: &Tiff<'_>,
    directories: &[Directory],
    pages: &[Page],
    removals: &[strip::Removal],
) -> Result<(), InvertError> {
    let mut claims = Claims::new(0..tiff.header_bytes);
    for (directory, page) in directories.iter().zip(pages) {
        claims.own(directory.span.clone());
        let (offsets, lengths) = (&page.offsets, &page.lengths);
        let moves = recoded(page).is_some();
        for entry in directory.entries.iter().filter(|entry| entry.is_outside) {
            let is_changed = match &page.change {
                Change::ColorMap(range) => *range == entry.values,
                _ => moves && (entry.values == offsets.values || entry.values == lengths.values),
            };
            match (&page.change, is_changed) {
                (Change::ColorMap(_), true) => claims.own_together(entry.values.clone()),
                (_, true) => claims.own(entry.values.clone()),
                (_, false) => claims.share(entry.values.clone()),
            }
        }
        for segment in &page.segments {
            match &page.change {
                Change::Samples(_) if segment.has_colours => claims.own(segment.range.clone()),
                _ => claims.share(segment.range.clone()),
            }
        }
    }
    removals.iter().flat_map(|removal| &removal.nested).for_each(|range| claims.share(range.clone()));
    claims.check()?;
    removals.iter().try_for_each(|removal| removal.check(directories, pages))
}

fn invert_in_place(page: &Page, tiff: &Tiff<'_>, out: &mut [u8]) -> Result<(), InvertError> {
    match &page.change {
        Change::Nothing => {}
        Change::WhiteIsZero { at } => out[*at] ^= 1,
        // Two pictures may share a map, which is inverted once: from the original.
        Change::ColorMap(range) => {
            out[range.clone()].copy_from_slice(&tiff.file[range.clone()]);
            flip(&mut out[range.clone()]);
        }
        Change::Samples(samples) if samples.is_in_place() => {
            for segment in page.segments.iter().filter(|segment| segment.has_colours) {
                invert_segment(segment, samples, tiff, &mut out[segment.range.clone()])?;
            }
        }
        Change::Samples(_) => {}
    }
    Ok(())
}

fn invert_segment(segment: &Segment, samples: &Samples, tiff: &Tiff<'_>, stored: &mut [u8]) -> Result<(), InvertError> {
    let at = segment.range.start;
    let raw_bytes = segment.rows.checked_mul(segment.row_bytes).ok_or_else(|| tiff.truncated())?;
    match samples.compression {
        Compression::None => {
            // Zero length: a file with holes, which have no samples to invert.
            let Some(rows) = stored.get_mut(..raw_bytes) else {
                return Err(damaged("a strip or tile with fewer samples than it needs", at));
            };
            samples::invert_rows(rows, segment.row_bytes, samples, tiff.order, at)
        }
        Compression::PackBits => {
            packbits::invert(stored, raw_bytes).ok_or_else(|| damaged("PackBits that do not fit", at))
        }
        Compression::Lzw => lzw::invert(stored, raw_bytes).ok_or_else(|| damaged("LZW codes that do not fit", at)),
        Compression::Deflate => unreachable!("Deflate is never inverted in place, see Samples::is_in_place"),
    }
}
