//! Strings inside JSON, made inert for pages that show them with innerHTML.
//!
//! Works on the JSON as it is written, so that all else in it (numbers, the
//! order of keys, escapes, halves of surrogate pairs) stays to the letter.

use bytes::{BufMut, BytesMut};

/// Which strings of a value are escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strings {
    /// Keys stay what they are called.
    ValuesOnly,
    /// Keys too: the JSON itself will be shown.
    All,
}

/// Appends a JSON value with markup in its strings escaped.
pub fn put_escaped(out: &mut BytesMut, json: &str, strings: Strings) {
    let mut rest = json;
    while let Some(quote) = rest.find('"') {
        let (before, literal) = rest.split_at(quote + 1);
        out.put_slice(before.as_bytes());
        let inner = &literal[..inner_len(literal)];
        rest = &literal[inner.len()..];
        // In JSON a colon stands behind keys, and behind no other string.
        let is_key = rest.trim_start_matches(['"', ' ', '\t', '\n', '\r']).starts_with(':');
        if is_key && strings == Strings::ValuesOnly {
            out.put_slice(inner.as_bytes());
        } else {
            put_inner(out, inner);
        }
        if let Some(after) = rest.strip_prefix('"') {
            out.put_u8(b'"');
            rest = after;
        }
    }
    out.put_slice(rest.as_bytes());
}

/// Bytes of a string up to its closing quote.
fn inner_len(literal: &str) -> usize {
    let mut bytes = literal.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return at,
            b'\\' => {
                bytes.next();
            }
            _ => {}
        }
    }
    literal.len()
}

/// Appends the inside of a JSON string, escaped.
fn put_inner(out: &mut BytesMut, mut inner: &str) {
    while let Some(at) = inner.find(['&', '<', '>', '\'', '\\']) {
        out.put_slice(&inner.as_bytes()[..at]);
        let len = if inner.as_bytes()[at] == b'\\' { escape_len(&inner[at..]) } else { 1 };
        let (special, after) = inner[at..].split_at(len);
        out.put_slice(decode(special).and_then(entity).unwrap_or(special).as_bytes());
        inner = after;
    }
    out.put_slice(inner.as_bytes());
}

/// Bytes of an escape such as `\n` or `\u00e5`.
fn escape_len(text: &str) -> usize {
    let wanted = if text.as_bytes().get(1) == Some(&b'u') { 6 } else { 2 };
    text.floor_char_boundary(wanted)
}

/// The character that an escape, or the character itself, stands for.
fn decode(special: &str) -> Option<char> {
    match special.strip_prefix("\\u") {
        Some(hex) => char::from_u32(u32::from_str_radix(hex, 16).ok()?),
        None => special.chars().next_back(),
    }
}

fn entity(character: char) -> Option<&'static str> {
    Some(match character {
        '&' => "&amp;",
        '<' => "&lt;",
        '>' => "&gt;",
        '"' => "&quot;",
        '\'' => "&#39;",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn escaped(json: &str, strings: Strings) -> String {
        let mut out = BytesMut::new();
        put_escaped(&mut out, json, strings);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[track_caller]
    fn check(json: &str, expected: &str) {
        assert_eq!(escaped(json, Strings::ValuesOnly), expected);
    }

    #[test]
    fn markup_in_strings_is_escaped_however_it_is_written() {
        check(r#""<b>&'\"""#, r#""&lt;b&gt;&amp;&#39;&quot;""#);
        check(r#""\u003cb\u003E\u0026""#, r#""&lt;b&gt;&amp;""#);
        check(r#""\\<\\\\""#, r#""\\&lt;\\\\""#);
    }

    #[test]
    fn all_else_stays_to_the_letter() {
        for json in ["1e400", "[1, 2.50 ,null]", r#""bl\u00e5b\ud800 \n\/ æ😀""#, r#"{"b":1,"a":{"b":[]}}"#, "\"\""]
        {
            check(json, json);
        }
    }

    #[test]
    fn keys_are_escaped_only_where_they_are_shown() {
        let json = r#"{"<k>" : "<v>", "a":["<w>"]}"#;
        check(json, r#"{"<k>" : "&lt;v&gt;", "a":["&lt;w&gt;"]}"#);
        assert_eq!(escaped(json, Strings::All), r#"{"&lt;k&gt;" : "&lt;v&gt;", "a":["&lt;w&gt;"]}"#);
    }

    /// What it should be, by decoding and encoding.
    fn by_value(value: &Value) -> Value {
        match value {
            Value::String(text) => {
                let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
                Value::String(text.replace('"', "&quot;").replace('\'', "&#39;"))
            }
            Value::Array(values) => values.iter().map(by_value).collect(),
            Value::Object(pairs) => pairs.iter().map(|(key, value)| (key.clone(), by_value(value))).collect(),
            other => other.clone(),
        }
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let text = || proptest::string::string_regex("[a<>&\"'\\\\:{}\\[\\], \n😀]{0,8}").expect("a pattern");
        let leaf = prop_oneof![Just(Value::Null), any::<i64>().prop_map(Value::from), text().prop_map(Value::from)];
        leaf.prop_recursive(3, 20, 4, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map(text(), inner, 0..4).prop_map(|map| map.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_is_what_decoding_and_encoding_would_give(value in any_value()) {
            let escaped: Value = serde_json::from_str(&escaped(&value.to_string(), Strings::ValuesOnly)).unwrap();
            prop_assert_eq!(escaped, by_value(&value));
        }

        #[test]
        fn any_text_is_survived(text in any::<String>()) {
            escaped(&text, Strings::All);
        }
    }
}
