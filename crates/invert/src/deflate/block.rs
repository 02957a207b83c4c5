//! Writes a block in the shortest of the three forms.

use super::huffman::{code_lengths, code_words};
use super::writer::{BitWriter, Pen};
use super::{
    CODE_LENGTH_ORDER, DISTANCE_BASES, DISTANCE_EXTRA_BITS, DISTANCE_SYMBOLS, END_OF_BLOCK, LENGTH_BASES,
    LENGTH_EXTRA_BITS, LENGTH_MIN, LITERAL_SYMBOLS, Tokens, fixed_literal_lengths,
};

/// One bit less than RFC 1951 §3.2.7 allows, so that four literals fit between
/// two flushes.
const LITERAL_BITS_MAX: usize = 14;
const DISTANCE_BITS_MAX: usize = 15;
/// RFC 1951 §3.2.7: three bits tell the length of a code for code lengths.
const LENGTHS_BITS_MAX: usize = 7;
/// RFC 1951 §3.2.4.
const STORED_BYTES_MAX: usize = u16::MAX as usize;

/// Which lengths belong to which symbol, from [`LENGTH_MIN`] on.
static LENGTH_INDEXES: [u8; 256] = {
    let mut indexes = [0; 256];
    let mut index = 0;
    let mut length = 0;
    while length < indexes.len() {
        while index + 1 < LENGTH_BASES.len() && LENGTH_BASES[index + 1] as usize <= length + LENGTH_MIN {
            index += 1;
        }
        indexes[length] = index as u8;
        length += 1;
    }
    indexes
};

/// Which distances belong to which symbol: the first 256, then all in steps of
/// 128, the least that symbols of longer ones differ by.
static DISTANCE_INDEXES: [u8; 512] = {
    let mut indexes = [0; 512];
    let mut symbol = 0;
    let mut place = 0;
    while place < indexes.len() {
        let distance = if place < 256 { place + 1 } else { (place - 256) * 128 + 1 };
        if place == 256 {
            symbol = 0;
        }
        while symbol + 1 < DISTANCE_SYMBOLS && DISTANCE_BASES[symbol + 1] as usize <= distance {
            symbol += 1;
        }
        indexes[place] = symbol as u8;
        place += 1;
    }
    indexes
};

/// The symbol of a distance.
#[inline(always)]
fn distance_symbol(distance: u16) -> usize {
    let past = usize::from(distance) - 1;
    let place = if past < 256 { past } else { 256 + (past >> 7) };
    DISTANCE_INDEXES[place % DISTANCE_INDEXES.len()].into()
}

/// Writes all tokens as one block and drops them. `made` is what they make,
/// where the caller still has it.
pub(crate) fn write_block(
    tokens: &mut Tokens,
    made: Option<&[u8]>,
    is_last: bool,
    writer: &mut BitWriter,
    out: &mut Vec<u8>,
) {
    let usage = Usage::of(tokens);
    let fixed = Codes::fixed();
    let fixed_bits = 3 + usage.bits(&fixed);
    let own = Codes::fitting(&usage);
    let header = Header::of(&own);
    let own_bits = 3 + header.bits() + usage.bits(&own);
    let stored = made.map(|bytes| (bytes, stored_bits(bytes.len(), writer.pending_bits())));
    let coded_bits = fixed_bits.min(own_bits);
    match stored {
        Some((bytes, bits)) if bits < coded_bits => write_stored(bytes, bits, is_last, writer, out),
        _ => {
            let mut pen = writer.pen(out, coded_bits);
            if own_bits < fixed_bits {
                pen.put(u64::from(is_last) | 2 << 1, 3);
                header.write(&mut pen);
                write_tokens(tokens, &own, &mut pen);
            } else {
                pen.put(u64::from(is_last) | 1 << 1, 3);
                write_tokens(tokens, &fixed, &mut pen);
            }
            pen.finish();
        }
    }
    tokens.clear();
}

/// How often each symbol occurs.
#[derive(Debug)]
struct Usage {
    literals: [u32; LITERAL_SYMBOLS],
    distances: [u32; DISTANCE_SYMBOLS],
}

impl Usage {
    fn of(tokens: &Tokens) -> Self {
        // Four of them: equal neighbours would wait for each other's count.
        let mut parts = [[0_u32; 256]; 4];
        let (quads, rest) = tokens.literals().as_chunks::<4>();
        for quad in quads {
            for (part, &byte) in parts.iter_mut().zip(quad) {
                part[usize::from(byte)] += 1;
            }
        }
        for &byte in rest {
            parts[0][usize::from(byte)] += 1;
        }
        let mut literals = [0; LITERAL_SYMBOLS];
        for (symbol, count) in literals[..256].iter_mut().enumerate() {
            *count = parts.iter().map(|part| part[symbol]).sum();
        }
        literals[END_OF_BLOCK] = 1;
        let mut distances = [0; DISTANCE_SYMBOLS];
        for sequence in tokens.sequences() {
            literals[END_OF_BLOCK + 1 + length_index(sequence.length)] += 1;
            distances[distance_symbol(sequence.distance)] += 1;
        }
        Self { literals, distances }
    }

