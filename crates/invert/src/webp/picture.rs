//! One picture of a WebP file: decoded, inverted, encoded, lossy or lossless
//! as it was.
//!
//! VP8 has no negative in the compressed domain: the borders that the first
//! blocks are predicted from are constants (RFC 6386 §12.2: 127 and 129), not
//! symmetric ones, and the error would grow from block to block.

use std::io::Cursor;

use image_webp::{ColorType, DecodingError, WebPDecoder, WebPEncoder};
use webp::{Encoder, WebPConfig, WebPEncodingError};

use crate::error::InvertError;
use crate::format::Format;
use crate::options::Effort;
use crate::reader::Reader;
use crate::vp8l::{self, Fault};
use crate::{flip, flip_masked};

use super::container::{
    ALPHA, CHUNK_HEADER_BYTES, Chunk, begin_chunk, end_chunk, open, read_chunk, read_size, write_chunk,
};
use super::quality;

/// What the codec may hold for each pixel, and beside them. Chosen: four
/// planes of pixels, and tables.
const PIXEL_BYTES: usize = 16;
const CODEC_BYTES: usize = 16 << 20;

/// A picture's chunk, and that of its alpha, which a lossy one keeps outside.
#[derive(Debug, Clone, Copy)]
pub(super) struct Picture<'a> {
    pub(super) chunk: Chunk<'a>,
    pub(super) alpha: Option<&'a [u8]>,
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Picture<'_> {
    /// Writes the chunk of the negative. That of the alpha is the same as
    /// before.
    pub(super) fn invert(&self, effort: Effort, out: &mut Vec<u8>) -> Result<(), InvertError> {
        let (mut samples, has_alpha) = self.decode()?;
        let encoded = if &self.chunk.name == b"VP8L" {
            if has_alpha {
                flip_masked(&mut samples, &[0xFF, 0xFF, 0xFF, 0]);
            } else {
                flip(&mut samples);
            }
            self.encode_lossless(&samples, has_alpha, effort)?
        } else {
            if has_alpha {
                drop_alpha(&mut samples);
            }
            flip(&mut samples);
            self.encode_lossy(&samples, effort)?
        };
        let (mut chunks, _) = open(&encoded)?;
        while !chunks.rest().is_empty() {
            let Chunk { name, data } = read_chunk(&mut chunks)?;
            if name == self.chunk.name {
                let start = out.len() + CHUNK_HEADER_BYTES;
                write_chunk(name, data, out);
                if &name == b"VP8L" {
                    self.keep_alpha_hint(&mut out[start..]);
                }
            }
        }
        Ok(())
    }

    /// An encoder says of opaque samples that they have no alpha. The picture
    /// said what it said, and readers choose their kind of pixels by it.
    fn keep_alpha_hint(&self, lossless: &mut [u8]) {
        // RFC 9649 §3.4: signature, two sizes of 14 bits, and whether alpha is used.
        const AT: usize = 4;
        const ALPHA_IS_USED: u8 = 0x10;
        if let (Some(written), Some(before)) = (lossless.get_mut(AT), self.chunk.data.get(AT)) {
            *written = *written & !ALPHA_IS_USED | before & ALPHA_IS_USED;
        }
    }

    /// A file with this picture alone.
    fn as_file(&self) -> Vec<u8> {
        let mut file = Vec::new();
        let start = begin_chunk(*b"RIFF", &mut file);
        file.extend(b"WEBP");
        if let Some(alpha) = self.alpha {
            let [w0, w1, w2, _] = (self.width - 1).to_le_bytes();
            let [h0, h1, h2, _] = (self.height - 1).to_le_bytes();
            write_chunk(*b"VP8X", &[ALPHA, 0, 0, 0, w0, w1, w2, h0, h1, h2], &mut file);
            write_chunk(*b"ALPH", alpha, &mut file);
        }
        write_chunk(self.chunk.name, self.chunk.data, &mut file);
        end_chunk(start, &mut file);
        file
    }

    fn decode(&self) -> Result<(Vec<u8>, bool), InvertError> {
        let damaged = |source: DecodingError| InvertError::Pixels { format: Format::WebP, source: source.into() };
        let mut decoder = WebPDecoder::new(Cursor::new(self.as_file())).map_err(damaged)?;
        let pixels = self.width as usize * self.height as usize;
        decoder.set_memory_limit(pixels * PIXEL_BYTES + self.chunk.data.len() + CODEC_BYTES);
        let has_alpha = decoder.has_alpha();
        let mut samples = vec![0; pixels * if has_alpha { 4 } else { 3 }];
        decoder.read_image(&mut samples).map_err(damaged)?;
        Ok((samples, has_alpha))
    }

    fn encode_lossless(&self, samples: &[u8], has_alpha: bool, effort: Effort) -> Result<Vec<u8>, InvertError> {
        match effort {
            Effort::Fast => {
                let colour = if has_alpha { ColorType::Rgba8 } else { ColorType::Rgb8 };
                let mut file = Vec::new();
                let written = WebPEncoder::new(&mut file).encode(samples, self.width, self.height, colour);
                written.expect("memory takes all that is written, and the sizes are those of a WebP");
                Ok(file)
            }
            Effort::Small => {
                let encoder = if has_alpha {
                    Encoder::from_rgba(samples, self.width, self.height)
                } else {
                    Encoder::from_rgb(samples, self.width, self.height)
                };
                // Colours below full transparency stay, too.
                encode(&encoder, &WebPConfig { lossless: 1, exact: 1, quality: 75.0, ..config()? })
            }
        }
    }

    fn encode_lossy(&self, samples: &[u8], effort: Effort) -> Result<Vec<u8>, InvertError> {
        let encoder = Encoder::from_rgb(samples, self.width, self.height);
        let method = match effort {
            Effort::Fast => 4,
            Effort::Small => 6,
        };
        let config = WebPConfig { quality: quality::estimate(self.chunk.data), method, ..config()? };
        encode(&encoder, &config)
    }
}

