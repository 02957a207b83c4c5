//! Huffman codes: tables to read them, lengths and code words to write them.

use super::DeflateError;

/// RFC 1951 §3.2.7.
pub(super) const CODE_BITS_MAX: usize = 15;

/// An entry of a table holds what a code word stands for in its upper half; in
/// its lower half the bits to take off for the word with its extra bits (0 to
/// 5), those of the word alone (8 to 11), and these flags.
pub(super) const LITERAL: u32 = 1 << 12;
/// Two literals, the first one lower, and the bits of both words.
pub(super) const PAIR: u32 = 1 << PAIR_SHIFT;
pub(super) const PAIR_SHIFT: u32 = 6;
/// The entry is no literal, length or distance.
pub(super) const EXCEPTION: u32 = 1 << 15;
/// The upper half says where in the table the longer codes with this beginning
/// stand, bits 8 to 11 how many bits choose among them.
pub(super) const SUBTABLE: u32 = 1 << 14;
/// The block is over.
pub(super) const END: u32 = 1 << 13;

/// Fills a table of codes by their lengths: the first 2^`table_bits` entries are
/// found by that many bits, the rest by way of them. `meanings` are the entries
/// but for the lengths.
///
/// # Errors
///
/// When the lengths make no prefix code, or leave words out. As zlib has it, a
/// single word of one bit may be alone, and there may be none at all.
pub(super) fn fill_table(
    table: &mut [u32],
    table_bits: usize,
    lengths: &[u8],
    meanings: &[u32],
) -> Result<(), DeflateError> {
    let (counts, sorted) = sort_by_length(lengths);
    let space: usize = (1..=CODE_BITS_MAX).map(|bits| usize::from(counts[bits]) << (CODE_BITS_MAX - bits)).sum();
    let symbols = &sorted[usize::from(counts[0])..lengths.len()];
    if space != 1 << CODE_BITS_MAX {
        return fill_incomplete(&mut table[..1 << table_bits], space, symbols, meanings);
    }
    let mut word = Word::first();
    let mut filled = 1;
    let mut bits = 0;
    let mut symbols = symbols.iter();
    while bits < table_bits {
        bits += 1;
        // What is there so far is right for either value of the next bit.
        table.copy_within(..filled, filled);
        filled *= 2;
        for symbol in symbols.by_ref().take(counts[bits].into()) {
            table[word.reversed] = entry(meanings[usize::from(*symbol)], bits);
            word.advance(bits);
        }
    }
    let longer = symbols.as_slice();
    fill_subtables(table, table_bits, &counts, word, longer, meanings);
    Ok(())
}

/// Lets an entry stand for two literals where the words of both are in the
/// `table_bits` bits that find it.
pub(super) fn pair_literals(table: &mut [u32], table_bits: usize) {
    // The second one is found further in front, so that from the end on it is still a single one.
    for place in (0..1 << table_bits).rev() {
        let first = table[place];
        let second = table[place >> (first & 0xF)];
        let bits = (first & 0xF) + (second & 0xF);
        if first & second & LITERAL != 0 && bits as usize <= table_bits {
            table[place] = (second & 0xFF << 16) << 8 | first & 0xFF << 16 | LITERAL | PAIR | bits;
        }
    }
}

/// Codes of more than `table_bits` bits, which have the same beginning, share a
/// table that is as small as its longest code allows.
fn fill_subtables(
    table: &mut [u32],
    table_bits: usize,
    counts: &[u16; CODE_BITS_MAX + 1],
    mut word: Word,
    symbols: &[u16],
    meanings: &[u32],
) {
    let mut end = 1 << table_bits;
    let mut open: Option<(usize, usize)> = None;
    let mut symbols = symbols.iter();
    for bits in table_bits + 1..=CODE_BITS_MAX {
        let mut left = usize::from(counts[bits]);
        for symbol in symbols.by_ref().take(left) {
            let prefix = word.reversed & ((1 << table_bits) - 1);
            let start = match open {
                Some((open, start)) if open == prefix => start,
                _ => {
                    let subtable_bits = subtable_bits(table_bits, bits, left, counts);
                    let start = end;
                    end += 1 << subtable_bits;
                    let flags = EXCEPTION | SUBTABLE | (subtable_bits << 8 | table_bits) as u32;
                    table[prefix] = (start as u32) << 16 | flags;
                    start
                }
            };
            open = Some((prefix, start));
            let entry = entry(meanings[usize::from(*symbol)], bits - table_bits);
            for place in (start + (word.reversed >> table_bits)..end).step_by(1 << (bits - table_bits)) {
                table[place] = entry;
            }
            word.advance(bits);
            left -= 1;
        }
    }
}

