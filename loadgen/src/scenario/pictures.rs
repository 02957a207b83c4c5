//! Pictures to send, and whether what comes back is their negative.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Cursor;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use hdrhistogram::Histogram;
use image::{DynamicImage, ImageFormat, ImageReader, Limits, Rgb, RgbImage};
use parking_lot::Mutex;

use super::RunError;
use crate::record::{histogram, note};
use crate::seed::SplitMix;

/// A JPEG may have been decoded, inverted and encoded again: by so much, in levels of 256, its
/// negative may differ from the exact one on average …
const JPEG_MEAN_MAX: f64 = 3.0;
/// … and in one sample.
const JPEG_LEVEL_MAX: u8 = 40;
/// Sizes of the pictures that are made when none are given, in pixels.
const MADE_SIZES: [(u32, u32); 3] = [(64, 48), (320, 240), (640, 480)];
/// An answer that needs more memory than this when decoded is not looked at, and wrong.
const DECODED_MAX_BYTES: u64 = 1 << 30;
/// Distinct answers that are kept until the load is over, so that looking at them does not slow it …
const KEPT_ANSWERS_MAX: usize = 256;
/// … and their bytes; further ones are looked at when they come.
const KEPT_MAX_BYTES: usize = 256 << 20;

/// The pictures of a run, and what came back.
#[derive(Debug)]
pub(super) struct Pictures {
    pictures: Vec<Picture>,
    answers: Mutex<Answers>,
}

#[derive(Debug)]
struct Picture {
    name: String,
    bytes: Bytes,
    latency: Mutex<Histogram<u64>>,
}

#[derive(Debug, Default)]
struct Answers {
    kept_bytes: usize,
    by_key: HashMap<Key, Answer>,
}

/// A picture, and the hash and length of an answer to it.
type Key = (usize, u64, usize);

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
        let picture = |(name, bytes)| Picture { name, bytes, latency: Mutex::new(histogram()) };
        Ok(Self { pictures: files.into_iter().map(picture).collect(), answers: Mutex::default() })
    }

    /// The picture of message `k`.
    pub(super) fn get(&self, k: u64) -> (usize, Bytes) {
        let index = (k % self.pictures.len() as u64) as usize;
        (index, self.pictures[index].bytes.clone())
    }

    /// Keeps what came back for a picture, each distinct answer once.
    pub(super) fn take(&self, picture: usize, answer: &Bytes, latency_us: u64) {
        let Picture { bytes: original, latency, .. } = &self.pictures[picture];
        note(&mut latency.lock(), latency_us);
        let mut hasher = DefaultHasher::new();
        answer.hash(&mut hasher);
        let key = (picture, hasher.finish(), answer.len());
        let mut answers = self.answers.lock();
        if let Some(known) = answers.by_key.get_mut(&key) {
            known.count += 1;
            return;
        }
        let is_full = answers.by_key.len() >= KEPT_ANSWERS_MAX || answers.kept_bytes + answer.len() > KEPT_MAX_BYTES;
        if is_full {
            drop(answers);
            let is_right = is_negative(original, answer);
            // One entry for all of these: they are many, and each is different.
            let key = (picture, u64::from(is_right), usize::MAX);
            let verdict = Verdict::Negative(is_right);
            self.answers.lock().by_key.entry(key).or_insert(Answer { verdict, count: 0 }).count += 1;
            return;
        }
        answers.kept_bytes += answer.len();
        answers.by_key.insert(key, Answer { verdict: Verdict::Pending(answer.clone()), count: 1 });
    }

    /// How many answers were the negatives of their pictures, and how many were not.
    pub(super) fn judge(&self) -> (u64, u64) {
        let (mut right, mut wrong) = (0, 0);
        for (&(picture, ..), answer) in &self.answers.lock().by_key {
            let is_right = match &answer.verdict {
                Verdict::Pending(bytes) => is_negative(&self.pictures[picture].bytes, bytes),
                Verdict::Negative(is_right) => *is_right,
            };
            if is_right { right += answer.count } else { wrong += answer.count }
        }
        (right, wrong)
    }

    /// The latencies of each picture by its name, in microseconds.
    pub(super) fn by_file(&self) -> Vec<(String, Histogram<u64>)> {
        self.pictures.iter().map(|picture| (picture.name.clone(), picture.latency.lock().clone())).collect()
    }
}

