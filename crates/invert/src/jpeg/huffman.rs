//! Huffman tables and the bits of a scan, as far as a check for completeness
//! needs them.

use super::marker::{RST0, RST7};

/// The bits of entropy-coded data, restart interval by restart interval.
#[derive(Debug)]
pub(super) struct Bits<'a> {
    data: &'a [u8],
    position: usize,
    /// The next `count` bits, in the low end.
    window: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self { data, position: 0, window: 0, count: 0 }
    }

    /// Takes whole bytes while they fit, up to the next marker.
    fn refill(&mut self) {
        while self.count <= 56 {
            let (byte, file_bytes) = match self.data[self.position..] {
                [0xFF, 0, ..] => (0xFF, 2),
                [0xFF, ..] | [] => return,
                [byte, ..] => (byte, 1),
            };
            self.window = self.window << 8 | u64::from(byte);
            self.count += 8;
            self.position += file_bytes;
        }
    }

    /// The next eight bits, or fewer and zeros where the interval ends.
    fn peek8(&mut self) -> usize {
        if self.count < 8 {
            self.refill();
        }
        let bits = if self.count < 8 { self.window << (8 - self.count) } else { self.window >> (self.count - 8) };
        (bits & 0xFF) as usize
    }

    /// The next `count` bits, at most 16; `None` when the interval ends before.
    pub(super) fn take(&mut self, count: u32) -> Option<u32> {
        if self.count < count {
            self.refill();
        }
        self.count = self.count.checked_sub(count)?;
        u32::try_from(self.window >> self.count & ((1 << count) - 1)).ok()
    }

    /// Skips any number of bits.
    pub(super) fn skip(&mut self, mut count: u32) -> Option<()> {
        while count > 16 {
            self.take(16)?;
            count -= 16;
        }
        self.take(count).map(|_| ())
    }

    /// Goes to the next interval: behind the restart marker with this number.
    pub(super) fn restart(&mut self, number: u8) -> Option<()> {
        (self.window, self.count) = (0, 0);
        loop {
            match self.data.get(self.position..self.position + 2)? {
                [0xFF, marker @ RST0..=RST7] => {
                    self.position += 2;
                    return (*marker == RST0 + number).then_some(());
                }
                // Padding and fill bytes before the marker.
                [0xFF, 0] => self.position += 2,
                [..] => self.position += 1,
            }
        }
    }
}

/// A table that turns codes into symbols (T.81 annex C).
#[derive(Debug, Clone)]
pub(super) struct Huffman {
    /// For each length: one more than its last code, and the place of its
    /// first symbol less its first code.
    lengths: [(u32, i32); 16],
    symbols: Vec<u8>,
    /// For each eight bits: symbol and length of the code that they begin
    /// with; length zero where it is longer.
    short: [(u8, u8); 256],
}

impl Huffman {
    /// From the number of codes of each length, and their symbols; `None` when
    /// there are more codes than their length allows.
    pub(super) fn new(counts: &[u8; 16], symbols: &[u8]) -> Option<Self> {
        let mut lengths = [(0, 0); 16];
        let (mut code, mut place) = (0, 0);
        for (bits, (length, &count)) in (1..).zip(lengths.iter_mut().zip(counts)) {
            let count = u32::from(count);
            *length = (code + count, place - i32::try_from(code).ok()?);
            place += i32::try_from(count).ok()?;
            code += count;
            if code > 1 << bits {
                return None;
            }
            code <<= 1;
        }
        if usize::try_from(place).ok()? != symbols.len() {
            return None;
        }
        let mut table = Self { lengths, symbols: symbols.to_vec(), short: [(0, 0); 256] };
        for byte in 0..=u8::MAX {
            let mut bits = Bits { data: &[], position: 0, window: byte.into(), count: 8 };
            if let Some(symbol) = table.decode_long(&mut bits) {
                table.short[usize::from(byte)] = (symbol, u8::try_from(8 - bits.count).ok()?);
            }
        }
        Some(table)
    }

    /// The next symbol; `None` when the bits end or are no code.
    pub(super) fn decode(&self, bits: &mut Bits<'_>) -> Option<u8> {
        let (symbol, length) = self.short[bits.peek8()];
        if length == 0 {
            return self.decode_long(bits);
        }
        bits.take(length.into()).map(|_| symbol)
    }

    fn decode_long(&self, bits: &mut Bits<'_>) -> Option<u8> {
        let mut code = 0;
        for (end, place) in self.lengths {
            code = code << 1 | bits.take(1)?;
            if code < end {
                let index = i32::try_from(code).ok()? + place;
                return self.symbols.get(usize::try_from(index).ok()?).copied();
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stuffed_zeros_are_no_data_and_markers_end_an_interval() {
        let mut bits = Bits::new(&[0xFF, 0x00, 0x12, 0xFF, 0xD0, 0x34, 0xFF, 0xFF, 0xD1, 0x56]);
        assert_eq!(bits.take(16), Some(0xFF12));
        assert_eq!(bits.take(1), None);
        assert_eq!(bits.restart(0), Some(()));
        assert_eq!(bits.take(8), Some(0x34));
        assert_eq!(bits.restart(1), Some(()));
        assert_eq!(bits.take(9), None);
    }

    #[test]
    fn a_restart_marker_out_of_turn_is_noticed() {
        assert_eq!(Bits::new(&[0x34, 0xFF, 0xD1]).restart(0), None);
        assert_eq!(Bits::new(&[0x34]).restart(0), None);
    }

    #[test]
    fn codes_of_the_standards_example_become_their_symbols() {
        // T.81 table K.3: lengths 2, then 3 for five, then 4 to 9.
        let counts = [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0];
        let symbols = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
        let table = Huffman::new(&counts, &symbols).unwrap();
        // 00, 010, 110, 1110, 1111 1111 0 in a row; the last would be symbol 11 if its bits went on.
        let mut bits = Bits::new(&[0b0001_0110, 0b1110_1111, 0b1111_0000]);
        let found: Vec<_> = std::iter::from_fn(|| table.decode(&mut bits)).take(5).collect();
        assert_eq!(found, [0, 1, 5, 6, 11]);
    }

    #[test]
    fn tables_with_too_many_codes_or_symbols_are_refused() {
        let mut counts = [0; 16];
        counts[0] = 3;
        assert!(Huffman::new(&counts, &[1, 2, 3]).is_none());
        counts[0] = 1;
        assert!(Huffman::new(&counts, &[1, 2]).is_none());
    }
}
