//! BMP, in place: palette or pixels change; headers, alpha or filler bits and
//! row padding stay.

use std::ops::Range;

use crate::error::InvertError;
use crate::format::{BMP_HEADER_BYTES, Format};
use crate::options::{Metadata, Options};
use crate::probe::{Method, Probe};
use crate::reader::Reader;
use crate::{Summary, append_changed, flip, flip_masked};

const FILE_HEADER_BYTES: usize = 14;
const CORE_HEADER_BYTES: u32 = 12;

#[derive(Debug)]
struct Header {
    width: u32,
    height: u32,
    bits_per_pixel: u16,
    colours: Colours,
    /// Where the pixels begin, from the start of the file.
    pixels_offset: usize,
}

impl Header {
    /// Where the last byte that tells colours ends: the pixels, or the ICC
    /// profile that a version 5 header names ([MS-WMF] §2.2.2.5), which stands
    /// behind them. A profile that is only linked is the name of a file.
    fn end(&self, pixels_end: usize, file: &[u8]) -> usize {
        const EMBEDDED: &[u8] = b"DEBM";
        let number = |at: usize| {
            let bytes = file.get(FILE_HEADER_BYTES + at..)?.first_chunk().copied()?;
            Some(u32::from_le_bytes(bytes) as usize)
        };
        let profile_end = || {
            let is_version_5 = number(0)? == 124;
            let is_embedded = file.get(FILE_HEADER_BYTES + 56..)?.starts_with(EMBEDDED);
            let (place, length) = (number(112)?, number(116)?);
            (is_version_5 && is_embedded).then(|| FILE_HEADER_BYTES.checked_add(place)?.checked_add(length))?
        };
        profile_end().filter(|&end| end <= file.len()).unwrap_or(0).max(pixels_end)
    }
}

#[derive(Debug)]
enum Colours {
    /// Rows of indexes into a palette.
    Indexed { palette: Range<usize>, entry_bytes: usize },
    /// Run-length encoded indexes of 8 or 4 bits into a palette.
    RunLength { palette: Range<usize>, run: Run },
    /// Rows of little-endian pixels, whose colour bits are set in the mask.
    Direct { mask: u32, bits_per_sample: u8 },
}

#[derive(Debug, Clone, Copy)]
enum Run {
    Bits8,
    Bits4,
}

pub(crate) fn invert(file: &[u8], options: &Options, bytes: &mut Vec<u8>) -> Result<Summary, InvertError> {
    let header = read_header(file)?;
    let (width, height) = (header.width, header.height);
    options.limits.check_frame(width, height)?;
    let mut reader = Reader::new(file, Format::Bmp);
    reader.take(header.pixels_offset)?;
    let row_bits = u64::from(width) * u64::from(header.bits_per_pixel);
    let row_bytes = usize::try_from(row_bits.div_ceil(8)).map_err(|_| reader.truncated())?;
    // Rows are padded to four bytes.
    let stride = row_bytes.next_multiple_of(4);
    bytes.reserve_exact(file.len());
    match &header.colours {
        Colours::RunLength { palette, run } => {
            check_runs(&mut reader, *run)?;
            bytes.extend_from_slice(file);
            flip_palette(&mut bytes[palette.clone()], 4);
        }
        Colours::Indexed { palette, entry_bytes } => {
            take_rows(&mut reader, stride, height)?;
            bytes.extend_from_slice(file);
            flip_palette(&mut bytes[palette.clone()], *entry_bytes);
        }
        Colours::Direct { mask, .. } => {
            let pixels = take_rows(&mut reader, stride, height)?;
            bytes.extend_from_slice(&file[..header.pixels_offset]);
            let mask = &mask.to_le_bytes()[..usize::from(header.bits_per_pixel / 8)];
            append_rows(pixels, row_bytes, stride, mask, bytes);
            bytes.extend_from_slice(reader.rest());
        }
    }
    if options.metadata == Metadata::Strip {
        bytes.truncate(header.end(reader.position(), file));
    }
    Ok(Summary { format: Format::Bmp, width, height, frames: 1 })
}

