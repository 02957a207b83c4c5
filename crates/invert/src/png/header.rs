//! IHDR (PNG §11.2.1).

use super::chunks::Chunk;
use crate::error::InvertError;

/// How pixels are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) width: u32,
    pub(super) height: u32,
    /// Bits of a sample, or of an index.
    pub(super) depth: u8,
    pub(super) colour: Colour,
    pub(super) interlaced: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Colour {
    Grey,
    Rgb,
    Palette,
    GreyAlpha,
    Rgba,
}

impl Header {
    pub(super) fn parse(chunk: &Chunk<'_>) -> Result<Self, InvertError> {
        if &chunk.name != b"IHDR" {
            return Err(chunk.damaged("a first chunk that is no header"));
        }
        let &[w0, w1, w2, w3, h0, h1, h2, h3, depth, colour, compression, filter, interlace] = chunk.data else {
            return Err(chunk.damaged("a header of a wrong length"));
        };
        let (width, height) = (u32::from_be_bytes([w0, w1, w2, w3]), u32::from_be_bytes([h0, h1, h2, h3]));
        // PNG §7.1: four-byte integers end at 2^31 - 1, and zero is no size.
        let sizes = 1..=i32::MAX.unsigned_abs();
        if !sizes.contains(&width) || !sizes.contains(&height) {
            return Err(chunk.damaged("a picture of an impossible size"));
        }
        let colour = match (colour, depth) {
            (0, 1 | 2 | 4 | 8 | 16) => Colour::Grey,
            (2, 8 | 16) => Colour::Rgb,
            (3, 1 | 2 | 4 | 8) => Colour::Palette,
            (4, 8 | 16) => Colour::GreyAlpha,
            (6, 8 | 16) => Colour::Rgba,
            _ => return Err(chunk.damaged("a colour type and depth that do not go together")),
        };
        if compression != 0 || filter != 0 || interlace > 1 {
            return Err(chunk.damaged("a compression, filter or interlace method that does not exist"));
        }
        Ok(Self { width, height, depth, colour, interlaced: interlace == 1 })
    }

    /// Bits of one pixel.
    pub(super) fn pixel_bits(self) -> u32 {
        let samples = match self.colour {
            Colour::Grey | Colour::Palette => 1,
            Colour::GreyAlpha => 2,
            Colour::Rgb => 3,
            Colour::Rgba => 4,
        };
        samples * u32::from(self.depth)
    }

    /// PNG §9.2: how far apart a filter takes neighbours to be, in bytes.
    pub(super) fn pixel_bytes(self) -> usize {
        self.pixel_bits().div_ceil(8) as usize
    }

    /// The largest sample.
    pub(super) fn sample_max(self) -> u16 {
        u16::MAX >> (16 - self.depth)
    }
}
