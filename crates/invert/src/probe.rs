//! What a header tells, without any decoding.

use crate::error::InvertError;
use crate::format::Format;
use crate::{bmp, gif, jpeg, png, pnm, qoi, tiff_file, webp};

/// A file as its headers describe it; nothing behind them was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// Told by the content.
    pub format: Format,
    /// Pixels in a row, as stored (before any EXIF orientation).
    pub width: u32,
    /// Rows, as stored.
    pub height: u32,
    /// Bits of one colour sample; of a palette's colours, not of its indexes.
    pub bits_per_sample: u8,
    /// Pictures in the file; `None` where the file ends before they can be
    /// counted.
    pub frames: Option<u32>,
    /// How the negative will be made, if nothing behind the headers forbids it.
    pub method: Method,
}

/// How a negative is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Colour tables are inverted, or what says that black is black; pixels stay
    /// as they are (palette PNG, GIF, TIFF).
    ColourTables,
    /// Samples that are not compressed, or in codes that stand for them alone,
    /// are inverted in place (BMP, TIFF, PNM).
    Samples,
    /// The bits of the coefficients are flipped in the entropy-coded data
    /// (JPEG).
    Coefficients,
    /// Filtered bytes are mapped and compressed anew (PNG).
    FilteredBytes,
    /// Decoded, inverted, encoded.
    Recode,
    /// Not at all.
    Refused {
        /// What stands in the way; reads as a noun.
        feature: &'static str,
    },
}

/// Reads the headers of an image file. Also describes what [`invert`] refuses
/// (CMYK JPEG or TIFF, pictures that are too large).
///
/// # Errors
///
/// When the format is not one of ours, or the file ends within its headers or
/// contradicts itself there.
///
/// [`invert`]: crate::invert()
pub fn probe(file: &[u8]) -> Result<Probe, InvertError> {
    match Format::of(file)? {
        Format::Jpeg => jpeg::probe(file),
        Format::Png => png::probe(file),
        Format::Gif => gif::probe(file),
        Format::WebP => webp::probe(file),
        Format::Bmp => bmp::probe(file),
        Format::Tiff => tiff_file::probe(file),
        Format::Pnm => pnm::probe(file),
        Format::Qoi => qoi::probe(file),
    }
}
