//! DEFLATE (RFC 1951) taken apart and put together again: literals and copies
//! in, literals and copies out. Knows nothing of pictures.

mod bits;
mod block;
mod finder;
mod huffman;
mod reader;
mod retoken;
mod runs;
mod tokens;
mod writer;

use thiserror::Error;

pub(crate) use block::write_block;
pub(crate) use reader::{Progress, Reader, Tables};
pub(crate) use retoken::{Part, Retoken, SPARE_BYTES, Search};
pub(crate) use tokens::Tokens;
pub(crate) use writer::BitWriter;

/// RFC 1951 §2: how far back a copy reaches.
pub(crate) const DISTANCE_MAX: usize = 32 << 10;
/// RFC 1951 §2: what one copy makes at most.
pub(crate) const LENGTH_MAX: usize = 258;
/// RFC 1951 §3.2.5: what one copy makes at least.
pub(crate) const LENGTH_MIN: usize = 3;

/// RFC 1951 §3.2.5: the symbol that ends a block; lengths follow it.
const END_OF_BLOCK: usize = 256;
/// RFC 1951 §3.2.5: 0 to 285.
const LITERAL_SYMBOLS: usize = 286;
/// RFC 1951 §3.2.5: 0 to 29.
const DISTANCE_SYMBOLS: usize = 30;
/// RFC 1951 §3.2.5, from symbol 257 on.
const LENGTH_BASES: [u16; 29] =
    [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
const LENGTH_EXTRA_BITS: [u8; 29] =
    [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCE_BASES: [u16; DISTANCE_SYMBOLS] = [
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145,
    8193, 12289, 16385, 24577,
];
const DISTANCE_EXTRA_BITS: [u8; DISTANCE_SYMBOLS] =
    [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13];
/// RFC 1951 §3.2.7: the order in which the lengths of the code for code lengths
/// are written.
const CODE_LENGTH_ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// Some literals, then a copy of earlier bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sequence {
    /// How many bytes stand for themselves.
    pub(crate) literals: u32,
    /// How many bytes are copied after them; none at the end of a part.
    pub(crate) length: u16,
    /// From how far back.
    pub(crate) distance: u16,
}

/// RFC 1951 §3.2.6.
fn fixed_literal_lengths() -> [u8; 288] {
    std::array::from_fn(|symbol| match symbol {
        0..144 => 8,
        144..256 => 9,
        256..280 => 7,
        _ => 8,
    })
}

/// Why a compressed stream cannot be read.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeflateError {
    /// The bytes end before the stream does.
    #[error("the compressed stream is cut short")]
    Truncated,
    /// RFC 1950 §2.2.
    #[error("the header of the compressed stream is wrong")]
    Header,
    /// RFC 1951 §3.2.3: block type 3.
    #[error("a block of a kind that does not exist")]
    BlockKind,
    /// RFC 1951 §3.2.4.
    #[error("a stored block whose length contradicts its complement")]
    StoredLength,
    /// RFC 1951 §3.2.7.
    #[error("code lengths that make no code")]
    CodeLengths,
    /// Bits that no code has.
    #[error("a code that does not exist")]
    Code,
    /// RFC 1951 §3.2: a copy from before the first byte.
    #[error("a copy from {distance} bytes back, behind only {available} bytes")]
    Distance {
        /// How far back the copy is from.
        distance: usize,
        /// How many bytes there are.
        available: usize,
    },
}
