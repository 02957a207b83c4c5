//! Tables as they stand at one point of a file; later segments replace them.

use super::huffman::Huffman;
use super::marker::{DHT, DQT, DRI};
use super::segments::Segment;
use crate::error::InvertError;

/// Where in a block each coefficient belongs, in the order of the file (T.81
/// figure A.6).
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
    28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
    47, 55, 62, 63,
];

#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) dc: [Option<Huffman>; 4],
    pub(super) ac: [Option<Huffman>; 4],
    /// Steps of the coefficients, row by row of the block.
    pub(super) quantisation: [Option<[u16; 64]>; 4],
    /// Minimum coded units between restart markers; zero for no markers.
    pub(super) restart_interval: u16,
}

impl Tables {
    /// Takes in a segment, if it is one of tables.
    pub(super) fn read(&mut self, segment: &Segment<'_>) -> Result<(), InvertError> {
        let is_whole = match segment.marker {
            DHT => read_all(segment.payload, |payload| self.read_huffman(payload)),
            DQT => read_all(segment.payload, |payload| self.read_quantisation(payload)),
            DRI => read_all(segment.payload, |payload| {
                let (interval, rest) = payload.split_first_chunk()?;
                self.restart_interval = u16::from_be_bytes(*interval);
                Some(rest)
            }),
            _ => Some(()),
        };
        is_whole.ok_or_else(|| segment.damaged("tables that contradict themselves"))
    }

    /// One table of T.81 B.2.4.2; gives what follows it.
    fn read_huffman<'a>(&mut self, payload: &'a [u8]) -> Option<&'a [u8]> {
        let (&place, payload) = payload.split_first()?;
        let (counts, payload) = payload.split_first_chunk()?;
        let symbols: usize = counts.iter().copied().map(usize::from).sum();
        let (symbols, rest) = payload.split_at_checked(symbols)?;
        let tables = match place >> 4 {
            0 => &mut self.dc,
            1 => &mut self.ac,
            _ => return None,
        };
        *tables.get_mut(usize::from(place & 0x0F))? = Some(Huffman::new(counts, symbols)?);
        Some(rest)
    }

    /// One table of T.81 B.2.4.1; gives what follows it.
    fn read_quantisation<'a>(&mut self, payload: &'a [u8]) -> Option<&'a [u8]> {
        let (&place, mut rest) = payload.split_first()?;
        let mut steps = [0; 64];
        for position in ZIGZAG {
            let step;
            (step, rest) = match place >> 4 {
                0 => rest.split_first().map(|(&step, rest)| (u16::from(step), rest))?,
                1 => rest.split_first_chunk().map(|(step, rest)| (u16::from_be_bytes(*step), rest))?,
                _ => return None,
            };
            steps[usize::from(position)] = step;
        }
        *self.quantisation.get_mut(usize::from(place & 0x0F))? = Some(steps);
        Some(rest)
    }
}

/// Reads table after table until nothing is left.
fn read_all<'a>(mut payload: &'a [u8], mut read: impl FnMut(&'a [u8]) -> Option<&'a [u8]>) -> Option<()> {
    while !payload.is_empty() {
        payload = read(payload)?;
    }
    Some(())
}
