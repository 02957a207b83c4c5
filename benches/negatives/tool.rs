//! The ways to a negative within this process.

use std::borrow::Cow;
use std::io::Cursor;

use anyhow::{Context, Result, bail};
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageFormat, ImageReader};
use invert::{Limits, Options, Scratch, invert_into};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use turbojpeg::{Image, PixelFormat, Subsamp};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;

/// A library, used as its documentation shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    Negaphone,
    Image,
    ZuneJpeg,
    TurboJpeg,
    /// No negative at all: what nobody who decodes can beat.
    TurboJpegDecode,
    PngFast,
    PngFastest,
    Gif,
}

impl Tool {
    pub(crate) const ALL: [Self; 8] = [
        Self::Negaphone,
        Self::Image,
        Self::ZuneJpeg,
        Self::TurboJpeg,
        Self::TurboJpegDecode,
        Self::PngFast,
        Self::PngFastest,
        Self::Gif,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Negaphone => "**negaphone**",
            Self::Image => "`image`",
            Self::ZuneJpeg => "`zune-jpeg` + `jpeg-encoder`",
            Self::TurboJpeg => "`turbojpeg`",
            Self::TurboJpegDecode => "libjpeg-turbo, decoding alone",
            Self::PngFast => "`png`, Fast",
            Self::PngFastest => "`png`, Fastest",
            Self::Gif => "`gif`",
        }
    }

    /// Whether it is for files that are named so.
    pub(crate) fn takes(self, file: &str) -> bool {
        let ending = file.rsplit('.').next();
        match self {
            Self::Negaphone | Self::Image => true,
            Self::ZuneJpeg | Self::TurboJpeg | Self::TurboJpegDecode => ending == Some("jpg"),
            Self::PngFast | Self::PngFastest => ending == Some("png"),
            Self::Gif => ending == Some("gif"),
        }
    }

    /// Whether what it returns is a file.
    pub(crate) fn encodes(self) -> bool {
        self != Self::TurboJpegDecode
    }
}

/// What tools keep between two files.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    scratch: Scratch,
    pub(crate) out: Vec<u8>,
}

/// Makes a negative into `kept.out`.
pub(crate) fn run(tool: Tool, file: &[u8], quality: u8, kept: &mut Kept) -> Result<()> {
    match tool {
        Tool::Negaphone => {
            let limits = Limits { decode_pixels_max: 64_000_000, ..Limits::default() };
            invert_into(file, &Options::from(limits), &mut kept.scratch, &mut kept.out)?;
            return Ok(());
        }
        Tool::Image => kept.out = image(file, quality)?,
        Tool::ZuneJpeg => kept.out = zune_jpeg(file, quality)?,
        Tool::TurboJpeg => kept.out = turbojpeg(file, quality)?,
        Tool::TurboJpegDecode => kept.out = turbojpeg::decompress(file, PixelFormat::RGB)?.pixels,
        Tool::PngFast => kept.out = png(file, png::Compression::Fast)?,
        Tool::PngFastest => kept.out = png(file, png::Compression::Fastest)?,
        Tool::Gif => kept.out = gif(file)?,
    }
    Ok(())
}

fn image(file: &[u8], quality: u8) -> Result<Vec<u8>> {
    let reader = ImageReader::new(Cursor::new(file)).with_guessed_format()?;
    let format = reader.format().context("a format that image does not know")?;
    let mut picture: DynamicImage = reader.decode()?;
    picture.invert();
    let mut out = Cursor::new(Vec::new());
    match format {
        ImageFormat::Jpeg => picture.write_with_encoder(JpegEncoder::new_with_quality(&mut out, quality))?,
        _ => picture.write_to(&mut out, format)?,
    }
    Ok(out.into_inner())
}

fn zune_jpeg(file: &[u8], quality: u8) -> Result<Vec<u8>> {
    let mut decoder = JpegDecoder::new(ZCursor::new(file));
    let mut samples = decoder.decode()?;
    let info = decoder.info().context("no header")?;
    // Grey is decoded to red, green and blue unless told otherwise.
    let colour = match samples.len() / (usize::from(info.width) * usize::from(info.height)) {
        1 => ColorType::Luma,
        3 => ColorType::Rgb,
        _ => bail!("neither grey nor of three components"),
    };
    flip(&mut samples);
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, quality);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder.encode(&samples, info.width, info.height, colour)?;
    Ok(out)
}

fn turbojpeg(file: &[u8], quality: u8) -> Result<Vec<u8>> {
    let mut picture = turbojpeg::decompress(file, PixelFormat::RGB)?;
    flip(&mut picture.pixels);
    let Image { pixels, width, pitch, height, format } = picture;
    let picture = Image { pixels: pixels.as_slice(), width, pitch, height, format };
    Ok(turbojpeg::compress(picture, quality.into(), Subsamp::Sub2x2)?.to_vec())
}

fn png(file: &[u8], compression: png::Compression) -> Result<Vec<u8>> {
    let mut decoder = png::Decoder::new(Cursor::new(file));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info()?;
    let mut samples = vec![0; reader.output_buffer_size().context("too large for memory")?];
    let info = reader.next_frame(&mut samples)?;
    let sample_bytes = if info.bit_depth == png::BitDepth::Sixteen { 2 } else { 1 };
    let pixel_bytes = info.color_type.samples() * sample_bytes;
    let has_alpha = matches!(info.color_type, png::ColorType::Rgba | png::ColorType::GrayscaleAlpha);
    let colour_bytes = pixel_bytes - if has_alpha { sample_bytes } else { 0 };
    samples.chunks_exact_mut(pixel_bytes).for_each(|pixel| flip(&mut pixel[..colour_bytes]));
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, info.width, info.height);
    encoder.set_color(info.color_type);
    encoder.set_depth(info.bit_depth);
    encoder.set_compression(compression);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&samples)?;
    writer.finish()?;
    Ok(out)
}

fn gif(file: &[u8]) -> Result<Vec<u8>> {
    let mut decoder = gif::DecodeOptions::new().read_info(file)?;
    let mut palette = decoder.global_palette().unwrap_or_default().to_vec();
    flip(&mut palette);
    let mut out = Vec::new();
    let mut encoder = gif::Encoder::new(&mut out, decoder.width(), decoder.height(), &palette)?;
    encoder.set_repeat(decoder.repeat())?;
    while let Some(frame) = decoder.read_next_frame()? {
        let mut frame = gif::Frame { buffer: Cow::Borrowed(&frame.buffer), ..frame.clone() };
        if let Some(palette) = &mut frame.palette {
            flip(palette);
        }
        encoder.write_frame(&frame)?;
    }
    drop(encoder); // which writes the trailer
    Ok(out)
}

fn flip(samples: &mut [u8]) {
    samples.iter_mut().for_each(|sample| *sample = !*sample);
}
