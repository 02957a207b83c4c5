//! Pictures that compress roughly as photographs do, made from a seed.

use std::borrow::Cow;
use std::io::Cursor;

use image::{ImageFormat, RgbImage, imageops};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

/// What browsers give a webcam's frame, and what most cameras write at least.
const JPEG_QUALITY: u8 = 80;
const CAMERA_QUALITY: u8 = 90;

/// Levels per channel of the palette; 6³ = 216 colours fit into 256.
const LEVELS: u8 = 6;

/// Large shapes, small shapes and grain: distance of the points between which
/// the light changes smoothly, and by how much of the whole range.
const SHAPES: [(u32, f32); 4] = [(256, 0.5), (64, 0.25), (16, 0.15), (1, 0.05)];

/// Colours change over such distances only.
const HUE_PIXELS: u32 = 192;

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Huffman-coded, baseline, a quarter of the colour: a webcam's frame.
    Jpeg,
    /// The same, finer: a photograph.
    JpegPhoto,
    /// The same in several scans.
    JpegProgressive,
    /// Eight bits a channel, no alpha.
    PngRgb,
    /// One byte a pixel.
    PngPalette,
    /// One frame.
    Gif,
    /// 24 bits a pixel, not compressed.
    Bmp,
    /// VP8L.
    WebpLossless,
}

impl Encoding {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Jpeg,
        Self::JpegPhoto,
        Self::JpegProgressive,
        Self::PngRgb,
        Self::PngPalette,
        Self::Gif,
        Self::Bmp,
        Self::WebpLossless,
    ];

    /// As it is called in the name of a bench.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::JpegPhoto => "jpeg_photo",
            Self::JpegProgressive => "jpeg_progressive",
            Self::PngRgb => "png_rgb",
            Self::PngPalette => "png_palette",
            Self::Gif => "gif",
            Self::Bmp => "bmp",
            Self::WebpLossless => "webp_lossless",
        }
    }

    /// The picture as such a file.
    ///
    /// # Panics
    ///
    /// When an encoder refuses an ordinary picture.
    #[must_use]
    pub fn encode(self, picture: &RgbImage) -> Vec<u8> {
        match self {
            Self::Jpeg => jpeg(picture, JPEG_QUALITY, false),
            Self::JpegPhoto => jpeg(picture, CAMERA_QUALITY, false),
            Self::JpegProgressive => jpeg(picture, CAMERA_QUALITY, true),
            Self::PngRgb => with_image(picture, ImageFormat::Png),
            Self::PngPalette => png_palette(picture),
            Self::Gif => gif(picture),
            Self::Bmp => with_image(picture, ImageFormat::Bmp),
            Self::WebpLossless => with_image(picture, ImageFormat::WebP),
        }
    }
}

/// A picture; the same seed gives the same one.
#[must_use]
pub fn photo_like(seed: u64, width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let shapes = SHAPES.iter().zip(seed..);
        let light: f32 = shapes.map(|(&(distance, weight), seed)| weight * noise(seed, distance, x, y)).sum();
        let [red, blue] = [101, 102].map(|hue| 0.3 * (noise(seed + hue, HUE_PIXELS, x, y) - 0.5));
        // A float above the range ends at its border.
        image::Rgb([light + red, light - (red + blue) / 2.0, light + blue].map(|value| (value * 255.0) as u8))
    })
}

/// A picture of that size, of which only one sixteenth is made and repeated:
/// for where making one costs much.
#[must_use]
pub fn tiled(seed: u64, width: u32, height: u32) -> RgbImage {
    let tile = photo_like(seed, width.div_ceil(4), height.div_ceil(4));
    let mut picture = RgbImage::new(width, height);
    imageops::tile(&mut picture, &tile);
    picture
}

/// From 0 to 1: random at points `distance` apart, smooth between them.
fn noise(seed: u64, distance: u32, x: u32, y: u32) -> f32 {
    let (column, row) = (x / distance, y / distance);
    let (right, down) = (part(x, distance), part(y, distance));
    let point = |dx, dy| random(seed, column + dx, row + dy);
    let mix = |from: f32, to: f32, part: f32| from + (to - from) * part;
    mix(mix(point(0, 0), point(1, 0), right), mix(point(0, 1), point(1, 1), right), down)
}

