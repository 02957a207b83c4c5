//! How the rows of a picture follow each other in the pixel data.

use super::header::{Colour, Header};

/// PNG §8.2: where the seven passes of an interlaced picture begin and how far
/// apart their pixels are: left, top, across, down.
const ADAM7: [[u32; 4]; 7] =
    [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]];

/// The rows of one pass.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Pass {
    /// Without the byte that names the filter.
    pub(super) row_bytes: u64,
    pub(super) rows: u32,
}

/// The passes of a picture, or of a frame of its kind.
#[derive(Debug, Clone, Copy)]
pub(super) struct Passes {
    passes: [Pass; ADAM7.len()],
    next: usize,
}

impl Passes {
    pub(super) fn of(header: Header, width: u32, height: u32) -> Self {
        let row_bytes = |width: u32| (u64::from(width) * u64::from(header.pixel_bits())).div_ceil(8);
        let mut passes = [Pass::default(); ADAM7.len()];
        if header.interlaced {
            for (pass, [left, top, across, down]) in passes.iter_mut().zip(ADAM7) {
                let width = width.saturating_sub(left).div_ceil(across);
                let height = height.saturating_sub(top).div_ceil(down);
                *pass = Pass { row_bytes: row_bytes(width), rows: height };
            }
        } else {
            passes[0] = Pass { row_bytes: row_bytes(width), rows: height };
        }
        Self { passes, next: 0 }
    }
}

impl Iterator for Passes {
    type Item = Pass;

    /// PNG §8.2: a pass without pixels has no rows either, and so no filters.
    fn next(&mut self) -> Option<Pass> {
        loop {
            let pass = *self.passes.get(self.next)?;
            self.next += 1;
            if pass.row_bytes > 0 && pass.rows > 0 {
                return Some(pass);
            }
        }
    }
}

/// Which bits of eight bytes are colour; a pixel is one, two, four or eight
/// bytes long, or has no alpha. Samples below 8 bits are all colour, and so may
/// be the filling of a row's last byte.
pub(super) fn colour_bits(header: Header) -> [u8; 8] {
    match (header.colour, header.depth) {
        (Colour::GreyAlpha, 16) => [0xFF, 0xFF, 0, 0, 0xFF, 0xFF, 0, 0],
        (Colour::GreyAlpha, _) => [0xFF, 0, 0xFF, 0, 0xFF, 0, 0xFF, 0],
        (Colour::Rgba, 16) => [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0],
        (Colour::Rgba, _) => [0xFF, 0xFF, 0xFF, 0, 0xFF, 0xFF, 0xFF, 0],
        (Colour::Grey | Colour::Rgb | Colour::Palette, _) => [0xFF; 8],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(width: u32, height: u32, interlaced: bool, depth: u8, expected: &[(u64, u32)]) {
        let header = Header { width, height, depth, colour: Colour::Grey, interlaced };
        let found: Vec<_> = Passes::of(header, width, height).map(|pass| (pass.row_bytes, pass.rows)).collect();
        assert_eq!(found, expected, "{width} x {height}");
    }

    #[test]
    fn a_plain_picture_is_one_pass() {
        check(7, 5, false, 8, &[(7, 5)]);
        check(9, 5, false, 1, &[(2, 5)]);
        check(3, 1, false, 16, &[(6, 1)]);
    }

    #[test]
    fn passes_without_pixels_are_left_out() {
        check(1, 1, true, 8, &[(1, 1)]);
        check(8, 8, true, 8, &[(1, 1), (1, 1), (2, 1), (2, 2), (4, 2), (4, 4), (8, 4)]);
        check(1, 9, true, 8, &[(1, 2), (1, 1), (1, 2), (1, 4)]);
        check(5, 1, true, 4, &[(1, 1), (1, 1), (1, 1), (1, 1)]);
    }
}
