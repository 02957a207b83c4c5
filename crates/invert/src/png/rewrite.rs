//! Pixel data, inverted as it lies: unpacked a window at a time, mapped, packed
//! again with the copies that it had.

use simd_adler32::Adler32;

use super::data::DataWriter;
use super::header::Header;
use super::map::{Fault, Mapper};
use super::neighbours::Neighbours;
use super::passes::Passes;
use crate::deflate::{
    BitWriter, DISTANCE_MAX, DeflateError, Part, Progress, Reader, Retoken, SPARE_BYTES, Search, Sequence, Tables,
    Tokens, write_block,
};
use crate::error::InvertError;
use crate::format::Format;
use crate::options::Effort;

/// What stays in front of new bytes: copies reach back so far, and a block that
/// may be stored stands there.
const HISTORY_BYTES: usize = 2 * DISTANCE_MAX;
/// Chosen: old and new bytes stay in the second-level cache together.
const WINDOW_BYTES: usize = 256 << 10;
/// Chosen: what is read is still in the first-level cache when it is mapped.
const STEP_BYTES: usize = 16 << 10;
/// RFC 1950 §2.2: deflate with a window of 32 KiB; the flags make it a multiple
/// of 31 and say "default".
const ZLIB_HEADER: [u8; 2] = [0x78, 0x9C];

/// Working memory: about 1.5 MiB, a copy of the compressed data where it is in
/// several chunks, and a row where neighbours are needed.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// The compressed data of one frame, if it had to be put together.
    pub(super) joined: Vec<u8>,
    windows: Windows,
    tables: Tables,
    sequences: Vec<Sequence>,
    retoken: Retoken,
    tokens: Tokens,
    neighbours: Neighbours,
}

/// A frame to be rewritten.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame<'a> {
    pub(super) header: Header,
    pub(super) width: u32,
    pub(super) height: u32,
    /// The compressed data.
    pub(super) stream: &'a [u8],
    /// Where it begins in the file.
    pub(super) offset: usize,
    pub(super) effort: Effort,
}

impl Frame<'_> {
    /// Writes the negative of the frame behind `out`, by way of `scratch`.
    pub(super) fn rewrite(self, scratch: &mut Scratch, mut out: DataWriter<'_>) -> Result<(), InvertError> {
        let mut done = self.rewrite_by(Samples::Forgotten, scratch, &mut out);
        if let Err(Stop::Fault(Fault::NoNeighbours)) = done {
            out.start_over();
            done = self.rewrite_by(Samples::Kept, scratch, &mut out);
        }
        done.map_err(|stop| self.error(stop))?;
        out.finish();
        Ok(())
    }

    fn rewrite_by(self, samples: Samples, scratch: &mut Scratch, out: &mut DataWriter<'_>) -> Result<(), Stop> {
        let Scratch { windows, tables, sequences, retoken, tokens, neighbours, .. } = scratch;
        let mut reader = Reader::new(self.stream)?;
        let neighbours = match samples {
            Samples::Forgotten => None,
            Samples::Kept => Some(neighbours),
        };
        let passes = Passes::of(self.header, self.width, self.height);
        let mut mapper = Mapper::new(self.header, passes, neighbours);
        retoken.begin(likely_distances(self.header, passes), search(self.effort));
        let (mut old_sum, mut new_sum) = (Adler32::new(), Adler32::new());
        let mut writer = BitWriter::default();
        windows.clear();
        tokens.clear();
        out.bytes().extend_from_slice(&ZLIB_HEADER);
        loop {
            sequences.clear();
            let (from, to) = windows.next_step();
            let (end, progress) = reader.read(tables, &mut windows.old, (from, to), sequences)?;
            let (old, new) = (&windows.old[from..end], &mut windows.new[from..end]);
            mapper.map(old, new)?;
            old_sum.write(old);
            new_sum.write(new);
            windows.used = end;
            retoken.retoken(windows.part(from), sequences, tokens);
            let is_last = progress == Progress::EndOfStream;
            let is_whole = progress == Progress::EndOfBlock && !tokens.are_few();
            if is_last || is_whole || tokens.are_many() {
                write_block(tokens, windows.last(tokens.made_bytes()), is_last, &mut writer, out.bytes());
                if is_last {
                    break;
                }
                out.cut();
            }
        }
        if !mapper.is_complete() {
            return Err(Stop::TooFew);
        }
        let (stored, computed) = (reader.checksum()?, old_sum.finish());
        if stored != computed {
            return Err(Stop::Checksum { stored, computed });
        }
        writer.align(out.bytes());
        out.bytes().extend_from_slice(&new_sum.finish().to_be_bytes());
        Ok(())
    }

    fn error(self, stop: Stop) -> InvertError {
        let (format, offset) = (Format::Png, self.offset);
        let fault = match stop {
            Stop::Stream(error) => return InvertError::Pixels { format, source: error.into() },
            Stop::Checksum { stored, computed } => {
                return InvertError::Checksum { format, offset, stored, computed };
            }
            Stop::Fault(Fault::LongRow) => {
                return InvertError::UnsupportedFeature {
                    feature: "PNG with the Average filter in rows of over 16 MiB",
                };
            }
            Stop::Fault(Fault::Filter) => "a filter that does not exist",
            Stop::Fault(Fault::TooMany) => "more pixel data than the header tells",
            Stop::Fault(Fault::NoNeighbours) => unreachable!("neighbours are kept where they are asked for"),
            Stop::TooFew => "less pixel data than the header tells",
        };
        InvertError::Damaged { format, fault, offset }
    }
}

