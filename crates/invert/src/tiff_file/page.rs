//! One picture of a TIFF file: how its samples are stored, and what makes its
//! negative.

use std::ops::Range;

use crate::error::InvertError;

use super::directory::{Directory, Entry, Order, Tiff, damaged};
use super::tag;

#[derive(Debug)]
pub(super) struct Page {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) bits: u8,
    pub(super) change: Change,
    /// Where the compressed or raw pixels are.
    pub(super) segments: Vec<Segment>,
    /// The entry that says where each of them begins.
    pub(super) offsets: Entry,
    /// The entry that says how long each of them is.
    pub(super) lengths: Entry,
}

/// What makes the negative of a page.
#[derive(Debug)]
pub(super) enum Change {
    /// A mask has no colours.
    Nothing,
    /// TIFF 6.0 §3: 0 says that 0 is white, 1 that 0 is black, so that this
    /// bit inverts a grey picture, whatever its compression.
    WhiteIsZero { at: usize },
    /// The values of the colour map.
    ColorMap(Range<usize>),
    /// The samples themselves.
    Samples(Samples),
}

/// How samples are stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct Samples {
    pub(super) compression: Compression,
    pub(super) bytes_per_sample: usize,
    pub(super) alpha: Alpha,
    /// Samples of a pixel that are colours.
    pub(super) colours: usize,
    /// Samples of a pixel.
    pub(super) channels: usize,
    /// TIFF 6.0 §14: each sample is stored as its difference to the one on its
    /// left.
    pub(super) is_predicted: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    PackBits,
    Lzw,
    Deflate,
}

/// TIFF 6.0 §18: what the samples behind the colours are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alpha {
    /// None, or one that the colours do not depend on.
    Straight,
    /// The colours are multiplied by the first one.
    Premultiplied,
}

/// A strip or a tile.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    pub(super) range: Range<usize>,
    pub(super) rows: usize,
    pub(super) row_bytes: usize,
    /// Whether it holds colours; a plane of its own may be all alpha.
    pub(super) has_colours: bool,
}

impl Samples {
    /// Whether the compressed bytes can change where they are: nothing in them
    /// depends on the place of a sample.
    pub(super) fn is_in_place(&self) -> bool {
        match self.compression {
            Compression::None => true,
            Compression::PackBits | Compression::Lzw => self.channels == self.colours && !self.is_predicted,
            Compression::Deflate => false,
        }
    }
}

impl Page {
    pub(super) fn read(tiff: &Tiff<'_>, directory: &Directory) -> Result<Self, InvertError> {
        Fields { tiff, directory }.page()
    }
}

/// Width and height of the picture of a directory.
pub(super) fn size(tiff: &Tiff<'_>, directory: &Directory) -> Result<(u32, u32), InvertError> {
    Fields { tiff, directory }.size()
}

/// The entries of a directory as numbers.
struct Fields<'a> {
    tiff: &'a Tiff<'a>,
    directory: &'a Directory,
}

