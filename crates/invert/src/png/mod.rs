//! PNG. A palette is inverted in place; of other pictures the filtered bytes are
//! mapped to those of the negative, and packed again with the copies that they
//! had. Nothing is decoded, and no more than a window of a picture unpacked.

mod ancillary;
mod animation;
mod chunks;
mod data;
mod header;
mod map;
mod neighbours;
mod passes;
mod rewrite;

use crate::Summary;
use crate::error::InvertError;
use crate::flip;
use crate::format::Format;
use crate::options::{Metadata, Options};
use crate::probe::{Method, Probe};
use crate::reader::Reader;
use ancillary::Fate;
use animation::{Animation, Region};
use chunks::{Chunk, Chunks, SIGNATURE, write_chunk};
use data::{DataWriter, Kind};
use header::{Colour, Header};
use rewrite::Frame;
pub(crate) use rewrite::Scratch;

pub(crate) fn invert(
    file: &[u8],
    options: &Options,
    scratch: &mut Scratch,
    out: &mut Vec<u8>,
) -> Result<Summary, InvertError> {
    let mut chunks = Chunks::new(file)?;
    let header_chunk = chunks.next()?;
    let header = Header::parse(&header_chunk)?;
    let Header { width, height, .. } = header;
    options.limits.check_frame(width, height)?;
    // Negatives are about as long as what they are made from.
    out.reserve(file.len() + file.len() / 16 + 1024);
    out.extend_from_slice(&SIGNATURE);
    out.extend_from_slice(header_chunk.whole);
    let mut negative = Negative {
        header,
        options,
        scratch,
        out,
        stage: Stage::Before,
        has_palette: false,
        animation: None,
        pixels: 0,
    };
    negative.count_pixels(Region { width, height })?;
    let frames = negative.write(&mut chunks)?;
    Ok(Summary { format: Format::Png, width, height, frames })
}

pub(crate) fn probe(file: &[u8]) -> Result<Probe, InvertError> {
    let mut chunks = Chunks::new(file)?;
    let Header { width, height, depth, colour, .. } = Header::parse(&chunks.next()?)?;
    let (bits_per_sample, method) = match colour {
        Colour::Palette => (8, Method::ColourTables),
        Colour::Grey | Colour::Rgb | Colour::GreyAlpha | Colour::Rgba => (depth, Method::FilteredBytes),
    };
    let frames = count_frames(chunks).ok();
    Ok(Probe { format: Format::Png, width, height, bits_per_sample, frames, method })
}

/// PNG 3rd edition §11.3.6.1: the animation control chunk comes before the
/// pixel data and begins with the number of frames.
fn count_frames(mut chunks: Chunks<'_>) -> Result<u32, InvertError> {
    loop {
        let chunk = chunks.next()?;
        match &chunk.name {
            b"acTL" => return Reader::new(chunk.data, Format::Png).u32_be(),
            b"IDAT" => return Ok(1),
            _ => {}
        }
    }
}

/// Where among the chunks we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Before,
    /// Behind the pixel data of the picture, among frames if there are any.
    After,
}

/// A file that is written chunk by chunk, as the original is read.
#[derive(Debug)]
struct Negative<'a> {
    header: Header,
    options: &'a Options,
    scratch: &'a mut Scratch,
    out: &'a mut Vec<u8>,
    stage: Stage,
    has_palette: bool,
    animation: Option<Animation>,
    /// Of all frames so far.
    pixels: u64,
}

