//! Tables as they stand at one point of a file; later segments replace them.

use super::huffman::{Definition, Huffman};
use super::marker::{DHT, DQT, DRI};
use super::segments::Segment;
use crate::error::InvertError;

#[derive(Debug)]
pub(super) struct Tables {
    pub(super) dc: [DcTable; 4],
    pub(super) ac: [Option<Huffman>; 4],
    /// The first step of each quantisation table: that of mean values.
    pub(super) dc_steps: [Option<u16>; 4],
    /// Units between restart markers; zero for no markers.
    pub(super) restart_interval: u16,
    huffman_read: usize,
}

/// A table of mean values, and which of a file's tables it is.
#[derive(Debug, Default)]
pub(super) struct DcTable {
    pub(super) table: Option<Huffman>,
    /// How many Huffman tables the file has before it; `None` for the
    /// standard's own.
    pub(super) number: Option<usize>,
}

/// What a segment of Huffman tables becomes in the negative.
#[derive(Debug, Default)]
pub(super) struct Rewritten {
    pub(super) payload: Vec<u8>,
    pub(super) is_changed: bool,
}

impl Tables {
    /// With the tables of the standard, which motion JPEG leaves out.
    pub(super) fn new() -> Self {
        let dc = |table: Definition| DcTable { table: Huffman::new(table), number: None };
        let [luma_dc, luma_ac, chroma_dc, chroma_ac] = standard();
        Self {
            dc: [dc(luma_dc), dc(chroma_dc), DcTable::default(), DcTable::default()],
            ac: [Huffman::new(luma_ac), Huffman::new(chroma_ac), None, None],
            dc_steps: [None; 4],
            restart_interval: 0,
            huffman_read: 0,
        }
    }

    /// Takes in quantisation tables (T.81 B.2.4.1) or a restart interval
    /// (B.2.4.4).
    pub(super) fn read(&mut self, segment: &Segment<'_>) -> Result<(), InvertError> {
        let is_whole = match segment.marker {
            DQT => read_all(segment.payload, |payload| self.read_quantisation(payload)),
            DRI => read_all(segment.payload, |payload| {
                let (interval, rest) = payload.split_first_chunk()?;
                self.restart_interval = u16::from_be_bytes(*interval);
                Some(rest)
            }),
            _ => Some(()),
        };
        is_whole.ok_or_else(|| damaged(segment))
    }

    /// Takes in Huffman tables (B.2.4.2), as `change` has them in the
    /// negative: it is given the number of a table of mean values and the
    /// table.
    pub(super) fn read_huffman(
        &mut self,
        segment: &Segment<'_>,
        change: impl Fn(usize, Definition) -> Definition,
    ) -> Result<Rewritten, InvertError> {
        debug_assert_eq!(segment.marker, DHT);
        let mut rewritten = Rewritten::default();
        let is_whole = read_all(segment.payload, |payload| self.read_huffman_table(payload, &change, &mut rewritten));
        is_whole.ok_or_else(|| damaged(segment))?;
        Ok(rewritten)
    }