fn config() -> Result<WebPConfig, InvertError> {
    WebPConfig::new().map_err(|()| refused(WebPEncodingError::VP8_ENC_ERROR_INVALID_CONFIGURATION))
}

fn encode(encoder: &Encoder<'_>, config: &WebPConfig) -> Result<Vec<u8>, InvertError> {
    Ok(encoder.encode_advanced(config).map_err(refused)?.to_vec())
}

fn refused(error: WebPEncodingError) -> InvertError {
    InvertError::Pixels { format: Format::WebP, source: format!("the encoder answers {error:?}").into() }
}

fn drop_alpha(samples: &mut Vec<u8>) {
    let pixels = samples.len() / 4;
    for pixel in 0..pixels {
        samples.copy_within(4 * pixel..4 * pixel + 3, 3 * pixel);
    }
    samples.truncate(3 * pixels);
}

/// The picture among chunks, with the size in its own header, which must be
/// that of its frame or canvas.
pub(super) fn find<'a>(chunks: &Reader<'a>, (width, height): (u32, u32)) -> Result<Picture<'a>, InvertError> {
    let mut reader = chunks.clone();
    let (mut picture, mut alpha) = (None, None);
    while !reader.rest().is_empty() {
        let chunk = read_chunk(&mut reader)?;
        match &chunk.name {
            b"VP8 " | b"VP8L" if picture.is_some() => return Err(reader.damaged("more than one picture")),
            b"VP8 " | b"VP8L" => picture = Some(chunk),
            b"ALPH" => alpha = alpha.or(Some(chunk.data)),
            _ => {}
        }
    }
    let Some(chunk) = picture else { return Err(reader.damaged("no picture")) };
    if read_size(chunk.name, &mut Reader::new(chunk.data, Format::WebP))? != (width, height) {
        return Err(reader.damaged("a picture that is not as large as its canvas"));
    }
    // RFC 9649 §2.7: a lossless picture has its alpha inside.
    let alpha = alpha.filter(|_| &chunk.name == b"VP8 ");
    check_codes(chunk.name, chunk.data, &reader, width, height)?;
    if let Some(alpha) = alpha {
        check_codes(*b"ALPH", alpha, &reader, width, height)?;
    }
    Ok(Picture { chunk, alpha, width, height })
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
