//! Counts the groups of prefix codes in lossless WebP data, without decoding
//! pixels.
//!
//! A few megabytes can announce 65,536 groups of five codes each, for a picture
//! of a single pixel, and a codec that makes tables of all of them needs more
//! than a gigabyte. How many there are stands behind the transforms of the
//! picture, so that these are walked here (RFC 9649 §3.5 to §3.7).

/// Groups of a picture that the codec may be given: five tables of some 4 KiB
/// each. More than libwebp writes, which has at most 2,600.
const GROUPS_MAX: u32 = 3_000;

const CODES: [u16; 5] = [256 + LENGTHS, 256, 256, 256, DISTANCES];
const LENGTHS: u16 = 24;
const DISTANCES: u16 = 40;

/// Why a picture is not decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Damaged,
    TooManyGroups,
}

/// Checks the data of a picture of this size, from behind its signature, size
/// and version on.
pub(crate) fn check_groups(data: &[u8], width: u32, height: u32) -> Result<(), Fault> {
    match count_groups(&mut Bits { data, position: 0 }, width, height) {
        None => Err(Fault::Damaged),
        Some(groups) if groups > GROUPS_MAX => Err(Fault::TooManyGroups),
        Some(_) => Ok(()),
    }
}

fn count_groups(bits: &mut Bits<'_>, width: u32, height: u32) -> Option<u32> {
    let mut width = width;
    while bits.take(1)? == 1 {
        match bits.take(2)? {
            0 | 1 => {
                let block_bits = bits.take(3)? + 2;
                walk_image(bits, blocks(width, block_bits), blocks(height, block_bits))?;
            }
            2 => {}
            _ => {
                let colours = bits.take(8)? + 1;
                walk_image(bits, colours, 1)?;
                // §3.5.4: several indexes share a pixel.
                let shared_bits = match colours {
                    ..=2 => 3,
                    3..=4 => 2,
                    5..=16 => 1,
                    _ => 0,
                };
                width = blocks(width, shared_bits);
            }
        }
    }
    read_cache(bits)?;
    if bits.take(1)? == 0 {
        return Some(1);
    }
    let block_bits = bits.take(3)? + 2;
    let largest = walk_image(bits, blocks(width, block_bits), blocks(height, block_bits))?;
    Some(largest + 1)
}

fn blocks(pixels: u32, bits: u32) -> u32 {
    pixels.div_ceil(1 << bits)
}

/// The size of a colour cache, or zero.
fn read_cache(bits: &mut Bits<'_>) -> Option<u16> {
    if bits.take(1)? == 0 {
        return Some(0);
    }
    match bits.take(4)? {
        cache_bits @ 1..=11 => Some(1 << cache_bits),
        _ => None,
    }
}

/// Walks an image that has one group of codes; returns the largest number that
/// red and green form in it.
///
/// Copies and the cache only repeat what was there: neither is followed.
fn walk_image(bits: &mut Bits<'_>, width: u32, height: u32) -> Option<u32> {
    let cache = read_cache(bits)?;
    let [green, red, blue, alpha, distance] = &mut CODES.map(|_| Code::default());
    for (code, symbols) in [&mut *green, red, blue, alpha, distance].into_iter().zip(CODES) {
        let symbols = if symbols == CODES[0] { symbols + cache } else { symbols };
        *code = Code::read(bits, symbols)?;
    }
    let mut largest = 0;
    let mut left = u64::from(width) * u64::from(height);
    while left > 0 {
        let symbol = green.decode(bits)?;
        let pixels = match symbol {
            0..256 => {
                largest = largest.max(u32::from(red.decode(bits)?) << 8 | u32::from(symbol));
                blue.decode(bits)?;
                alpha.decode(bits)?;
                1
            }
            256..280 => {
                let pixels = read_number(bits, symbol - 256)?;
                let prefix = distance.decode(bits)?;
                read_number(bits, prefix)?;
                pixels
            }
            _ => 1,
        };
        left = left.checked_sub(pixels.into())?;
    }
    Some(largest)
}

