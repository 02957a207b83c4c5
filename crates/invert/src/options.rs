//! What a caller may choose.

use crate::limits::Limits;

/// How a negative is made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// What one file may ask for.
    pub limits: Limits,
    /// What happens to everything in a file that is not needed to show it.
    pub metadata: Metadata,
    /// How much time may be spent for a smaller file.
    pub effort: Effort,
}

/// What happens to everything in a file that is not needed to show it: EXIF,
/// XMP, IPTC, comments, text, times, thumbnails, bytes behind the picture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Metadata {
    /// It stays, byte for byte where the format allows; thumbnails and further
    /// pictures in it become negatives, too.
    #[default]
    Keep,
    /// It goes, for it may tell a place and a time. The orientation stays, and
    /// what tells colours: ICC profiles, gamma, colour space, density.
    Strip,
}

/// How much time may be spent for a smaller file. Changes PNG and WebP only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Effort {
    /// As fast as it goes.
    #[default]
    Fast,
    /// Smaller, in several times the time.
    Small,
}

impl From<Limits> for Options {
    fn from(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }
}
