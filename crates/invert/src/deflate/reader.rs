//! Reads a stream: bytes into a window, and how they were written.

use super::bits::Bits;
use super::huffman::{END, EXCEPTION, LITERAL, PAIR_SHIFT, SUBTABLE, fill_table, pair_literals};
use super::{
    CODE_LENGTH_ORDER, DISTANCE_BASES, DISTANCE_EXTRA_BITS, DISTANCE_SYMBOLS, DeflateError, END_OF_BLOCK, LENGTH_BASES,
    LENGTH_EXTRA_BITS, LENGTH_MAX, LITERAL_SYMBOLS, Sequence, fixed_literal_lengths,
};

/// Chosen: nearly all literals are found in one step, in a table of 8 KiB.
const LITERAL_TABLE_BITS: usize = 11;
const DISTANCE_TABLE_BITS: usize = 8;
/// RFC 1951 §3.2.7: what a code for code lengths has at most.
const LENGTHS_TABLE_BITS: usize = 7;
/// Powers of two above the most that codes of 15 bits need: 2342 entries for
/// 288 symbols, 402 for 32.
const LITERAL_ENTRIES: usize = 4096;
const DISTANCE_ENTRIES: usize = 512;

/// Chosen: a block that made so many bytes and goes on will have paid for
/// looking which literals come in pairs; a stranger's short blocks never do.
const UNPAIRED_BYTES: usize = 1024;

/// Bytes that are written past the wanted end: three pairs of literals and a
/// copy, which moves 16 bytes at a time.
pub(super) const WINDOW_SPARE_BYTES: usize = LENGTH_MAX + 20;

/// What the codes of a block mean.
#[derive(Debug)]
pub(crate) struct Tables {
    literals: Box<[u32; LITERAL_ENTRIES]>,
    distances: Box<[u32; DISTANCE_ENTRIES]>,
    /// Whether they are those of the fixed codes: a stream may have a block of
    /// these for each ten of its bits.
    are_fixed: bool,
    /// Whether entries may stand for two literals.
    are_paired: bool,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            literals: Box::new([EXCEPTION; _]),
            distances: Box::new([EXCEPTION; _]),
            are_fixed: false,
            are_paired: false,
        }
    }
}

/// How far a [`Reader`] came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// The window is full.
    InBlock,
    /// A block is over, others follow.
    EndOfBlock,
    /// The stream is over.
    EndOfStream,
}

#[derive(Debug, Clone, Copy)]
enum Block {
    /// The next thing is a block's header.
    Ahead,
    Stored {
        left: usize,
    },
    Coded,
}

/// A position in a stream.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    source: Bits<'a>,
    block: Block,
    is_last: bool,
}

impl<'a> Reader<'a> {
    /// Begins a stream in a zlib envelope.
    ///
    /// # Errors
    ///
    /// [`DeflateError::Header`] or [`DeflateError::Truncated`].
    pub(crate) fn new(stream: &'a [u8]) -> Result<Self, DeflateError> {
        let (&[method, flags], stream) = stream.split_first_chunk().ok_or(DeflateError::Truncated)?;
        // RFC 1950 §2.2: method 8 with a window of at most 2^(7+8) bytes, no preset dictionary, a multiple of 31.
        let is_deflate = method & 0x0F == 8 && method >> 4 <= 7 && flags & 0x20 == 0;
        if !is_deflate || !u16::from_be_bytes([method, flags]).is_multiple_of(31) {
            return Err(DeflateError::Header);
        }
        Ok(Self { source: Bits::new(stream), block: Block::Ahead, is_last: false })
    }