    /// Bits of all symbols and their extra bits.
    fn bits(&self, codes: &Codes) -> usize {
        let sum = |counts: &[u32], lengths: &[u8]| -> usize {
            counts.iter().zip(lengths).map(|(&count, &bits)| count as usize * usize::from(bits)).sum()
        };
        sum(&self.literals, &codes.literals)
            + sum(&self.distances, &codes.distances)
            + sum(&self.literals[END_OF_BLOCK + 1..], &LENGTH_EXTRA_BITS)
            + sum(&self.distances, &DISTANCE_EXTRA_BITS)
    }
}

fn length_index(length: u16) -> usize {
    LENGTH_INDEXES[(usize::from(length) - LENGTH_MIN) % LENGTH_INDEXES.len()].into()
}

/// The lengths of the code words of a block.
#[derive(Debug)]
struct Codes {
    literals: [u8; 288],
    distances: [u8; DISTANCE_SYMBOLS],
}

impl Codes {
    fn fixed() -> Self {
        Self { literals: fixed_literal_lengths(), distances: [5; DISTANCE_SYMBOLS] }
    }

    fn fitting(usage: &Usage) -> Self {
        let mut codes = Self { literals: [0; 288], distances: [0; DISTANCE_SYMBOLS] };
        code_lengths(&usage.literals, LITERAL_BITS_MAX, &mut codes.literals);
        code_lengths(&usage.distances, DISTANCE_BITS_MAX, &mut codes.distances);
        codes
    }
}

/// RFC 1951 §3.2.7: what tells the code lengths of a block.
#[derive(Debug)]
struct Header {
    literals: usize,
    distances: usize,
    /// A symbol of the code for code lengths, its extra bits and how many.
    runs: Vec<(u8, u8, u8)>,
    lengths: [u8; CODE_LENGTH_ORDER.len()],
    codes: usize,
}

impl Header {
    fn of(codes: &Codes) -> Self {
        let used = |lengths: &[u8]| lengths.iter().rposition(|&bits| bits > 0).map_or(0, |last| last + 1);
        let literals = used(&codes.literals);
        let distances = used(&codes.distances);
        let runs = runs(&[&codes.literals[..literals], &codes.distances[..distances]].concat());
        let mut counts = [0; CODE_LENGTH_ORDER.len()];
        for &(symbol, ..) in &runs {
            counts[usize::from(symbol)] += 1;
        }
        let mut lengths = [0; CODE_LENGTH_ORDER.len()];
        code_lengths(&counts, LENGTHS_BITS_MAX, &mut lengths);
        let last = CODE_LENGTH_ORDER.iter().rposition(|&symbol| lengths[symbol] > 0);
        let codes = last.map_or(4, |last| (last + 1).max(4));
        Self { literals, distances, runs, lengths, codes }
    }

    fn bits(&self) -> usize {
        let run_bits = |&(symbol, _, extra): &(u8, u8, u8)| usize::from(self.lengths[usize::from(symbol)] + extra);
        5 + 5 + 4 + 3 * self.codes + self.runs.iter().map(run_bits).sum::<usize>()
    }

    fn write(&self, pen: &mut Pen<'_>) {
        pen.put(self.literals as u64 - 257, 5);
        pen.put(self.distances as u64 - 1, 5);
        pen.put(self.codes as u64 - 4, 4);
        for &symbol in &CODE_LENGTH_ORDER[..self.codes] {
            pen.put(self.lengths[symbol].into(), 3);
        }
        let words = code_words(&self.lengths);
        for &(symbol, extra, extra_bits) in &self.runs {
            let bits = self.lengths[usize::from(symbol)];
            pen.add(words[usize::from(symbol)].into(), bits.into());
            pen.put(extra.into(), extra_bits.into());
        }
    }
}

/// RFC 1951 §3.2.7: 16 repeats the length before 3 to 6 times, 17 and 18 write 3
/// to 10 and 11 to 138 zeros.
fn runs(lengths: &[u8]) -> Vec<(u8, u8, u8)> {
    let mut runs = Vec::with_capacity(lengths.len());
    for same in lengths.chunk_by(|a, b| a == b) {
        let (length, mut left) = (same[0], same.len());
        if length != 0 {
            runs.push((length, 0, 0));
            left -= 1;
        }
        while left >= 3 {
            let (symbol, least, most, extra_bits) = match (length, left) {
                (0, 11..) => (18, 11, 138, 7),
                (0, _) => (17, 3, 10, 3),
                _ => (16, 3, 6, 2),
            };
            let times = left.min(most);
            runs.push((symbol, (times - least) as u8, extra_bits));
            left -= times;
        }
        runs.extend(std::iter::repeat_n((length, 0, 0), left));
    }
    runs
}

/// A code word with its extra bits, ready to be written.
type Word = (u32, u32);

