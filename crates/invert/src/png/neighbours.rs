//! The samples of the row above and to the left, for the one filter that needs
//! them.

use super::map::{Fault, Filter};

/// Bytes of the longest pixel: four samples of 16 bits.
const PIXEL_BYTES_MAX: usize = 8;
/// Chosen: twice a row of 1,000,000 pixels of 64 bits, more than common readers
/// take.
const ROW_BYTES_MAX: u64 = 16 << 20;

/// One row of samples, the new one up to where it is known, the row above from
/// there on.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    row: Vec<u8>,
    filter: Option<Filter>,
    pixel_bytes: usize,
    /// The samples of the last pixel, by place in the row.
    left: [u8; PIXEL_BYTES_MAX],
    /// Those above the last pixel.
    above_left: [u8; PIXEL_BYTES_MAX],
}

impl Neighbours {
    /// Forgets the rows of another pass.
    pub(super) fn begin_pass(&mut self, row_bytes: u64) -> Result<(), Fault> {
        if row_bytes > ROW_BYTES_MAX {
            return Err(Fault::LongRow);
        }
        self.row.clear();
        self.row.resize(row_bytes as usize, 0);
        Ok(())
    }

    pub(super) fn begin_row(&mut self, filter: Filter, pixel_bytes: usize) {
        self.filter = Some(filter);
        self.pixel_bytes = pixel_bytes;
        self.left = [0; PIXEL_BYTES_MAX];
        self.above_left = [0; PIXEL_BYTES_MAX];
    }

    /// Takes the samples from bytes of the row.
    pub(super) fn learn(&mut self, at: usize, filtered: &[u8]) {
        let row = &mut self.row[at..at + filtered.len()];
        match self.filter {
            Some(Filter::Up) => {
                for (sample, byte) in row.iter_mut().zip(filtered) {
                    *sample = sample.wrapping_add(*byte);
                }
                return;
            }
            Some(Filter::None) | None => {
                row.copy_from_slice(filtered);
                return;
            }
            Some(Filter::Sub | Filter::Average | Filter::Paeth) => {}
        }
        match self.pixel_bytes {
            1 => self.learn_pixels::<1>(at, filtered),
            2 => self.learn_pixels::<2>(at, filtered),
            3 => self.learn_pixels::<3>(at, filtered),
            4 => self.learn_pixels::<4>(at, filtered),
            6 => self.learn_pixels::<6>(at, filtered),
            _ => self.learn_pixels::<8>(at, filtered),
        }
    }

    fn learn_pixels<const N: usize>(&mut self, at: usize, filtered: &[u8]) {
        match self.filter {
            Some(Filter::Sub) => self.walk::<N>(at, filtered, |a, _, _| a),
            Some(Filter::Average) => self.walk::<N>(at, filtered, |a, b, _| a.midpoint(b)),
            Some(Filter::Paeth | Filter::Up | Filter::None) | None => self.walk::<N>(at, filtered, paeth),
        }
    }

    /// As [`Neighbours::learn`] for an Average row, and writes what becomes of
    /// its bytes behind the first pixel; `colour` are the colour bits of eight
    /// bytes from `at` on.
    pub(super) fn average(&mut self, at: usize, colour: [u8; 8], filtered: &[u8], to: &mut [u8]) {
        to.copy_from_slice(&self.row[at..at + filtered.len()]);
        self.learn(at, filtered);
        let left = &self.row[at - self.pixel_bytes..];
        let mapped =
            |byte: u8, above: u8, left: u8, bits: u8| (byte ^ bits).wrapping_add(bits & (1 + ((above ^ left) & 1)));
        let (filtered, filtered_rest) = filtered.as_chunks::<8>();
        let (to, to_rest) = to.as_chunks_mut::<8>();
        let (left, left_rest) = left.split_at(8 * to.len());
        for ((to, filtered), left) in to.iter_mut().zip(filtered).zip(left.as_chunks::<8>().0) {
            for place in 0..8 {
                to[place] = mapped(filtered[place], to[place], left[place], colour[place]);
            }
        }
        for (((to, filtered), left), bits) in to_rest.iter_mut().zip(filtered_rest).zip(left_rest).zip(colour) {
            *to = mapped(*filtered, *to, *left, bits);
        }
    }

    /// Takes the samples of a row's bytes by a filter's guess from a, b and c.
    #[inline(always)]
    fn walk<const N: usize>(&mut self, at: usize, filtered: &[u8], guess: impl Fn(u8, u8, u8) -> u8) {
        let row = &mut self.row[at..at + filtered.len()];
        let head = (at.next_multiple_of(N) - at).min(filtered.len());
        let (row_head, row) = row.split_at_mut(head);
        let (head, filtered) = filtered.split_at(head);
        let (left, above_left) = (&mut self.left, &mut self.above_left);
        let some = |part: usize, samples: &mut [u8], bytes: &[u8], left: &mut [u8], above_left: &mut [u8]| {
            for (part, (sample, byte)) in (part..).zip(samples.iter_mut().zip(bytes)) {
                let above = *sample;
                *sample = byte.wrapping_add(guess(left[part], above, above_left[part]));
                (left[part], above_left[part]) = (*sample, above);
            }
        };
        some(at % N, row_head, head, left, above_left);
        let (pixels, row_tail) = row.as_chunks_mut::<N>();
        let (pixel_bytes, tail) = filtered.as_chunks::<N>();
        let (mut a, mut c) = ([0; N], [0; N]);
        a.copy_from_slice(&left[..N]);
        c.copy_from_slice(&above_left[..N]);
        for (samples, bytes) in pixels.iter_mut().zip(pixel_bytes) {
            let b = *samples;
            for part in 0..N {
                a[part] = bytes[part].wrapping_add(guess(a[part], b[part], c[part]));
            }
            (c, *samples) = (b, a);
        }
        left[..N].copy_from_slice(&a);
        above_left[..N].copy_from_slice(&c);
        some(0, row_tail, tail, left, above_left);
    }
}

/// PNG §9.4: whichever of a, b and c is next to a+b-c, on a tie a before b
/// before c. Where c is not between a and b, that is one of them; where it is,
/// a third of the way decides. Without branches it takes several samples at a
/// time.
#[inline(always)]
fn paeth(a: u8, b: u8, c: u8) -> u8 {
    let (low, high) = (a.min(b), a.max(b));
    let bound = 3 * i16::from(c) - i16::from(a) - i16::from(b);
    let below = if i16::from(high) <= bound { low } else { c };
    if bound <= i16::from(low) { high } else { below }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As PNG §9.4 has it.
    fn paeth_by_definition(a: u8, b: u8, c: u8) -> u8 {
        let [left, above, above_left] = [a, b, c].map(i16::from);
        let guess = left + above - above_left;
        let [to_left, to_above, to_above_left] = [left, above, above_left].map(|sample| (guess - sample).abs());
        if to_left <= to_above && to_left <= to_above_left {
            a
        } else if to_above <= to_above_left {
            b
        } else {
            c
        }
    }

    #[test]
    fn the_quick_guess_of_paeth_is_the_defined_one() {
        for a in 0..=255 {
            for b in 0..=255 {
                for c in 0..=255 {
                    assert_eq!(paeth(a, b, c), paeth_by_definition(a, b, c), "{a} {b} {c}");
                }
            }
        }
    }
}