pub(crate) fn probe(file: &[u8]) -> Result<Probe, InvertError> {
    let Header { width, height, colours, .. } = read_header(file)?;
    let (bits_per_sample, method) = match colours {
        Colours::Indexed { .. } | Colours::RunLength { .. } => (8, Method::ColourTables),
        Colours::Direct { bits_per_sample, .. } => (bits_per_sample, Method::Samples),
    };
    Ok(Probe { format: Format::Bmp, width, height, bits_per_sample, frames: Some(1), method })
}

/// The fourth byte of an entry is reserved and stays.
fn flip_palette(palette: &mut [u8], entry_bytes: usize) {
    for entry in palette.chunks_exact_mut(entry_bytes) {
        flip(&mut entry[..3]);
    }
}

/// Appends the negatives of rows; their padding stays.
fn append_rows(pixels: &[u8], row_bytes: usize, stride: usize, mask: &[u8], out: &mut Vec<u8>) {
    let is_all = mask.iter().all(|&bits| bits == 0xFF);
    let change = |row: &mut [u8]| if is_all { flip(row) } else { flip_masked(row, mask) };
    if row_bytes == stride {
        append_changed(pixels, mask.len(), out, change);
    } else {
        append_changed(pixels, stride, out, |rows| {
            rows.chunks_exact_mut(stride).for_each(|row| change(&mut row[..row_bytes]));
        });
    }
}

fn take_rows<'a>(reader: &mut Reader<'a>, stride: usize, height: u32) -> Result<&'a [u8], InvertError> {
    let rows = usize::try_from(height).ok();
    let pixel_bytes = rows.and_then(|rows| rows.checked_mul(stride)).ok_or_else(|| reader.truncated())?;
    reader.take(pixel_bytes)
}

fn read_header(file: &[u8]) -> Result<Header, InvertError> {
    let mut reader = Reader::new(file, Format::Bmp);
    let [_, _, _, _, _, _, _, _, _, _, offset @ ..] = reader.array::<FILE_HEADER_BYTES>()?;
    let pixels_offset = u32::from_le_bytes(offset) as usize;
    let header_bytes = reader.u32_le()?;
    if !BMP_HEADER_BYTES.contains(&header_bytes) {
        return Err(reader.damaged("a header of an unknown size"));
    }
    let mut fields = Reader::new(file, Format::Bmp);
    fields.take(FILE_HEADER_BYTES + 4)?;
    // The shorter headers are prefixes of the longer ones, except for OS/2 1.x with its 16-bit sizes.
    let (width, height) = if header_bytes == CORE_HEADER_BYTES {
        (i32::from(fields.u16_le()?), i32::from(fields.u16_le()?))
    } else {
        (fields.u32_le()?.cast_signed(), fields.u32_le()?.cast_signed())
    };
    if width <= 0 || height == 0 {
        return Err(fields.damaged("a picture without pixels"));
    }
    let _planes = fields.u16_le()?;
    let bits_per_pixel = fields.u16_le()?;
    let (compression, palette_entries) = if header_bytes < 40 {
        (0, 0)
    } else {
        let compression = fields.u32_le()?;
        fields.take(12)?;
        (compression, fields.u32_le()?)
    };
    // The rest of the header must be there, too.
    reader.take(header_bytes as usize - 4)?;
    let layout = Layout { header_bytes, bits_per_pixel, compression, palette_entries, pixels_offset };
    let colours = layout.read_colours(&mut reader)?;
    if pixels_offset < reader.position() {
        return Err(reader.damaged("pixels that begin within the header"));
    }
    // A negative height says that the top row comes first.
    let height = height.unsigned_abs();
    Ok(Header { width: width.unsigned_abs(), height, bits_per_pixel, colours, pixels_offset })
}

/// The fields that decide how colours are stored.
#[derive(Debug)]
struct Layout {
    header_bytes: u32,
    bits_per_pixel: u16,
    compression: u32,
    palette_entries: u32,
    pixels_offset: usize,
}