    fn read_huffman_table<'a>(
        &mut self,
        payload: &'a [u8],
        change: impl Fn(usize, Definition) -> Definition,
        rewritten: &mut Rewritten,
    ) -> Option<&'a [u8]> {
        let (&place, payload) = payload.split_first()?;
        let (counts, payload) = payload.split_first_chunk()?;
        let symbols: usize = counts.iter().copied().map(usize::from).sum();
        let (symbols, rest) = payload.split_at_checked(symbols)?;
        let original = Definition { counts: *counts, symbols: symbols.to_vec() };
        let number = self.huffman_read;
        self.huffman_read += 1;
        let index = usize::from(place & 0x0F);
        let mut written = original.clone();
        match place >> 4 {
            0 => {
                // The original's codes are the negative's: a change only adds codes behind them.
                written = change(number, original.clone());
                let table = Some(Huffman::new(written.clone())?);
                *self.dc.get_mut(index)? = DcTable { table, number: Some(number) };
            }
            1 => *self.ac.get_mut(index)? = Some(Huffman::new(original.clone())?),
            _ => return None,
        }
        rewritten.is_changed |= written != original;
        rewritten.payload.push(place);
        rewritten.payload.extend_from_slice(&written.counts);
        rewritten.payload.extend_from_slice(&written.symbols);
        Some(rest)
    }

    fn read_quantisation<'a>(&mut self, payload: &'a [u8]) -> Option<&'a [u8]> {
        let (&place, payload) = payload.split_first()?;
        let (step, rest) = match place >> 4 {
            0 => {
                let (steps, rest) = payload.split_first_chunk::<64>()?;
                (u16::from(steps[0]), rest)
            }
            1 => {
                let (steps, rest) = payload.split_first_chunk::<128>()?;
                (u16::from_be_bytes([steps[0], steps[1]]), rest)
            }
            _ => return None,
        };
        *self.dc_steps.get_mut(usize::from(place & 0x0F))? = Some(step);
        Some(rest)
    }
}

fn damaged(segment: &Segment<'_>) -> InvertError {
    segment.damaged("tables that contradict themselves")
}

/// Reads table after table until nothing is left.
fn read_all<'a>(mut payload: &'a [u8], mut read: impl FnMut(&'a [u8]) -> Option<&'a [u8]>) -> Option<()> {
    while !payload.is_empty() {
        payload = read(payload)?;
    }
    Some(())
}

/// T.81 tables K.3 to K.6: mean values and other coefficients of luma, then of
/// chroma.
fn standard() -> [Definition; 4] {
    let dc = |counts| Definition { counts, symbols: (0..12).collect() };
    [
        dc([0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0]),
        Definition { counts: [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7D], symbols: LUMA_AC.to_vec() },
        dc([0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0]),
        Definition { counts: [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77], symbols: CHROMA_AC.to_vec() },
    ]
}

/// T.81 table K.5, in the order of the codes.
#[rustfmt::skip]
const LUMA_AC: [u8; 162] = [
    0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07, 0x22, 0x71,
    0x14, 0x32, 0x81, 0x91, 0xA1, 0x08, 0x23, 0x42, 0xB1, 0xC1, 0x15, 0x52, 0xD1, 0xF0, 0x24, 0x33, 0x62, 0x72,
    0x82, 0x09, 0x0A, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2A, 0x34, 0x35, 0x36, 0x37,
    0x38, 0x39, 0x3A, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4A, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59,
    0x5A, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6A, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7A, 0x83,
    0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0xA2, 0xA3,
    0xA4, 0xA5, 0xA6, 0xA7, 0xA8, 0xA9, 0xAA, 0xB2, 0xB3, 0xB4, 0xB5, 0xB6, 0xB7, 0xB8, 0xB9, 0xBA, 0xC2, 0xC3,
    0xC4, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8, 0xD9, 0xDA, 0xE1, 0xE2,
    0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xF1, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8, 0xF9, 0xFA,
];

/// T.81 table K.6, in the order of the codes.
#[rustfmt::skip]
const CHROMA_AC: [u8; 162] = [
    0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71, 0x13, 0x22,
    0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xA1, 0xB1, 0xC1, 0x09, 0x23, 0x33, 0x52, 0xF0, 0x15, 0x62, 0x72, 0xD1,
    0x0A, 0x16, 0x24, 0x34, 0xE1, 0x25, 0xF1, 0x17, 0x18, 0x19, 0x1A, 0x26, 0x27, 0x28, 0x29, 0x2A, 0x35, 0x36,
    0x37, 0x38, 0x39, 0x3A, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4A, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58,
    0x59, 0x5A, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6A, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7A,
    0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A,
    0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7, 0xA8, 0xA9, 0xAA, 0xB2, 0xB3, 0xB4, 0xB5, 0xB6, 0xB7, 0xB8, 0xB9, 0xBA,
    0xC2, 0xC3, 0xC4, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8, 0xD9, 0xDA,
    0xE2, 0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8, 0xF9, 0xFA,
];
