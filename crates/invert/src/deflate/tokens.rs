//! What the next block will hold.

use super::{LENGTH_MIN, Sequence};

/// Chosen: a block of this many literals and copies has paid for its code
/// lengths many times over, and a code that is older fits worse.
const TOKENS_MAX: usize = 64 << 10;
/// Chosen: a shorter block is not worth code lengths of its own; it also bounds
/// how many codes a stranger can ask for.
const TOKENS_MIN: usize = 1024;

/// Literals and copies that wait to be written.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    pub(super) literals: Vec<u8>,
    pub(super) sequences: Vec<Sequence>,
    /// Literals since the last copy.
    run: u32,
    /// Bytes that all of this makes.
    pub(super) made_bytes: usize,
}

impl Tokens {
    pub(crate) fn clear(&mut self) {
        self.literals.clear();
        self.sequences.clear();
        self.run = 0;
        self.made_bytes = 0;
    }

    /// Whether the block should be written before more is added.
    pub(crate) fn are_many(&self) -> bool {
        self.literals.len() + self.sequences.len() >= TOKENS_MAX
    }

    /// Whether they should rather wait for more.
    pub(crate) fn are_few(&self) -> bool {
        self.literals.len() + self.sequences.len() < TOKENS_MIN
    }

    /// Bytes that all of this makes.
    pub(crate) fn made_bytes(&self) -> usize {
        self.made_bytes
    }

    #[inline]
    pub(super) fn push_literals(&mut self, bytes: &[u8]) {
        self.literals.extend_from_slice(bytes);
        self.run += bytes.len() as u32;
        self.made_bytes += bytes.len();
    }

    #[inline]
    pub(super) fn push_copy(&mut self, length: usize, distance: usize) {
        debug_assert!(length >= LENGTH_MIN);
        let sequence = Sequence { literals: self.run, length: length as u16, distance: distance as u16 };
        self.sequences.push(sequence);
        self.run = 0;
        self.made_bytes += length;
    }
}
