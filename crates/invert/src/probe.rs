//! What a header tells, without any decoding.

use crate::error::InvertError;
use crate::format::Format;
use crate::{bmp, gif, jpeg, png, webp};

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
}

/// Reads the headers of an image file. Also describes what [`invert`] refuses
/// (animated PNG, CMYK JPEG, pictures that are too large).
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
    }
}
