//! Names that cannot be wrong: parsed once at the edge, then trusted.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;
use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

/// Longest room name, in characters.
pub const ROOM_NAME_MAX_CHARS: usize = 94;
/// Longest room name, in bytes of UTF-8.
pub const ROOM_NAME_MAX_BYTES: usize = 256;
/// Longest name of a person, in characters.
pub const PERSON_NAME_MAX_CHARS: usize = 64;

/// Why a name was refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NameError {
    /// Nothing between the quotes.
    #[error("the name is empty")]
    Empty,
    /// More characters than allowed.
    #[error("the name has {chars} characters, {chars_max} are allowed")]
    TooManyChars {
        /// What it has.
        chars: usize,
        /// What it may have.
        chars_max: usize,
    },
    /// More bytes than allowed.
    #[error("the name has {bytes} bytes, {bytes_max} are allowed")]
    TooManyBytes {
        /// What it has.
        bytes: usize,
        /// What it may have.
        bytes_max: usize,
    },
    /// A character that such a name may not hold.
    #[error("the name holds U+{:04X}, which is not allowed there", *char as u32)]
    Forbidden {
        /// The first such character.
        char: char,
    },
}

/// The name of a room: letters, marks, digits and `_ . - ~`, in Unicode's
/// normal form C, so that two spellings of one word are one room.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomName(Arc<str>);

impl RoomName {
    /// Parses and normalises a room name; case-sensitive.
    ///
    /// # Errors
    ///
    /// When it is empty, longer than [`ROOM_NAME_MAX_CHARS`] or
    /// [`ROOM_NAME_MAX_BYTES`], or holds another character.
    pub fn parse(name: &str) -> Result<Self, NameError> {
        // Checked before normalising, so that a huge name costs nothing; NFC never makes a valid name longer in bytes
        // than three times itself.
        if name.len() > 3 * ROOM_NAME_MAX_BYTES {
            return Err(NameError::TooManyBytes { bytes: name.len(), bytes_max: ROOM_NAME_MAX_BYTES });
        }
        let name: String = name.nfc().collect();
        check_length(&name, ROOM_NAME_MAX_CHARS)?;
        if name.len() > ROOM_NAME_MAX_BYTES {
            return Err(NameError::TooManyBytes { bytes: name.len(), bytes_max: ROOM_NAME_MAX_BYTES });
        }
        if let Some(char) = name.chars().find(|&char| !is_room_char(char)) {
            return Err(NameError::Forbidden { char });
        }
        Ok(Self(name.into()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the room's messages are kept in memory only (`~…`).
    #[must_use]
    pub fn is_memory_only(&self) -> bool {
        self.0.starts_with('~')
    }
}

impl fmt::Debug for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name a person goes by: a label, not an identity; kept exactly.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PersonName(Arc<str>);

impl PersonName {
    /// Parses a person's name.
    ///
    /// # Errors
    ///
    /// When it is empty, longer than [`PERSON_NAME_MAX_CHARS`], or holds a
    /// control character, a line or paragraph separator or a bidi override.
    pub fn parse(name: &str) -> Result<Self, NameError> {
        check_length(name, PERSON_NAME_MAX_CHARS)?;
        if let Some(char) = name.chars().find(|&char| !is_person_char(char)) {
            return Err(NameError::Forbidden { char });
        }
        Ok(Self(name.into()))
    }

    /// A name for who gave none: `guest-` and four random letters.
    #[must_use]
    pub fn guest() -> Self {
        let letters: String = (0..4).map(|_| char::from(rand::random_range(b'a'..=b'z'))).collect();
        Self(format!("guest-{letters}").into())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

fn check_length(name: &str, chars_max: usize) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    let chars = name.chars().count();
    if chars > chars_max {
        return Err(NameError::TooManyChars { chars, chars_max });
    }
    Ok(())
}

fn is_room_char(char: char) -> bool {
    matches!(char, '_' | '.' | '-' | '~')
        || matches!(char.general_category_group(), GeneralCategoryGroup::Letter | GeneralCategoryGroup::Mark)
        || char.general_category() == GeneralCategory::DecimalNumber
}

fn is_person_char(char: char) -> bool {
    !char.is_control() && !matches!(char, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_name_is_letters_marks_digits_and_four_signs() {
        for good in ["lobby", "a", "Æøå", "room_1.2-3~x", "~scratch", "日本語", "क्षि", &"x".repeat(94)] {
            assert_eq!(RoomName::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "a b", "a/b", "<b>", "a\n", "a\u{202E}b", "😀", &"x".repeat(95), &"日".repeat(86)] {
            assert!(RoomName::parse(bad).is_err(), "{bad:?} was let through");
        }
    }

    #[test]
    fn two_spellings_of_one_word_are_one_room() {
        assert_eq!(RoomName::parse("e\u{301}t\u{e9}"), RoomName::parse("\u{e9}te\u{301}"));
    }

    #[test]
    fn a_person_name_is_kept_exactly_and_cannot_turn_the_text_around() {
        for good in ["ada", "Ada L. <b>", "e\u{301}", " ", "😀", &"x".repeat(64)] {
            assert_eq!(PersonName::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "a\tb", "a\u{2028}b", "a\u{202E}b", "a\u{2066}b", "\u{7f}", &"x".repeat(65)] {
            assert!(PersonName::parse(bad).is_err(), "{bad:?} was let through");
        }
    }
}