/// How far between two points, without an edge at either of them.
fn part(at: u32, distance: u32) -> f32 {
    let part = (at % distance) as f32 / distance as f32;
    part * part * (3.0 - 2.0 * part)
}

/// From 0 to 1, the same for the same arguments (the mixer of SplitMix64).
fn random(seed: u64, x: u32, y: u32) -> f32 {
    let mut bits = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ u64::from(x) << 32 ^ u64::from(y);
    bits = (bits ^ bits >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^= bits >> 31;
    (bits >> 40) as f32 / (1 << 24) as f32
}

fn jpeg(picture: &RgbImage, quality: u8, is_progressive: bool) -> Vec<u8> {
    let (width, height) = sides(picture);
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, quality);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder.set_progressive(is_progressive);
    encoder.encode(picture, width, height, ColorType::Rgb).expect("a JPEG can hold it");
    file
}

fn with_image(picture: &RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, format).expect("the format can hold it");
    file.into_inner()
}

fn png_palette(picture: &RgbImage) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, picture.width(), picture.height());
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_palette(palette());
    let mut writer = encoder.write_header().expect("memory takes it");
    writer.write_image_data(&indices(picture)).expect("the indices fit the size");
    writer.finish().expect("memory takes it");
    file
}

fn gif(picture: &RgbImage) -> Vec<u8> {
    let (width, height) = sides(picture);
    let mut file = Vec::new();
    let mut encoder = gif::Encoder::new(&mut file, width, height, &palette()).expect("memory takes it");
    let frame = gif::Frame { width, height, buffer: Cow::Owned(indices(picture)), ..gif::Frame::default() };
    encoder.write_frame(&frame).expect("the indices fit the size");
    drop(encoder); // which writes the trailer
    file
}

/// Width and height as JPEG and GIF count them.
fn sides(picture: &RgbImage) -> (u16, u16) {
    let side = |pixels| u16::try_from(pixels).expect("no picture of a bench is larger than that");
    (side(picture.width()), side(picture.height()))
}

/// A cube of evenly spread colours.
fn palette() -> Vec<u8> {
    let step = u8::MAX / (LEVELS - 1);
    let levels = || (0..LEVELS).map(move |level| level * step);
    levels().flat_map(|red| levels().flat_map(move |green| levels().flat_map(move |blue| [red, green, blue]))).collect()
}

fn indices(picture: &RgbImage) -> Vec<u8> {
    let level = |value: u8| (u16::from(value) * u16::from(LEVELS) / 256) as u8;
    picture.pixels().map(|pixel| pixel.0.iter().fold(0, |index, &value| index * LEVELS + level(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_picture() {
        assert_eq!(photo_like(1, 70, 50), photo_like(1, 70, 50));
        assert_ne!(photo_like(1, 70, 50), photo_like(2, 70, 50));
    }

    #[test]
    fn every_file_holds_the_picture() {
        let picture = photo_like(1, 70, 50);
        for encoding in Encoding::ALL {
            let decoded = image::load_from_memory(&encoding.encode(&picture)).unwrap().into_rgb8();
            assert_eq!(decoded.dimensions(), (70, 50), "{encoding:?}");
            let differences = decoded.iter().zip(picture.iter()).map(|(&is, &was)| u64::from(is.abs_diff(was)));
            let mean = differences.sum::<u64>() as f64 / f64::from(70 * 50 * 3);
            // Half a step of the palette on average is 13.
            assert!(mean < 20.0, "{encoding:?}: {mean} levels from the picture on average");
        }
    }

    #[test]
    fn a_picture_compresses_neither_to_nothing_nor_not_at_all() {
        let picture = photo_like(1, 640, 480);
        let bits_per_pixel = Encoding::Jpeg.encode(&picture).len() as f64 * 8.0 / f64::from(640 * 480);
        assert!((0.5..5.0).contains(&bits_per_pixel), "{bits_per_pixel} bits per pixel");
    }
}
