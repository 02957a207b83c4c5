//! Why there is no negative.

use std::error::Error as StdError;

use thiserror::Error;

use crate::format::Format;

/// Every cause, with the values that decided.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InvertError {
    /// No bytes at all.
    #[error("the file is empty")]
    Empty,
    /// The content is of no image format that we know.
    #[error("this is not an image of a known format")]
    NotAnImage,
    /// An image format that we recognise and do not invert.
    #[error("{format} is not supported")]
    UnsupportedFormat {
        /// What people call it.
        format: &'static str,
    },
    /// One of our formats, with something in it that we do not invert.
    #[error("{feature} is not supported")]
    UnsupportedFeature {
        /// Reads as a noun: "animated WebP".
        feature: &'static str,
    },
    /// The file ends too early.
    #[error("the {format} file is cut short: it ends after {file_bytes} bytes")]
    Truncated {
        /// What the file claims to be.
        format: Format,
        /// What there is of it.
        file_bytes: usize,
    },
    /// The file contradicts itself or its standard.
    #[error("the {format} file is damaged at byte {offset}: {fault}")]
    Damaged {
        /// What the file claims to be.
        format: Format,
        /// What is wrong.
        fault: &'static str,
        /// Where, from the start of the file.
        offset: usize,
    },
    /// A checksum does not fit what it protects.
    #[error(
        "the {format} file is damaged at byte {offset}: its checksum is {stored:08x}, the data's is {computed:08x}"
    )]
    Checksum {
        /// What the file claims to be.
        format: Format,
        /// Where the part begins, from the start of the file.
        offset: usize,
        /// The checksum in the file.
        stored: u32,
        /// The checksum of the data in the file.
        computed: u32,
    },
    /// The codec could not decode the pixels.
    #[error("the pixels of the {format} file are damaged")]
    Pixels {
        /// What the file claims to be.
        format: Format,
        /// What the codec says.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// Too many bytes.
    #[error("the file has {file_bytes} bytes, at most {file_max_bytes} are allowed")]
    FileTooLarge {
        /// Bytes of the file.
        file_bytes: usize,
        /// [`Limits::file_max_bytes`](crate::Limits::file_max_bytes).
        file_max_bytes: usize,
    },
    /// One frame has too many pixels.
    #[error("the picture is {width} x {height}, at most {pixels_max} pixels are allowed")]
    FrameTooLarge {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
        /// [`Limits::pixels_max`](crate::Limits::pixels_max).
        pixels_max: u64,
    },
    /// More pixels would have to be decoded than allowed.
    #[error("the picture is {width} x {height}, at most {decode_pixels_max} pixels can be decoded")]
    DecodeTooLarge {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
        /// [`Limits::decode_pixels_max`](crate::Limits::decode_pixels_max).
        decode_pixels_max: u64,
    },
    /// More pixels than may be rewritten, all frames together.
    #[error("the frames have {pixels} pixels together, at most {rewrite_pixels_max} are allowed")]
    RewriteTooLarge {
        /// Pixels of the frames up to the first one too many.
        pixels: u64,
        /// [`Limits::rewrite_pixels_max`](crate::Limits::rewrite_pixels_max).
        rewrite_pixels_max: u64,
    },
    /// Too many frames; counting stops at the first one too many.
    #[error("the animation has more than {frames_max} frames")]
    TooManyFrames {
        /// [`Limits::frames_max`](crate::Limits::frames_max).
        frames_max: u32,
    },
    /// Too many scans; counting stops at the first one too many.
    #[error("the JPEG has more than {scans_max} scans")]
    TooManyScans {
        /// [`Limits::scans_max`](crate::Limits::scans_max).
        scans_max: u32,
    },
    /// More segments than any picture needs; counting stops at the first one
    /// too many.
    #[error("the JPEG has more than {segments_max} segments")]
    TooManySegments {
        /// The bound, scans included.
        segments_max: usize,
    },
}

/// What a caller tells the one who sent the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// There is nothing.
    Empty,
    /// Send an image.
    NotAnImage,
    /// Send it in another format.
    Unsupported,
    /// Send it again, whole.
    Broken,
    /// Send a smaller one.
    TooLarge,
}

impl InvertError {
    /// The group that this cause belongs to.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Empty => ErrorKind::Empty,
            Self::NotAnImage => ErrorKind::NotAnImage,
            Self::UnsupportedFormat { .. } | Self::UnsupportedFeature { .. } => ErrorKind::Unsupported,
            Self::Truncated { .. } | Self::Damaged { .. } | Self::Checksum { .. } | Self::Pixels { .. } => {
                ErrorKind::Broken
            }
            Self::FileTooLarge { .. }
            | Self::FrameTooLarge { .. }
            | Self::DecodeTooLarge { .. }
            | Self::RewriteTooLarge { .. }
            | Self::TooManyFrames { .. }
            | Self::TooManyScans { .. }
            | Self::TooManySegments { .. } => ErrorKind::TooLarge,
        }
    }
}
