//! LZW (TIFF 6.0 §13), inverted where it is.
//!
//! Codes below 256 are bytes, all others name an earlier sequence and one byte
//! more. Inverting bytes maps sequences to sequences one to one, so the
//! negative has the same codes, but for the bytes: `code ^ 0xFF`.

const CLEAR: usize = 256;
const END: usize = 257;
const CODES: usize = 4096;

/// Inverts the bytes among the codes; `None` when the codes are damaged or do
/// not make `raw_bytes`.
pub(super) fn invert(codes: &mut [u8], raw_bytes: usize) -> Option<()> {
    // How many bytes each code stands for.
    let mut lengths = [1_usize; CODES];
    let (mut next, mut width) = (END + 1, 9);
    let (mut at, mut made) = (0, 0);
    let mut previous = None;
    while made < raw_bytes {
        let code = read(codes, at, width)?;
        if code < CLEAR {
            flip_byte(codes, at + width - 8);
        }
        at += width;
        match code {
            CLEAR => {
                (next, width, previous) = (END + 1, 9, None);
                continue;
            }
            END => return None,
            _ => {}
        }
        if let Some(previous) = previous {
            // A writer that does not clear in time leaves the table as it is.
            if next < CODES {
                lengths[next] = lengths[previous] + 1;
                next += 1;
            }
        }
        if code >= next {
            return None;
        }
        made += lengths[code];
        previous = Some(code);
        // §13: codes grow one early, when the table still has one entry to go.
        width = match next {
            ..511 => 9,
            511..1023 => 10,
            1023..2047 => 11,
            _ => 12,
        };
    }
    (made == raw_bytes).then_some(())
}

/// Codes are stored from the highest bit to the lowest.
fn read(codes: &[u8], at: usize, width: usize) -> Option<usize> {
    let byte = at / 8;
    let mut window = 0;
    for index in 0..3 {
        // A code may end in the last byte.
        let bits = match codes.get(byte + index) {
            Some(bits) => usize::from(*bits),
            None if at + width <= codes.len() * 8 => 0,
            None => return None,
        };
        window = window << 8 | bits;
    }
    Some(window >> (24 - at % 8 - width) & ((1 << width) - 1))
}

/// Inverts the eight bits from bit `at`.
fn flip_byte(codes: &mut [u8], at: usize) {
    let (byte, shift) = (at / 8, at % 8);
    codes[byte] ^= 0xFF >> shift;
    if shift > 0 {
        codes[byte + 1] ^= 0xFF << (8 - shift);
    }
}

#[cfg(test)]
mod tests {
    use weezl::BitOrder;
    use weezl::decode::Decoder;
    use weezl::encode::Encoder;

    use super::*;

    #[test]
    fn the_codes_of_the_negative_are_inverted_bytes_and_the_same_sequences() {
        let raw: Vec<u8> = (0..60_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> (24 + at % 5)) as u8).collect();
        let negative: Vec<u8> = raw.iter().map(|byte| !byte).collect();
        let mut codes = Encoder::with_tiff_size_switch(BitOrder::Msb, 8).encode(&raw).unwrap();
        let before = codes.clone();
        invert(&mut codes, raw.len()).unwrap();
        assert_eq!(Decoder::with_tiff_size_switch(BitOrder::Msb, 8).decode(&codes).unwrap(), negative);
        invert(&mut codes, raw.len()).unwrap();
        assert_eq!(codes, before);
        assert_eq!(invert(&mut codes, raw.len() + 1), None);
        let cut = codes.len() / 2;
        assert_eq!(invert(&mut codes[..cut], raw.len()), None);
    }
}
