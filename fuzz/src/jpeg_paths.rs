//! Two walks through the same JPEG: the fast one, which has unsafe code, and the
//! one that it is tested against.

use invert::{Limits, Options, Scratch};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use libfuzzer_sys::Corpus;

/// Noise of so many pixels makes a scan of more than 16 KiB, which is walked
/// from its middle, too.
const PIXELS: u16 = 24_000;

/// Where a frame header says how high the picture is.
const HEIGHT_OFFSET: usize = 5;

/// A negative, or the error as it is shown to programmers.
type Outcome = Result<Vec<u8>, String>;

/// Compares both walks for a picture that `input` describes: four bytes how it
/// is made, one how many rows are left out, then changes to its scan, of two
/// bytes for a place and one for the bits that are flipped there.
///
/// # Panics
///
/// When they differ.
pub fn check_jpeg_paths(input: &[u8]) -> Corpus {
    let Some((&[quality, shape, noise, columns, rows_missing], changes)) = input.split_first_chunk() else {
        return Corpus::Reject;
    };
    let mut file = picture(quality, shape, noise, columns);
    let find = |marker: u8| file.windows(2).position(|window| window == [0xFF, marker]);
    // Baseline, unless a table of 16 bits asks for more.
    let frame = find(0xC0).or_else(|| find(0xC1)).expect("a frame header");
    let scan = find(0xDA).expect("a scan");
    let [high, low] = [file[frame + HEIGHT_OFFSET], file[frame + HEIGHT_OFFSET + 1]];
    let height = u16::from_be_bytes([high, low]).saturating_sub(rows_missing.into()).max(1);
    file[frame + HEIGHT_OFFSET..frame + HEIGHT_OFFSET + 2].copy_from_slice(&height.to_be_bytes());
    let places = file.len() - scan;
    for &[high, low, bits] in changes.as_chunks::<3>().0 {
        file[scan + usize::from(u16::from_be_bytes([high, low])) % places] ^= bits;
    }
    compare(&file);
    Corpus::Keep
}

/// # Panics
///
/// When the two walks differ.
fn compare(file: &[u8]) {
    let fast = invert(file, Scratch::default());
    let reference = invert(file, Scratch::with_reference_walk());
    assert!(fast == reference, "the fast walk differs from the reference");
}

fn invert(file: &[u8], mut scratch: Scratch) -> Outcome {
    let mut out = Vec::new();
    let done = invert::invert_into(file, &Options::from(Limits::default()), &mut scratch, &mut out);
    done.map(|_| out).map_err(|error| format!("{error:?}"))
}

/// A gradient with noise on it, in one interval.
fn picture(quality: u8, shape: u8, noise: u8, columns: u8) -> Vec<u8> {
    const SAMPLINGS: [SamplingFactor; 4] =
        [SamplingFactor::R_4_4_4, SamplingFactor::R_4_2_0, SamplingFactor::R_4_2_2, SamplingFactor::R_4_1_1];
    let width = 1 + u16::from(columns);
    let height = PIXELS / width;
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, quality.clamp(1, 100));
    encoder.set_sampling_factor(SAMPLINGS[usize::from(shape & 3)]);
    encoder.set_optimized_huffman_tables(shape & 4 != 0);
    let (samples, colours) = if shape & 8 == 0 { (3, ColorType::Rgb) } else { (1, ColorType::Luma) };
    let sample = |at: u32| {
        let random = at.wrapping_mul(2_654_435_761).rotate_left(9).wrapping_mul(0x9E37_79B9).to_be_bytes()[0];
        let random = u16::from(random) * u16::from(noise) / 255;
        at.to_le_bytes()[1].wrapping_add(random.to_le_bytes()[0])
    };
    let count = u32::from(width) * u32::from(height) * samples;
    let bytes: Vec<u8> = (0..count).map(sample).collect();
    encoder.encode(&bytes, width, height, colours).expect("memory");
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_makes_long_scans_in_every_shape() {
        for shape in 0..16 {
            let file = picture(95, shape, 255, 100);
            assert!(file.len() > 18 << 10, "shape {shape}: {} bytes", file.len());
            assert_eq!(invert(&file, Scratch::default()).map(|negative| negative.len() > 18 << 10), Ok(true));
        }
    }
}
