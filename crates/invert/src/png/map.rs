//! What becomes of a filtered byte when its picture is inverted.
//!
//! A filter (PNG §9.2) stores the difference f between a sample and a guess
//! made from its neighbours a (left), b (above) and c (above left). The guess of
//! the negative follows from the same neighbours, inverted, and zero stays zero
//! where there is none:
//!
//! | filter | inside | no left | no above | neither |
//! |---|---|---|---|---|
//! | None | 255-f | 255-f | 255-f | 255-f |
//! | Sub: a | -f | 255-f | -f | 255-f |
//! | Up: b | -f | -f | 255-f | 255-f |
//! | Average: (a+b)/2, rounded down | -f + (a+b) mod 2 | 128-f | 128-f | 255-f |
//! | Paeth: that of a, b, c that is next to a+b-c | -f | -f | -f | 255-f |
//!
//! Only Average, inside, asks for the samples themselves.

use super::header::Header;
use super::neighbours::Neighbours;
use super::passes::{Pass, Passes, colour_bits};

/// PNG §9.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filter {
    None,
    Sub,
    Up,
    Average,
    Paeth,
}

impl Filter {
    fn of(byte: u8) -> Result<Self, Fault> {
        match byte {
            0 => Ok(Self::None),
            1 => Ok(Self::Sub),
            2 => Ok(Self::Up),
            3 => Ok(Self::Average),
            4 => Ok(Self::Paeth),
            _ => Err(Fault::Filter),
        }
    }
}

/// Why bytes cannot be mapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// A filter that does not exist.
    Filter,
    /// Bytes behind the last row.
    TooMany,
    /// Samples are asked for, and none were kept.
    NoNeighbours,
    /// Samples would have to be kept of a row that is too long.
    LongRow,
}

/// How a byte changes: the colour bits flip, then a number is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    /// 255-f.
    Complement = 0,
    /// -f.
    Negate = 1,
    /// 128-f.
    NegateFromHalf = 129,
}

/// Where in the pixel data the next byte belongs.
#[derive(Debug)]
pub(super) struct Mapper<'a> {
    passes: Passes,
    pass: Pass,
    /// Rows of the pass that were begun.
    row: u32,
    filter: Filter,
    /// Bytes of the row so far.
    at: u64,
    pixel_bytes: usize,
    colour: [u8; 8],
    neighbours: Option<&'a mut Neighbours>,
    /// Bytes of the pixel data before the next row.
    next_row_start: u64,
    independent: RowStart,
}

/// The beginning of a row, its filter still to come.
#[derive(Debug, Clone, Copy)]
struct RowStart {
    /// Bytes of the pixel data before it.
    place: u64,
    passes: Passes,
    /// That of the row before.
    pass: Pass,
    /// Rows of the pass that were begun.
    row: u32,
}

impl<'a> Mapper<'a> {
    /// Begins a frame. `neighbours` are needed from the first row of a pass on,
    /// or not at all.
    pub(super) fn new(header: Header, passes: Passes, neighbours: Option<&'a mut Neighbours>) -> Self {
        Self {
            passes,
            pass: Pass::default(),
            row: 0,
            filter: Filter::None,
            at: 0,
            pixel_bytes: header.pixel_bytes(),
            colour: colour_bits(header),
            neighbours,
            next_row_start: 0,
            independent: RowStart { place: 0, passes, pass: Pass::default(), row: 0 },
        }
    }

    /// Bytes of the pixel data before the last row that was begun whose samples
    /// follow from its own bytes alone.
    pub(super) fn independent_place(&self) -> u64 {
        self.independent.place
    }

