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
            Some(Filter::Sub) => self.walk::<N>(at, filtered, |a, _, _| a, |_, _, _| {}),
            Some(Filter::Average) => self.walk::<N>(at, filtered, |a, b, _| a.midpoint(b), |_, _, _| {}),
            Some(Filter::Paeth | Filter::Up | Filter::None) | None => {
                self.walk::<N>(at, filtered, paeth, |_, _, _| {});
            }
        }
    }

    /// As [`Neighbours::learn`] for an Average row, and writes what becomes of
    /// its bytes behind the first pixel.
    pub(super) fn average(&mut self, at: usize, colour: [u8; 8], filtered: &[u8], to: &mut [u8]) {
        match self.pixel_bytes {
            1 => self.average_pixels::<1>(at, colour, filtered, to),
            2 => self.average_pixels::<2>(at, colour, filtered, to),
            3 => self.average_pixels::<3>(at, colour, filtered, to),
            4 => self.average_pixels::<4>(at, colour, filtered, to),
            6 => self.average_pixels::<6>(at, colour, filtered, to),
            _ => self.average_pixels::<8>(at, colour, filtered, to),
        }
    }

    fn average_pixels<const N: usize>(&mut self, at: usize, colour: [u8; 8], filtered: &[u8], to: &mut [u8]) {
        let average = |a: u8, b: u8, _| a.midpoint(b);
        self.walk::<N>(at, filtered, average, |place, a, b| {
            let bits = colour[place % colour.len()];
            to[place] = (filtered[place] ^ bits).wrapping_add(bits & (1 + ((a ^ b) & 1)));
        });
    }

    /// Takes the samples of a row's bytes by a filter's guess from a, b and c,
    /// and shows a and b of each byte.
    #[inline(always)]
    fn walk<const N: usize>(
        &mut self,
        at: usize,
        filtered: &[u8],
        guess: impl Fn(u8, u8, u8) -> u8,
        mut show: impl FnMut(usize, u8, u8),
    ) {
        let mut one = |place: usize, row: &mut u8, left: &mut u8, above_left: &mut u8| {
            let (a, b, c) = (*left, *row, *above_left);
            show(place, a, b);
            *row = filtered[place].wrapping_add(guess(a, b, c));
            (*left, *above_left) = (*row, b);
        };
        let row = &mut self.row[at..at + filtered.len()];
        let head = at.next_multiple_of(N).min(at + filtered.len()) - at;
        let (rest_of_pixel, row) = row.split_at_mut(head);
        for (place, sample) in rest_of_pixel.iter_mut().enumerate() {
            let part = (at + place) % N;
            one(place, sample, &mut self.left[part], &mut self.above_left[part]);
        }
        let (pixels, begun) = row.as_chunks_mut::<N>();
        let mut left: [u8; N] = *self.left.first_chunk().expect("no pixel is longer");
        let mut above_left: [u8; N] = *self.above_left.first_chunk().expect("no pixel is longer");
        let whole_bytes = pixels.len() * N;
        for (index, pixel) in pixels.iter_mut().enumerate() {
            for part in 0..N {
                one(head + index * N + part, &mut pixel[part], &mut left[part], &mut above_left[part]);
            }
        }
        self.left[..N].copy_from_slice(&left);
        self.above_left[..N].copy_from_slice(&above_left);
        for (part, sample) in begun.iter_mut().enumerate() {
            one(head + whole_bytes + part, sample, &mut self.left[part], &mut self.above_left[part]);
        }
    }
}

/// PNG §9.4: whichever is next to a+b-c, on a tie a before b before c.
fn paeth(a: u8, b: u8, c: u8) -> u8 {
    let (left, above, above_left) = (i16::from(a), i16::from(b), i16::from(c));
    let (to_left, to_above) = ((above - above_left).abs(), (left - above_left).abs());
    let to_above_left = (left + above - 2 * above_left).abs();
    if to_left <= to_above && to_left <= to_above_left {
        a
    } else if to_above <= to_above_left {
        b
    } else {
        c
    }
}
