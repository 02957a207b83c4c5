//! Bytes into bits.

use super::DeflateError;

/// Bits of a stream, the first one lowest.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bits<'a> {
    stream: &'a [u8],
    /// The first byte that is not counted in `word`.
    at: usize,
    /// The next bits; those above `count` are right, or zero.
    word: u64,
    count: u32,
    /// Zeros that stand for bytes behind the end.
    missing_bytes: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(stream: &'a [u8]) -> Self {
        Self { stream, at: 0, word: 0, count: 0, missing_bytes: 0 }
    }

    /// How many bytes have been taken, the last one perhaps in part.
    pub(super) fn taken_bytes(&self) -> usize {
        self.at - self.count as usize / 8
    }

    /// Makes at least 56 bits available.
    #[inline(always)]
    pub(super) fn refill(&mut self) -> Result<(), DeflateError> {
        if let Some(bytes) = self.stream.get(self.at..self.at + 8).and_then(|bytes| bytes.first_chunk()) {
            self.word |= u64::from_le_bytes(*bytes) << self.count;
            self.at += (63 - self.count as usize) >> 3;
            self.count |= 56;
            Ok(())
        } else {
            self.refill_at_the_end()
        }
    }

    #[cold]
    fn refill_at_the_end(&mut self) -> Result<(), DeflateError> {
        while self.count < 56 {
            match self.stream.get(self.at) {
                Some(&byte) => self.word |= u64::from(byte) << self.count,
                None => self.missing_bytes += 1,
            }
            self.at += 1;
            self.count += 8;
        }
        // The word holds no more than eight: with the ninth one a bit was taken that is not there.
        if self.missing_bytes > 8 { Err(DeflateError::Truncated) } else { Ok(()) }
    }

    #[inline(always)]
    pub(super) fn peek(self, count: usize) -> usize {
        (self.word & ((1 << count) - 1)) as usize
    }

    /// Takes the bits off that the lowest byte of a table's entry tells.
    #[inline(always)]
    pub(super) fn skip(&mut self, entry: u32) {
        let count = entry & 0x3F;
        self.word >>= count;
        self.count -= count;
    }

    #[inline(always)]
    pub(super) fn take(&mut self, count: u32) -> usize {
        let taken = self.peek(count as usize);
        self.skip(count);
        taken
    }

    /// A length or distance with its extra bits.
    #[inline(always)]
    pub(super) fn value(&mut self, entry: u32) -> usize {
        let word_and_extra = self.peek((entry & 0x3F) as usize);
        let value = (entry >> 16) as usize + (word_and_extra >> (entry >> 8 & 0xF));
        self.skip(entry);
        value
    }

    /// Goes to the next whole byte.
    pub(super) fn align(&mut self) -> Result<(), DeflateError> {
        self.at -= self.count as usize / 8;
        (self.word, self.count, self.missing_bytes) = (0, 0, 0);
        if self.at > self.stream.len() { Err(DeflateError::Truncated) } else { Ok(()) }
    }

    /// Bytes, behind [`Bits::align`].
    pub(super) fn take_bytes(&mut self, bytes: usize) -> Result<&'a [u8], DeflateError> {
        let taken = self.stream.get(self.at..self.at + bytes).ok_or(DeflateError::Truncated)?;
        self.at += bytes;
        Ok(taken)
    }
}
