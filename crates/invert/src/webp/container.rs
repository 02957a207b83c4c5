//! The RIFF container of WebP (RFC 9649 §2).

use crate::error::InvertError;
use crate::format::Format;
use crate::reader::Reader;

/// Bits of the first byte of a `VP8X` chunk (RFC 9649 §2.7).
pub(super) const XMP: u8 = 0x04;
pub(super) const EXIF: u8 = 0x08;
pub(super) const ALPHA: u8 = 0x10;
const ANIMATION: u8 = 0x02;
/// Where a frame is, how large, how long, and how it is put on the canvas.
pub(super) const FRAME_HEADER_BYTES: usize = 16;

/// A chunk's name and length.
pub(super) const CHUNK_HEADER_BYTES: usize = 8;

/// A chunk: its name and what is in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chunk<'a> {
    pub(super) name: [u8; 4],
    pub(super) data: &'a [u8],
}

/// What the container tells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    pub(super) width: u32,
    pub(super) height: u32,
    /// `None` for a still picture.
    pub(super) animation: Option<Frames>,
}

/// The frames of an animation, where they could be counted.
pub(super) type Frames = Option<u32>;

/// Name, length, data, padding to an even length (§2.3).
pub(super) fn read_chunk<'a>(reader: &mut Reader<'a>) -> Result<Chunk<'a>, InvertError> {
    let name = reader.array()?;
    let data_bytes = reader.u32_le()? as usize;
    let data = reader.take(data_bytes)?;
    // Some writers leave the padding of the very last chunk out.
    if !data_bytes.is_multiple_of(2) && !reader.rest().is_empty() {
        reader.take(1)?;
    }
    Ok(Chunk { name, data })
}

pub(super) fn write_chunk(name: [u8; 4], data: &[u8], out: &mut Vec<u8>) {
    let start = begin_chunk(name, out);
    out.extend_from_slice(data);
    end_chunk(start, out);
}

/// Begins a chunk whose length is not known; tells where its data begin.
pub(super) fn begin_chunk(name: [u8; 4], out: &mut Vec<u8>) -> usize {
    out.extend(name);
    out.extend([0; 4]);
    out.len()
}

pub(super) fn end_chunk(start: usize, out: &mut Vec<u8>) {
    let data_bytes = out.len() - start;
    let length = u32::try_from(data_bytes).expect("codecs write no more than a WebP may hold");
    out[start - 4..start].copy_from_slice(&length.to_le_bytes());
    if !data_bytes.is_multiple_of(2) {
        out.push(0);
    }
}

/// The chunks of a whole file, and what follows the container.
pub(super) fn open(file: &[u8]) -> Result<(Reader<'_>, &[u8]), InvertError> {
    let mut reader = Reader::new(file, Format::WebP);
    reader.take(4)?;
    let riff_bytes = reader.u32_le()? as usize;
    let body = reader.take(riff_bytes)?;
    let mut chunks = Reader::new(body, Format::WebP);
    chunks.take(b"WEBP".len())?;
    Ok((chunks, reader.rest()))
}

/// Size and kind from the first chunk (§2.5 to §2.7).
pub(super) fn read_layout(file: &[u8]) -> Result<Layout, InvertError> {
    let mut reader = Reader::new(file, Format::WebP);
    reader.take(12)?;
    let name = reader.array()?;
    reader.take(4)?;
    match &name {
        b"VP8 " | b"VP8L" => {
            let (width, height) = read_size(name, &mut reader)?;
            Ok(Layout { width, height, animation: None })
        }
        b"VP8X" => {
            let [flags, _, _, _, w0, w1, w2, h0, h1, h2] = reader.array()?;
            let (width, height) = (read_24([w0, w1, w2]) + 1, read_24([h0, h1, h2]) + 1);
            let animation = (flags & ANIMATION != 0).then(|| count_frames(file).ok());
            Ok(Layout { width, height, animation })
        }
        _ => Err(reader.damaged("a first chunk of an unknown kind")),
    }
}

/// Width and height in the header of an animation's frame (§2.7.1.1).
pub(super) fn read_frame_size(frame: &[u8]) -> Result<(u32, u32), InvertError> {
    let header = Reader::new(frame, Format::WebP).array::<FRAME_HEADER_BYTES>()?;
    let [_, _, _, _, _, _, w0, w1, w2, h0, h1, h2, ..] = header;
    Ok((read_24([w0, w1, w2]) + 1, read_24([h0, h1, h2]) + 1))
}

fn read_24([low, middle, high]: [u8; 3]) -> u32 {
    u32::from_le_bytes([low, middle, high, 0])
}

fn count_frames(file: &[u8]) -> Result<u32, InvertError> {
    let (mut chunks, _) = open(file)?;
    let mut frames = 0;
    while !chunks.rest().is_empty() {
        frames += u32::from(&read_chunk(&mut chunks)?.name == b"ANMF");
    }
    Ok(frames)
}

/// The size in the header of a picture; `reader` stands at its data.
pub(super) fn read_size(name: [u8; 4], reader: &mut Reader<'_>) -> Result<(u32, u32), InvertError> {
    const SIZE: u32 = 0x3FFF;
    let (width, height) = if &name == b"VP8 " {
        // RFC 6386 §9.1: frame tag, start code, then two sizes of 14 bits, each with two bits of scaling.
        let [_, _, _, 0x9D, 0x01, 0x2A] = reader.array()? else {
            return Err(reader.damaged("no start code of a key frame"));
        };
        (u32::from(reader.u16_le()?) & SIZE, u32::from(reader.u16_le()?) & SIZE)
    } else {
        // RFC 9649 §3.4: signature, then two sizes of 14 bits less one.
        let [0x2F] = reader.array()? else { return Err(reader.damaged("no signature of a lossless picture")) };
        let sizes = reader.u32_le()?;
        ((sizes & SIZE) + 1, (sizes >> 14 & SIZE) + 1)
    };
    if width == 0 || height == 0 {
        return Err(reader.damaged("a picture without pixels"));
    }
    Ok((width, height))
}
