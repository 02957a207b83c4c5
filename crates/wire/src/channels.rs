//! Text of the Channels style chat: `{"message":"…"}` both ways.

use std::borrow::Cow;

use bytes::BytesMut;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use thiserror::Error;

use crate::json;

/// Why a text says nothing.
#[derive(Debug, Error)]
pub enum ChannelsError {
    /// Not JSON, or not an object.
    #[error("send a JSON object such as {{\"message\": \"hello\"}}")]
    NotAnObject,
    /// No field `message`, or not a string.
    #[error("message must be a string")]
    NoMessage,
    /// A longer one than is allowed.
    #[error("message has {bytes} bytes, {max_bytes} are allowed")]
    TooLarge {
        /// What it has.
        bytes: usize,
        /// What it may have.
        max_bytes: usize,
    },
}

#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow)]
    message: Option<&'a RawValue>,
}

/// Reads what is said, at most `max_bytes` of UTF-8; other fields are ignored.
///
/// # Errors
///
/// When the text has another shape.
pub fn parse(text: &str, max_bytes: usize) -> Result<Cow<'_, str>, ChannelsError> {
    if !json::begins_object(text) {
        return Err(ChannelsError::NotAnObject);
    }
    // The shape asks for nothing but an object: what is left is a field that stands there twice.
    let said: Said<'_> = serde_json::from_str(text)
        .map_err(|error| if error.is_data() { ChannelsError::NoMessage } else { ChannelsError::NotAnObject })?;
    let message = said.message.and_then(json::as_string).ok_or(ChannelsError::NoMessage)?;
    let bytes = message.len();
    if bytes > max_bytes { Err(ChannelsError::TooLarge { bytes, max_bytes }) } else { Ok(message) }
}

/// Appends `{"message":"…"}`.
pub fn put(out: &mut BytesMut, message: &str) {
    #[derive(Serialize)]
    struct Told<'a> {
        message: &'a str,
    }

    json::put(out, &Told { message });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_said_is_told(text in ".*") {
            let mut out = BytesMut::new();
            put(&mut out, &text);
            let told = std::str::from_utf8(&out).unwrap();
            prop_assert_eq!(parse(told, text.len()).unwrap(), text);
        }
    }

    #[test]
    fn spaces_escapes_and_other_fields_are_no_matter() {
        assert_eq!(parse(r#" {"type": "chat", "message": "h\u00e5 \ud83d\ude00"} "#, 16).unwrap(), "hå 😀");
        assert_eq!(parse(r#"{"message":""}"#, 16).unwrap(), "");
    }

    #[test]
    fn other_shapes_are_refused() {
        for bad in ["", "hei", "[]", r#""hei""#, r#"{"message":"a""#] {
            assert!(matches!(parse(bad, 9), Err(ChannelsError::NotAnObject)), "{bad}");
        }
        for bad in [
            "{}",
            r#"{"message":7}"#,
            r#"{"message":null}"#,
            r#"{"message":"\ud800"}"#,
            r#"{"message":"a","message":"b"}"#,
        ] {
            assert!(matches!(parse(bad, 9), Err(ChannelsError::NoMessage)), "{bad}");
        }
        assert!(matches!(parse(r#"{"message":"123"}"#, 2), Err(ChannelsError::TooLarge { bytes: 3, max_bytes: 2 })));
    }
}
