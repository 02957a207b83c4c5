//! Buffers that intervals hand on to each other.

use super::interval::{Interval, PADDING_BYTES};
use super::stuffing;

#[derive(Debug, Default)]
pub(in crate::jpeg) struct Buffers {
    original: Vec<u8>,
    negative: Vec<u8>,
    /// What is neither.
    pub(super) spare: Vec<u8>,
}

impl Buffers {
    /// Takes in the interval that `data` begins with; returns the bytes of
    /// `data` that were read.
    pub(super) fn load(&mut self, data: &[u8]) -> usize {
        self.original.clear();
        let read = stuffing::remove(data, &mut self.original);
        self.original.resize(self.original.len() + PADDING_BYTES, 0);
        self.negative.clear();
        self.negative.extend_from_slice(&self.original);
        read
    }

    pub(super) fn interval(&mut self) -> Interval<'_> {
        self.parts().0
    }

    /// The interval, and an empty buffer.
    pub(super) fn parts(&mut self) -> (Interval<'_>, &mut Vec<u8>) {
        self.spare.clear();
        (Interval { original: &self.original, negative: &mut self.negative }, &mut self.spare)
    }
}