/// §3.6.2.2: a prefix, and the bits that it asks for.
fn read_number(bits: &mut Bits<'_>, prefix: u16) -> Option<u32> {
    let prefix = u32::from(prefix);
    if prefix < 4 {
        return Some(prefix + 1);
    }
    let extra_bits = (prefix - 2) >> 1;
    let offset = (2 + (prefix & 1)) << extra_bits;
    Some(offset + bits.take(extra_bits)? + 1)
}

/// A canonical prefix code.
#[derive(Debug, Default)]
struct Code {
    /// How many codes have so many bits.
    counts: [u16; 16],
    /// By length, then by value.
    symbols: Vec<u16>,
}

impl Code {
    /// §3.7.2.1.
    fn read(bits: &mut Bits<'_>, symbols: u16) -> Option<Self> {
        if bits.take(1)? == 0 {
            return Self::read_normal(bits, symbols);
        }
        let has_two = bits.take(1)? == 1;
        let first_bits = if bits.take(1)? == 1 { 8 } else { 1 };
        let mut code = Self { symbols: vec![u16::try_from(bits.take(first_bits)?).ok()?], ..Self::default() };
        if has_two {
            code.symbols.push(u16::try_from(bits.take(8)?).ok()?);
            code.counts[1] = 2;
        }
        code.symbols.iter().all(|&symbol| symbol < symbols).then_some(code)
    }

    fn read_normal(bits: &mut Bits<'_>, symbols: u16) -> Option<Self> {
        const ORDER: [usize; 19] = [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
        let count = bits.take(4)? as usize + 4;
        let mut lengths = [0; ORDER.len()];
        for &place in &ORDER[..count] {
            lengths[place] = u8::try_from(bits.take(3)?).ok()?;
        }
        let code = Self::new(&lengths)?;
        let mut codes_left = u32::from(symbols);
        if bits.take(1)? == 1 {
            let number_bits = 2 + 2 * bits.take(3)?;
            codes_left = Some(bits.take(number_bits)? + 2).filter(|&codes| codes <= symbols.into())?;
        }
        let mut lengths = vec![0_u8; symbols.into()];
        let (mut at, mut last) = (0, 8);
        while at < lengths.len() && codes_left > 0 {
            codes_left -= 1;
            let length = u8::try_from(code.decode(bits)?).ok()?;
            let (repeated, times) = match length {
                16 => (last, 3 + bits.take(2)?),
                17 => (0, 3 + bits.take(3)?),
                18 => (0, 11 + bits.take(7)?),
                length => (length, 1),
            };
            if repeated != 0 {
                last = repeated;
            }
            lengths.get_mut(at..at + times as usize)?.fill(repeated);
            at += times as usize;
        }
        Self::new(&lengths)
    }

    fn new(lengths: &[u8]) -> Option<Self> {
        let mut code = Self::default();
        for length in 1..16 {
            let with_length = (0..).zip(lengths).filter(|&(_, &other)| other == length).map(|(symbol, _)| symbol);
            let before = code.symbols.len();
            code.symbols.extend(with_length);
            code.counts[usize::from(length)] = u16::try_from(code.symbols.len() - before).ok()?;
        }
        match code.symbols.len() {
            0 => None,
            // A single symbol takes no bits, whatever its length.
            1 => Some(code),
            _ => {
                let kraft = (1..16).map(|length| u32::from(code.counts[length]) << (15 - length)).sum::<u32>();
                (kraft == 1 << 15).then_some(code)
            }
        }
    }

    fn decode(&self, bits: &mut Bits<'_>) -> Option<u16> {
        if let &[symbol] = self.symbols.as_slice() {
            return Some(symbol);
        }
        let (mut value, mut first, mut before) = (0, 0, 0);
        for length in 1..16 {
            value |= bits.take(1)?;
            let count = u32::from(self.counts[length]);
            if value - first < count {
                return self.symbols.get((before + value - first) as usize).copied();
            }
            before += count;
            first = (first + count) << 1;
            value <<= 1;
        }
        None
    }
}

/// Lowest bit first.
#[derive(Debug)]
struct Bits<'a> {
    data: &'a [u8],
    /// In bits.
    position: usize,
}

