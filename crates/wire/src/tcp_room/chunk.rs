//! What a member sent, made harmless and taken apart.

use super::{RESET, SEPARATOR};

/// A chunk without control characters but for a colour at its beginning and
/// the one that ends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk(String);

/// A chunk taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts<'a> {
    /// Empty, or the sequence that sets it.
    pub(super) colour: &'a str,
    /// Who speaks and when; absent where somebody only types.
    pub(super) head: Option<&'a str>,
    /// What is said.
    pub text: &'a str,
    /// Empty, or the sequence that ends the colour.
    pub(super) reset: &'a str,
}

impl Chunk {
    /// Bytes that are no UTF-8 become U+FFFD, since who receives them could not
    /// decode them; `None` where nothing is left.
    pub(super) fn new(bytes: &[u8]) -> Option<Self> {
        let sent = String::from_utf8_lossy(bytes);
        // A line end behind the chunk before.
        let sent = sent.trim_start_matches(|char: char| char.is_control() && char != '\u{1b}');
        let Parts { colour, reset, .. } = Parts::of(sent);
        let mut chunk = String::with_capacity(sent.len());
        chunk.push_str(colour);
        chunk.extend(sent[colour.len()..sent.len() - reset.len()].chars().filter(|char| !char.is_control()));
        if chunk.len() == colour.len() {
            return None;
        }
        // A colour that is not ended would run on in the terminals of all.
        if !colour.is_empty() || !reset.is_empty() {
            chunk.push_str(RESET);
        }
        Some(Self(chunk))
    }

    /// The chunk as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The chunk as text, no copy.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }

    /// Whether somebody who only types wants to leave.
    #[must_use]
    pub fn is_goodbye(&self) -> bool {
        self.0.eq_ignore_ascii_case("q")
    }
}

impl<'a> Parts<'a> {
    /// Takes a chunk apart.
    #[must_use]
    pub fn of(chunk: &'a str) -> Self {
        let colour = &chunk[..colour_bytes(chunk.as_bytes())];
        let rest = &chunk[colour.len()..];
        let said = rest.strip_suffix(RESET).unwrap_or(rest);
        let (head, text) = said.split_once(SEPARATOR).map_or((None, said), |(head, text)| (Some(head), text));
        Self { colour, head, text, reset: &rest[said.len()..] }
    }

    /// Who speaks, if it is said; not checked in any way.
    #[must_use]
    pub fn name(&self) -> Option<&'a str> {
        let head = self.head?;
        let is_time = |time: &str| time.bytes().all(|byte| byte.is_ascii_digit() || b"-: ".contains(&byte));
        let timed = head.strip_prefix('[').and_then(|head| head.split_once(']')).filter(|(time, _)| is_time(time));
        Some(timed.map_or(head, |(_, name)| name.strip_prefix(' ').unwrap_or(name)))
    }
}

/// The length of the colour at the beginning: `ESC[31m` to `37`, `90` to `97`.
fn colour_bytes(bytes: &[u8]) -> usize {
    match bytes {
        [0x1b, b'[', b'3', b'1'..=b'7', b'm', ..] | [0x1b, b'[', b'9', b'0'..=b'7', b'm', ..] => 5,
        _ => 0,
    }
}

