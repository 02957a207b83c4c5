//! What the next block will hold.

use super::{LENGTH_MIN, Sequence};

/// Chosen: a block of this many literals and copies has paid for its code
/// lengths many times over, and a code that is older fits worse.
const TOKENS_MAX: usize = 64 << 10;
/// Chosen: a shorter block is not worth code lengths of its own; it also bounds
/// how many codes a stranger can ask for.
const TOKENS_MIN: usize = 1024;

/// Short runs of literals are moved in one piece of this size.
const PIECE_BYTES: usize = 16;

/// Literals and copies that wait to be written.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    /// Room for literals; those that are there come first.
    room: Vec<u8>,
    literals: usize,
    sequences: Vec<Sequence>,
    /// Literals up to the last copy.
    literals_before: usize,
    /// Bytes that all of this makes.
    made_bytes: usize,
}

impl Tokens {
    pub(crate) fn clear(&mut self) {
        self.literals = 0;
        self.sequences.clear();
        self.literals_before = 0;
        self.made_bytes = 0;
    }

    /// Whether the block should be written before more is added.
    pub(crate) fn are_many(&self) -> bool {
        self.literals + self.sequences.len() >= TOKENS_MAX
    }

    /// Whether they should rather wait for more.
    pub(crate) fn are_few(&self) -> bool {
        self.literals + self.sequences.len() < TOKENS_MIN
    }

    /// Bytes that all of this makes.
    pub(crate) fn made_bytes(&self) -> usize {
        self.made_bytes
    }

    pub(super) fn literals(&self) -> &[u8] {
        &self.room[..self.literals]
    }

    pub(super) fn sequences(&self) -> &[Sequence] {
        &self.sequences
    }

    /// Announces that tokens for so many bytes will be added.
    pub(super) fn make_room(&mut self, bytes: usize) {
        self.made_bytes += bytes;
        let room = self.literals + bytes + PIECE_BYTES;
        if self.room.len() < room {
            self.room.resize(room, 0);
        }
    }

    /// Adds bytes of a window, which goes on for [`PIECE_BYTES`] at least.
    #[inline(always)]
    pub(super) fn push_literals(&mut self, window: &[u8], from: usize, to: usize) {
        let (at, bytes) = (self.literals, to - from);
        self.literals += bytes;
        if bytes <= PIECE_BYTES {
            self.room[at..at + PIECE_BYTES].copy_from_slice(&window[from..from + PIECE_BYTES]);
        } else {
            self.room[at..at + bytes].copy_from_slice(&window[from..to]);
        }
    }

    #[inline(always)]
    pub(super) fn push_copy(&mut self, length: usize, distance: usize) {
        debug_assert!(length >= LENGTH_MIN);
        let literals = (self.literals - self.literals_before) as u32;
        self.literals_before = self.literals;
        self.sequences.push(Sequence { literals, length: length as u16, distance: distance as u16 });
    }
}
