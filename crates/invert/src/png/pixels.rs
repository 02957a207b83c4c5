//! Pixel data: decoded, inverted and compressed again.

use std::io::Cursor;

use png::{BitDepth, ColorType, Compression, DecodeOptions, Decoder, DecodingError, Encoder, Transformations};

use super::chunks::{Chunk, Chunks, SIGNATURE, write_chunk};
use super::header::{Colour, Header};
use crate::error::InvertError;
use crate::flip_masked;
use crate::format::Format;

/// What the codec may hold beside the pixels. Chosen: far above its window of
/// 32 KiB.
const CODEC_BYTES: usize = 16 << 20;

/// A file with the inverted pixels and nothing else in it.
pub(super) fn invert(header: Header, data: &[Chunk<'_>]) -> Result<Vec<u8>, InvertError> {
    let mut samples = decode(header, data)?;
    flip_masked(&mut samples, colour_mask(header));
    Ok(encode(header, &samples))
}

/// The pixel data in a file that [`invert`] made.
///
/// # Panics
///
/// When it did not.
pub(super) fn data_chunks(encoded: &[u8]) -> Vec<Chunk<'_>> {
    let mut chunks = Chunks::new(encoded).expect("the encoder writes the signature");
    let all = std::iter::from_fn(|| chunks.next().ok());
    all.filter(|chunk| &chunk.name == b"IDAT").collect()
}

/// The colour bits of one pixel; alpha is what is left out. Samples below 8
/// bits are all colour, and so may be the filling of a row's last byte.
fn colour_mask(header: Header) -> &'static [u8] {
    match (header.colour, header.depth) {
        (Colour::GreyAlpha, 16) => &[0xFF, 0xFF, 0, 0],
        (Colour::GreyAlpha, _) => &[0xFF, 0],
        (Colour::Rgba, 16) => &[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0],
        (Colour::Rgba, _) => &[0xFF, 0xFF, 0xFF, 0],
        (Colour::Grey | Colour::Rgb | Colour::Palette, _) => &[0xFF],
    }
}

/// The samples as the file packs them, row by row.
///
/// # Panics
///
/// When the caller allowed more pixels than there are addresses.
fn decode(header: Header, data: &[Chunk<'_>]) -> Result<Vec<u8>, InvertError> {
    let damaged = |source: DecodingError| InvertError::Pixels { format: Format::Png, source: source.into() };
    let raw_bytes = usize::try_from(header.raw_bytes()).expect("the caller's limit fits its memory");
    let file = minimal_file(header, data);
    let mut options = DecodeOptions::default();
    // The decoder trusts this one by default; it is what tells a cut from an end.
    options.set_ignore_adler32(false);
    let mut decoder = Decoder::new_with_options(Cursor::new(&file), options);
    decoder.set_limits(png::Limits { bytes: raw_bytes.saturating_add(CODEC_BYTES) });
    decoder.set_transformations(Transformations::IDENTITY);
    let mut reader = decoder.read_info().map_err(damaged)?;
    let mut samples = vec![0; raw_bytes];
    reader.next_frame(&mut samples).map_err(damaged)?;
    reader.finish().map_err(damaged)?;
    Ok(samples)
}

/// Only what pixels need: the codec inflates no profile or text of a stranger.
fn minimal_file(header: Header, data: &[Chunk<'_>]) -> Vec<u8> {
    let mut file = SIGNATURE.to_vec();
    write_chunk(&mut file, *b"IHDR", &header.to_bytes());
    for chunk in data {
        write_chunk(&mut file, chunk.name, chunk.data);
    }
    write_chunk(&mut file, *b"IEND", &[]);
    file
}

/// # Panics
///
/// When `samples` are not those of `header`.
fn encode(header: Header, samples: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, header.width, header.height);
    encoder.set_color(match header.colour {
        Colour::Grey => ColorType::Grayscale,
        Colour::Rgb => ColorType::Rgb,
        Colour::Palette => ColorType::Indexed,
        Colour::GreyAlpha => ColorType::GrayscaleAlpha,
        Colour::Rgba => ColorType::Rgba,
    });
    encoder.set_depth(match header.depth {
        1 => BitDepth::One,
        2 => BitDepth::Two,
        4 => BitDepth::Four,
        16 => BitDepth::Sixteen,
        _ => BitDepth::Eight,
    });
    encoder.set_compression(Compression::Fast);
    let written = encoder.write_header().and_then(|mut writer| {
        writer.write_image_data(samples)?;
        writer.finish()
    });
    written.expect("memory takes all that is written, and the decoder gave these samples by this header");
    out
}
