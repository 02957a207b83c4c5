//! Objects that are written field by field: what is sent to every client has
//! a shape that is known, and need not be found out for each message.

use bytes::{BufMut, BytesMut};

use crate::json;

/// An object under way; [`end`](Self::end) closes it.
#[must_use]
pub(crate) struct Object<'a> {
    out: &'a mut BytesMut,
}

impl<'a> Object<'a> {
    /// Begins an object whose first field is this text. Like all names of
    /// fields, `name` needs no escapes.
    pub(crate) fn begin(out: &'a mut BytesMut, name: &'static str, text: &str) -> Self {
        out.put_slice(b"{\"");
        out.put_slice(name.as_bytes());
        out.put_slice(b"\":");
        put_string(out, text);
        Self { out }
    }

    pub(crate) fn text(self, name: &'static str, text: &str) -> Self {
        self.field(name, |out| put_string(out, text))
    }

    /// Nothing where there is no text.
    pub(crate) fn optional_text(self, name: &'static str, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.text(name, text),
            None => self,
        }
    }

    pub(crate) fn number(self, name: &'static str, number: u64) -> Self {
        self.field(name, |out| json::put(out, &number))
    }

    pub(crate) fn bool(self, name: &'static str, value: bool) -> Self {
        self.field(name, |out| out.put_slice(if value { b"true" } else { b"false" }))
    }

    /// A field whose value `put` writes.
    #[inline]
    pub(crate) fn field(self, name: &'static str, put: impl FnOnce(&mut BytesMut)) -> Self {
        self.out.put_slice(b",\"");
        self.out.put_slice(name.as_bytes());
        self.out.put_slice(b"\":");
        put(self.out);
        self
    }

    pub(crate) fn end(self) {
        self.out.put_u8(b'}');
    }
}

/// Appends a text as a JSON string.
fn put_string(out: &mut BytesMut, text: &str) {
    if needs_escapes(text) {
        return json::put(out, &text);
    }
    out.put_u8(b'"');
    out.put_slice(text.as_bytes());
    out.put_u8(b'"');
}

/// Whether something in it may not stand in a string as it is (RFC 8259 §7).
/// Most texts have nothing of the kind, and that is seen many bytes at once.
fn needs_escapes(text: &str) -> bool {
    text.bytes().fold(false, |found, byte| found | (byte < 0x20) | (byte == b'"') | (byte == b'\\'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_what_serde_writes(
            kind in any::<String>(),
            text in any::<String>(),
            plain in "[ -!#-\\[\\]-~å]{0,200}",
            id in any::<Option<String>>(),
            number in any::<u64>(),
            flag in any::<bool>(),
        ) {
            let mut written = BytesMut::new();
            Object::begin(&mut written, "type", &kind)
                .text("text", &text)
                .text("plain", &plain)
                .optional_text("id", id.as_deref())
                .number("number", number)
                .bool("flag", flag)
                .end();
            #[derive(serde::Serialize)]
            struct Same<'a> {
                r#type: &'a str,
                text: &'a str,
                plain: &'a str,
                #[serde(skip_serializing_if = "Option::is_none")]
                id: Option<&'a str>,
                number: u64,
                flag: bool,
            }
            let same = Same { r#type: &kind, text: &text, plain: &plain, id: id.as_deref(), number, flag };
            prop_assert_eq!(std::str::from_utf8(&written).unwrap(), serde_json::to_string(&same).unwrap());
        }
    }

    #[test]
    fn each_character_that_must_be_escaped_is_found_wherever_it_stands() {
        for escaped in (0..0x20).map(char::from).chain(['"', '\\']) {
            for before in [0, 1, 31, 32, 33] {
                assert!(needs_escapes(&format!("{}{escaped}{}", "å".repeat(before), "x".repeat(40))), "{escaped:?}");
            }
        }
        assert!(!needs_escapes("/'\u{7f}\u{2028}åß"));
    }
}
