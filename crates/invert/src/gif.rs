//! GIF, in place: only colour tables change, so every frame, its timing and
//! its transparency stay as they are.

use std::ops::Range;

use crate::error::InvertError;
use crate::format::Format;
use crate::options::Options;
use crate::probe::{Method, Probe};
use crate::reader::Reader;
use crate::{Summary, flip};

// GIF89a specification, appendix A.
const EXTENSION: u8 = 0x21;
const IMAGE: u8 = 0x2C;
const TRAILER: u8 = 0x3B;

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
    Extension,
    Trailer,
}

pub(crate) fn invert(file: &[u8], options: &Options, bytes: &mut Vec<u8>) -> Result<Summary, InvertError> {
    let limits = &options.limits;
    let mut reader = Reader::new(file, Format::Gif);
    let screen = read_screen(&mut reader)?;
    limits.check_frame(screen.width, screen.height)?;
    let mut tables: Vec<_> = screen.colours.iter().cloned().collect();
    let mut frames = 0;
    loop {
        match read_block(&mut reader)? {
            Block::Extension => {}
            Block::Trailer => break,
            Block::Frame { width, height, colours } => {
                frames += 1;
                limits.check_frames(frames)?;
                limits.check_frame(width, height)?;
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
    Ok(Summary { format: Format::Gif, width: screen.width, height: screen.height, frames })
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
            Block::Extension => {}
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
            let _label = reader.u8()?;
            skip_sub_blocks(reader)?;
            Ok(Block::Extension)
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
