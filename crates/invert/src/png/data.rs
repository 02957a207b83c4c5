//! Chunks of pixel data, old and new.

use super::chunks::{Chunk, begin_chunk, end_chunk};
use crate::error::InvertError;

/// Chosen: a reader that holds whole chunks holds little.
const CHUNK_BYTES: usize = 1 << 20;

/// PNG 3rd edition §11.3.6.1: four bytes before the data of an fdAT chunk.
const SEQUENCE_BYTES: usize = 4;

/// Which chunks pixel data is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `IDAT`.
    Picture,
    /// `fdAT`: a frame beyond the picture.
    Frame,
}

impl Kind {
    pub(super) fn name(self) -> [u8; 4] {
        match self {
            Self::Picture => *b"IDAT",
            Self::Frame => *b"fdAT",
        }
    }

    /// The part of a chunk that is pixel data.
    pub(super) fn pixel_data<'a>(self, chunk: &Chunk<'a>) -> Result<&'a [u8], InvertError> {
        match self {
            Self::Picture => Ok(chunk.data),
            Self::Frame => {
                chunk.data.get(SEQUENCE_BYTES..).ok_or_else(|| chunk.damaged("a frame's data without number"))
            }
        }
    }
}

/// Writes a stream of pixel data, cut into chunks.
#[derive(Debug)]
pub(super) struct DataWriter<'a> {
    out: &'a mut Vec<u8>,
    kind: Kind,
    /// The number that the next animation chunk gets.
    sequence: &'a mut u32,
    /// Where the open chunk begins.
    chunk_start: usize,
    /// Where the stream begins, and the number of its first chunk.
    start: usize,
    first_number: u32,
    /// Where the same stream, written another way, ends, and the number behind
    /// its last chunk.
    earlier: Option<(usize, u32)>,
}

impl<'a> DataWriter<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>, kind: Kind, sequence: &'a mut u32) -> Self {
        let (start, first_number) = (out.len(), *sequence);
        let mut writer = Self { out, kind, sequence, chunk_start: 0, start, first_number, earlier: None };
        writer.begin();
        writer
    }

    /// The file, at the end of the open chunk.
    pub(super) fn bytes(&mut self) -> &mut Vec<u8> {
        self.out
    }

    /// Closes the chunk where it is long enough.
    pub(super) fn cut(&mut self) {
        if self.out.len() - self.chunk_start >= CHUNK_BYTES {
            end_chunk(self.out, self.chunk_start);
            self.begin();
        }
    }

    /// Ends the stream and begins it once more behind itself, to be written
    /// another way: [`finish`](Self::finish) leaves the shorter one.
    pub(super) fn begin_again(&mut self) {
        end_chunk(self.out, self.chunk_start);
        self.earlier = Some((self.out.len(), *self.sequence));
        *self.sequence = self.first_number;
        self.begin();
    }

    pub(super) fn finish(self) {
        end_chunk(self.out, self.chunk_start);
        let Some((end, next_number)) = self.earlier else { return };
        if self.out.len() - end < end - self.start {
            self.out.drain(self.start..end);
        } else {
            self.out.truncate(end);
            *self.sequence = next_number;
        }
    }

    fn begin(&mut self) {
        self.chunk_start = begin_chunk(self.out, self.kind.name());
        match self.kind {
            Kind::Picture => {}
            Kind::Frame => {
                self.out.extend_from_slice(&self.sequence.to_be_bytes());
                *self.sequence += 1;
            }
        }
    }
}