/// Bits that choose among the codes with one beginning, of which the first has
/// `bits` bits and `left` are still to come.
fn subtable_bits(table_bits: usize, bits: usize, left: usize, counts: &[u16; CODE_BITS_MAX + 1]) -> usize {
    let mut subtable_bits = bits - table_bits;
    let mut used = left;
    while used < 1 << subtable_bits {
        subtable_bits += 1;
        used = 2 * used + usize::from(counts[table_bits + subtable_bits]);
    }
    subtable_bits
}

fn fill_incomplete(table: &mut [u32], space: usize, symbols: &[u16], meanings: &[u32]) -> Result<(), DeflateError> {
    table.fill(EXCEPTION);
    match symbols {
        [] => Ok(()),
        [symbol] if space == 1 << (CODE_BITS_MAX - 1) => {
            for place in table.iter_mut().step_by(2) {
                *place = entry(meanings[usize::from(*symbol)], 1);
            }
            Ok(())
        }
        _ => Err(DeflateError::CodeLengths),
    }
}

fn entry(meaning: u32, bits: usize) -> u32 {
    meaning + (bits << 8 | bits) as u32
}

/// How many symbols have each length, and the symbols in the order of their
/// code words, those without any first.
fn sort_by_length(lengths: &[u8]) -> ([u16; CODE_BITS_MAX + 1], [u16; 320]) {
    let mut counts = [0; CODE_BITS_MAX + 1];
    for &length in lengths {
        counts[usize::from(length)] += 1;
    }
    let mut next = [0; CODE_BITS_MAX + 1];
    for bits in 0..CODE_BITS_MAX {
        next[bits + 1] = next[bits] + counts[bits];
    }
    let mut sorted = [0; 320];
    for (symbol, &length) in (0..).zip(lengths) {
        let place = &mut next[usize::from(length)];
        sorted[usize::from(*place)] = symbol;
        *place += 1;
    }
    (counts, sorted)
}

/// A code word, first bit lowest: RFC 1951 §3.1.1 packs it so.
#[derive(Debug, Clone, Copy)]
struct Word {
    reversed: usize,
}

impl Word {
    fn first() -> Self {
        Self { reversed: 0 }
    }

    /// The next word of the same length, or its beginning where that is longer;
    /// behind the last one the first.
    fn advance(&mut self, bits: usize) {
        let zeros = self.reversed ^ ((1 << bits) - 1);
        // The highest zero becomes one, and all ones above it zero.
        self.reversed = match zeros.checked_ilog2() {
            Some(highest) => self.reversed & ((1 << highest) - 1) | 1 << highest,
            None => 0,
        };
    }
}

/// The code words of the given lengths, first bit lowest.
pub(super) fn code_words(lengths: &[u8]) -> [u16; 320] {
    let (counts, sorted) = sort_by_length(lengths);
    let mut words = [0; 320];
    let mut word = Word::first();
    let mut symbols = sorted[usize::from(counts[0])..lengths.len()].iter();
    for (bits, &count) in counts.iter().enumerate().skip(1) {
        for &symbol in symbols.by_ref().take(count.into()) {
            words[usize::from(symbol)] = word.reversed as u16;
            word.advance(bits);
        }
    }
    words
}

/// Lengths of a code for symbols that occur as often as `counts` say, none
/// longer than `bits_max`; at least two symbols get one, so that every reader
/// finds the code complete.
///
/// # Panics
///
/// When there are more than 2^`bits_max` symbols, or fewer than two.
pub(super) fn code_lengths(counts: &[u32], bits_max: usize, lengths: &mut [u8]) {
    lengths.fill(0);
    let mut used: Vec<(u32, u16)> =
        (0..).zip(counts).filter(|&(_, &count)| count > 0).map(|(symbol, &count)| (count, symbol)).collect();
    for symbol in 0..2 {
        if used.len() < 2 && used.iter().all(|&(_, other)| other != symbol) {
            used.push((1, symbol));
        }
    }
    used.sort_unstable();
    let mut depths: Vec<u32> = used.iter().map(|&(count, _)| count).collect();
    minimum_redundancy(&mut depths);
    let mut per_length = [0_u32; 64];
    for &depth in &depths {
        per_length[(depth as usize).min(bits_max)] += 1;
    }
    shorten(&mut per_length, bits_max);
    let mut rarest_first = used.iter();
    for bits in (1..=bits_max).rev() {
        for &(_, symbol) in rarest_first.by_ref().take(per_length[bits] as usize) {
            lengths[usize::from(symbol)] = bits as u8;
        }
    }
}

/// Makes room for words that were cut to `bits_max` bits: shorter ones are
/// made longer until the code fits.
fn shorten(per_length: &mut [u32; 64], bits_max: usize) {
    let mut space: u64 = (1..=bits_max).map(|bits| u64::from(per_length[bits]) << (bits_max - bits)).sum();
    while space > 1 << bits_max {
        // One of the longest becomes the brother of a shorter one that goes down a level.
        per_length[bits_max] -= 1;
        let bits = (1..bits_max).rev().find(|&bits| per_length[bits] > 0).expect("there is room for all symbols");
        per_length[bits] -= 1;
        per_length[bits + 1] += 2;
        space -= 1;
    }
}