impl Bits<'_> {
    /// At most 24 bits.
    fn take(&mut self, bits: u32) -> Option<u32> {
        let (byte, shift) = (self.position / 8, self.position % 8);
        self.position += bits as usize;
        if self.position > 8 * self.data.len() {
            return None;
        }
        let window = self.data[byte..].iter().take(4).rev().fold(0, |window, &byte| window << 8 | u32::from(byte));
        Some(window >> shift & ((1 << bits) - 1))
    }
}

#[cfg(test)]
mod tests {
    use image_webp::{ColorType, WebPEncoder};

    use super::*;

    /// Bits as they are read, from left to right.
    fn check(bits: &str, width: u32, height: u32, expected: Result<(), Fault>) {
        let bits: Vec<u8> = bits.bytes().filter(|bit| *bit != b' ').map(|bit| bit - b'0').collect();
        let byte = |bits: &[u8]| bits.iter().rev().fold(0, |byte, bit| byte << 1 | bit);
        let data: Vec<u8> = bits.chunks(8).map(byte).collect();
        assert_eq!(check_groups(&data, width, height), expected);
    }

    /// Five codes of one symbol, which is all ones for green and red.
    const ONES: &str = "101 11111111 101 11111111 100 0 100 0 100 0";

    #[test]
    fn a_picture_without_groups_has_one() {
        check("0 0 0", 1, 1, Ok(()));
        check("0 1 1101 0", 1, 1, Ok(()));
        check("1 01 0 0 0", 1, 1, Ok(()));
    }

    #[test]
    fn groups_are_as_many_as_the_largest_number_says() {
        check(&format!("0 0 1 000 0 {ONES}"), 1, 1, Err(Fault::TooManyGroups));
        // Green alone.
        check("0 0 1 000 0 101 11111111 100 0 100 0 100 0 100 0", 4000, 4000, Ok(()));
        // Red is 11 or 12, told by one bit for each of the two blocks: 2,816 or 3,072, and one group more.
        for (reds, expected) in [("00", Ok(())), ("01", Err(Fault::TooManyGroups))] {
            let bits = format!("0 0 1 000 0 100 0 111 11010000 00110000 100 0 100 0 100 0 {reds}");
            check(&bits, 5, 1, expected);
        }
    }

    #[test]
    fn transforms_are_walked_and_narrow_the_picture() {
        // Two colours, so that eight pixels share one: of 33 pixels five are left, and so two blocks.
        let transform = "1 11 10000000 0 100 0 100 0 100 0 100 0 100 0";
        for (reds, expected) in [("00", Ok(())), ("01", Err(Fault::TooManyGroups))] {
            let bits = format!("{transform} 0 0 1 000 0 100 0 111 11010000 00110000 100 0 100 0 100 0 {reds}");
            check(&bits, 33, 1, expected);
        }
    }

    #[test]
    fn cut_data_is_damaged() {
        check("0 0", 1, 1, Ok(()));
        check("", 1, 1, Err(Fault::Damaged));
        check("1 00 000 0 100", 1, 1, Err(Fault::Damaged));
    }

    #[test]
    fn what_an_encoder_writes_is_walked_to_the_groups() {
        let samples: Vec<u8> = (0..32_u32 * 32 * 3).map(|at| at.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
        for samples in [samples, vec![7; 32 * 32 * 3]] {
            let mut file = Vec::new();
            WebPEncoder::new(&mut file).encode(&samples, 32, 32, ColorType::Rgb8).unwrap();
            assert_eq!(check_groups(&file[25..], 32, 32), Ok(()));
        }
    }
}