fn read(path: &PathBuf) -> Result<(String, Bytes), RunError> {
    let failed = |reason: String| RunError::Picture { path: path.display().to_string(), reason };
    let bytes = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
    decode(&bytes).ok_or_else(|| failed("not a picture that can be checked".to_owned()))?;
    let name = path.file_name().unwrap_or(Path::new("picture").as_os_str()).to_string_lossy().into_owned();
    Ok((name, bytes.into()))
}

/// Soft shapes with some noise, as photographs are.
fn make(seed: u64) -> Vec<(String, Bytes)> {
    let mut random = SplitMix::new(seed, 0);
    let mut files = Vec::new();
    for (width, height) in MADE_SIZES {
        let picture = RgbImage::from_fn(width, height, |x, y| {
            let noise = (random.draw() % 8) as u8;
            let level = |value: u32| (value % 248) as u8 + noise;
            Rgb([level(x * 200 / width), level(y * 200 / height), level((x + y) * 100 / width)])
        });
        for (format, ending) in [(ImageFormat::Png, "png"), (ImageFormat::Jpeg, "jpg")] {
            let mut file = Cursor::new(Vec::new());
            picture.write_to(&mut file, format).expect("memory takes it");
            files.push((format!("{width}x{height}.{ending}"), file.into_inner().into()));
        }
    }
    files
}

fn decode(bytes: &[u8]) -> Option<DynamicImage> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(DECODED_MAX_BYTES);
    reader.limits(limits);
    reader.decode().ok()
}

/// Lossy formats are those whose negative cannot be exact once it is encoded anew.
fn is_lossy(bytes: &[u8]) -> bool {
    match image::guess_format(bytes) {
        Ok(ImageFormat::Jpeg) => true,
        // WebP container, first chunk or VP8X followed by one: "VP8 " is lossy, "VP8L" is not.
        Ok(ImageFormat::WebP) => !bytes.windows(4).take(1 << 12).any(|name| name == b"VP8L"),
        _ => false,
    }
}

/// Exact for lossless formats, within the tolerance for others.
fn is_negative(original: &[u8], answer: &[u8]) -> bool {
    if image::guess_format(original).ok() != image::guess_format(answer).ok() {
        return false;
    }
    let is_lossy = is_lossy(original);
    let (Some(mut negative), Some(answer)) = (decode(original), decode(answer)) else { return false };
    let shape = |picture: &DynamicImage| (picture.color(), picture.width(), picture.height());
    if shape(&negative) != shape(&answer) {
        return false;
    }
    // Alpha stays as it is.
    negative.invert();
    if is_lossy { is_near(negative.as_bytes(), answer.as_bytes()) } else { negative.as_bytes() == answer.as_bytes() }
}

fn is_near(expected: &[u8], actual: &[u8]) -> bool {
    let differences = || expected.iter().zip(actual).map(|(&a, &b)| a.abs_diff(b));
    let sum: u64 = differences().map(u64::from).sum();
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
        for (_, file) in make(1) {
            assert!(is_negative(&file, &negative_of(&file)));
            assert!(!is_negative(&file, &file));
            assert!(!is_negative(&file, b"nothing"));
            assert!(!is_negative(&file, &negative_of(&file)[..file.len() / 3]));
        }
    }

    #[test]
    fn equal_answers_are_judged_once_and_counted_each() {
        let pictures = Pictures::new(&[], 1).unwrap();
        let (index, picture) = pictures.get(1);
        let negative = Bytes::from(negative_of(&picture));
        for latency in 1..=3 {
            pictures.take(index, &negative, latency);
        }
        pictures.take(index, &picture, 9);
        assert_eq!(pictures.judge(), (3, 1));
        assert_eq!(pictures.answers.lock().by_key.len(), 2);
        assert_eq!(pictures.by_file()[1].1.len(), 4);
    }

    #[test]
    fn same_seed_same_pictures() {
        assert_eq!(make(1), make(1));
        assert_ne!(make(1), make(2));
    }
}