/// Turns ascending counts into the depths of their leaves in a Huffman tree, in
/// place (Moffat and Katajainen, "In-place calculation of minimum-redundancy
/// codes", 1995).
fn minimum_redundancy(counts: &mut [u32]) {
    let symbols = counts.len();
    let (mut leaf, mut root) = (0, 0);
    for next in 0..symbols - 1 {
        let mut sum = 0;
        for _ in 0..2 {
            if leaf >= symbols || (root < next && counts[root] < counts[leaf]) {
                sum += counts[root];
                counts[root] = next as u32;
                root += 1;
            } else {
                sum += counts[leaf];
                leaf += 1;
            }
        }
        counts[next] = sum;
    }
    counts[symbols - 2] = 0;
    for node in (0..symbols - 2).rev() {
        counts[node] = counts[counts[node] as usize] + 1;
    }
    let (mut available, mut depth) = (1, 0);
    let (mut node, mut next) = (symbols - 1, symbols);
    while available > 0 {
        let mut inner = 0;
        while node > 0 && counts[node - 1] == depth {
            inner += 1;
            node -= 1;
        }
        for _ in inner..available {
            next -= 1;
            counts[next] = depth;
        }
        available = 2 * inner;
        depth += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(counts: &[u32], bits_max: usize, expected: &[u8]) {
        let mut lengths = vec![0; counts.len()];
        code_lengths(counts, bits_max, &mut lengths);
        assert_eq!(lengths, expected, "{counts:?}");
    }

    #[test]
    fn frequent_symbols_get_short_codes() {
        check(&[1, 1, 2, 4, 8], 15, &[4, 4, 3, 2, 1]);
        check(&[5, 0, 5, 5, 5], 15, &[2, 0, 2, 2, 2]);
    }

    #[test]
    fn a_code_has_two_words_at_least() {
        check(&[0, 0, 0], 15, &[1, 1, 0]);
        check(&[0, 0, 9], 15, &[1, 0, 1]);
        check(&[9, 0, 0], 15, &[1, 1, 0]);
    }

    #[test]
    fn no_code_is_longer_than_allowed_and_all_are_complete() {
        let fibonacci: Vec<u32> = (0..30)
            .scan((1, 1), |pair, _| {
                *pair = (pair.1, pair.0 + pair.1);
                Some(pair.0)
            })
            .collect();
        for bits_max in [5, 7, 14, 15] {
            let mut lengths = vec![0; fibonacci.len()];
            code_lengths(&fibonacci, bits_max, &mut lengths);
            assert!(lengths.iter().all(|&bits| (1..=bits_max).contains(&usize::from(bits))));
            assert_eq!(lengths.iter().map(|&bits| 1 << (bits_max - usize::from(bits))).sum::<usize>(), 1 << bits_max);
        }
    }

    /// Every word is found, through a table of 5 bits and what follows it.
    #[test]
    fn tables_give_back_the_symbols_of_all_code_words() {
        let counts: Vec<u32> = (0..60).map(|symbol| 1 << (symbol % 13)).collect();
        let mut lengths = vec![0; counts.len()];
        code_lengths(&counts, CODE_BITS_MAX, &mut lengths);
        let meanings: Vec<u32> = (0..60).map(|symbol| symbol << 16).collect();
        let mut table = vec![EXCEPTION; 1 << 12];
        fill_table(&mut table, 5, &lengths, &meanings).unwrap();
        for (symbol, (&bits, word)) in lengths.iter().zip(code_words(&lengths)).enumerate() {
            let mut found = table[usize::from(word) % 32];
            let mut taken = found & 0x3F;
            if found & SUBTABLE != 0 {
                let choice = usize::from(word) >> 5 & ((1 << (found >> 8 & 0xF)) - 1);
                found = table[(found >> 16) as usize + choice];
                taken += found & 0x3F;
            }
            assert_eq!((found >> 16, taken), (symbol as u32, bits.into()));
        }
    }

    #[test]
    fn lengths_that_make_no_code_are_refused() {
        let check = |lengths: &[u8], expected| {
            assert_eq!(fill_table(&mut [0; 32], 5, lengths, &[0; 5]), expected, "{lengths:?}");
        };
        check(&[1, 1, 0, 0, 0], Ok(()));
        check(&[0, 1, 0, 0, 0], Ok(()));
        check(&[0, 0, 0, 0, 0], Ok(()));
        check(&[1, 1, 1, 0, 0], Err(DeflateError::CodeLengths));
        check(&[1, 2, 0, 0, 0], Err(DeflateError::CodeLengths));
        check(&[0, 2, 0, 0, 0], Err(DeflateError::CodeLengths));
    }
}