/// Whether somebody's first bytes are a request for a web server: a page of
/// any site can have its visitor's browser send one to any port.
#[must_use]
pub fn is_http_request(bytes: &[u8]) -> bool {
    let line = bytes.split(|byte| *byte == b'\r' || *byte == b'\n').next().unwrap_or_default();
    let method = line.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    method > 0 && line[method..].starts_with(b" ") && line.windows(6).any(|part| part == b" HTTP/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sent: &str, expected: Option<&str>) {
        assert_eq!(Chunk::new(sent.as_bytes()).as_ref().map(Chunk::as_str), expected, "{sent:?}");
    }

    #[test]
    fn a_chunk_of_the_usual_shape_is_kept_to_the_letter() {
        let sent = "\u{1b}[94m[2026-11-21 22:17:03] Åse <b><SEP>blåbær 😀\u{1b}[39m";
        check(sent, Some(sent));
        let parts = Parts::of(sent);
        assert_eq!((parts.name(), parts.text), (Some("Åse <b>"), "blåbær 😀"));
    }

    #[test]
    fn the_name_is_what_stands_between_time_and_separator() {
        for (sent, name, text) in [
            ("[2026-11-21 22:17:03] ada<SEP>hei", Some("ada"), "hei"),
            ("ada<SEP>hei", Some("ada"), "hei"),
            ("[boss] ada<SEP>hei", Some("[boss] ada"), "hei"),
            ("[2026-11-21 22:17:03] <SEP>hei", Some(""), "hei"),
            ("<SEP>", Some(""), ""),
            ("ada<SEP>a<SEP>b", Some("ada"), "a<SEP>b"),
            ("hei", None, "hei"),
            ("\u{1b}[31mhei\u{1b}[39m", None, "hei"),
        ] {
            let parts = Parts::of(sent);
            assert_eq!((parts.name(), parts.text), (name, text), "{sent:?}");
        }
    }

    #[test]
    fn all_other_control_characters_are_stripped() {
        check("hei\r\n", Some("hei"));
        check("\r\n\u{1b}[31mada<SEP>hei\u{1b}[39m", Some("\u{1b}[31mada<SEP>hei\u{1b}[39m"));
        check(
            "\u{1b}[31ma\u{7}d\u{1b}[2Ja<SEP>h\u{0}ei\u{9b}31m\u{7f}\u{1b}[39m",
            Some("\u{1b}[31mad[2Ja<SEP>hei31m\u{1b}[39m"),
        );
        check("\u{1b}]0;title\u{7}hei", Some("]0;titlehei"));
        check("\u{1b}[38mhei", Some("[38mhei"));
        check("\u{1b}[89mhei", Some("[89mhei"));
    }

    #[test]
    fn a_colour_that_is_not_ended_is_ended() {
        check("\u{1b}[31mada<SEP>hei", Some("\u{1b}[31mada<SEP>hei\u{1b}[39m"));
        check("hei\u{1b}[39m", Some("hei\u{1b}[39m"));
    }

    #[test]
    fn of_nothing_nothing_is_left() {
        for nothing in ["", "\r\n", "\u{1b}[39m", "\u{1b}[31m\u{1b}[39m", "\u{1b}[31m\u{7}"] {
            check(nothing, None);
        }
    }

    #[test]
    fn what_is_no_utf8_can_be_decoded_by_the_others() {
        assert_eq!(Chunk::new(b"bl\xE5b\xE6r").unwrap().as_str(), "bl\u{FFFD}b\u{FFFD}r");
    }

    #[test]
    fn a_typed_q_is_goodbye_and_a_said_one_is_not() {
        for (sent, expected) in
            [("q", true), ("Q\r\n", true), ("qq", false), ("ada<SEP>q", false), ("\u{1b}[31mq", false)]
        {
            assert_eq!(Chunk::new(sent.as_bytes()).unwrap().is_goodbye(), expected, "{sent:?}");
        }
    }

    #[test]
    fn requests_for_a_web_server_are_known_by_their_first_line() {
        for request in ["GET / HTTP/1.1\r\nHost: x\r\n", "POST /a?b=c HTTP/1.0\n", "OPTIONS * HTTP/1.1"] {
            assert!(is_http_request(request.as_bytes()), "{request:?}");
        }
        for said in ["", "GET / is HTTP", "hei\r\nGET / HTTP/1.1", "[2026] GET<SEP> / HTTP/1.1", "Get / HTTP/1.1"] {
            assert!(!is_http_request(said.as_bytes()), "{said:?}");
        }
    }
}