    /// Reads bytes into `window` from `from` on until they reach `to`, with what
    /// came before in front of them, and appends to `sequences` how they were
    /// written. Returns where they end, at most [`WINDOW_SPARE_BYTES`] behind
    /// `to`, and whether there are more.
    ///
    /// # Errors
    ///
    /// When the stream is damaged or ends too early.
    ///
    /// # Panics
    ///
    /// When the window ends less than [`WINDOW_SPARE_BYTES`] behind `to`.
    pub(crate) fn read(
        &mut self,
        tables: &mut Tables,
        window: &mut [u8],
        (from, to): (usize, usize),
        sequences: &mut Vec<Sequence>,
    ) -> Result<(usize, Progress), DeflateError> {
        let mut from = from;
        let mut has_content = false;
        loop {
            if matches!(self.block, Block::Ahead) {
                self.begin_block(tables)?;
            }
            let (end, is_over) = match self.block {
                Block::Ahead => (from, false),
                Block::Stored { left } => {
                    let bytes = left.min(to - from);
                    window[from..from + bytes].copy_from_slice(self.source.take_bytes(bytes)?);
                    if bytes > 0 {
                        sequences.push(Sequence { literals: bytes as u32, length: 0, distance: 0 });
                    }
                    self.block = Block::Stored { left: left - bytes };
                    (from + bytes, left == bytes)
                }
                Block::Coded if !tables.are_paired && from + UNPAIRED_BYTES < to => {
                    let part = (from, from + UNPAIRED_BYTES);
                    let (end, is_over) = read_codes(&mut self.source, tables, window, part, sequences)?;
                    if !is_over {
                        tables.pair();
                        has_content = true;
                        from = end;
                        continue;
                    }
                    (end, is_over)
                }
                Block::Coded => read_codes(&mut self.source, tables, window, (from, to), sequences)?,
            };
            if !is_over {
                return Ok((end, Progress::InBlock));
            }
            self.block = Block::Ahead;
            if self.is_last {
                return Ok((end, Progress::EndOfStream));
            }
            // Blocks without content are passed over.
            if has_content || end > from {
                return Ok((end, Progress::EndOfBlock));
            }
        }
    }

    /// How many bytes of the stream have been read.
    pub(crate) fn read_bytes(&self) -> usize {
        self.source.taken_bytes()
    }

    /// The checksum that follows the stream.
    ///
    /// # Errors
    ///
    /// [`DeflateError::Truncated`].
    pub(crate) fn checksum(mut self) -> Result<u32, DeflateError> {
        self.source.align()?;
        let bytes = self.source.take_bytes(4)?;
        Ok(bytes.iter().fold(0, |sum, &byte| sum << 8 | u32::from(byte)))
    }

    fn begin_block(&mut self, tables: &mut Tables) -> Result<(), DeflateError> {
        self.source.refill()?;
        self.is_last = self.source.take(1) == 1;
        self.block = match self.source.take(2) {
            0 => {
                self.source.align()?;
                let &[a, b, c, d] = self.source.take_bytes(4)?.first_chunk().expect("as many bytes as were asked for");
                let (left, complement) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
                if left != !complement {
                    return Err(DeflateError::StoredLength);
                }
                Block::Stored { left: left.into() }
            }
            1 => {
                if !tables.are_fixed {
                    tables.fill(&fixed_literal_lengths(), &[5; 32])?;
                    tables.are_fixed = true;
                }
                Block::Coded
            }
            2 => {
                self.read_code_lengths(tables)?;
                Block::Coded
            }
            _ => return Err(DeflateError::BlockKind),
        };
        Ok(())
    }

