//! QOI: decoded, inverted and encoded; a pixel's code depends on the colours
//! before it.

use qoi::{Channels, ColorSpace, Decoder, Encoder};

use crate::error::InvertError;
use crate::format::Format;
use crate::options::Options;
use crate::probe::{Method, Probe};
use crate::reader::Reader;
use crate::{Summary, flip, flip_masked};

#[derive(Debug)]
struct Header {
    width: u32,
    height: u32,
    channels: Channels,
    colour_space: ColorSpace,
}

pub(crate) fn invert(file: &[u8], options: &Options, out: &mut Vec<u8>) -> Result<Summary, InvertError> {
    let Header { width, height, channels, colour_space } = read_header(file)?;
    options.limits.check_decode(width, height)?;
    let broken = |source: qoi::Error| match source {
        qoi::Error::UnexpectedBufferEnd => Reader::new(file, Format::Qoi).truncated(),
        _ => InvertError::Pixels { format: Format::Qoi, source: source.into() },
    };
    let mut samples = Decoder::new(file).and_then(|mut decoder| decoder.decode_to_vec()).map_err(broken)?;
    match channels {
        Channels::Rgb => flip(&mut samples),
        Channels::Rgba => flip_masked(&mut samples, &[0xFF, 0xFF, 0xFF, 0]),
    }
    let encoder = Encoder::new(&samples, width, height).map_err(broken)?.with_colorspace(colour_space);
    encoder.encode_to_stream(out).map_err(broken)?;
    Ok(Summary { format: Format::Qoi, width, height, frames: 1 })
}

pub(crate) fn probe(file: &[u8]) -> Result<Probe, InvertError> {
    let Header { width, height, .. } = read_header(file)?;
    Ok(Probe { format: Format::Qoi, width, height, bits_per_sample: 8, frames: Some(1), method: Method::Recode })
}

/// Magic, width, height, channels, colour space (QOI 1.0).
fn read_header(file: &[u8]) -> Result<Header, InvertError> {
    let mut reader = Reader::new(file, Format::Qoi);
    reader.take(b"qoif".len())?;
    let (width, height) = (reader.u32_be()?, reader.u32_be()?);
    let [channels, colour_space] = reader.array()?;
    if width == 0 || height == 0 {
        return Err(reader.damaged("a picture without pixels"));
    }
    let (Ok(channels), Ok(colour_space)) = (Channels::try_from(channels), ColorSpace::try_from(colour_space)) else {
        return Err(reader.damaged("channels or a colour space that do not exist"));
    };
    Ok(Header { width, height, channels, colour_space })
}
