//! Rows of samples, out of any compression.

use crate::error::InvertError;
use crate::{flip, flip_masked};

use super::directory::{Order, damaged};
use super::page::{Alpha, Samples};

/// Inverts the colours of whole rows. `at` is where they are stored, for an
/// error.
pub(super) fn invert_rows(
    rows: &mut [u8],
    row_bytes: usize,
    samples: &Samples,
    order: Order,
    at: usize,
) -> Result<(), InvertError> {
    match samples.alpha {
        Alpha::Premultiplied => {
            for row in rows.chunks_exact_mut(row_bytes) {
                invert_premultiplied(row, samples, order, at)?;
            }
        }
        Alpha::Straight if samples.is_predicted => {
            for row in rows.chunks_exact_mut(row_bytes) {
                invert_differences(row, samples, order);
            }
        }
        Alpha::Straight if samples.colours == samples.channels => flip(rows),
        Alpha::Straight => flip_masked(rows, &colour_mask(samples)),
    }
    Ok(())
}

/// Ones for the colours of a pixel, zeros for all else.
fn colour_mask(samples: &Samples) -> Vec<u8> {
    let mut mask = vec![0; samples.channels * samples.bytes_per_sample];
    mask[..samples.colours * samples.bytes_per_sample].fill(0xFF);
    mask
}

/// The difference of negatives is the negative difference; the first pixel of
/// a row has none on its left.
fn invert_differences(row: &mut [u8], samples: &Samples, order: Order) {
    let bytes = samples.bytes_per_sample;
    let mut pixels = row.chunks_exact_mut(samples.channels * bytes);
    if let Some(first) = pixels.next() {
        flip(&mut first[..samples.colours * bytes]);
    }
    for pixel in pixels {
        for sample in pixel[..samples.colours * bytes].chunks_exact_mut(bytes) {
            put(order, read(order, sample).wrapping_neg(), sample);
        }
    }
}

/// The negative of a colour c is 1-c; multiplied by its alpha, a-ca.
fn invert_premultiplied(row: &mut [u8], samples: &Samples, order: Order, at: usize) -> Result<(), InvertError> {
    let (bytes, channels) = (samples.bytes_per_sample, samples.channels);
    if samples.is_predicted {
        for start in channels * bytes..=row.len().saturating_sub(bytes) {
            if start % bytes == 0 {
                let left = read(order, &row[start - channels * bytes..][..bytes]);
                let sample = &mut row[start..start + bytes];
                put(order, left.wrapping_add(read(order, sample)), sample);
            }
        }
    }
    for pixel in row.chunks_exact_mut(channels * bytes) {
        let (colours, rest) = pixel.split_at_mut(samples.colours * bytes);
        let alpha = read(order, &rest[..bytes]);
        for sample in colours.chunks_exact_mut(bytes) {
            let Some(negative) = alpha.checked_sub(read(order, sample)) else {
                return Err(damaged("a colour that is brighter than its alpha allows", at));
            };
            put(order, negative, sample);
        }
    }
    if samples.is_predicted {
        for start in (channels * bytes..=row.len().saturating_sub(bytes)).rev() {
            if start % bytes == 0 {
                let left = read(order, &row[start - channels * bytes..][..bytes]);
                let sample = &mut row[start..start + bytes];
                put(order, read(order, sample).wrapping_sub(left), sample);
            }
        }
    }
    Ok(())
}

fn read(order: Order, sample: &[u8]) -> u32 {
    u32::try_from(order.read(sample)).unwrap_or(u32::MAX)
}

/// The low bytes of a number, as many as a sample has.
fn put(order: Order, number: u32, sample: &mut [u8]) {
    let kept = sample.len().min(4);
    sample.copy_from_slice(&number.to_le_bytes()[..kept]);
    if order == Order::Big {
        sample.reverse();
    }
}
