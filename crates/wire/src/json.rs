//! What the JSON of all doors has in common.

use std::borrow::Cow;

use bytes::{BufMut, BytesMut};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Appends a value, compactly.
pub(crate) fn put(out: &mut BytesMut, value: &impl Serialize) {
    serde_json::to_writer(out.writer(), value).expect("memory can be written to, and every key is a string");
}

/// Whether the text could be an object rather than any other JSON value.
pub(crate) fn begins_object(text: &str) -> bool {
    // RFC 8259 §2 knows these four kinds of white space only.
    text.trim_start_matches([' ', '\t', '\n', '\r']).starts_with('{')
}

/// The string that a value is, if it is one; borrowed when nothing in it is
/// escaped.
pub(crate) fn as_string(value: &RawValue) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

    serde_json::from_str(value.get()).ok().map(|Text(text)| text)
}

/// How deep arrays and objects are nested in a value; a scalar has depth 0.
pub(crate) fn depth(value: &RawValue) -> usize {
    // A loop, since recursion as deep as a peer likes would overflow the stack.
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut bytes = value.get().bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => skip_string(&mut bytes),
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth -= 1,
            _ => {}
        }
    }
    deepest
}

fn skip_string(bytes: &mut impl Iterator<Item = u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => {
                bytes.next();
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_depth(json: &str, expected: usize) {
        assert_eq!(depth(serde_json::from_str(json).unwrap()), expected);
    }

    #[test]
    fn depth_counts_arrays_and_objects() {
        check_depth("1", 0);
        check_depth(r#""[[[""#, 0);
        check_depth("[]", 1);
        check_depth(r#"{"a":[1,{"b":2}],"c":[]}"#, 3);
    }

    #[test]
    fn brackets_in_strings_and_escaped_quotes_are_no_depth() {
        check_depth(r#"["\"[[", "\\", {"]\\\"{":"}"}]"#, 2);
    }

    #[test]
    fn strings_without_escapes_are_borrowed() {
        let check = |json: &str, expected: Option<(&str, bool)>| {
            let value: Box<RawValue> = serde_json::from_str(json).unwrap();
            let text = as_string(&value);
            assert_eq!(text.as_ref().map(|text| (&**text, matches!(text, Cow::Borrowed(_)))), expected, "{json}");
        };
        check(r#""blåbær""#, Some(("blåbær", true)));
        check(r#""a\/b\u00e5""#, Some(("a/bå", false)));
        check("7", None);
        check(r#""\ud800""#, None);
    }
}
