//! PNG. A palette is inverted in place; other pictures are decoded, inverted
//! and compressed again. All chunks are walked here, so that the codec sees
//! pixel data alone and what is kept is decided in one place.

mod ancillary;
mod chunks;
mod header;
mod pixels;

use crate::error::InvertError;
use crate::format::Format;
use crate::options::Options;
use crate::probe::{Method, Probe};
use crate::reader::Reader;
use crate::{Summary, flip};
use chunks::{Chunk, Chunks, SIGNATURE, write_chunk};
use header::{Colour, Header};

/// A whole file, taken apart and checked.
#[derive(Debug)]
struct Parts<'a> {
    /// The chunks from behind the header to before the pixel data.
    before: Vec<Chunk<'a>>,
    data: Vec<Chunk<'a>>,
    /// The chunks from behind the pixel data to the end chunk.
    after: Vec<Chunk<'a>>,
    /// What follows the end of the picture.
    trailing: &'a [u8],
}

/// Working memory.
#[derive(Debug, Default)]
pub(crate) struct Scratch {}

pub(crate) fn invert(
    file: &[u8],
    options: &Options,
    _scratch: &mut Scratch,
    out: &mut Vec<u8>,
) -> Result<Summary, InvertError> {
    let limits = &options.limits;
    let mut chunks = Chunks::new(file)?;
    let header = read_header(&mut chunks)?;
    match header.colour {
        Colour::Palette => limits.check_frame(header.width, header.height)?,
        Colour::Grey | Colour::Rgb | Colour::GreyAlpha | Colour::Rgba => {
            limits.check_decode(header.width, header.height)?;
            limits.check_rewrite(u64::from(header.width) * u64::from(header.height))?;
        }
    }
    let parts = take_apart(chunks, header)?;
    let bytes = match header.colour {
        Colour::Palette => assemble(&parts, header, &parts.data),
        Colour::Grey | Colour::Rgb | Colour::GreyAlpha | Colour::Rgba => {
            let encoded = pixels::invert(header, &parts.data)?;
            let data = pixels::data_chunks(&encoded);
            assemble(&parts, Header { interlaced: false, ..header }, &data)
        }
    };
    out.extend_from_slice(&bytes);
    Ok(Summary { format: Format::Png, width: header.width, height: header.height, frames: 1 })
}

pub(crate) fn probe(file: &[u8]) -> Result<Probe, InvertError> {
    let mut chunks = Chunks::new(file)?;
    let Header { width, height, depth, colour, .. } = read_header(&mut chunks)?;
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

fn read_header(chunks: &mut Chunks<'_>) -> Result<Header, InvertError> {
    let chunk = chunks.next()?;
    if &chunk.name != b"IHDR" {
        return Err(chunk.damaged("a first chunk that is no header"));
    }
    Header::parse(&chunk)
}

fn take_apart<'a>(mut chunks: Chunks<'a>, header: Header) -> Result<Parts<'a>, InvertError> {
    let mut parts = Parts { before: Vec::new(), data: Vec::new(), after: Vec::new(), trailing: &[] };
    let mut has_palette = false;
    loop {
        let chunk = chunks.next()?;
        chunk.check_critical()?;
        let (is_before_data, is_after_data) = (parts.data.is_empty(), !parts.after.is_empty());
        match &chunk.name {
            b"IHDR" => return Err(chunk.damaged("a second header")),
            b"PLTE" if has_palette || !is_before_data => return Err(chunk.damaged("a palette out of place")),
            b"PLTE" => {
                check_palette(&chunk)?;
                has_palette = true;
                parts.before.push(chunk);
            }
            b"acTL" if is_before_data => return Err(InvertError::UnsupportedFeature { feature: "animated PNG" }),
            b"IDAT" if is_after_data => return Err(chunk.damaged("pixel data that does not stand together")),
            b"IDAT" if header.colour == Colour::Palette && !has_palette => {
                return Err(chunk.damaged("no palette before the pixel data"));
            }
            b"IDAT" => parts.data.push(chunk),
            b"IEND" if is_before_data => return Err(chunk.damaged("no pixel data")),
            b"IEND" => {
                parts.after.push(chunk);
                parts.trailing = chunks.rest();
                return Ok(parts);
            }
            _ if is_before_data => parts.before.push(chunk),
            _ => parts.after.push(chunk),
        }
    }
}

/// PNG §11.2.2.
fn check_palette(chunk: &Chunk<'_>) -> Result<(), InvertError> {
    let entries = chunk.data.len() / 3;
    if chunk.data.len().is_multiple_of(3) && (1..=256).contains(&entries) {
        Ok(())
    } else {
        Err(chunk.damaged("a palette of an impossible size"))
    }
}

/// Writes the file anew, with other pixel data.
fn assemble(parts: &Parts<'_>, header: Header, data: &[Chunk<'_>]) -> Vec<u8> {
    let mut out = SIGNATURE.to_vec();
    write_chunk(&mut out, *b"IHDR", &header.to_bytes());
    let copied = parts.before.iter().chain(data).chain(&parts.after);
    for chunk in copied.filter(|chunk| ancillary::outlives_change(chunk.name)) {
        let mut changed = chunk.data.to_vec();
        match &chunk.name {
            b"PLTE" => flip(&mut changed),
            _ => ancillary::invert(chunk.name, &mut changed, header),
        }
        write_chunk(&mut out, chunk.name, &changed);
    }
    out.extend_from_slice(parts.trailing);
    out
}
