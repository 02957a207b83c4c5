//! From codes to samples and back.

use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, QuantizationTableType, SamplingFactor};
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::Picture;
use super::frame::{Frame, Process};
use super::metadata::ColourModel;
use crate::error::InvertError;
use crate::flip;
use crate::format::Format;
use crate::limits::Limits;

/// The samples of all components at full resolution, pixel by pixel, in the
/// colour model of the file.
pub(super) fn decode(picture: &Picture<'_>, limits: &Limits) -> Result<Vec<u8>, InvertError> {
    let frame = &picture.frame;
    // The same in and out: nothing is converted. The codec goes by the components' letters alone, since the
    // bare picture has nothing else that speaks of colour.
    let colours = match frame.components.len() {
        1 => ColorSpace::Luma,
        _ if frame.has_letters() => ColorSpace::RGB,
        _ => ColorSpace::YCbCr,
    };
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(frame.width.into())
        .set_max_height(frame.height.into())
        .jpeg_set_max_scans(limits.scans_max as usize)
        .jpeg_set_out_colorspace(colours);
    let decoded = JpegDecoder::new_with_options(ZCursor::new(&picture.bare), options).decode();
    let damaged = |source: DecodeErrors| InvertError::Pixels { format: Format::Jpeg, source: source.into() };
    let samples = decoded.map_err(damaged)?;
    let expected = usize::from(frame.width) * usize::from(frame.height) * frame.components.len();
    if samples.len() == expected {
        Ok(samples)
    } else {
        Err(damaged(DecodeErrors::FormatStatic("the samples are not as many as the frame header says")))
    }
}

pub(super) fn invert(samples: &mut [u8], model: ColourModel) {
    match model {
        ColourModel::Direct => flip(samples),
        ColourModel::YCbCr => {
            for [luma, blue, red] in samples.as_chunks_mut::<3>().0 {
                *luma = !*luma;
                // T.871 §7: differences are around 128, so that 128-(c-128) is 256-c.
                *blue = (!*blue).saturating_add(1);
                *red = (!*red).saturating_add(1);
            }
        }
    }
}

/// # Panics
///
/// When `samples` are not those of `picture`.
pub(super) fn encode(picture: &Picture<'_>, samples: &[u8]) -> Vec<u8> {
    let frame = &picture.frame;
    let mut out = Vec::new();
    // The quality is in the tables; this one is for the encoder's own, which are not used.
    let mut encoder = Encoder::new(&mut out, 100);
    let luma = quantisation(picture, 0);
    let chroma = quantisation(picture, frame.components.len().min(2) - 1);
    encoder.set_quantization_tables(luma, chroma);
    encoder.set_sampling_factor(sampling(frame));
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    let is_progressive = frame.process == Process::Progressive;
    encoder.set_progressive(is_progressive);
    // Only where the encoder does it well: else it splits a sequential picture into a scan for each component, and
    // with restart intervals it panics, since its statistics know nothing of them.
    encoder.set_optimized_huffman_tables(is_progressive && picture.restart_interval == 0);
    if picture.restart_interval > 0 {
        encoder.set_restart_interval(picture.restart_interval);
    }
    let colours = if frame.components.len() == 1 { ColorType::Luma } else { ColorType::Ycbcr };
    let written = encoder.encode(samples, frame.width, frame.height, colours);
    written.expect("memory takes all that is written, and the decoder gave these samples by this header");
    out
}

/// The table of a component. The encoder writes steps of 8 bits; the coarser
/// ones of a table with 16 are for pictures nobody keeps.
fn quantisation(picture: &Picture<'_>, component: usize) -> QuantizationTableType {
    let table = usize::from(picture.frame.components[component].table);
    let steps = picture.quantisation[table].unwrap_or([1; 64]);
    QuantizationTableType::Custom(Box::new(steps.map(|step| step.clamp(1, 255))))
}

/// How much finer the first component is than the others; 1:1 where these
/// differ, so that neither loses anything.
fn sampling(frame: &Frame) -> SamplingFactor {
    let (across, down) = frame.largest_factors();
    let factors = match frame.components.as_slice() {
        [_, second, third] if (second.horizontal, second.vertical) == (third.horizontal, third.vertical) => {
            SamplingFactor::from_factors(across / second.horizontal, down / second.vertical)
        }
        _ => None,
    };
    factors.unwrap_or(SamplingFactor::F_1_1)
}