impl Layout {
    /// `reader` stands behind the header.
    fn read_colours(&self, reader: &mut Reader<'_>) -> Result<Colours, InvertError> {
        // [MS-WMF] §2.1.1.7, and OS/2 2.x, which gives 3 and 4 another meaning.
        let is_os2 = matches!(self.header_bytes, 16 | 64);
        match (self.compression, self.bits_per_pixel) {
            (3 | 4, _) if is_os2 => Err(InvertError::UnsupportedFeature { feature: "OS/2 compressed BMP" }),
            (4, _) => Err(InvertError::UnsupportedFeature { feature: "BMP with a JPEG inside" }),
            (5, _) => Err(InvertError::UnsupportedFeature { feature: "BMP with a PNG inside" }),
            (0, 1 | 2 | 4 | 8) => {
                let entry_bytes = if self.header_bytes == CORE_HEADER_BYTES { 3 } else { 4 };
                Ok(Colours::Indexed { palette: self.read_palette(reader, entry_bytes)?, entry_bytes })
            }
            (1, 8) => Ok(Colours::RunLength { palette: self.read_palette(reader, 4)?, run: Run::Bits8 }),
            (2, 4) => Ok(Colours::RunLength { palette: self.read_palette(reader, 4)?, run: Run::Bits4 }),
            // [MS-WMF] §2.1.1.3: without masks, 16 bits are five for each colour.
            (0, 16) => Ok(Colours::Direct { mask: 0x7FFF, bits_per_sample: 5 }),
            (0, 24 | 32) => Ok(Colours::Direct { mask: 0x00FF_FFFF, bits_per_sample: 8 }),
            (3 | 6, 16 | 32) => self.read_masks(reader),
            (0..=3 | 6, _) => Err(reader.damaged("a pixel size that does not exist")),
            _ => Err(InvertError::UnsupportedFeature { feature: "BMP with this compression" }),
        }
    }

    /// A palette may be shorter or longer than the pixels can address, but it
    /// ends where they begin.
    fn read_palette(&self, reader: &mut Reader<'_>, entry_bytes: usize) -> Result<Range<usize>, InvertError> {
        let start = reader.position();
        let room = self.pixels_offset.saturating_sub(start) / entry_bytes;
        let entries = match self.palette_entries as usize {
            0 => (1 << self.bits_per_pixel).min(room),
            entries => entries,
        };
        if entries == 0 || room < entries {
            return Err(reader.damaged("a palette that does not fit before the pixels"));
        }
        reader.take(entries * entry_bytes)?;
        Ok(start..reader.position())
    }

    /// Version 3 headers have the masks behind them, later ones at the same
    /// place inside.
    fn read_masks(&self, reader: &mut Reader<'_>) -> Result<Colours, InvertError> {
        let mut masks = [0; 3];
        if self.header_bytes == 40 {
            for mask in &mut masks {
                *mask = reader.u32_le()?;
            }
            // BI_ALPHABITFIELDS of Windows CE adds a mask for alpha.
            if self.compression == 6 {
                reader.u32_le()?;
            }
        } else {
            let mut inner = reader.clone();
            inner.rewind(FILE_HEADER_BYTES + 40);
            for mask in &mut masks {
                *mask = inner.u32_le()?;
            }
        }
        let mask = masks[0] | masks[1] | masks[2];
        if mask == 0 || (self.bits_per_pixel == 16 && mask > 0xFFFF) {
            return Err(reader.damaged("colour masks outside the pixel"));
        }
        let widest = masks.map(u32::count_ones).into_iter().max().unwrap_or(0);
        Ok(Colours::Direct { mask, bits_per_sample: u8::try_from(widest).unwrap_or(u8::MAX) })
    }
}

/// Walks run-length codes up to the end of the bitmap ([MS-WMF] §3.1.6), so
/// that a file that was cut short is noticed.
fn check_runs(reader: &mut Reader<'_>, run: Run) -> Result<(), InvertError> {
    loop {
        match reader.array()? {
            [0, 0] => {}
            [0, 1] => return Ok(()),
            [0, 2] => {
                reader.take(2)?;
            }
            [0, indexes] => {
                let indexes = usize::from(indexes);
                let literal_bytes = match run {
                    Run::Bits8 => indexes,
                    Run::Bits4 => indexes.div_ceil(2),
                };
                reader.take(literal_bytes.next_multiple_of(2))?;
            }
            [_, _] => {}
        }
    }
}
