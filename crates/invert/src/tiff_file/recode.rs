//! Strips and tiles whose samples have to be decompressed to be inverted.

use std::io::{Read, Write};
use std::ops::Range;

use flate2::Compression as Level;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use weezl::BitOrder;

use crate::error::InvertError;
use crate::format::Format;

use super::directory::{Entry, Tiff, damaged};
use super::page::{Compression, Page, Samples, Segment};
use super::{packbits, recoded, samples};

/// Inverts all pages that are not inverted in place. What was compressed anew
/// goes where the original was, as far as there is room, and behind the file
/// where not; nothing of the original stays.
pub(super) fn invert(tiff: &Tiff<'_>, pages: &[Page], out: &mut Vec<u8>) -> Result<(), InvertError> {
    let recoded = || pages.iter().filter_map(|page| recoded(page).map(|samples| (page, samples)));
    let changed = |page: &Page| {
        page.segments
            .iter()
            .enumerate()
            .filter(|(_, segment)| segment.has_colours)
            .map(|(index, segment)| (index, segment.clone()))
            .collect::<Vec<_>>()
    };
    let old = recoded().flat_map(|(page, _)| changed(page)).map(|(_, segment)| segment.range).collect();
    let mut room = Room::clear(old, out);
    for (page, samples) in recoded() {
        for (index, segment) in changed(page) {
            let data = invert_segment(tiff, &segment, samples)?;
            let at = room.place(&data, out);
            write_number(tiff, &page.offsets, index, at, out)?;
            write_number(tiff, &page.lengths, index, data.len(), out)?;
        }
    }
    Ok(())
}

fn write_number(
    tiff: &Tiff<'_>,
    entry: &Entry,
    index: usize,
    number: usize,
    out: &mut [u8],
) -> Result<(), InvertError> {
    let written = tiff.order.write(number as u64, &mut out[entry.value(index)]);
    written.ok_or(InvertError::UnsupportedFeature {
        feature: "compressed TIFF with offsets or lengths too small for its negative",
    })
}

fn invert_segment(tiff: &Tiff<'_>, segment: &Segment, samples: &Samples) -> Result<Vec<u8>, InvertError> {
    let Segment { range, rows, row_bytes, .. } = segment;
    let mut raw = decompress(&tiff.file[range.clone()], samples.compression, rows * row_bytes, range.start)?;
    samples::invert_rows(&mut raw, *row_bytes, samples, tiff.order, range.start)?;
    Ok(compress(&raw, samples.compression, *row_bytes))
}

fn decompress(data: &[u8], compression: Compression, raw_bytes: usize, at: usize) -> Result<Vec<u8>, InvertError> {
    let mut raw = Vec::new();
    match compression {
        Compression::Deflate => {
            // One byte more, so that the end of the stream and its checksum are read, too.
            let read = ZlibDecoder::new(data).take(raw_bytes as u64 + 1).read_to_end(&mut raw);
            read.map_err(|source| InvertError::Pixels { format: Format::Tiff, source: source.into() })?;
            // The last strip may be as long as the others.
            raw.truncate(raw_bytes);
        }
        Compression::Lzw => {
            if matches!(data, [0, second, ..] if second & 1 == 1) {
                return Err(InvertError::UnsupportedFeature { feature: "TIFF with LZW older than TIFF 6.0" });
            }
            raw.resize(raw_bytes, 0);
            let mut decoder = weezl::decode::Decoder::with_tiff_size_switch(BitOrder::Msb, 8);
            let mut made = 0;
            let mut rest = data;
            while made < raw_bytes {
                let step = decoder.decode_bytes(rest, &mut raw[made..]);
                if step.status.is_err() || step.consumed_in + step.consumed_out == 0 {
                    break;
                }
                rest = &rest[step.consumed_in..];
                made += step.consumed_out;
            }
            raw.truncate(made);
        }
        Compression::PackBits => raw = packbits::decode(data, raw_bytes).unwrap_or_default(),
        Compression::None => raw.extend_from_slice(&data[..raw_bytes.min(data.len())]),
    }
    if raw.len() == raw_bytes { Ok(raw) } else { Err(damaged("a strip or tile with fewer samples than it needs", at)) }
}

fn compress(raw: &[u8], compression: Compression, row_bytes: usize) -> Vec<u8> {
    const IN_MEMORY: &str = "memory takes all that is written";
    match compression {
        Compression::Deflate => {
            let mut encoder = ZlibEncoder::new(Vec::new(), Level::default());
            encoder.write_all(raw).expect(IN_MEMORY);
            encoder.finish().expect(IN_MEMORY)
        }
        Compression::Lzw => {
            weezl::encode::Encoder::with_tiff_size_switch(BitOrder::Msb, 8).encode(raw).expect(IN_MEMORY)
        }
        Compression::PackBits => packbits::encode(raw, row_bytes),
        Compression::None => raw.to_vec(),
    }
}

/// The places that became free.
#[derive(Debug)]
struct Room {
    /// Sorted, apart from each other, the last one first.
    free: Vec<Range<usize>>,
}

impl Room {
    fn clear(mut old: Vec<Range<usize>>, out: &mut Vec<u8>) -> Self {
        old.retain(|range| !range.is_empty());
        old.sort_by_key(|range| range.start);
        let mut free: Vec<Range<usize>> = Vec::new();
        for range in old {
            out[range.clone()].fill(0);
            match free.last_mut() {
                Some(last) if last.end == range.start => last.end = range.end,
                _ => free.push(range),
            }
        }
        // What is free at the very end needs no bound.
        if let Some(last) = free.pop_if(|last| last.end == out.len()) {
            out.truncate(last.start);
        }
        free.reverse();
        Self { free }
    }

    /// Writes data and tells where. A place that is too small is not tried
    /// again, so that placing takes one pass.
    fn place(&mut self, data: &[u8], out: &mut Vec<u8>) -> usize {
        while let Some(place) = self.free.last_mut() {
            if data.len() <= place.len() {
                let at = place.start;
                out[at..at + data.len()].copy_from_slice(data);
                place.start += data.len();
                return at;
            }
            self.free.pop();
        }
        let at = out.len();
        out.extend_from_slice(data);
        at
    }
}
