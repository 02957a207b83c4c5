//! WebP, still: decoded, inverted and encoded without loss. The codec writes
//! nothing else, so a lossy picture becomes a lossless, larger one.

use std::io::Cursor;

use image_webp::{ColorType, WebPDecoder, WebPEncoder};

use crate::error::InvertError;
use crate::format::Format;
use crate::options::Options;
use crate::probe::{Method, Probe};
use crate::reader::Reader;
use crate::vp8l::{self, Fault};
use crate::{Summary, exif, flip, flip_masked};

/// What the codec may hold for each pixel, and beside them. Chosen: four
/// planes of pixels, and tables.
const PIXEL_BYTES: usize = 16;
const CODEC_BYTES: usize = 16 << 20;

/// What the container tells.
#[derive(Debug, Clone, Copy)]
struct Layout {
    width: u32,
    height: u32,
    /// `None` for a still picture.
    animation: Option<Frames>,
}

/// The frames of an animation, where they could be counted.
type Frames = Option<u32>;

pub(crate) fn invert(file: &[u8], options: &Options, out: &mut Vec<u8>) -> Result<Summary, InvertError> {
    let Layout { width, height, animation } = read_layout(file)?;
    if animation.is_some() {
        return Err(InvertError::UnsupportedFeature { feature: "animated WebP" });
    }
    options.limits.check_decode(width, height)?;
    check_chunks(file, width, height)?;
    recode(file, width, height, out)?;
    Ok(Summary { format: Format::WebP, width, height, frames: 1 })
}

pub(crate) fn probe(file: &[u8]) -> Result<Probe, InvertError> {
    let Layout { width, height, animation } = read_layout(file)?;
    let method = match animation {
        Some(_) => Method::Refused { feature: "animated WebP" },
        None => Method::Recode,
    };
    let frames = animation.unwrap_or(Some(1));
    Ok(Probe { format: Format::WebP, width, height, bits_per_sample: 8, frames, method })
}

/// A chunk of the RIFF container: name, length, data, padding to an even
/// length (RFC 9649 §2.3).
fn read_chunk<'a>(reader: &mut Reader<'a>) -> Result<([u8; 4], &'a [u8]), InvertError> {
    let name = reader.array()?;
    let data_bytes = reader.u32_le()? as usize;
    let data = reader.take(data_bytes)?;
    // Some writers leave the padding of the very last chunk out.
    if !data_bytes.is_multiple_of(2) && !reader.rest().is_empty() {
        reader.take(1)?;
    }
    Ok((name, data))
}

/// The chunks of a whole file; what follows the container is not looked at.
fn open(file: &[u8]) -> Result<Reader<'_>, InvertError> {
    let mut reader = Reader::new(file, Format::WebP);
    reader.take(4)?;
    let riff_bytes = reader.u32_le()? as usize;
    let body = reader.take(riff_bytes)?;
    let mut chunks = Reader::new(body, Format::WebP);
    chunks.take(b"WEBP".len())?;
    Ok(chunks)
}

/// Size and kind from the first chunk (RFC 9649 §2.5 to §2.7).
fn read_layout(file: &[u8]) -> Result<Layout, InvertError> {
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
            const ANIMATION: u8 = 0x02;
            let [flags, _, _, _, w0, w1, w2, h0, h1, h2] = reader.array()?;
            let (width, height) = (u32::from_le_bytes([w0, w1, w2, 0]) + 1, u32::from_le_bytes([h0, h1, h2, 0]) + 1);
            let animation = (flags & ANIMATION != 0).then(|| count_frames(file).ok());
            Ok(Layout { width, height, animation })
        }
        _ => Err(reader.damaged("a first chunk of an unknown kind")),
    }
}

fn count_frames(file: &[u8]) -> Result<u32, InvertError> {
    let mut chunks = open(file)?;
    let mut frames = 0;
    while !chunks.rest().is_empty() {
        let (name, _) = read_chunk(&mut chunks)?;
        frames += u32::from(&name == b"ANMF");
    }
    Ok(frames)
}

/// The size in the header of a picture; `reader` stands at its data.
fn read_size(name: [u8; 4], reader: &mut Reader<'_>) -> Result<(u32, u32), InvertError> {
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

/// Walks the whole container of a still picture, so that the codec, which is
/// more patient, is only given what is complete.
fn check_chunks(file: &[u8], width: u32, height: u32) -> Result<(), InvertError> {
    let mut chunks = open(file)?;
    let mut pictures = 0;
    while !chunks.rest().is_empty() {
        let (name, data) = read_chunk(&mut chunks)?;
        check_codes(name, data, &chunks, width, height)?;
        if matches!(&name, b"VP8 " | b"VP8L") {
            pictures += 1;
            if read_size(name, &mut Reader::new(data, Format::WebP))? != (width, height) {
                return Err(chunks.damaged("a picture that is not as large as its canvas"));
            }
        }
    }
    if pictures == 1 { Ok(()) } else { Err(chunks.damaged("not exactly one picture")) }
}

/// Looks into lossless data, before the codec makes tables for it.
fn check_codes(name: [u8; 4], data: &[u8], chunks: &Reader<'_>, width: u32, height: u32) -> Result<(), InvertError> {
    let lossless = match (&name, data) {
        (b"VP8L", [_signature, _, _, _, _size_and_version, lossless @ ..]) => lossless,
        // RFC 9649 §2.7.1.2: the lowest two bits of alpha say how it is compressed.
        (b"ALPH", [flags, lossless @ ..]) if flags & 3 == 1 => lossless,
        _ => return Ok(()),
    };
    match vp8l::check_groups(lossless, width, height) {
        Ok(()) => Ok(()),
        Err(Fault::Damaged) => Err(chunks.damaged("lossless data whose codes are damaged")),
        Err(Fault::TooManyGroups) => {
            Err(InvertError::UnsupportedFeature { feature: "WebP with thousands of groups of codes" })
        }
    }
}

fn recode(file: &[u8], width: u32, height: u32, out: &mut Vec<u8>) -> Result<(), InvertError> {
    let damaged =
        |source: image_webp::DecodingError| InvertError::Pixels { format: Format::WebP, source: source.into() };
    let mut decoder = WebPDecoder::new(Cursor::new(file)).map_err(damaged)?;
    let pixels = width as usize * height as usize;
    decoder.set_memory_limit(pixels * PIXEL_BYTES + file.len() + CODEC_BYTES);
    let (colour, sample_count) = if decoder.has_alpha() { (ColorType::Rgba8, 4) } else { (ColorType::Rgb8, 3) };
    let mut samples = vec![0; pixels * sample_count];
    decoder.read_image(&mut samples).map_err(damaged)?;
    match sample_count {
        4 => flip_masked(&mut samples, &[0xFF, 0xFF, 0xFF, 0]),
        _ => flip(&mut samples),
    }
    let mut encoder = WebPEncoder::new(out);
    if let Some(profile) = decoder.icc_profile().map_err(damaged)? {
        encoder.set_icc_profile(profile);
    }
    if let Some(mut metadata) = decoder.exif_metadata().map_err(damaged)? {
        exif::unlink_thumbnail(&mut metadata);
        encoder.set_exif_metadata(metadata);
    }
    if let Some(metadata) = decoder.xmp_metadata().map_err(damaged)? {
        encoder.set_xmp_metadata(metadata);
    }
    let written = encoder.encode(&samples, width, height, colour);
    written.expect("memory takes all that is written, and the sizes are those of a WebP");
    Ok(())
}
