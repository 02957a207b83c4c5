//! What members are shown.

use std::borrow::Cow;

use super::{Parts, RESET, SEPARATOR, SHOWN_SEPARATOR};
use crate::character;

/// What a client receives at once: a longer chunk would be two to it.
pub const CHUNK_MAX_BYTES: usize = 1024;

/// Colours of the terminal that are not black or white, so that they are seen
/// on both.
const COLOURS: [u8; 12] = [31, 32, 33, 34, 35, 36, 91, 92, 93, 94, 95, 96];

/// Of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour(u8);

impl Colour {
    /// The same one for the same name, always.
    #[must_use]
    pub fn of(name: &str) -> Self {
        // FNV-1a: short, and spreads names that differ in one letter.
        let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        Self(COLOURS[hash as usize % COLOURS.len()])
    }
}

/// A message in the shape of this protocol; cut into chunks where it is long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line<'a> {
    before: String,
    text: Cow<'a, str>,
    after: &'static str,
}

impl<'a> Line<'a> {
    /// What somebody said at another door. `time` is `YYYY-MM-DD HH:MM:SS`.
    #[must_use]
    pub fn said(time: &str, name: &str, text: &'a str) -> Self {
        let Colour(colour) = Colour::of(name);
        let before = format!("\u{1b}[{colour}m[{time}] {name}{SHOWN_SEPARATOR}");
        Self { before, text: without_controls(text), after: RESET }
    }

    /// What a member sent, as a [`Chunk`](super::Chunk) has it: the same bytes
    /// but for the separator.
    #[must_use]
    pub fn as_sent(chunk: &'a str) -> Self {
        let Parts { colour, head, text, reset } = Parts::of(chunk);
        let after = if reset.is_empty() { "" } else { RESET };
        let text = shown(text);
        let Some(head) = head else { return Self { before: colour.to_owned(), text, after } };
        // In each chunk of a long message, unless it would leave no room for the text.
        if colour.len() + head.len() > CHUNK_MAX_BYTES / 2 {
            return Self { before: colour.to_owned(), text: format!("{head}{SHOWN_SEPARATOR}{text}").into(), after };
        }
        Self { before: format!("{colour}{head}{SHOWN_SEPARATOR}"), text, after }
    }

    /// The chunks in their order, each in three parts; together at most
    /// [`CHUNK_MAX_BYTES`], and none ends within a character.
    pub fn chunks(&self) -> impl Iterator<Item = [&str; 3]> {
        let text_max_bytes = CHUNK_MAX_BYTES - self.before.len() - self.after.len();
        let mut rest = Some(self.text.as_ref());
        std::iter::from_fn(move || {
            let (text, behind) = rest?.split_at(character::cut(rest?.as_bytes(), text_max_bytes));
            rest = Some(behind).filter(|behind| !behind.is_empty());
            Some([&self.before, text, self.after])
        })
    }
}

fn shown(text: &str) -> Cow<'_, str> {
    if text.contains(SEPARATOR) { text.replace(SEPARATOR, SHOWN_SEPARATOR).into() } else { text.into() }
}

fn without_controls(text: &str) -> Cow<'_, str> {
    if text.contains(char::is_control) {
        text.chars().filter(|char| !char.is_control()).collect::<String>().into()
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TIME: &str = "2026-11-21 22:17:03";

    fn chunks(line: &Line<'_>) -> Vec<String> {
        line.chunks().map(|parts| parts.concat()).collect()
    }

    #[test]
    fn a_member_is_shown_the_same_bytes_but_for_the_separator() {
        for (sent, shown) in [
            ("\u{1b}[94m[…] ada<SEP>hei\u{1b}[39m", "\u{1b}[94m[…] ada: hei\u{1b}[39m"),
            ("ada<SEP>a<SEP>b", "ada: a: b"),
            ("ada<SEP>", "ada: "),
            ("hei", "hei"),
            ("\u{1b}[31mhei\u{1b}[39m", "\u{1b}[31mhei\u{1b}[39m"),
        ] {
            assert_eq!(chunks(&Line::as_sent(sent)), [shown]);
        }
    }

    #[test]
    fn what_is_said_at_another_door_has_the_same_shape_without_control_characters() {
        let line = chunks(&Line::said(TIME, "Åse", "a\u{1b}[31mb\r\nc\u{9b}d")).concat();
        let shape = line.strip_prefix("\u{1b}[").and_then(|line| line.split_once('m')).unwrap();
        assert!(COLOURS.contains(&shape.0.parse().unwrap()), "{line:?}");
        assert_eq!(shape.1, "[2026-11-21 22:17:03] Åse: a[31mbcd\u{1b}[39m");
    }

    #[test]
    fn a_name_has_its_colour_and_names_have_many() {
        let colours: Vec<Colour> = (0..100).map(|number| Colour::of(&format!("ada{number}"))).collect();
        assert_eq!(colours[7], Colour::of("ada7"));
        assert!(COLOURS.iter().all(|colour| colours.contains(&Colour(*colour))));
    }

    #[test]
    fn a_head_that_leaves_no_room_is_cut_like_text() {
        let sent = format!("\u{1b}[31m{}<SEP>hei\u{1b}[39m", "é".repeat(2000));
        let chunks = chunks(&Line::as_sent(&sent));
        assert!(chunks.len() > 3 && chunks.iter().all(|chunk| chunk.len() <= CHUNK_MAX_BYTES));
        assert!(chunks.last().unwrap().ends_with(": hei\u{1b}[39m"));
    }

    proptest! {
        #[test]
        fn a_long_text_becomes_several_whole_chunks(name in "[a-zå😀]{1,64}", text in "[a-zæ€😀]{0,2000}") {
            let sent = format!("\u{1b}[31m[{TIME}] {name}<SEP>{text}\u{1b}[39m");
            for line in [Line::said(TIME, &name, &text), Line::as_sent(&sent)] {
                let before = format!("[{TIME}] {name}: ");
                let mut together = String::new();
                for chunk in chunks(&line) {
                    prop_assert!(chunk.len() <= CHUNK_MAX_BYTES);
                    let said = chunk[5..].strip_prefix(&before).and_then(|chunk| chunk.strip_suffix(RESET));
                    together.push_str(said.expect("each has the whole shape"));
                }
                prop_assert_eq!(&together, &text);
            }
        }
    }
}
