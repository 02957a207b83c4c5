//! Bits into bytes.

/// Writes bits, the first one lowest, behind what a buffer holds.
///
/// Room is made by whole blocks, whose size is known before; within it bits go
/// eight bytes at a time.
#[derive(Debug, Default)]
pub(crate) struct BitWriter {
    word: u64,
    count: u32,
}

impl BitWriter {
    /// Bits that do not fill a byte yet.
    pub(super) fn pending_bits(&self) -> u32 {
        self.count
    }

    /// Makes room for `bits` and gives a pen to write them.
    pub(super) fn pen<'a>(&'a mut self, out: &'a mut Vec<u8>, bits: usize) -> Pen<'a> {
        let at = out.len();
        // A flush stores a whole word.
        out.resize(at + (self.count as usize + bits) / 8 + 8, 0);
        Pen { word: self.word, count: self.count, at, out, writer: self }
    }

    /// Fills the last byte up with zeros.
    pub(crate) fn align(&mut self, out: &mut Vec<u8>) {
        if self.count > 0 {
            out.push(self.word as u8);
        }
        *self = Self::default();
    }
}

/// Writes into room that was made before.
#[derive(Debug)]
pub(super) struct Pen<'a> {
    word: u64,
    count: u32,
    at: usize,
    out: &'a mut Vec<u8>,
    writer: &'a mut BitWriter,
}

impl Pen<'_> {
    /// Adds bits to the word; 56 fit between two flushes.
    #[inline(always)]
    pub(super) fn add(&mut self, bits: u64, count: u32) {
        self.word |= bits << self.count;
        self.count += count;
    }

    #[inline(always)]
    pub(super) fn flush(&mut self) {
        self.out[self.at..self.at + 8].copy_from_slice(&self.word.to_le_bytes());
        self.at += self.count as usize / 8;
        self.word >>= self.count & !7;
        self.count &= 7;
    }

    pub(super) fn put(&mut self, bits: u64, count: u32) {
        self.add(bits, count);
        self.flush();
    }

    /// Gives back the room that was not needed.
    pub(super) fn finish(mut self) {
        self.flush();
        self.out.truncate(self.at);
        (self.writer.word, self.writer.count) = (self.word, self.count);
    }
}
