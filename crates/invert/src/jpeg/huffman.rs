//! Huffman tables (T.81 annex C): from bits to symbols, and back for the few
//! symbols that are written anew.

/// Bits that one lookup covers. Chosen: tables for two kinds of components,
/// of 4 KiB each, fit together into a first-level cache; longer codes are rare.
pub(super) const LOOKUP_BITS: u32 = 10;
/// Entries of a table that is looked up by [`LOOKUP_BITS`].
pub(super) const LOOKUPS: usize = 1 << LOOKUP_BITS;

/// Codes have 1 to 16 bits (T.81 C.1).
const CODE_BITS_MAX: usize = 16;

/// A table as a file defines it (T.81 B.2.4.2): the number of codes of each
/// length, and their symbols in the order of the codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Definition {
    pub(super) counts: [u8; CODE_BITS_MAX],
    pub(super) symbols: Vec<u8>,
}

/// A symbol with the length of its code, in bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Symbol {
    pub(super) value: u8,
    pub(super) code_bits: u32,
}

/// A code, in its low bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) code: u32,
    pub(super) bits: u32,
}

#[derive(Debug, Clone)]
pub(super) struct Huffman {
    definition: Definition,
    /// For each [`LOOKUP_BITS`] bits: symbol and length of the code that they
    /// begin with, `symbol << 8 | bits`; zero where it is longer.
    short: Box<[u16; LOOKUPS]>,
    /// For each length: one more than its last code, moved to the top of 16
    /// bits.
    ends: [u32; CODE_BITS_MAX],
    /// For each length: the place of its first symbol, less its first code.
    places: [i32; CODE_BITS_MAX],
    /// The codes of the symbols below 16: of a table of mean values all.
    categories: [Option<Code>; 16],
}

impl Huffman {
    /// `None` when there are more codes than their lengths allow, or not as
    /// many symbols as codes.
    pub(super) fn new(definition: Definition) -> Option<Self> {
        let mut table = Self {
            definition,
            short: Box::new([0; LOOKUPS]),
            ends: [0; CODE_BITS_MAX],
            places: [0; CODE_BITS_MAX],
            categories: [None; 16],
        };
        let (mut code, mut place) = (0_u32, 0_usize);
        for (index, bits) in (1..=16_u32).enumerate() {
            let count = usize::from(table.definition.counts[index]);
            table.places[index] = i32::try_from(place).ok()? - i32::try_from(code).ok()?;
            for _ in 0..count {
                let value = *table.definition.symbols.get(place)?;
                if code >> bits != 0 {
                    return None;
                }
                if bits <= LOOKUP_BITS {
                    let first = (code << (LOOKUP_BITS - bits)) as usize;
                    let same = &mut table.short[first..first + (1 << (LOOKUP_BITS - bits))];
                    same.fill(u16::from(value) << 8 | bits as u16);
                }
                if let Some(known @ None) = table.categories.get_mut(usize::from(value)) {
                    *known = Some(Code { code, bits });
                }
                code += 1;
                place += 1;
            }
            table.ends[index] = code << (16 - bits);
            code <<= 1;
        }
        (place == table.definition.symbols.len()).then_some(table)
    }

    pub(super) fn definition(&self) -> &Definition {
        &self.definition
    }

    /// The symbol whose code stands at the top of `window`; `None` when none
    /// does.
    #[inline(always)]
    pub(super) fn decode(&self, window: u64) -> Option<Symbol> {
        let entry = self.short[(window >> (64 - LOOKUP_BITS)) as usize];
        if entry == 0 { self.decode_long(window) } else { Some(Symbol::of(entry)) }
    }

    /// As [`decode`](Self::decode), for codes within [`LOOKUP_BITS`] alone.
    #[inline(always)]
    pub(super) fn decode_short(&self, window: u64) -> Option<Symbol> {
        let entry = self.short[(window >> (64 - LOOKUP_BITS)) as usize];
        (entry != 0).then_some(Symbol::of(entry))
    }

    fn decode_long(&self, window: u64) -> Option<Symbol> {
        let top = (window >> 48) as u32;
        let shorter = LOOKUP_BITS as usize;
        let index = shorter + self.ends[shorter..].iter().position(|&end| top < end)?;
        let code_bits = index as u32 + 1;
        let code = (top >> (16 - code_bits)) as i32;
        let place = usize::try_from(code + self.places[index]).ok()?;
        self.definition.symbols.get(place).map(|&value| Symbol { value, code_bits })
    }