/// Whether the samples of the last row are at hand. They are only where a first
/// attempt found them missing: most pictures never ask, and those that do ask
/// within their first rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Samples {
    Forgotten,
    Kept,
}

/// Why a frame cannot be rewritten, or not so.
#[derive(Debug, Clone, Copy)]
enum Stop {
    Stream(DeflateError),
    Fault(Fault),
    TooFew,
    Checksum { stored: u32, computed: u32 },
}

impl From<DeflateError> for Stop {
    fn from(error: DeflateError) -> Self {
        Self::Stream(error)
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Chosen on wallpapers, photos and screenshots whose rows use Average: at most
/// 15 % longer than the original, and at most 10 % in several times the time.
fn search(effort: Effort) -> Search {
    match effort {
        Effort::Fast => Search { tries: 14, patience: 0, sensitivity: 10, shortest: 4 },
        Effort::Small => Search { tries: 100, patience: 64, sensitivity: 100, shortest: 3 },
    }
}

/// Filtered bytes repeat from pixel to pixel and from row to row.
fn likely_distances(header: Header, mut passes: Passes) -> [usize; 4] {
    let pixel_bytes = header.pixel_bytes();
    let row_bytes = passes.next().map_or(0, |pass| usize::try_from(pass.row_bytes + 1).unwrap_or(usize::MAX));
    [pixel_bytes, 2 * pixel_bytes, row_bytes, row_bytes.saturating_mul(2)]
}

/// The same stretch of old and of new bytes.
#[derive(Debug, Default)]
struct Windows {
    old: Vec<u8>,
    new: Vec<u8>,
    used: usize,
    /// Those that made room, modulo 2^32.
    passed_bytes: u32,
}

impl Windows {
    fn clear(&mut self) {
        let bytes = WINDOW_BYTES + SPARE_BYTES;
        self.old.resize(bytes, 0);
        self.new.resize(bytes, 0);
        self.used = 0;
        self.passed_bytes = 0;
    }

    /// Where the next bytes belong, after making room for them.
    fn next_step(&mut self) -> (usize, usize) {
        if self.used + STEP_BYTES > WINDOW_BYTES {
            let kept = self.used - HISTORY_BYTES..self.used;
            self.old.copy_within(kept.clone(), 0);
            self.new.copy_within(kept, 0);
            self.passed_bytes = self.passed_bytes.wrapping_add((self.used - HISTORY_BYTES) as u32);
            self.used = HISTORY_BYTES;
        }
        (self.used, self.used + STEP_BYTES)
    }

    /// The new bytes from `from` on.
    fn part(&self, from: usize) -> Part<'_> {
        Part { window: &self.new, passed_bytes: self.passed_bytes, from, to: self.used }
    }

    /// The last new bytes, if they are still here.
    fn last(&self, bytes: usize) -> Option<&[u8]> {
        self.used.checked_sub(bytes).map(|start| &self.new[start..self.used])
    }
}