    /// RFC 1951 §3.2.7.
    fn read_code_lengths(&mut self, tables: &mut Tables) -> Result<(), DeflateError> {
        let source = &mut self.source;
        let literals = 257 + source.take(5);
        let distances = 1 + source.take(5);
        let codes = 4 + source.take(4);
        if literals > LITERAL_SYMBOLS || distances > DISTANCE_SYMBOLS {
            return Err(DeflateError::CodeLengths);
        }
        let mut lengths = [0; CODE_LENGTH_ORDER.len()];
        for &symbol in &CODE_LENGTH_ORDER[..codes] {
            source.refill()?;
            lengths[symbol] = source.take(3) as u8;
        }
        let mut table = [0; 1 << LENGTHS_TABLE_BITS];
        fill_table(&mut table, LENGTHS_TABLE_BITS, &lengths, &PLAIN_MEANINGS)?;
        let mut lengths = [0; LITERAL_SYMBOLS + DISTANCE_SYMBOLS];
        let lengths = &mut lengths[..literals + distances];
        let mut known = 0;
        while known < lengths.len() {
            source.refill()?;
            let entry = table[source.peek(LENGTHS_TABLE_BITS)];
            if entry & EXCEPTION != 0 {
                return Err(DeflateError::Code);
            }
            source.skip(entry);
            let (length, times) = match entry >> 16 {
                16 if known == 0 => return Err(DeflateError::CodeLengths),
                16 => (lengths[known - 1], 3 + source.take(2)),
                17 => (0, 3 + source.take(3)),
                18 => (0, 11 + source.take(7)),
                length => (length as u8, 1),
            };
            lengths.get_mut(known..known + times).ok_or(DeflateError::CodeLengths)?.fill(length);
            known += times;
        }
        let (literals, distances) = lengths.split_at(literals);
        if literals[END_OF_BLOCK] == 0 {
            return Err(DeflateError::CodeLengths);
        }
        tables.fill(literals, distances)
    }
}

impl Tables {
    fn fill(&mut self, literals: &[u8], distances: &[u8]) -> Result<(), DeflateError> {
        self.are_fixed = false;
        self.are_paired = false;
        fill_table(&mut *self.literals, LITERAL_TABLE_BITS, literals, &LITERAL_MEANINGS)?;
        fill_table(&mut *self.distances, DISTANCE_TABLE_BITS, distances, &DISTANCE_MEANINGS)
    }

    fn pair(&mut self) {
        pair_literals(&mut *self.literals, LITERAL_TABLE_BITS);
        self.are_paired = true;
    }
}

/// The loop that most of the time is spent in. A refill leaves at least 56
/// bits: enough for four words from the first table and a look at the next one,
/// or three and a length; then for a distance. The next entry is always there
/// before the refill, so that nothing waits for both.
fn read_codes(
    source: &mut Bits<'_>,
    tables: &Tables,
    window: &mut [u8],
    (from, to): (usize, usize),
    sequences: &mut Vec<Sequence>,
) -> Result<(usize, bool), DeflateError> {
    // In registers, not behind a reference.
    let mut bits = *source;
    let (mut at, mut run) = (from, from);
    let mut is_over = false;
    bits.refill()?;
    let mut next = tables.literal(bits);
    while at < to {
        let mut entry = next;
        if entry & LITERAL != 0 {
            (at, entry) = tables.put(window, at, entry, &mut bits);
            if entry & LITERAL != 0 {
                (at, entry) = tables.put(window, at, entry, &mut bits);
                if entry & LITERAL != 0 {
                    (at, entry) = tables.put(window, at, entry, &mut bits);
                    if entry & LITERAL != 0 {
                        (at, next) = tables.put(window, at, entry, &mut bits);
                        bits.refill()?;
                        continue;
                    }
                }
            }
        }
        if entry & EXCEPTION != 0 {
            if entry & SUBTABLE != 0 {
                bits.skip(entry & 0xFF);
                entry = tables.literals[subtable_place(entry, bits) % LITERAL_ENTRIES];
            }
            if entry & LITERAL != 0 {
                (at, next) = tables.put(window, at, entry, &mut bits);
                bits.refill()?;
                continue;
            }
            if entry & END != 0 {
                bits.skip(entry);
                is_over = true;
                break;
            }
            if entry & EXCEPTION != 0 {
                return Err(DeflateError::Code);
            }
        }
        let length = bits.value(entry);
        bits.refill()?;
        let mut entry = tables.distances[bits.peek(DISTANCE_TABLE_BITS)];
        if entry & SUBTABLE != 0 {
            bits.skip(entry & 0xFF);
            entry = tables.distances[subtable_place(entry, bits) % DISTANCE_ENTRIES];
        }
        if entry & EXCEPTION != 0 {
            return Err(DeflateError::Code);
        }
        let distance = bits.value(entry);
        next = tables.literal(bits);
        bits.refill()?;
        if distance > at {
            return Err(DeflateError::Distance { distance, available: at });
        }
        let literals = (at - run) as u32;
        sequences.push(Sequence { literals, length: length as u16, distance: distance as u16 });
        copy(window, at, length, distance);
        at += length;
        run = at;
    }
    if run < at {
        sequences.push(Sequence { literals: (at - run) as u32, length: 0, distance: 0 });
    }
    *source = bits;
    Ok((at, is_over))
}

