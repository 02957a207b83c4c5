//! A room over plain TCP: no framing, and a client takes what one `recv(1024)`
//! returns for one message.
//!
//! A client sends chunks such as
//! `ESC[31m[2026-11-21 22:17:03] ada<SEP>hei ESC[39m` (without the space before
//! the last `ESC`) and shows what it receives as it is, so members get each
//! chunk with `<SEP>` replaced by `: `.

mod chunk;
mod line;
mod splitter;

pub use chunk::{Chunk, Parts, is_http_request};
pub use line::{CHUNK_MAX_BYTES, Colour, Line};
pub use splitter::{Splitter, TooLong};

/// Stands between who speaks and what is said.
const SEPARATOR: &str = "<SEP>";
/// What members are shown in its place.
const SHOWN_SEPARATOR: &str = ": ";
/// Ends a chunk: the terminal's own colour (ECMA-48 §8.3.117, 39).
const RESET: &str = "\u{1b}[39m";
