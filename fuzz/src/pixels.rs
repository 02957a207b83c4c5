//! The same picture before and after, by other decoders than ours.

use std::io::Cursor;

use image_webp::WebPDecoder;
use invert::Format;
use png::{ColorType, Decoder, Transformations};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;

/// What a decoder may allocate; more than any picture within the limits.
const DECODER_MAX_BYTES: usize = 4 << 20;

/// A PNG, decoded.
struct Png {
    colour: ColorType,
    palette: Option<Vec<u8>>,
    frames: Vec<Vec<u8>>,
}

/// Wherever the decoder takes `file`, it takes `negative` too, and sees 255-x
/// where there was x.
pub(crate) fn check(file: &[u8], negative: &[u8], format: Format) {
    match format {
        Format::Png => check_png(file, negative),
        Format::WebP => check_webp(file, negative),
        Format::Jpeg | Format::Gif | Format::Bmp | Format::Tiff | Format::Pnm | Format::Qoi => {}
    }
}

/// Two files are the same, or show the same.
pub(crate) fn check_same_jpeg(one: &[u8], other: &[u8]) {
    let decode = |file: &[u8]| JpegDecoder::new(ZCursor::new(file)).decode().ok();
    assert!(one == other || decode(one) == decode(other), "negatives change from one to the next");
}

fn check_png(file: &[u8], negative: &[u8]) {
    let Some(before) = decode_png(file) else { return };
    let after = decode_png(negative).expect("the decoder takes the negative as well");
    assert_eq!((before.colour, before.frames.len()), (after.colour, after.frames.len()));
    match before.palette {
        Some(palette) => {
            assert!(before.frames == after.frames, "indexes");
            let inverted: Vec<u8> = palette.iter().map(|sample| !sample).collect();
            assert_eq!(Some(inverted), after.palette);
        }
        None => {
            let samples = before.colour.samples();
            let has_alpha = matches!(before.colour, ColorType::GrayscaleAlpha | ColorType::Rgba);
            for (before, after) in before.frames.iter().zip(&after.frames) {
                let sample_bytes = if is_deep(file) { 2 } else { 1 };
                check_samples(before, after, samples, sample_bytes, has_alpha);
            }
        }
    }
}

fn check_samples(before: &[u8], after: &[u8], samples: usize, sample_bytes: usize, has_alpha: bool) {
    assert_eq!(before.len(), after.len());
    for (index, (before, after)) in before.iter().zip(after).enumerate() {
        let is_alpha = has_alpha && index / sample_bytes % samples == samples - 1;
        let expected = if is_alpha { *before } else { !before };
        assert_eq!(expected, *after, "byte {index}");
    }
}

/// Whether a PNG has 16 bits for each sample.
fn is_deep(file: &[u8]) -> bool {
    file.get(24) == Some(&16)
}

fn decode_png(file: &[u8]) -> Option<Png> {
    let mut decoder = Decoder::new(Cursor::new(file));
    decoder.set_limits(png::Limits { bytes: DECODER_MAX_BYTES });
    // Grey of less than 8 bits is spread over them, and a colour key becomes alpha: both commute with inversion. Indexes
    // beyond a palette would all become black.
    let is_indexed = file.get(25) == Some(&3);
    decoder.set_transformations(if is_indexed { Transformations::IDENTITY } else { Transformations::EXPAND });
    let mut reader = decoder.read_info().ok()?;
    let count = match reader.info().animation_control() {
        Some(control) => control.num_frames + u32::from(reader.info().frame_control().is_none()),
        None => 1,
    };
    let mut frames = Vec::new();
    for _ in 0..count {
        let mut samples = vec![0; reader.output_buffer_size()?.min(DECODER_MAX_BYTES)];
        let info = reader.next_frame(&mut samples).ok()?;
        samples.truncate(info.buffer_size());
        frames.push(samples);
    }
    let palette = reader.info().palette.clone().filter(|_| is_indexed);
    Some(Png { colour: reader.output_color_type().0, palette: palette.map(Into::into), frames })
}

fn check_webp(file: &[u8], negative: &[u8]) {
    let Some((before, has_alpha, is_lossy)) = decode_webp(file) else { return };
    let (after, still_alpha, _) = decode_webp(negative).expect("the decoder takes the negative as well");
    assert_eq!((before.len(), has_alpha), (after.len(), still_alpha));
    if !is_lossy {
        check_samples(&before, &after, if has_alpha { 4 } else { 3 }, 1, has_alpha);
    }
}

/// Whether the decoder takes a file for a whole still WebP.
pub(crate) fn is_webp(file: &[u8]) -> bool {
    decode_webp(file).is_some()
}

/// Samples of a still picture, whether there is alpha among them, and whether
/// the file stores them with loss.
fn decode_webp(file: &[u8]) -> Option<(Vec<u8>, bool, bool)> {
    let mut decoder = WebPDecoder::new(Cursor::new(file)).ok()?;
    decoder.set_memory_limit(DECODER_MAX_BYTES);
    if decoder.is_animated() {
        return None;
    }
    let mut samples = vec![0; decoder.output_buffer_size().filter(|&bytes| bytes <= DECODER_MAX_BYTES)?];
    decoder.read_image(&mut samples).ok()?;
    Some((samples, decoder.has_alpha(), decoder.is_lossy()))
}
