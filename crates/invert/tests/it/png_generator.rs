//! PNG files of every kind, made by hand: what encoders rarely write.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

pub(crate) const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1A\n";
const ADAM7: [[usize; 4]; 7] =
    [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]];

#[derive(Debug, Clone, Copy)]
pub(crate) struct Picture {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// 0, 2, 4 or 6.
    pub(crate) colour: u8,
    pub(crate) depth: u8,
    pub(crate) interlaced: bool,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Filters {
    Only(u8),
    /// One after the other.
    Mixed,
    /// Whichever gives the smallest sum, as most encoders choose.
    Smallest,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Packing {
    Stored,
    /// Fixed codes, with copies wherever there is something to copy.
    Fixed,
    /// A block for each byte.
    Literals,
    Zlib(u32),
    /// As above, with an empty block every few bytes.
    Flushed,
}

pub(crate) fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(name);
    hasher.update(data);
    let length = (data.len() as u32).to_be_bytes();
    [&length, name.as_slice(), data, &hasher.finalize().to_be_bytes()].concat()
}

impl Picture {
    pub(crate) fn header(&self) -> Vec<u8> {
        let sizes = [(self.width as u32).to_be_bytes(), (self.height as u32).to_be_bytes()].concat();
        chunk(b"IHDR", &[&sizes[..], &[self.depth, self.colour, 0, 0, self.interlaced.into()]].concat())
    }

    pub(crate) fn file(&self, stream: &[u8]) -> Vec<u8> {
        [SIGNATURE, &self.header(), &chunk(b"IDAT", stream), &chunk(b"IEND", &[])].concat()
    }

    fn channels(&self) -> usize {
        match self.colour {
            0 => 1,
            2 => 3,
            4 => 2,
            _ => 4,
        }
    }

    fn pixel_bytes(&self) -> usize {
        (self.channels() * usize::from(self.depth)).div_ceil(8)
    }

    /// A slope with some noise on it but for alpha, one sample after the other.
    fn row(&self, y: usize, columns: impl Iterator<Item = usize>) -> Vec<u8> {
        let mut bits = Vec::new();
        for x in columns {
            for channel in 0..self.channels() {
                let slope = (x * 7 + y * 5 + channel * 40) as u32 * 101;
                let is_alpha = self.colour >= 4 && channel + 1 == self.channels();
                let grain = if is_alpha { 0 } else { grain([x, y, channel]) % 16 };
                let sample = (slope + grain * 64) & 0xFFFF;
                bits.extend((0..self.depth).rev().map(|bit| (sample >> (16 - self.depth) >> bit & 1) as u8));
            }
        }
        bits.chunks(8)
            .map(|byte| byte.iter().enumerate().fold(0, |sum, (place, bit)| sum | bit << (7 - place)))
            .collect()
    }

    /// All passes, filtered.
    pub(crate) fn filtered(&self, filters: Filters) -> Vec<u8> {
        let passes = if self.interlaced { ADAM7.to_vec() } else { vec![[0, 0, 1, 1]] };
        let mut raw = Vec::new();
        for [left, top, across, down] in passes {
            let mut above: Option<Vec<u8>> = None;
            for y in (top..self.height).step_by(down).filter(|_| left < self.width) {
                let row = self.row(y, (left..self.width).step_by(across));
                let before = above.take().unwrap_or_else(|| vec![0; row.len()]);
                raw.extend(filters.apply(y / down, &row, &before, self.pixel_bytes()));
                above = Some(row);
            }
        }
        raw
    }
}

/// A number without any pattern, unlike `noise`, in which copies are found.
fn grain(place: [usize; 3]) -> u32 {
    place.into_iter().fold(1_u32, |mixed, part| {
        let mixed = (mixed ^ part as u32).wrapping_mul(0x85EB_CA6B);
        mixed ^ mixed >> 15
    })
}

impl Filters {
    fn apply(self, index: usize, row: &[u8], above: &[u8], pixel_bytes: usize) -> Vec<u8> {
        let by = |filter: u8| {
            let byte = |at: usize| {
                let left = |row: &[u8]| at.checked_sub(pixel_bytes).map_or(0, |at| i32::from(row[at]));
                let (a, b, c) = (left(row), i32::from(above[at]), left(above));
                let guess = match filter {
                    0 => 0,
                    1 => a,
                    2 => b,
                    3 => (a + b) / 2,
                    // The first of the nearest, as `min_by_key` has it.
                    _ => [a, b, c].into_iter().min_by_key(|sample| (a + b - c - sample).abs()).unwrap_or(0),
                };
                (i32::from(row[at]) - guess) as u8
            };
            std::iter::once(filter).chain((0..row.len()).map(byte)).collect::<Vec<u8>>()
        };
        let sum = |row: &Vec<u8>| row[1..].iter().map(|&byte| u32::from((byte as i8).unsigned_abs())).sum::<u32>();
        match self {
            Self::Only(filter) => by(filter),
            Self::Mixed => by((index % 5) as u8),
            Self::Smallest => (0..5).map(by).min_by_key(sum).expect("five of them"),
        }
    }
}

impl Packing {
    pub(crate) fn pack(self, raw: &[u8]) -> Vec<u8> {
        let mut stream = Stream::default();
        match self {
            Self::Stored => stream.stored(raw),
            Self::Fixed => stream.copied(raw),
            Self::Literals => {
                for (at, &byte) in raw.iter().enumerate() {
                    stream.begin(at + 1 == raw.len());
                    stream.literal(byte);
                    stream.end();
                }
            }
            Self::Zlib(_) | Self::Flushed => {
                let level = if let Self::Zlib(level) = self { level } else { 6 };
                let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(level));
                for part in raw.chunks(if let Self::Flushed = self { 37 } else { raw.len() }) {
                    encoder.write_all(part).expect("memory");
                    if let Self::Flushed = self {
                        encoder.flush().expect("memory");
                    }
                }
                return encoder.finish().expect("memory");
            }
        }
        stream.finish(raw)
    }
}

