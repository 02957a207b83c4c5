//! Where characters end in UTF-8 that a stream has cut anywhere.

/// How many of the bytes are left when a character that is not complete at
/// their end is taken away. Bytes that are no UTF-8 count as characters of one
/// byte.
#[must_use]
pub fn whole(bytes: &[u8]) -> usize {
    // The longest character has four bytes: an incomplete one begins in the last three.
    let begins = bytes.iter().rev().take(3).position(|byte| byte & 0b1100_0000 != 0b1000_0000);
    let Some(begin) = begins.map(|back| bytes.len() - 1 - back) else { return bytes.len() };
    match str::from_utf8(&bytes[begin..]) {
        Err(error) if error.error_len().is_none() => begin,
        Ok(_) | Err(_) => bytes.len(),
    }
}

/// The largest cut at or before `bytes_max` that goes through no character;
/// `bytes_max` is at least 4.
#[must_use]
pub fn cut(bytes: &[u8], bytes_max: usize) -> usize {
    if bytes.len() <= bytes_max { bytes.len() } else { whole(&bytes[..bytes_max]) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_an_incomplete_character_is_taken_away() {
        for (bytes, expected) in [
            (&b""[..], 0),
            (b"ab", 2),
            ("æ".as_bytes(), 2),
            (b"a\xC3", 1),
            (b"a\xE2\x82", 1),
            (b"a\xF0\x9F\x98", 1),
            ("a😀".as_bytes(), 5),
            // No UTF-8 at all: nothing is held back.
            (b"a\x80", 2),
            (b"\x80\x80\x80\x80", 4),
            (b"a\xFF", 2),
            (b"a\xC0", 2),
            (b"\xE2\x28", 2),
        ] {
            assert_eq!(whole(bytes), expected, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn a_cut_goes_through_no_character_and_leaves_out_no_more_than_one(text in ".{0,40}", bytes_max in 4_usize..60) {
            let cut = cut(text.as_bytes(), bytes_max);
            prop_assert!(text.is_char_boundary(cut) && cut <= bytes_max);
            prop_assert!(cut == text.len() || cut + 4 > bytes_max);
        }
    }
}
