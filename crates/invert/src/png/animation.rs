//! Animated PNG: what its control chunks tell, and whether it is true.

use super::chunks::Chunk;
use super::header::Header;
use crate::error::InvertError;
use crate::limits::Limits;

/// Counts frames and numbers while the chunks go by.
#[derive(Debug)]
pub(super) struct Animation {
    frames: u32,
    frames_begun: u32,
    /// The number that the next chunk of the original must have.
    pub(super) next_read: u32,
    /// The number that the next chunk of the negative gets.
    pub(super) next_written: u32,
    /// The frame whose control chunk was the last, until its data came.
    open: Option<Region>,
}

/// The size of a frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Region {
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Animation {
    /// PNG 3rd edition §11.3.6.1: frames, and how often they are played.
    pub(super) fn parse(chunk: &Chunk<'_>, limits: &Limits) -> Result<Self, InvertError> {
        let &[a, b, c, d, _, _, _, _] = chunk.data else {
            return Err(chunk.damaged("an animation control chunk of a wrong length"));
        };
        let frames = u32::from_be_bytes([a, b, c, d]);
        if frames == 0 {
            return Err(chunk.damaged("an animation without frames"));
        }
        limits.check_frames(frames)?;
        Ok(Self { frames, frames_begun: 0, next_read: 0, next_written: 0, open: None })
    }

    /// A frame control chunk.
    pub(super) fn begin_frame(&mut self, chunk: &Chunk<'_>, header: Header) -> Result<Region, InvertError> {
        self.check_number(chunk)?;
        if self.open.is_some() || self.frames_begun == self.frames {
            return Err(chunk.damaged("more frames than the animation announces or has data for"));
        }
        self.frames_begun += 1;
        let region = parse_region(chunk, header)?;
        self.open = Some(region);
        Ok(region)
    }

    /// Whether the frame whose data comes was announced by a control chunk;
    /// the picture itself need not be a frame.
    pub(super) fn take_frame(&mut self) -> Option<Region> {
        self.open.take()
    }

    /// PNG 3rd edition §11.3.6: the chunks of an animation are numbered in the
    /// order of the file.
    pub(super) fn check_number(&mut self, chunk: &Chunk<'_>) -> Result<(), InvertError> {
        let number = chunk.data.first_chunk().map(|bytes| u32::from_be_bytes(*bytes));
        if number != Some(self.next_read) {
            return Err(chunk.damaged("animation chunks out of order"));
        }
        self.next_read += 1;
        Ok(())
    }

    /// The number for the next chunk of the negative.
    pub(super) fn number(&mut self) -> [u8; 4] {
        let number = self.next_written;
        self.next_written += 1;
        number.to_be_bytes()
    }

    /// At the end of the file.
    pub(super) fn check_complete(&self, end: &Chunk<'_>) -> Result<u32, InvertError> {
        if self.open.is_some() || self.frames_begun < self.frames {
            return Err(end.damaged("fewer frames than the animation announces"));
        }
        Ok(self.frames)
    }
}

/// PNG 3rd edition §11.3.6.2: number, size, place, delay, what happens before
/// and after.
fn parse_region(chunk: &Chunk<'_>, header: Header) -> Result<Region, InvertError> {
    let damaged = || Err(chunk.damaged("a frame control chunk that contradicts itself"));
    let Some((numbers, &[_, _, _, _, dispose, blend])) = chunk.data.split_first_chunk::<20>() else {
        return damaged();
    };
    let (numbers, _) = numbers.as_chunks::<4>();
    let &[_, width, height, left, top] = numbers else { return damaged() };
    let [width, height, left, top] = [width, height, left, top].map(u32::from_be_bytes);
    let fits = |size: u32, start: u32, canvas: u32| size > 0 && u64::from(start) + u64::from(size) <= canvas.into();
    if !fits(width, left, header.width) || !fits(height, top, header.height) || dispose > 2 || blend > 1 {
        return damaged();
    }
    Ok(Region { width, height })
}
