//! WebP, still or animated. Each picture is decoded, inverted and encoded,
//! lossy or lossless as it was; all else stays around it: the alpha of lossy
//! pictures, timing, profiles.

mod container;
mod picture;
mod quality;

use crate::error::InvertError;
use crate::format::Format;
use crate::limits::Limits;
use crate::options::{Metadata, Options};
use crate::probe::{Method, Probe};
use crate::reader::Reader;
use crate::{Summary, exif, flip};

use container::{
    CHUNK_HEADER_BYTES, Chunk, FRAME_HEADER_BYTES, Layout, begin_chunk, end_chunk, open, read_chunk, read_layout,
    write_chunk,
};

pub(crate) fn invert(file: &[u8], options: &Options, out: &mut Vec<u8>) -> Result<Summary, InvertError> {
    let Layout { width, height, animation } = read_layout(file)?;
    options.limits.check_frame(width, height)?;
    if animation.is_none() {
        options.limits.check_decode(width, height)?;
    }
    let (chunks, behind) = open(file)?;
    let start = begin_chunk(*b"RIFF", out);
    out.extend(b"WEBP");
    let frames = match animation {
        None => {
            let picture = picture::find(&chunks, (width, height))?;
            write_chunks(chunks, options, out, |_, out| picture.invert(options.effort, out))?;
            1
        }
        Some(_) => {
            let frames = check_animation(chunks.clone(), (width, height), &options.limits)?;
            write_chunks(chunks, options, out, |chunk, out| invert_frame(chunk, options, out))?;
            frames
        }
    };
    end_chunk(start, out);
    if options.metadata == Metadata::Keep {
        out.extend_from_slice(behind);
    }
    Ok(Summary { format: Format::WebP, width, height, frames })
}

pub(crate) fn probe(file: &[u8]) -> Result<Probe, InvertError> {
    let Layout { width, height, animation } = read_layout(file)?;
    let frames = animation.unwrap_or(Some(1));
    Ok(Probe { format: Format::WebP, width, height, bits_per_sample: 8, frames, method: Method::Recode })
}

/// Writes all chunks that stay; `invert` writes the one of the picture, or of
/// a frame.
fn write_chunks(
    mut chunks: Reader<'_>,
    options: &Options,
    out: &mut Vec<u8>,
    mut invert: impl FnMut(&Chunk<'_>, &mut Vec<u8>) -> Result<(), InvertError>,
) -> Result<(), InvertError> {
    let is_kept = options.metadata == Metadata::Keep;
    let mut flags_at = None;
    while !chunks.rest().is_empty() {
        let chunk = read_chunk(&mut chunks)?;
        let Chunk { name, data } = chunk;
        match &name {
            b"VP8 " | b"VP8L" | b"ANMF" => invert(&chunk, out)?,
            b"VP8X" => {
                flags_at.get_or_insert(out.len() + CHUNK_HEADER_BYTES);
                write_chunk(name, data, out);
            }
            b"ANIM" => {
                let start = begin_chunk(name, out);
                out.extend_from_slice(data);
                // RFC 9649 §2.7.1.1: the background is blue, green, red, alpha.
                let colours = data.len().min(3);
                flip(&mut out[start..start + colours]);
                end_chunk(start, out);
            }
            b"EXIF" if is_kept => {
                let mut metadata = data.to_vec();
                exif::unlink_thumbnail(&mut metadata);
                write_chunk(name, &metadata, out);
            }
            b"EXIF" => match exif::orientation(data) {
                Some(orientation) => write_chunk(name, &exif::only_orientation(orientation), out),
                None => clear_flag(flags_at, container::EXIF, out),
            },
            b"ICCP" | b"ALPH" => write_chunk(name, data, out),
            _ if is_kept => write_chunk(name, data, out),
            b"XMP " => clear_flag(flags_at, container::XMP, out),
            _ => {}
        }
    }
    Ok(())
}

/// `VP8X` says which chunks follow.
fn clear_flag(flags_at: Option<usize>, flag: u8, out: &mut [u8]) {
    if let Some(flags) = flags_at.and_then(|at| out.get_mut(at)) {
        *flags &= !flag;
    }
}

/// Looks at all frames before any is decoded.
fn check_animation(mut chunks: Reader<'_>, (width, height): (u32, u32), limits: &Limits) -> Result<u32, InvertError> {
    let decode_pixels_max = limits.decode_pixels_max;
    let (mut frames, mut pixels) = (0, 0);
    while !chunks.rest().is_empty() {
        let chunk = read_chunk(&mut chunks)?;
        match &chunk.name {
            b"VP8 " | b"VP8L" => return Err(chunks.damaged("a picture outside of the frames of an animation")),
            b"ANMF" => {
                frames += 1;
                limits.check_frames(frames)?;
                let size = container::read_frame_size(chunk.data)?;
                picture::find(&Reader::new(&chunk.data[FRAME_HEADER_BYTES..], Format::WebP), size)?;
                pixels += u64::from(size.0) * u64::from(size.1);
                if pixels > decode_pixels_max {
                    return Err(InvertError::DecodeTooLarge { width, height, decode_pixels_max });
                }
            }
            _ => {}
        }
    }
    if frames == 0 { Err(chunks.damaged("an animation without frames")) } else { Ok(frames) }
}

fn invert_frame(frame: &Chunk<'_>, options: &Options, out: &mut Vec<u8>) -> Result<(), InvertError> {
    let size = container::read_frame_size(frame.data)?;
    let (header, data) = frame.data.split_at(FRAME_HEADER_BYTES);
    let chunks = Reader::new(data, Format::WebP);
    let picture = picture::find(&chunks, size)?;
    let start = begin_chunk(frame.name, out);
    out.extend_from_slice(header);
    write_chunks(chunks, options, out, |_, out| picture.invert(options.effort, out))?;
    end_chunk(start, out);
    Ok(())
}