impl Tables {
    #[inline(always)]
    fn literal(&self, bits: Bits<'_>) -> u32 {
        self.literals[bits.peek(LITERAL_TABLE_BITS)]
    }

    /// Takes a literal or two; returns where the next one belongs, and its entry.
    #[inline(always)]
    fn put(&self, window: &mut [u8], at: usize, entry: u32, bits: &mut Bits<'_>) -> (usize, u32) {
        bits.skip(entry);
        // Behind a single one another byte is written, which the next one takes the place of.
        window[at..at + 2].copy_from_slice(&((entry >> 16) as u16).to_le_bytes());
        (at + 1 + (entry >> PAIR_SHIFT & 1) as usize, self.literal(*bits))
    }
}

#[inline(always)]
fn subtable_place(entry: u32, bits: Bits<'_>) -> usize {
    (entry >> 16) as usize + bits.peek((entry >> 8 & 0xF) as usize)
}

/// Repeats what stands `distance` bytes back, and some bytes more.
#[inline(always)]
fn copy(window: &mut [u8], at: usize, length: usize, distance: usize) {
    let (mut from, mut to) = (at - distance, at);
    let end = at + length;
    if distance >= 16 {
        while to < end {
            let bytes: [u8; 16] = *window[from..].first_chunk().expect("before `to`");
            window[to..to + 16].copy_from_slice(&bytes);
            (from, to) = (from + 16, to + 16);
        }
    } else if distance >= 8 {
        while to < end {
            let bytes: [u8; 8] = *window[from..].first_chunk().expect("before `to`");
            window[to..to + 8].copy_from_slice(&bytes);
            (from, to) = (from + 8, to + 8);
        }
    } else if distance == 1 {
        let byte = window[from];
        window[to..end].fill(byte);
    } else {
        let bytes = *window[from..].first_chunk().expect("before `to`");
        let first = repeat(u64::from_le_bytes(bytes), distance);
        let second = repeat(first >> (8 * (8 % distance)), distance);
        // Whole repetitions, so that each step begins the pattern anew.
        let step = WHOLE_REPETITIONS[distance];
        while to < end {
            window[to..to + 8].copy_from_slice(&first.to_le_bytes());
            window[to + 8..to + 16].copy_from_slice(&second.to_le_bytes());
            to += step;
        }
    }
}

/// Bytes of whole repetitions in 16 bytes, by the length of what is repeated.
const WHOLE_REPETITIONS: [usize; 8] = [16, 16, 16, 15, 16, 15, 12, 14];

/// The first `bytes`, 2 to 7, over and over.
#[inline(always)]
fn repeat(word: u64, bytes: usize) -> u64 {
    let bits = 8 * bytes as u32;
    let once = word & ((1 << bits) - 1);
    let twice = once | once << bits;
    let four_times = twice | twice.checked_shl(2 * bits).unwrap_or(0);
    four_times | four_times.checked_shl(4 * bits).unwrap_or(0)
}

/// Entries for the symbols of literals and lengths, see
/// [`fill_table`].
static LITERAL_MEANINGS: [u32; 288] = {
    let mut meanings = [EXCEPTION; 288];
    let mut symbol = 0;
    while symbol < END_OF_BLOCK {
        meanings[symbol] = LITERAL | (symbol as u32) << 16;
        symbol += 1;
    }
    meanings[END_OF_BLOCK] = EXCEPTION | END;
    let mut length = 0;
    while length < LENGTH_BASES.len() {
        meanings[END_OF_BLOCK + 1 + length] = (LENGTH_BASES[length] as u32) << 16 | LENGTH_EXTRA_BITS[length] as u32;
        length += 1;
    }
    meanings
};

