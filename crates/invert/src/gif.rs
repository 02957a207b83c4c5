//! GIF, in place: only colour tables change, so every frame, its timing and
//! its transparency stay as they are.

use std::ops::Range;

use crate::error::InvertError;
use crate::format::Format;
use crate::options::{Metadata, Options};
use crate::probe::{Method, Probe};
use crate::reader::Reader;
use crate::{Summary, flip};

// GIF89a specification, appendix A.
const EXTENSION: u8 = 0x21;
const IMAGE: u8 = 0x2C;
const TRAILER: u8 = 0x3B;
/// Text that is drawn; what stands before it would else apply to a frame.
const PLAIN_TEXT: u8 = 0x01;
const GRAPHIC_CONTROL: u8 = 0xF9;
const APPLICATION: u8 = 0xFF;

#[derive(Debug)]
struct Screen {
    width: u32,
    height: u32,
    colours: Option<Range<usize>>,
}

/// What comes next in a file.
#[derive(Debug)]
enum Block {
    Frame { width: u32, height: u32, colours: Option<Range<usize>> },
    Extension { is_needed: bool },
    Trailer,
}

pub(crate) fn invert(file: &[u8], options: &Options, bytes: &mut Vec<u8>) -> Result<Summary, InvertError> {
    let limits = &options.limits;
    let mut reader = Reader::new(file, Format::Gif);
    let screen = read_screen(&mut reader)?;
    limits.check_frame(screen.width, screen.height)?;
    let mut tables: Vec<_> = screen.colours.iter().cloned().collect();
    let mut dropped: Vec<Range<usize>> = Vec::new();
    let mut frames = 0;
    loop {
        let start = reader.position();
        match read_block(&mut reader)? {
            Block::Extension { is_needed: true } => {}
            Block::Extension { is_needed: false } => {
                drop_range(start..reader.position(), options.metadata, &mut dropped)
            }
            Block::Trailer => break,
            Block::Frame { width, height, colours } => {
                frames += 1;
                limits.check_frames(frames)?;
                limits.check_frame(width, height)?;
                // §18: such a picture has the colours of whatever was shown before; there are none to invert.
                if colours.is_none() && screen.colours.is_none() {
                    return Err(InvertError::UnsupportedFeature { feature: "GIF without a colour table" });
                }
                tables.extend(colours);
            }
        }
    }
    if frames == 0 {
        return Err(reader.damaged("no picture before the trailer"));
    }
    bytes.extend_from_slice(file);
    for table in tables {
        flip(&mut bytes[table]);
    }
    if options.metadata == Metadata::Strip {
        dropped.push(reader.position()..file.len());
        remove(&dropped, bytes);
    }
    Ok(Summary { format: Format::Gif, width: screen.width, height: screen.height, frames })
}

/// Adds to the ranges that go. Neighbours are one range, so that a file of
/// nothing but empty extensions does not ask for many times its size.
fn drop_range(range: Range<usize>, metadata: Metadata, dropped: &mut Vec<Range<usize>>) {
    match dropped.last_mut() {
        _ if metadata == Metadata::Keep => {}
        Some(last) if last.end == range.start => last.end = range.end,
        _ => dropped.push(range),
    }
}

/// Takes out ranges, which are sorted.
fn remove(ranges: &[Range<usize>], bytes: &mut Vec<u8>) {
    let (mut kept, mut read) = (0, 0);
    for range in ranges {
        bytes.copy_within(read..range.start, kept);
        kept += range.start - read;
        read = range.end;
    }
    bytes.copy_within(read.., kept);
    bytes.truncate(kept + bytes.len() - read);
}

pub(crate) fn probe(file: &[u8]) -> Result<Probe, InvertError> {
    let mut reader = Reader::new(file, Format::Gif);
    let Screen { width, height, .. } = read_screen(&mut reader)?;
    let frames = count_frames(reader).ok();
    Ok(Probe { format: Format::Gif, width, height, bits_per_sample: 8, frames, method: Method::ColourTables })
}

fn count_frames(mut reader: Reader<'_>) -> Result<u32, InvertError> {
    let mut frames = 0;
    loop {
        match read_block(&mut reader)? {
            Block::Frame { .. } => frames += 1,
            Block::Extension { .. } => {}
            Block::Trailer => return Ok(frames),
        }
    }
}

/// Header and logical screen descriptor (GIF89a §17, §18).
fn read_screen(reader: &mut Reader<'_>) -> Result<Screen, InvertError> {
    reader.take(b"GIF89a".len())?;
    let (width, height) = (reader.u16_le()?.into(), reader.u16_le()?.into());
    let [flags, _background, _aspect] = reader.array()?;
    Ok(Screen { width, height, colours: read_colours(reader, flags)? })
}

fn read_block(reader: &mut Reader<'_>) -> Result<Block, InvertError> {
    match reader.u8()? {
        EXTENSION => {
            let label = reader.u8()?;
            let is_needed = is_needed(label, reader.rest());
            skip_sub_blocks(reader)?;
            Ok(Block::Extension { is_needed })
        }
        IMAGE => {
            let [_left, _top, width, height] = read_words(reader)?;
            if width == 0 || height == 0 {
                return Err(reader.damaged("a frame without pixels"));
            }
            let flags = reader.u8()?;
            let colours = read_colours(reader, flags)?;
            let code_bits = reader.u8()?;
            // GIF89a appendix F: codes have at most 12 bits, so the smallest code size is at most 11.
            if !(1..=11).contains(&code_bits) {
                return Err(reader.damaged("an LZW code size that does not exist"));
            }
            if skip_sub_blocks(reader)? == 0 {
                return Err(reader.damaged("a frame without data"));
            }
            Ok(Block::Frame { width, height, colours })
        }
        TRAILER => Ok(Block::Trailer),
        _ => Err(reader.damaged("a block of an unknown kind")),
    }
}

/// Whether a picture looks other without an extension, of which `data` are the
/// sub-blocks. Loops and colour profiles are applications' extensions (§26).
fn is_needed(label: u8, data: &[u8]) -> bool {
    const NAMES: [&[u8]; 3] = [b"\x0BNETSCAPE2.0", b"\x0BANIMEXTS1.0", b"\x0BICCRGBG1012"];
    match label {
        GRAPHIC_CONTROL | PLAIN_TEXT => true,
        APPLICATION => NAMES.iter().any(|name| data.starts_with(name)),
        _ => false,
    }
}

fn read_words<const N: usize>(reader: &mut Reader<'_>) -> Result<[u32; N], InvertError> {
    let mut words = [0; N];
    for word in &mut words {
        *word = reader.u16_le()?.into();
    }
    Ok(words)
}

/// The colour table that `flags` announce, global or local alike (§19, §21).
fn read_colours(reader: &mut Reader<'_>, flags: u8) -> Result<Option<Range<usize>>, InvertError> {
    const HAS_TABLE: u8 = 0x80;
    if flags & HAS_TABLE == 0 {
        return Ok(None);
    }
    let start = reader.position();
    reader.take(3 << ((flags & 7) + 1))?;
    Ok(Some(start..reader.position()))
}

/// Skips data sub-blocks up to their terminator (§15, §16); returns the bytes
/// of data in them.
fn skip_sub_blocks(reader: &mut Reader<'_>) -> Result<usize, InvertError> {
    let mut data_bytes = 0;
    loop {
        let block_bytes = usize::from(reader.u8()?);
        if block_bytes == 0 {
            return Ok(data_bytes);
        }
        reader.take(block_bytes)?;
        data_bytes += block_bytes;
    }
}