fn write_tokens(tokens: &Tokens, codes: &Codes, pen: &mut Pen<'_>) {
    let words = code_words(&codes.literals);
    let literals: [Word; 256] = std::array::from_fn(|byte| (words[byte].into(), codes.literals[byte].into()));
    let lengths: [Word; 256] = std::array::from_fn(|length| {
        let index = usize::from(LENGTH_INDEXES[length]);
        let symbol = END_OF_BLOCK + 1 + index;
        let bits = u32::from(codes.literals[symbol]);
        let extra = (length + LENGTH_MIN) as u32 - u32::from(LENGTH_BASES[index]);
        (u32::from(words[symbol]) | extra << bits, bits + u32::from(LENGTH_EXTRA_BITS[index]))
    });
    let distance_words = code_words(&codes.distances);
    let mut rest = tokens.literals();
    for sequence in tokens.sequences() {
        let (run, after) = rest.split_at(sequence.literals as usize);
        rest = after;
        write_literals(run, &literals, pen);
        let (word, bits) = lengths[(usize::from(sequence.length) - LENGTH_MIN) % lengths.len()];
        pen.add(word.into(), bits);
        let symbol = distance_symbol(sequence.distance);
        let bits = codes.distances[symbol];
        pen.add(distance_words[symbol].into(), bits.into());
        let extra = sequence.distance - DISTANCE_BASES[symbol];
        pen.add(extra.into(), DISTANCE_EXTRA_BITS[symbol].into());
        pen.flush();
    }
    write_literals(rest, &literals, pen);
    pen.put(words[END_OF_BLOCK].into(), codes.literals[END_OF_BLOCK].into());
}

#[inline(always)]
fn write_literals(bytes: &[u8], words: &[Word; 256], pen: &mut Pen<'_>) {
    let (quads, rest) = bytes.as_chunks::<4>();
    for quad in quads {
        for &byte in quad {
            let (word, bits) = words[usize::from(byte)];
            pen.add(word.into(), bits);
        }
        pen.flush();
    }
    for &byte in rest {
        let (word, bits) = words[usize::from(byte)];
        pen.add(word.into(), bits);
    }
    pen.flush();
}

/// RFC 1951 §3.2.4: a header up to the next whole byte, two lengths, the bytes;
/// as often as needed.
fn stored_bits(bytes: usize, pending_bits: u32) -> usize {
    let first = (pending_bits as usize + 3).next_multiple_of(8) - pending_bits as usize + 32;
    let blocks = bytes.div_ceil(STORED_BYTES_MAX).max(1);
    first + (blocks - 1) * 40 + bytes * 8
}

fn write_stored(bytes: &[u8], bits: usize, is_last: bool, writer: &mut BitWriter, out: &mut Vec<u8>) {
    out.reserve(bits / 8 + 8);
    let mut parts = bytes.chunks(STORED_BYTES_MAX).peekable();
    while let Some(part) = parts.next() {
        let mut pen = writer.pen(out, 3);
        pen.put(u64::from(is_last && parts.peek().is_none()), 3);
        pen.finish();
        writer.align(out);
        let length = part.len() as u16;
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&(!length).to_le_bytes());
        out.extend_from_slice(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_and_lengths_have_the_symbols_whose_range_they_are_in() {
        for distance in 1..=32_768_u16 {
            let symbol = distance_symbol(distance);
            let range = DISTANCE_BASES[symbol]..DISTANCE_BASES[symbol] + (1 << DISTANCE_EXTRA_BITS[symbol]);
            assert!(range.contains(&distance), "{distance}");
        }
        for length in 3..=257_u16 {
            let index = length_index(length);
            let range = LENGTH_BASES[index]..LENGTH_BASES[index] + (1 << LENGTH_EXTRA_BITS[index]);
            assert!(range.contains(&length), "{length}");
        }
        assert_eq!(length_index(258), LENGTH_BASES.len() - 1);
    }

    #[test]
    fn equal_lengths_are_told_in_runs() {
        assert_eq!(runs(&[0; 140]), [(18, 127, 7), (0, 0, 0), (0, 0, 0)]);
        assert_eq!(runs(&[0, 0, 0, 7, 7, 7, 7, 7]), [(17, 0, 3), (7, 0, 0), (16, 1, 2)]);
        assert_eq!(runs(&[5; 8]), [(5, 0, 0), (16, 3, 2), (5, 0, 0)]);
    }

    /// The form of the only block that these bytes become.
    fn check(bytes: &[u8], form: u8) {
        let window = [bytes, &[0; 64]].concat();
        let (mut tokens, mut writer, mut out) = (Tokens::default(), BitWriter::default(), Vec::new());
        tokens.make_room(bytes.len());
        tokens.push_literals(&window, 0, bytes.len());
        write_block(&mut tokens, Some(bytes), true, &mut writer, &mut out);
        writer.align(&mut out);
        assert_eq!(out[0] & 7, 1 | form << 1);
    }

    #[test]
    fn each_block_has_its_shortest_form() {
        check(b"few", 1);
        check(&(0..=255).cycle().take(5000).collect::<Vec<u8>>(), 0);
        check(&[b'a'; 5000], 2);
    }
}