static DISTANCE_MEANINGS: [u32; 32] = {
    let mut meanings = [EXCEPTION; 32];
    let mut symbol = 0;
    while symbol < DISTANCE_SYMBOLS {
        meanings[symbol] = (DISTANCE_BASES[symbol] as u32) << 16 | DISTANCE_EXTRA_BITS[symbol] as u32;
        symbol += 1;
    }
    meanings
};

static PLAIN_MEANINGS: [u32; CODE_LENGTH_ORDER.len()] = {
    let mut meanings = [0; CODE_LENGTH_ORDER.len()];
    let mut symbol = 0;
    while symbol < meanings.len() {
        meanings[symbol] = (symbol as u32) << 16;
        symbol += 1;
    }
    meanings
};

#[cfg(test)]
mod tests {
    use super::*;

    /// What a stream holds, read in steps of `step` bytes.
    fn read(stream: &[u8], step: usize) -> Result<(Vec<u8>, Vec<Sequence>), DeflateError> {
        let (mut tables, mut sequences) = (Tables::default(), Vec::new());
        let mut window = vec![0; 1000 + WINDOW_SPARE_BYTES];
        let mut reader = Reader::new(stream)?;
        let mut end = 0;
        loop {
            let (to, progress) = reader.read(&mut tables, &mut window, (end, end + step), &mut sequences)?;
            end = to;
            if progress == Progress::EndOfStream {
                break;
            }
        }
        window.truncate(end);
        assert_eq!(reader.checksum()?, 0x0102_0304);
        Ok((window, sequences))
    }

    fn check(deflate: &[u8], expected: Result<&[u8], DeflateError>) {
        let stream = [&[0x78, 0x9C], deflate, &[1, 2, 3, 4]].concat();
        for step in [1, 7, 500] {
            assert_eq!(read(&stream, step).map(|(bytes, _)| bytes).as_deref(), expected.as_ref().map(|bytes| *bytes));
        }
        if expected.is_ok() {
            for bytes in 0..stream.len() {
                assert_eq!(read(&stream[..bytes], 500), Err(DeflateError::Truncated), "{bytes}");
            }
        }
    }

    #[test]
    fn all_kinds_of_blocks_are_read() {
        check(&[1, 3, 0, 0xFC, 0xFF, 7, 8, 9], Ok(&[7, 8, 9]));
        check(&[0, 0, 0, 0xFF, 0xFF, 1, 1, 0, 0xFE, 0xFF, 5], Ok(&[5]));
        // zlib's answer to twelve times "a", and to "hello hello hello hello".
        check(&[0x4B, 0x4C, 0x44, 0x00, 0x00], Ok(b"aaaaaaaaaaaa"));
        check(&[0xCB, 0x48, 0xCD, 0xC9, 0xC9, 0x57, 0xC8, 0x40, 0x27, 0x01], Ok(b"hello hello hello hello"));
    }

    #[test]
    fn what_does_not_exist_is_an_error() {
        check(&[7], Err(DeflateError::BlockKind));
        check(&[1, 3, 0, 0xFC, 0xFE, 7, 8, 9], Err(DeflateError::StoredLength));
        // A copy at the very beginning: the first byte's codes are "copy 3 from 1 back".
        check(&[0x03, 0x02, 0, 0, 0], Err(DeflateError::Distance { distance: 1, available: 0 }));
        // 31 distance codes; and code lengths that are all zero.
        check(&[0x05, 0x1E, 0, 0, 0, 0, 0, 0], Err(DeflateError::CodeLengths));
        check(&[0x05, 0x00, 0, 0, 0, 0, 0, 0], Err(DeflateError::Code));
    }

    #[test]
    fn a_wrong_envelope_is_an_error() {
        for header in [[0x79, 0x9C], [0x88, 0x1C], [0x78, 0x9D], [0x78, 0xBB]] {
            assert_eq!(Reader::new(&header).map(|_| ()), Err(DeflateError::Header), "{header:?}");
        }
    }
}
