//! Pictures to send, and whether what comes back is their negative.

use std::collections::HashMap;
use std::io::Cursor;
use std::path::PathBuf;

use bytes::Bytes;
use image::{ImageFormat, Rgb, RgbImage};
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::RunError;

/// A JPEG is decoded, inverted and encoded again: by so much, in levels of
/// 256, its negative may differ from the exact one on average …
const JPEG_MEAN_MAX: f64 = 3.0;
/// … and in one sample.
const JPEG_LEVEL_MAX: u8 = 48;
/// Sizes of the pictures that are made when none are given, in pixels.
const MADE_SIZES: [(u32, u32); 3] = [(64, 48), (320, 240), (640, 480)];

/// Distinct answers that are kept until the load is over, so that looking at
/// them does not slow it; further ones are looked at when they come.
const KEPT_ANSWERS_MAX: usize = 256;

/// The pictures of a run, and what came back.
#[derive(Debug)]
pub(super) struct Pictures {
    files: Vec<Bytes>,
    answers: Mutex<HashMap<Key, Answer>>,
}

/// A picture, and the hash and length of an answer to it.
type Key = (usize, u32, usize);

/// Equal answers to one picture.
#[derive(Debug)]
struct Answer {
    verdict: Verdict,
    count: u64,
}

#[derive(Debug)]
enum Verdict {
    Pending(Bytes),
    Negative(bool),
}

impl Pictures {
    /// Reads the files, or makes some pictures from the seed.
    pub(super) fn new(paths: &[PathBuf], seed: u64) -> Result<Self, RunError> {
        let files = if paths.is_empty() { make(seed) } else { paths.iter().map(read).collect::<Result<_, _>>()? };
        Ok(Self { files, answers: Mutex::default() })
    }

    /// The picture of message `k`.
    pub(super) fn get(&self, k: u64) -> (usize, Bytes) {
        let index = usize::try_from(k % self.files.len() as u64).expect("an index of a list");
        (index, self.files[index].clone())
    }

    /// Keeps what came back for a picture.
    pub(super) fn take(&self, picture: usize, answer: &Bytes) {
        let key = (picture, crc32fast::hash(answer), answer.len());
        let mut answers = self.answers.lock();
        let is_full = answers.len() >= KEPT_ANSWERS_MAX;
        let verdict = || {
            if is_full {
                Verdict::Negative(is_negative(&self.files[picture], answer))
            } else {
                Verdict::Pending(answer.clone())
            }
        };
        answers.entry(key).or_insert_with(|| Answer { verdict: verdict(), count: 0 }).count += 1;
    }

    /// How many answers were the negatives of their pictures, and how many
    /// were not.
    pub(super) fn judge(&self) -> (u64, u64) {
        let (mut right, mut wrong) = (0, 0);
        for (&(picture, ..), answer) in self.answers.lock().iter() {
            let is_right = match &answer.verdict {
                Verdict::Pending(bytes) => is_negative(&self.files[picture], bytes),
                Verdict::Negative(is_right) => *is_right,
            };
            if is_right { right += answer.count } else { wrong += answer.count }
        }
        (right, wrong)
    }
}

fn read(path: &PathBuf) -> Result<Bytes, RunError> {
    let failed = |reason: String| RunError::Picture { path: path.display().to_string(), reason };
    let bytes = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
    image::load_from_memory(&bytes).map_err(|error| failed(error.to_string()))?;
    Ok(bytes.into())
}

/// Soft shapes with some noise, as photographs are.
fn make(seed: u64) -> Vec<Bytes> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut files = Vec::new();
    for (width, height) in MADE_SIZES {
        let picture = RgbImage::from_fn(width, height, |x, y| {
            let noise = random.random_range(0..8);
            let level = |value: u32| u8::try_from(value % 248).unwrap_or_default() + noise;
            Rgb([level(x * 200 / width), level(y * 200 / height), level((x + y) * 100 / width)])
        });
        for format in [ImageFormat::Png, ImageFormat::Jpeg] {
            let mut file = Cursor::new(Vec::new());
            picture.write_to(&mut file, format).expect("memory takes it");
            files.push(Bytes::from(file.into_inner()));
        }
    }
    files
}

/// Exact for lossless formats, within the tolerance for JPEG.
fn is_negative(original: &[u8], answer: &[u8]) -> bool {
    let format = image::guess_format(original).ok();
    if format != image::guess_format(answer).ok() {
        return false;
    }
    let (Ok(original), Ok(answer)) = (image::load_from_memory(original), image::load_from_memory(answer)) else {
        return false;
    };
    if original.color() != answer.color() || (original.width(), original.height()) != (answer.width(), answer.height())
    {
        return false;
    }
    let mut negative = original;
    // Alpha stays as it is.
    negative.invert();
    if format == Some(ImageFormat::Jpeg) {
        is_near(negative.as_bytes(), answer.as_bytes())
    } else {
        negative.as_bytes() == answer.as_bytes()
    }
}

fn is_near(expected: &[u8], actual: &[u8]) -> bool {
    let differences = || expected.iter().zip(actual).map(|(&a, &b)| a.abs_diff(b));
    let sum: u64 = differences().map(u64::from).sum();
    #[expect(clippy::cast_precision_loss, reason = "a mean of 8-bit levels")]
    let mean = sum as f64 / expected.len().max(1) as f64;
    expected.len() == actual.len() && mean <= JPEG_MEAN_MAX && differences().max().unwrap_or(0) <= JPEG_LEVEL_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    fn negative_of(file: &[u8]) -> Vec<u8> {
        let mut picture = image::load_from_memory(file).unwrap();
        picture.invert();
        let mut out = Cursor::new(Vec::new());
        picture.write_to(&mut out, image::guess_format(file).unwrap()).unwrap();
        out.into_inner()
    }

    #[test]
    fn the_negative_is_known_from_the_picture_itself() {
        for file in make(1) {
            assert!(is_negative(&file, &negative_of(&file)));
            assert!(!is_negative(&file, &file));
            assert!(!is_negative(&file, b"nothing"));
            assert!(!is_negative(&file, &negative_of(&file)[..file.len() / 3]));
        }
    }

    #[test]
    fn same_seed_same_pictures() {
        assert_eq!(make(1), make(1));
        assert_ne!(make(1), make(2));
    }
}