    /// A mapper that begins with that row, and keeps samples from there on.
    pub(super) fn with_neighbours<'n>(&self, neighbours: &'n mut Neighbours) -> Result<Mapper<'n>, Fault> {
        let RowStart { place, passes, pass, row } = self.independent;
        neighbours.begin_pass(pass.row_bytes)?;
        Ok(Mapper {
            passes,
            pass,
            row,
            filter: Filter::None,
            at: pass.row_bytes,
            pixel_bytes: self.pixel_bytes,
            colour: self.colour,
            neighbours: Some(neighbours),
            next_row_start: place,
            independent: self.independent,
        })
    }

    /// Maps the next bytes of the pixel data.
    pub(super) fn map(&mut self, mut from: &[u8], mut to: &mut [u8]) -> Result<(), Fault> {
        while let Some((&filter, rest)) = from.split_first() {
            if self.at == self.pass.row_bytes {
                self.begin_row(filter)?;
                to[0] = filter;
                (from, to) = (rest, &mut to[1..]);
                continue;
            }
            // The first pixel has no left neighbour.
            let first_bytes = self.pixel_bytes as u64;
            let end = if self.at < first_bytes { first_bytes.min(self.pass.row_bytes) } else { self.pass.row_bytes };
            let bytes = usize::try_from(end - self.at).map_or(from.len(), |bytes| bytes.min(from.len()));
            let (part, rest) = from.split_at(bytes);
            let (mapped, rest_to) = to.split_at_mut(bytes);
            self.map_part(part, mapped)?;
            self.at += bytes as u64;
            (from, to) = (rest, rest_to);
        }
        Ok(())
    }

    /// Whether the last row is there, and whole.
    pub(super) fn is_complete(&self) -> bool {
        let mut passes = self.passes;
        self.at == self.pass.row_bytes && self.row == self.pass.rows && passes.next().is_none()
    }

    fn begin_row(&mut self, filter: u8) -> Result<(), Fault> {
        let start = RowStart { place: self.next_row_start, passes: self.passes, pass: self.pass, row: self.row };
        if self.row == self.pass.rows {
            self.pass = self.passes.next().ok_or(Fault::TooMany)?;
            self.row = 0;
        }
        self.filter = Filter::of(filter)?;
        if self.row == 0 || matches!(self.filter, Filter::None | Filter::Sub) {
            self.independent = start;
        }
        self.next_row_start += 1 + self.pass.row_bytes;
        if let Some(neighbours) = &mut self.neighbours {
            if self.row == 0 {
                neighbours.begin_pass(self.pass.row_bytes)?;
            }
            neighbours.begin_row(self.filter, self.pixel_bytes);
        }
        self.row += 1;
        self.at = 0;
        Ok(())
    }

    /// Maps bytes of one row that are all of its first pixel, or all behind it.
    fn map_part(&mut self, from: &[u8], to: &mut [u8]) -> Result<(), Fault> {
        let phase = (self.at % self.colour.len() as u64) as usize;
        let mut colour = self.colour;
        colour.rotate_left(phase);
        let change = self.change();
        if let Some(change) = change {
            apply(change, colour, from, to);
        }
        match (&mut self.neighbours, change) {
            (Some(neighbours), Some(_)) => neighbours.learn(self.at as usize, from),
            (Some(neighbours), None) => neighbours.average(self.at as usize, colour, from, to),
            (None, Some(_)) => {}
            (None, None) => return Err(Fault::NoNeighbours),
        }
        Ok(())
    }

    /// The table above.
    fn change(&self) -> Option<Change> {
        let has_left = self.at >= self.pixel_bytes as u64;
        let has_above = self.row > 1;
        match (self.filter, has_left, has_above) {
            (Filter::None, ..)
            | (Filter::Sub, false, _)
            | (Filter::Up, _, false)
            | (Filter::Average | Filter::Paeth, false, false) => Some(Change::Complement),
            (Filter::Average, true, false) | (Filter::Average, false, true) => Some(Change::NegateFromHalf),
            (Filter::Average, true, true) => None,
            (Filter::Sub, true, _) | (Filter::Up, _, true) | (Filter::Paeth, ..) => Some(Change::Negate),
        }
    }
}

/// Changes bytes whose colour bits repeat after eight.
fn apply(change: Change, colour: [u8; 8], from: &[u8], to: &mut [u8]) {
    const STEP: usize = 32;
    let flips: [u8; STEP] = std::array::from_fn(|place| colour[place % colour.len()]);
    let terms = flips.map(|bits| bits & change as u8);
    let (steps, rest) = from.as_chunks::<STEP>();
    let (steps_to, rest_to) = to.as_chunks_mut::<STEP>();
    for (from, to) in steps.iter().zip(steps_to) {
        for place in 0..STEP {
            to[place] = (from[place] ^ flips[place]).wrapping_add(terms[place]);
        }
    }
    for (place, (from, to)) in rest.iter().zip(rest_to).enumerate() {
        *to = (from ^ flips[place]).wrapping_add(terms[place]);
    }
}