impl Negative<'_> {
    /// Everything behind the header; returns how many frames there are.
    fn write<'f>(&mut self, chunks: &mut Chunks<'f>) -> Result<u32, InvertError> {
        let mut chunk = chunks.next()?;
        loop {
            chunk.check_critical()?;
            chunk = match (&chunk.name, self.stage) {
                (b"IHDR", _) => return Err(chunk.damaged("a second header")),
                (b"PLTE", _) => self.palette(chunk, chunks)?,
                (b"IDAT", Stage::Before) => self.picture(chunk, chunks)?,
                (b"IDAT", Stage::After) => return Err(chunk.damaged("pixel data that does not stand together")),
                (b"IEND", Stage::Before) => return Err(chunk.damaged("no pixel data")),
                (b"IEND", Stage::After) => return self.end(&chunk, chunks.rest()),
                (b"acTL", Stage::Before) => self.animation_control(chunk, chunks)?,
                (b"fcTL", _) if self.animation.is_some() => self.frame_control(chunk, chunks)?,
                (b"fdAT", _) if self.animation.is_some() => self.frame(chunk, chunks)?,
                _ => self.beside(chunk, chunks)?,
            }
        }
    }

    fn palette<'f>(&mut self, chunk: Chunk<'f>, chunks: &mut Chunks<'f>) -> Result<Chunk<'f>, InvertError> {
        if self.has_palette || self.stage == Stage::After {
            return Err(chunk.damaged("a palette out of place"));
        }
        // PNG §11.2.2.
        let entries = chunk.data.len() / 3;
        if !chunk.data.len().is_multiple_of(3) || !(1..=256).contains(&entries) {
            return Err(chunk.damaged("a palette of an impossible size"));
        }
        self.has_palette = true;
        write_chunk(self.out, chunk.name, chunk.data, flip);
        chunks.next()
    }

    fn picture<'f>(&mut self, chunk: Chunk<'f>, chunks: &mut Chunks<'f>) -> Result<Chunk<'f>, InvertError> {
        if self.header.colour == Colour::Palette && !self.has_palette {
            return Err(chunk.damaged("no palette before the pixel data"));
        }
        self.stage = Stage::After;
        let Header { width, height, .. } = self.header;
        if let Some(region) = self.animation.as_mut().and_then(Animation::take_frame) {
            // PNG 3rd edition §11.3.6.2: where the picture is a frame, it is the whole one.
            if (region.width, region.height) != (width, height) {
                return Err(chunk.damaged("a first frame that is smaller than the picture"));
            }
        }
        self.data(Kind::Picture, Region { width, height }, chunk, chunks)
    }

    fn animation_control<'f>(&mut self, chunk: Chunk<'f>, chunks: &mut Chunks<'f>) -> Result<Chunk<'f>, InvertError> {
        if self.animation.is_some() {
            return Err(chunk.damaged("a second animation control chunk"));
        }
        self.animation = Some(Animation::parse(&chunk, &self.options.limits)?);
        self.out.extend_from_slice(chunk.whole);
        chunks.next()
    }

    fn frame_control<'f>(&mut self, chunk: Chunk<'f>, chunks: &mut Chunks<'f>) -> Result<Chunk<'f>, InvertError> {
        let Some(animation) = &mut self.animation else { return chunks.next() };
        let region = animation.begin_frame(&chunk, self.header)?;
        let number = animation.number();
        write_chunk(self.out, chunk.name, chunk.data, |data| data[..number.len()].copy_from_slice(&number));
        if self.stage == Stage::After {
            self.count_pixels(region)?;
        }
        chunks.next()
    }

    fn frame<'f>(&mut self, chunk: Chunk<'f>, chunks: &mut Chunks<'f>) -> Result<Chunk<'f>, InvertError> {
        let region = self.animation.as_mut().and_then(Animation::take_frame);
        match region.filter(|_| self.stage == Stage::After) {
            Some(region) => self.data(Kind::Frame, region, chunk, chunks),
            None => Err(chunk.damaged("a frame's data out of place")),
        }
    }

    /// All pixel data from `chunk` on that stands together; returns the chunk
    /// behind it.
    fn data<'f>(
        &mut self,
        kind: Kind,
        Region { width, height }: Region,
        chunk: Chunk<'f>,
        chunks: &mut Chunks<'f>,
    ) -> Result<Chunk<'f>, InvertError> {
        let is_palette = self.header.colour == Colour::Palette;
        let mut joined = std::mem::take(&mut self.scratch.joined);
        joined.clear();
        let mut next = chunk;
        let mut parts = 0;
        while next.name == kind.name() {
            if let (Kind::Frame, Some(animation)) = (kind, &mut self.animation) {
                animation.check_number(&next)?;
            }
            let data = kind.pixel_data(&next)?;
            if is_palette {
                self.out.extend_from_slice(next.whole);
                if let (Kind::Frame, Some(animation)) = (kind, &mut self.animation) {
                    animation.next_written += 1;
                }
            } else if parts > 0 {
                if parts == 1 {
                    joined.extend_from_slice(kind.pixel_data(&chunk)?);
                }
                joined.extend_from_slice(data);
            }
            parts += 1;
            next = chunks.next()?;
        }
        if !is_palette {
            let stream = if parts > 1 { &joined } else { kind.pixel_data(&chunk)? };
            let frame =
                Frame { header: self.header, width, height, stream, offset: chunk.offset, effort: self.options.effort };
            let mut none = 0;
            let number = self.animation.as_mut().map_or(&mut none, |animation| &mut animation.next_written);
            frame.rewrite(self.scratch, DataWriter::new(self.out, kind, number))?;
        }
        self.scratch.joined = joined;
        Ok(next)
    }

    /// Chunks beside the pixels.
    fn beside<'f>(&mut self, chunk: Chunk<'f>, chunks: &mut Chunks<'f>) -> Result<Chunk<'f>, InvertError> {
        let is_stripped = self.options.metadata == Metadata::Strip;
        match ancillary::fate(chunk.name) {
            Fate::Shown => {
                write_chunk(self.out, chunk.name, chunk.data, |data| ancillary::invert(chunk.name, data, self.header));
            }
            Fate::Told if !is_stripped => {
                write_chunk(self.out, chunk.name, chunk.data, |data| ancillary::invert(chunk.name, data, self.header));
            }
            Fate::Told => ancillary::write_orientation(self.out, &chunk),
            Fate::Dropped => {}
        }
        chunks.next()
    }

    fn end(&mut self, chunk: &Chunk<'_>, trailing: &[u8]) -> Result<u32, InvertError> {
        let frames = self.animation.as_ref().map_or(Ok(1), |animation| animation.check_complete(chunk))?;
        self.out.extend_from_slice(chunk.whole);
        match self.options.metadata {
            Metadata::Keep => self.out.extend_from_slice(trailing),
            Metadata::Strip => {}
        }
        Ok(frames)
    }

    /// Refuses a frame too many before any of it is read. A palette's pixels
    /// are not touched.
    fn count_pixels(&mut self, Region { width, height }: Region) -> Result<(), InvertError> {
        if self.header.colour == Colour::Palette {
            return Ok(());
        }
        self.pixels = self.pixels.saturating_add(u64::from(width) * u64::from(height));
        self.options.limits.check_rewrite(self.pixels)
    }
}
