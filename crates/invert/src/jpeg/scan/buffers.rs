//! Buffers that intervals hand on to each other.

use std::ops::Range;

use super::interval::{Interval, PADDING_BYTES};
use super::splice::Change;
use super::stuffing;

#[derive(Debug, Default)]
pub(in crate::jpeg) struct Buffers {
    original: Vec<u8>,
    negative: Vec<u8>,
    /// What is neither.
    pub(super) spare: Vec<u8>,
    changes: Vec<Change>,
}

impl Buffers {
    /// Takes in the data of an interval.
    pub(super) fn load(&mut self, data: &[u8]) {
        self.original.clear();
        self.negative.clear();
        self.add(data);
    }

    /// Takes in the data of two intervals; returns where they are.
    pub(super) fn load_two(&mut self, data: [&[u8]; 2]) -> [Range<usize>; 2] {
        self.original.clear();
        self.negative.clear();
        data.map(|data| self.add(data))
    }

    /// Takes in the data of an interval that is changed in place; returns it,
    /// with [`PADDING_BYTES`].
    pub(super) fn load_alone(&mut self, data: &[u8]) -> &mut [u8] {
        self.original.clear();
        stuffing::remove(data, &mut self.original);
        self.original.resize(self.original.len() + PADDING_BYTES, 0);
        &mut self.original
    }

    fn add(&mut self, data: &[u8]) -> Range<usize> {
        let start = self.original.len();
        stuffing::remove(data, &mut self.original);
        let end = self.original.len();
        self.original.resize(end + PADDING_BYTES, 0);
        self.negative.extend_from_slice(&self.original[start..]);
        start..end
    }

    pub(super) fn interval(&mut self) -> Interval<'_> {
        self.parts().0
    }

    /// The interval, and an empty list and buffer.
    pub(super) fn parts(&mut self) -> (Interval<'_>, &mut Vec<Change>, &mut Vec<u8>) {
        self.changes.clear();
        self.spare.clear();
        let interval = Interval { original: &self.original, negative: &mut self.negative };
        (interval, &mut self.changes, &mut self.spare)
    }
}
