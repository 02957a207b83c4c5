//! Talks of two over plain TCP: no framing, a field is what the client's one
//! `recv(2048)` returns.

use crate::character;

/// What a client receives at once: a longer field would be two to it.
pub const FIELD_MAX_BYTES: usize = 2048;

/// After the partner's nick, as urgent data: a receive never reads past it, so
/// that what follows comes apart from the nick, and the byte itself is dropped
/// by the receiving system. Where a relay passes it on as data, `int(" 1")`
/// still reads.
pub const URGENT_SEPARATOR: &[u8] = b" ";

/// What becomes of bytes that came without further ones for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// So many of them are one field.
    Whole(usize),
    /// They end within a character; its rest may still come.
    Open,
}

/// How much of what came is the next field: all of it, or as many whole
/// characters as a client receives at once.
#[must_use]
pub fn next_field(bytes: &[u8]) -> Field {
    let cut = character::cut(bytes, FIELD_MAX_BYTES);
    if cut == bytes.len() && character::whole(bytes) < cut { Field::Open } else { Field::Whole(cut) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_field_is_all_that_came_up_to_what_a_client_receives_at_once() {
        assert_eq!(next_field(b"hei"), Field::Whole(3));
        assert_eq!(next_field("blåbær".as_bytes()), Field::Whole(8));
        assert_eq!(next_field(&[b'x'; 2048]), Field::Whole(2048));
        assert_eq!(next_field(&[b'x'; 5000]), Field::Whole(2048));
        assert_eq!(next_field("é".repeat(1500).as_bytes()), Field::Whole(2048));
        assert_eq!(next_field(format!("x{}", "é".repeat(1500)).as_bytes()), Field::Whole(2047));
    }

    #[test]
    fn a_field_that_ends_within_a_character_is_open() {
        assert_eq!(next_field(b"bl\xC3"), Field::Open);
        assert_eq!(next_field(b"bl\xC3\xA5"), Field::Whole(4));
        // Latin-1 is passed on as it is.
        assert_eq!(next_field(b"bl\xE5b"), Field::Whole(4));
    }

    proptest! {
        #[test]
        fn fields_make_up_what_was_sent(text in "[a-zæ€😀]{0,3000}") {
            let mut rest = text.as_bytes();
            let mut fields = String::new();
            while !rest.is_empty() {
                let Field::Whole(bytes) = next_field(rest) else { panic!("text is whole") };
                prop_assert!((1..=FIELD_MAX_BYTES).contains(&bytes));
                fields.push_str(std::str::from_utf8(&rest[..bytes]).expect("no character is cut"));
                rest = &rest[bytes..];
            }
            prop_assert_eq!(fields, text);
        }
    }
}