impl Fields<'_> {
    fn find(&self, tag: u16) -> Result<Option<u64>, InvertError> {
        self.directory.entry(tag).map(|entry| self.tiff.value(entry, 0)).transpose()
    }

    fn number(&self, tag: u16, default: u64) -> Result<u64, InvertError> {
        Ok(self.find(tag)?.unwrap_or(default))
    }

    fn fault(&self, fault: &'static str) -> InvertError {
        damaged(fault, self.directory.span.start)
    }

    fn page(&self) -> Result<Page, InvertError> {
        self.refuse_raw()?;
        let (width, height) = self.size()?;
        let Some(photometric) = self.directory.entry(tag::PHOTOMETRIC) else {
            return Err(self.fault("a picture that does not say what its samples mean"));
        };
        if photometric.is_outside {
            return Err(self.fault("a colour model that is no single number"));
        }
        let channels = match self.number(tag::SAMPLES_PER_PIXEL, 1)? {
            channels @ 1..=64 => channels as usize,
            _ => return Err(unsupported("TIFF with more than 64 samples per pixel")),
        };
        let bits = self.bits(channels)?;
        let change = self.change(photometric, channels, bits)?;
        let samples = match &change {
            Change::Samples(samples) => Some(samples),
            Change::Nothing | Change::WhiteIsZero { .. } | Change::ColorMap(_) => None,
        };
        let (offsets, lengths, segments) = self.segments(width, height, channels, bits, samples)?;
        Ok(Page { width, height, bits, change, segments, offsets, lengths })
    }

    fn change(&self, photometric: &Entry, channels: usize, bits: u8) -> Result<Change, InvertError> {
        // §19: unsigned, or nobody knows.
        match self.number(tag::SAMPLE_FORMAT, 1)? {
            1 | 4 => {}
            2 => return Err(unsupported("TIFF with signed samples")),
            3 => return Err(unsupported("TIFF with floating-point samples")),
            _ => return Err(unsupported("TIFF with complex samples")),
        }
        Ok(match (self.tiff.value(photometric, 0)?, bits) {
            (0 | 1, 1..=8) if channels == 1 => {
                // The bit is in the first byte of a little-endian number, in the last of a big-endian one.
                let at = match self.tiff.order {
                    Order::Little => photometric.values.start,
                    Order::Big => photometric.value(0).end - 1,
                };
                Change::WhiteIsZero { at }
            }
            (0 | 1, _) => Change::Samples(self.samples(1, channels, bits)?),
            (2, _) => Change::Samples(self.samples(3, channels, bits)?),
            (3, _) => Change::ColorMap(self.color_map(bits)?),
            (4, _) => Change::Nothing,
            (5, _) => return Err(unsupported("TIFF in CMYK")),
            (6, _) => return Err(unsupported("TIFF in YCbCr")),
            (8..=10, _) => return Err(unsupported("TIFF in CIE L*a*b*")),
            (32844 | 32845, _) => return Err(unsupported("TIFF in LogLuv")),
            _ => return Err(unsupported("TIFF with this colour model")),
        })
    }

    fn size(&self) -> Result<(u32, u32), InvertError> {
        let size = |tag| match u32::try_from(self.number(tag, 0)?) {
            Ok(size @ 1..) => Ok(size),
            _ => Err(self.fault("a picture without pixels")),
        };
        Ok((size(tag::IMAGE_WIDTH)?, size(tag::IMAGE_LENGTH)?))
    }

    /// Pictures of a sensor, in the formats of cameras that are TIFF outside.
    fn refuse_raw(&self) -> Result<(), InvertError> {
        let refuse = |format| Err(InvertError::UnsupportedFormat { format });
        if self.directory.entry(tag::DNG_VERSION).is_some() {
            return refuse("DNG");
        }
        // TIFF/EP: a colour filter array; DNG: linear raw.
        let is_sensor = matches!(self.find(tag::PHOTOMETRIC)?, Some(32803 | 34892));
        let maker = self.directory.entry(tag::MAKE).map_or(&[][..], |entry| &self.tiff.file[entry.values.clone()]);
        // Nikon's and Sony's first picture is a small one; that of the sensor is in a subdirectory.
        let has_more = self.directory.entry(tag::SUB_DIRECTORIES).is_some();
        match maker {
            [b'N', b'I', b'K', b'O', b'N', ..] if is_sensor || has_more => refuse("NEF"),
            [b'S', b'O', b'N', b'Y', ..] if is_sensor || has_more => refuse("ARW"),
            [b'P', b'E', b'N', b'T', b'A', b'X', ..] if is_sensor => refuse("PEF"),
            _ if is_sensor => refuse("camera raw"),
            _ => Ok(()),
        }
    }

    /// Bits of a sample; all have the same.
    fn bits(&self, channels: usize) -> Result<u8, InvertError> {
        let Some(entry) = self.directory.entry(tag::BITS_PER_SAMPLE) else { return Ok(1) };
        let bits = self.tiff.value(entry, 0)?;
        // Some writers store the number once for all samples.
        for index in 1..channels.min(usize::try_from(entry.count).unwrap_or(usize::MAX)) {
            if self.tiff.value(entry, index)? != bits {
                return Err(unsupported("TIFF with samples of different sizes"));
            }
        }
        match u8::try_from(bits) {
            Ok(bits @ 1..=64) => Ok(bits),
            _ => Err(self.fault("a sample size that does not exist")),
        }
    }

    fn samples(&self, colours: usize, channels: usize, bits: u8) -> Result<Samples, InvertError> {
        if channels < colours {
            return Err(self.fault("fewer samples than colours"));
        }
        let bytes_per_sample = match bits {
            8 | 16 | 32 => usize::from(bits / 8),
            _ => return Err(unsupported("TIFF with colour samples of other than 8, 16 or 32 bits")),
        };
        let compression = match self.number(tag::COMPRESSION, 1)? {
            1 => Compression::None,
            5 => Compression::Lzw,
            // Adobe's code and the older one (TIFF Technical Note 3 of Photoshop).
            8 | 32946 => Compression::Deflate,
            32773 => Compression::PackBits,
            6 | 7 => return Err(unsupported("TIFF with JPEG inside")),
            34925 => return Err(unsupported("TIFF with LZMA")),
            50000 => return Err(unsupported("TIFF with Zstandard")),
            50001 => return Err(unsupported("TIFF with WebP inside")),
            _ => return Err(unsupported("TIFF with this compression")),
        };
        if compression != Compression::None && self.number(tag::FILL_ORDER, 1)? != 1 {
            return Err(unsupported("compressed TIFF with its bits from right to left"));
        }
        let is_predicted = match self.number(tag::PREDICTOR, 1)? {
            2 if matches!(compression, Compression::Lzw | Compression::Deflate) => true,
            // §14 has it for LZW; readers disagree whether it applies elsewhere.
            2 => return Err(unsupported("TIFF with a predictor but neither LZW nor Deflate")),
            3 => return Err(unsupported("TIFF with floating-point samples")),
            _ => false,
        };
        let is_planar = self.is_planar(channels)?;
        let alpha = match self.number(tag::EXTRA_SAMPLES, 0)? {
            1 if colours < channels && is_planar => {
                return Err(unsupported("TIFF with planes multiplied by their alpha"));
            }
            1 if colours < channels => Alpha::Premultiplied,
            _ => Alpha::Straight,
        };
        let (colours, channels) = if is_planar { (1, 1) } else { (colours, channels) };
        Ok(Samples { compression, bytes_per_sample, alpha, colours, channels, is_predicted })
    }

    fn is_planar(&self, channels: usize) -> Result<bool, InvertError> {
        Ok(channels > 1 && self.number(tag::PLANAR_CONFIGURATION, 1)? == 2)
    }

    /// §5: 16-bit reds, greens, blues for each value that an index can have.
    fn color_map(&self, bits: u8) -> Result<Range<usize>, InvertError> {
        match self.directory.entry(tag::COLOR_MAP) {
            Some(map) if bits <= 16 && map.value_bytes == 2 && map.count == 3 << bits => Ok(map.values.clone()),
            _ => Err(self.fault("a palette picture without its colour map")),
        }
    }

    /// §3 and §15: strips are rows of the picture, tiles are rectangles of one
    /// size that may go beyond its edge.
    fn segments(
        &self,
        width: u32,
        height: u32,
        channels: usize,
        bits: u8,
        samples: Option<&Samples>,
    ) -> Result<(Entry, Entry, Vec<Segment>), InvertError> {
        let (width, height) = (u64::from(width), u64::from(height));
        let is_tiled = self.directory.entry(tag::TILE_OFFSETS).is_some();
        let (across, rows, offsets, lengths) = if is_tiled {
            let across = self.number(tag::TILE_WIDTH, 0)?;
            (across, self.number(tag::TILE_LENGTH, 0)?, tag::TILE_OFFSETS, tag::TILE_BYTE_COUNTS)
        } else {
            let rows = self.number(tag::ROWS_PER_STRIP, height)?.min(height);
            (width, rows, tag::STRIP_OFFSETS, tag::STRIP_BYTE_COUNTS)
        };
        if across == 0 || rows == 0 || across > 1 << 31 || rows > 1 << 31 {
            return Err(self.fault("tiles or strips of no size"));
        }
        let is_planar = self.is_planar(channels)?;
        let (planes, per_row) = if is_planar { (channels as u64, 1) } else { (1, channels as u64) };
        let plane_segments = width.div_ceil(across) * height.div_ceil(rows);
        let (Some(offsets), Some(lengths)) = (self.directory.entry(offsets), self.directory.entry(lengths)) else {
            return Err(unsupported("TIFF that does not say where its pixels are"));
        };
        let count = plane_segments * planes;
        self.tiff.count_segments(count)?;
        if offsets.count < count || lengths.count < count {
            return Err(self.fault("fewer strips or tiles than the picture needs"));
        }
        let row_bytes = (across * per_row * u64::from(bits)).div_ceil(8);
        let colours = match samples {
            Some(samples) if is_planar => {
                self.number(tag::PHOTOMETRIC, 0).map(|model| if model == 2 { 3 } else { samples.colours as u64 })?
            }
            _ => 1,
        };
        let mut segments = Vec::new();
        for index in 0..count {
            let (plane, place) = (index / plane_segments, index % plane_segments);
            let rows_here = if is_tiled { rows } else { rows.min(height - place * rows) };
            let at = usize::try_from(index).map_err(|_| self.tiff.truncated())?;
            let stored = self.tiff.range(self.tiff.value(offsets, at)?, self.tiff.value(lengths, at)?)?;
            segments.push(Segment {
                range: stored,
                rows: usize::try_from(rows_here).map_err(|_| self.tiff.truncated())?,
                row_bytes: usize::try_from(row_bytes).map_err(|_| self.tiff.truncated())?,
                has_colours: plane < colours,
            });
        }
        Ok((offsets.clone(), lengths.clone(), segments))
    }
}

fn unsupported(feature: &'static str) -> InvertError {
    InvertError::UnsupportedFeature { feature }
}
