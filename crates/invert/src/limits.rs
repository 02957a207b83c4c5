//! What one file may ask of us.

use crate::error::InvertError;

/// Bounds of one call. Whatever the header tells is compared before any work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file. Default 32 MiB.
    pub file_max_bytes: usize,
    /// Pixels of one frame, whether it is decoded or not. Default 64 Mpx.
    pub pixels_max: u64,
    /// Pixels that may be decoded, all frames together; a format that is
    /// inverted in place decodes none. The memory of a call is in proportion
    /// to these pixels and the bytes of the file. Default 16.8 Mpx.
    pub decode_pixels_max: u64,
    /// Pixels of all frames together whose compressed rows are rewritten, some
    /// at a time (PNG, APNG). Default 64 Mpx.
    pub rewrite_pixels_max: u64,
    /// Frames of an animation. Default 10,000.
    pub frames_max: u32,
    /// Scans of a JPEG: each may cost a walk over all blocks. Default 100.
    pub scans_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_max_bytes: 32 << 20,
            pixels_max: 64_000_000,
            decode_pixels_max: 16_800_000,
            rewrite_pixels_max: 64_000_000,
            frames_max: 10_000,
            scans_max: 100,
        }
    }
}

impl Limits {
    pub(crate) fn check_file(&self, file_bytes: usize) -> Result<(), InvertError> {
        let file_max_bytes = self.file_max_bytes;
        if file_bytes <= file_max_bytes {
            Ok(())
        } else {
            Err(InvertError::FileTooLarge { file_bytes, file_max_bytes })
        }
    }

    pub(crate) fn check_frame(&self, width: u32, height: u32) -> Result<(), InvertError> {
        let pixels_max = self.pixels_max;
        if pixels(width, height) <= pixels_max {
            Ok(())
        } else {
            Err(InvertError::FrameTooLarge { width, height, pixels_max })
        }
    }

    /// For a picture that will be decoded.
    pub(crate) fn check_decode(&self, width: u32, height: u32) -> Result<(), InvertError> {
        self.check_frame(width, height)?;
        let decode_pixels_max = self.decode_pixels_max;
        if pixels(width, height) <= decode_pixels_max {
            Ok(())
        } else {
            Err(InvertError::DecodeTooLarge { width, height, decode_pixels_max })
        }
    }

    /// For all frames together, of a picture whose rows are rewritten.
    pub(crate) fn check_rewrite(&self, pixels: u64) -> Result<(), InvertError> {
        let rewrite_pixels_max = self.rewrite_pixels_max;
        if pixels <= rewrite_pixels_max {
            Ok(())
        } else {
            Err(InvertError::RewriteTooLarge { pixels, rewrite_pixels_max })
        }
    }

    pub(crate) fn check_frames(&self, frames: u32) -> Result<(), InvertError> {
        let frames_max = self.frames_max;
        if frames <= frames_max { Ok(()) } else { Err(InvertError::TooManyFrames { frames_max }) }
    }

    pub(crate) fn check_scans(&self, scans: u32) -> Result<(), InvertError> {
        let scans_max = self.scans_max;
        if scans <= scans_max { Ok(()) } else { Err(InvertError::TooManyScans { scans_max }) }
    }
}

fn pixels(width: u32, height: u32) -> u64 {
    u64::from(width) * u64::from(height)
}