/// A stream of fixed codes and stored blocks.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    bytes: Vec<u8>,
    bits: usize,
}

impl Stream {
    /// The lowest bit first.
    fn put(&mut self, value: usize, bits: usize) {
        for bit in 0..bits {
            if self.bits.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let last = self.bytes.last_mut().expect("one was pushed");
            *last |= ((value >> bit & 1) as u8) << (self.bits % 8);
            self.bits += 1;
        }
    }

    /// RFC 1951 §3.1.1: the highest bit of a code first.
    fn code(&mut self, code: usize, bits: usize) {
        for bit in (0..bits).rev() {
            self.put(code >> bit & 1, 1);
        }
    }

    pub(crate) fn begin(&mut self, is_last: bool) {
        self.put(usize::from(is_last) | 1 << 1, 3);
    }

    fn symbol(&mut self, symbol: usize) {
        match symbol {
            0..144 => self.code(0x30 + symbol, 8),
            144..256 => self.code(0x190 + symbol - 144, 9),
            256..280 => self.code(symbol - 256, 7),
            _ => self.code(0xC0 + symbol - 280, 8),
        }
    }

    pub(crate) fn literal(&mut self, byte: u8) {
        self.symbol(byte.into());
    }

    pub(crate) fn end(&mut self) {
        self.symbol(256);
    }

    /// Symbols by powers of two: four for each length, two for each distance.
    pub(crate) fn copy(&mut self, length: usize, distance: usize) {
        match length - 3 {
            255 => self.symbol(285),
            past @ 0..8 => self.symbol(257 + past),
            past => {
                let extra = past.ilog2() as usize - 2;
                self.symbol(257 + 4 * extra + (past >> extra));
                self.put(past & ((1 << extra) - 1), extra);
            }
        }
        let past = distance - 1;
        let extra = past.max(2).ilog2() as usize - 1;
        self.code(2 * extra + (past >> extra), 5);
        self.put(past & ((1 << extra) - 1), extra);
    }

    fn copied(&mut self, raw: &[u8]) {
        self.begin(true);
        let mut at = 0;
        while at < raw.len() {
            let common = |distance: usize| {
                (0..258)
                    .take_while(|more| raw.get(at + more).is_some_and(|byte| *byte == raw[at + more - distance]))
                    .count()
            };
            let best = (1..=at.min(300)).map(|distance| (common(distance), distance)).max().unwrap_or((0, 0));
            if best.0 >= 3 {
                self.copy(best.0, best.1);
            } else {
                self.literal(raw[at]);
            }
            at += if best.0 >= 3 { best.0 } else { 1 };
        }
        self.end();
    }

    fn stored(&mut self, raw: &[u8]) {
        let mut parts = raw.chunks(11).peekable();
        while let Some(part) = parts.next() {
            self.put(parts.peek().is_none().into(), 3);
            self.bits = self.bits.next_multiple_of(8);
            self.put(part.len() | (!part.len() & 0xFFFF) << 16, 32);
            self.bytes.extend_from_slice(part);
            self.bits += 8 * part.len();
        }
    }

    /// In its zlib envelope.
    pub(crate) fn finish(self, raw: &[u8]) -> Vec<u8> {
        let (a, b) =
            raw.iter().fold((1, 0), |(a, b), &byte| ((a + u32::from(byte)) % 65521, (b + a + u32::from(byte)) % 65521));
        [&[0x78, 0x01], &self.bytes[..], &(b << 16 | a).to_be_bytes()].concat()
    }
}
