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

/// Working memory: about 3 MiB, a copy of the compressed data where it is in
/// several chunks, and a row where neighbours are needed.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// The compressed data of one frame, if it had to be put together.
    pub(super) joined: Vec<u8>,
    unpacked: Unpacked,
    /// The same once more, for what has to be looked up in the past.
    again: Unpacked,
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
        self.write(search(self.effort), scratch, &mut out).map_err(|stop| self.error(stop))?;
        if self.effort == Effort::Small && scratch.retoken.has_searched() {
            // Copies that were found are not always shorter than what they took the place of.
            out.begin_again();
            self.write(search(Effort::Fast), scratch, &mut out).map_err(|stop| self.error(stop))?;
        }
        out.finish();
        Ok(())
    }

    fn write(self, search: Search, scratch: &mut Scratch, out: &mut DataWriter<'_>) -> Result<(), Stop> {
        let Scratch { unpacked, again, retoken, tokens, neighbours, .. } = scratch;
        let passes = Passes::of(self.header, self.width, self.height);
        let mut reader = Reader::new(self.stream)?;
        let mut mapper = Mapper::new(self.header, passes, None);
        let mut neighbours = Some(neighbours);
        let (mut old_sum, mut new_sum) = (Adler32::new(), Adler32::new());
        let mut writer = BitWriter::default();
        retoken.begin(likely_distances(self.header, passes), search);
        unpacked.clear();
        tokens.clear();
        let start = out.bytes().len();
        out.bytes().extend_from_slice(&ZLIB_HEADER);
        loop {
            let progress = unpacked.step(&mut reader)?;
            let mut mapped = unpacked.map(&mut mapper);
            if mapped == Err(Fault::NoNeighbours)
                && let Some(neighbours) = neighbours.take()
            {
                retoken.expect_noise();
                let from;
                (mapper, from) = self.catch_up(&mapper, unpacked, again, neighbours)?;
                mapped = unpacked.map_from(from, &mut mapper);
            }
            mapped?;
            old_sum.write(&unpacked.old[unpacked.from..unpacked.to]);
            new_sum.write(&unpacked.new[unpacked.from..unpacked.to]);
            retoken.retoken(unpacked.part(), &unpacked.sequences, tokens);
            let is_last = progress == Progress::EndOfStream;
            let is_whole = progress == Progress::EndOfBlock && !tokens.are_few();
            if is_last || is_whole || tokens.are_many() {
                write_block(tokens, unpacked.last(tokens.made_bytes()), is_last, &mut writer, out.bytes());
                retoken.balance(reader.read_bytes(), out.bytes().len() - start);
                out.cut();
            }
            if is_last {
                break;
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

    /// A mapper that knows neighbours, and where in `unpacked` it begins. Most
    /// pictures never need one; so rather than keep samples always, they are
    /// made where they are asked for first, from the last row that tells its
    /// own. Where that has left the window, the stream is read again.
    fn catch_up<'n>(
        self,
        mapper: &Mapper<'_>,
        unpacked: &Unpacked,
        again: &mut Unpacked,
        neighbours: &'n mut Neighbours,
    ) -> Result<(Mapper<'n>, usize), Stop> {
        if let Some(from) = mapper.independent_place().checked_sub(unpacked.passed_bytes) {
            return Ok((mapper.with_neighbours(neighbours)?, from as usize));
        }
        let bytes = unpacked.passed_bytes + unpacked.from as u64;
        let mut reader = Reader::new(self.stream)?;
        let passes = Passes::of(self.header, self.width, self.height);
        let mut mapper = Mapper::new(self.header, passes, Some(neighbours));
        again.clear();
        // The steps are those of the first time.
        while again.passed_bytes + (again.to as u64) < bytes {
            again.step(&mut reader)?;
            again.map(&mut mapper)?;
        }
        Ok((mapper, unpacked.from))
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

/// Why a frame cannot be rewritten.
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
        Effort::Fast => {
            Search { tries: 14, patience: 0, sensitivity: 10, early_sensitivity: 0, shortest: 4, runs_percent_max: 113 }
        }
        Effort::Small => Search {
            tries: 100,
            patience: 64,
            sensitivity: 100,
            early_sensitivity: 100,
            shortest: 3,
            runs_percent_max: 104,
        },
    }
}

/// Filtered bytes repeat from pixel to pixel and from row to row.
fn likely_distances(header: Header, mut passes: Passes) -> [usize; 4] {
    let pixel_bytes = header.pixel_bytes();
    let row_bytes = passes.next().map_or(0, |pass| usize::try_from(pass.row_bytes + 1).unwrap_or(usize::MAX));
    [pixel_bytes, 2 * pixel_bytes, row_bytes, row_bytes.saturating_mul(2)]
}

/// A stretch of old bytes and what becomes of them, with how they were packed.
#[derive(Debug, Default)]
struct Unpacked {
    old: Vec<u8>,
    new: Vec<u8>,
    tables: Tables,
    /// Those of the last step.
    sequences: Vec<Sequence>,
    /// Where the last step begins and ends.
    from: usize,
    to: usize,
    /// Bytes that were there before the first of these.
    passed_bytes: u64,
}

impl Unpacked {
    fn clear(&mut self) {
        let bytes = WINDOW_BYTES + SPARE_BYTES;
        self.old.resize(bytes, 0);
        self.new.resize(bytes, 0);
        (self.from, self.to, self.passed_bytes) = (0, 0, 0);
    }

    /// Unpacks some more, after making room.
    fn step(&mut self, reader: &mut Reader<'_>) -> Result<Progress, DeflateError> {
        if self.to + STEP_BYTES > WINDOW_BYTES {
            let passed = self.to - HISTORY_BYTES;
            self.old.copy_within(passed..self.to, 0);
            self.new.copy_within(passed..self.to, 0);
            self.to = HISTORY_BYTES;
            self.passed_bytes += passed as u64;
        }
        self.from = self.to;
        self.sequences.clear();
        let wanted = (self.from, self.from + STEP_BYTES);
        let (to, progress) = reader.read(&mut self.tables, &mut self.old, wanted, &mut self.sequences)?;
        self.to = to;
        Ok(progress)
    }

    /// Makes the new bytes of the last step.
    fn map(&mut self, mapper: &mut Mapper<'_>) -> Result<(), Fault> {
        self.map_from(self.from, mapper)
    }

    /// Makes the new bytes from `from` on.
    fn map_from(&mut self, from: usize, mapper: &mut Mapper<'_>) -> Result<(), Fault> {
        mapper.map(&self.old[from..self.to], &mut self.new[from..self.to])
    }

    /// The new bytes of the last step.
    fn part(&self) -> Part<'_> {
        Part { window: &self.new, passed_bytes: self.passed_bytes as u32, from: self.from, to: self.to }
    }

    /// The last new bytes, if they are still here.
    fn last(&self, bytes: usize) -> Option<&[u8]> {
        self.to.checked_sub(bytes).map(|start| &self.new[start..self.to])
    }
}