    /// The code of a category of differences; `None` when it has none.
    #[inline]
    pub(super) fn encode_category(&self, category: u32) -> Option<Code> {
        self.categories.get(category as usize).copied().flatten()
    }
}

impl Symbol {
    #[inline(always)]
    fn of(entry: u16) -> Self {
        Self { value: (entry >> 8) as u8, code_bits: u32::from(entry & 0xFF) }
    }
}

impl Definition {
    /// The same with one symbol more, whose code comes behind all others so
    /// that none of these changes; `None` when there is no room for it.
    ///
    /// Codes are given in order, so what follows the last one is free (T.81
    /// C.2 keeps at least the code of ones alone free).
    pub(super) fn with(&self, symbol: u8) -> Option<Self> {
        let last = self.counts.iter().rposition(|&count| count > 0)?;
        let mut longer = self.clone();
        longer.symbols.push(symbol);
        for index in last..CODE_BITS_MAX {
            longer.counts[index] = longer.counts[index].checked_add(1)?;
            if longer.leaves_ones_free() {
                return Some(longer);
            }
            longer.counts[index] -= 1;
        }
        None
    }

    /// T.81 C.2: no code consists of ones alone.
    fn leaves_ones_free(&self) -> bool {
        let used = |(index, &count): (usize, &u8)| u32::from(count) << (15 - index);
        self.counts.iter().enumerate().map(used).sum::<u32>() < 1 << 16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T.81 table K.3.
    fn luminance_dc() -> Huffman {
        let counts = [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0];
        Huffman::new(Definition { counts, symbols: (0..=11).collect() }).unwrap()
    }

    #[test]
    fn codes_of_the_standards_example_become_their_symbols() {
        let table = luminance_dc();
        let check = |top: u64, bits, expected: Option<(u8, u32)>| {
            let found = table.decode(top << (64 - bits)).map(|symbol| (symbol.value, symbol.code_bits));
            assert_eq!(found, expected, "{top:b}");
        };
        check(0b00, 2, Some((0, 2)));
        check(0b010, 3, Some((1, 3)));
        check(0b110, 3, Some((5, 3)));
        check(0b1110, 4, Some((6, 4)));
        check(0b1_1111_1110, 9, Some((11, 9)));
        check(0b1_1111_1111, 9, None);
    }

    #[test]
    fn codes_longer_than_a_lookup_are_found() {
        // One code of each length.
        let table = Huffman::new(Definition { counts: [1; 16], symbols: (100..116).collect() }).unwrap();
        for bits in 1..=16_u32 {
            // Ones, and a zero at the end.
            let window = !(1_u64 << (64 - bits));
            let expected = Symbol { value: 99 + bits as u8, code_bits: bits };
            assert_eq!(table.decode(window), Some(expected));
        }
        assert_eq!(table.decode(u64::MAX), None);
    }

    #[test]
    fn a_symbol_more_changes_no_other_code() {
        let before = luminance_dc();
        let after = Huffman::new(before.definition().with(12).unwrap()).unwrap();
        assert_eq!(before.encode_category(12), None);
        for symbol in 0..=11 {
            assert_eq!(before.encode_category(symbol), after.encode_category(symbol));
        }
        assert_eq!(after.encode_category(12), Some(Code { code: 0b1_1111_1111 << 1, bits: 10 }));
        let mut full = before.definition().clone();
        while let Some(longer) = full.with(12) {
            full = longer;
        }
        // Six lengths of nine and more bits, one each, and no further one of 16.
        assert_eq!(full.symbols.len(), 12 + 7);
    }

    #[test]
    fn tables_with_too_many_codes_or_symbols_are_refused() {
        let mut counts = [0; 16];
        counts[0] = 3;
        assert!(Huffman::new(Definition { counts, symbols: vec![1, 2, 3] }).is_none());
        counts[0] = 1;
        assert!(Huffman::new(Definition { counts, symbols: vec![1, 2] }).is_none());
        assert!(Huffman::new(Definition { counts, symbols: vec![] }).is_none());
    }
}
