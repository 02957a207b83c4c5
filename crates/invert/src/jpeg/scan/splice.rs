//! Replaces a few codes in a stream of bits by others, which may be longer or
//! shorter.

/// A code that is written anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Change {
    /// Where the old code begins.
    pub(super) bit: usize,
    pub(super) old_bits: u32,
    /// The new one, in the low bits.
    pub(super) new: u32,
    pub(super) new_bits: u32,
}

/// Writes bits, the highest of each byte first.
#[derive(Debug)]
pub(in crate::jpeg) struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    /// Fewer than 32 bits that are not written yet, lowest last.
    rest: u64,
    rest_bits: u32,
}

impl<'a> BitWriter<'a> {
    pub(in crate::jpeg) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, rest: 0, rest_bits: 0 }
    }

    /// Writes the low `bits` of `value`, at most 32, above which are zeros.
    #[inline(always)]
    pub(in crate::jpeg) fn put(&mut self, value: u64, bits: u32) {
        self.rest = self.rest << bits | value;
        self.rest_bits += bits;
        if self.rest_bits >= 32 {
            self.rest_bits -= 32;
            self.out.extend_from_slice(&((self.rest >> self.rest_bits) as u32).to_be_bytes());
        }
    }

    /// Writes whole bytes; fewer than eight bits are then left.
    fn flush(&mut self) {
        while self.rest_bits >= 8 {
            self.rest_bits -= 8;
            self.out.push((self.rest >> self.rest_bits) as u8);
        }
    }

    /// Copies bits, `from..to` of `bytes`, which go on for seven bytes more.
    fn copy(&mut self, bytes: &[u8], from: usize, to: usize) {
        let window = |bit: usize| {
            let bytes = bytes[bit / 8..].first_chunk().expect("the caller says so");
            u64::from_be_bytes(*bytes) << (bit % 8)
        };
        let mut bit = from;
        self.flush();
        let first = (to - from).min((8 - self.rest_bits as usize) % 8);
        self.put(window(bit) >> 8 >> (56 - first), first as u32);
        bit += first;
        self.flush();
        while to - bit >= 56 {
            self.out.extend_from_slice(&window(bit).to_be_bytes()[..7]);
            bit += 56;
        }
        while bit < to {
            let last = (to - bit).min(8);
            self.put(window(bit) >> 56 >> (8 - last), last as u32);
            bit += last;
        }
    }

    /// Fills the last byte up with copies of the lowest bit of `filling`.
    pub(in crate::jpeg) fn finish(mut self, filling: u64) {
        self.flush();
        let missing = (8 - self.rest_bits) % 8;
        self.put(if filling & 1 == 1 { (1 << missing) - 1 } else { 0 }, missing);
        self.flush();
    }
}

/// Writes codes of an unchanged length over the old ones.
pub(super) fn overwrite(bytes: &mut [u8], changes: &[Change]) {
    for change in changes {
        let at = change.bit / 8;
        let old: &mut [u8; 8] = bytes[at..].first_chunk_mut().expect("padding follows the data");
        let shift = 64 - change.old_bits - (change.bit % 8) as u32;
        let mask = ((1 << change.old_bits) - 1) << shift;
        let word = u64::from_be_bytes(*old) & !mask | u64::from(change.new) << shift;
        *old = word.to_be_bytes();
    }
}

/// Writes the first `end_bit` bits of `bytes` with `changes`, which are in
/// order, and fills the last byte as `bytes` did.
pub(super) fn splice(bytes: &[u8], end_bit: usize, changes: &[Change], out: &mut Vec<u8>) {
    let mut writer = BitWriter::new(out);
    let mut bit = 0;
    for change in changes {
        writer.copy(bytes, bit, change.bit);
        writer.put(change.new.into(), change.new_bits);
        bit = change.bit + change.old_bits as usize;
    }
    writer.copy(bytes, bit, end_bit);
    // F.1.2.3: ones. Whoever wrote zeros gets zeros back.
    let filling = if end_bit.is_multiple_of(8) { 1 } else { u64::from(bytes[end_bit / 8]) };
    writer.finish(filling);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bits(bytes: &[u8]) -> Vec<bool> {
        bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1)).collect()
    }

    proptest! {
        #[test]
        fn changes_replace_their_bits_and_nothing_else(
            data in proptest::collection::vec(any::<u8>(), 1..60),
            spare in 0_usize..8,
            places in proptest::collection::vec((0_usize..40, 1_u32..20, any::<u32>(), 1_u32..20), 0..4),
        ) {
            let end_bit = data.len() * 8 - spare;
            let (mut changes, mut from) = (vec![], 0);
            for (gap, old_bits, new, new_bits) in places {
                let bit = from + gap;
                from = bit + old_bits as usize;
                if from <= end_bit {
                    changes.push(Change { bit, old_bits, new: new & ((1 << new_bits) - 1), new_bits });
                }
            }
            let padded = [&data[..], &[0; 8]].concat();
            let mut out = vec![];
            splice(&padded, end_bit, &changes, &mut out);
            let (before, mut expected, mut bit) = (bits(&data), vec![], 0);
            for change in &changes {
                expected.extend_from_slice(&before[bit..change.bit]);
                expected.extend((0..change.new_bits).rev().map(|place| change.new >> place & 1 == 1));
                bit = change.bit + change.old_bits as usize;
            }
            expected.extend_from_slice(&before[bit..end_bit]);
            let filling = if spare == 0 { true } else { before[data.len() * 8 - 1] };
            expected.resize(expected.len().next_multiple_of(8), filling);
            prop_assert_eq!(bits(&out), expected);
            let same: Vec<_> = changes.iter().map(|change| Change { new_bits: change.old_bits, new: change.new & ((1 << change.old_bits.min(31)) - 1), ..*change }).collect();
            let (mut over, mut spliced) = (padded.clone(), vec![]);
            overwrite(&mut over, &same);
            splice(&padded, data.len() * 8, &same, &mut spliced);
            prop_assert_eq!(&over[..data.len()], &spliced[..]);
        }
    }
}
