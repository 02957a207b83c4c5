//! What htmx sends by a WebSocket: the fields of a form as a JSON object, and
//! among them the headers that it would have sent with a request, `HEADERS`
//! (htmx 2) or `headers` (htmx 4), which are ignored.

use serde::Deserialize;
use serde_json::value::RawValue;
use thiserror::Error;

use crate::json;

/// A form that was filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// The field `chat_message`.
    pub message: String,
    /// The field `name`, where it is not empty.
    pub name: Option<String>,
}

/// Why a text is no form.
#[derive(Debug, Error)]
pub enum FormError {
    /// Not JSON, or not an object.
    #[error("the form is not a JSON object")]
    NotAnObject,
    /// A field is missing, empty, or neither text nor a list of texts.
    #[error("{0} is missing or empty")]
    NoText(&'static str),
    /// A longer one than is allowed.
    #[error("chat_message has {bytes} bytes, {max_bytes} are allowed")]
    TooLarge {
        /// What it has.
        bytes: usize,
        /// What it may have.
        max_bytes: usize,
    },
}

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    chat_message: Option<&'a RawValue>,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
}

/// Reads the form; its message has at most `max_bytes` of UTF-8. Of a name
/// that the form has several times the first one counts; a message that it has
/// several times is one of several lines.
///
/// # Errors
///
/// When the text has another shape.
pub fn parse(text: &str, max_bytes: usize) -> Result<Form, FormError> {
    if !json::begins_object(text) {
        return Err(FormError::NotAnObject);
    }
    let fields: Fields<'_> = serde_json::from_str(text).map_err(|_| FormError::NotAnObject)?;
    let lines = fields.chat_message.map_or_else(|| Ok(Vec::new()), |value| texts("chat_message", value))?;
    let names = fields.name.map_or_else(|| Ok(Vec::new()), |value| texts("name", value))?;
    let message = lines.join("\n");
    match message.len() {
        0 => Err(FormError::NoText("chat_message")),
        bytes if bytes > max_bytes => Err(FormError::TooLarge { bytes, max_bytes }),
        _ => Ok(Form { message, name: names.into_iter().next() }),
    }
}

/// A field's values that are not empty: a form that has it several times sends
/// a list.
fn texts(field: &'static str, value: &RawValue) -> Result<Vec<String>, FormError> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Value {
        One(String),
        Several(Vec<String>),
        Nothing(()),
    }

    let mut texts = match serde_json::from_str(value.get()).map_err(|_| FormError::NoText(field))? {
        Value::One(text) => vec![text],
        Value::Several(texts) => texts,
        Value::Nothing(()) => Vec::new(),
    };
    texts.retain(|text| !text.is_empty());
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, message: &str, name: Option<&str>) {
        let form = parse(text, 9).unwrap();
        assert_eq!((&*form.message, form.name.as_deref()), (message, name), "{text}");
    }

    #[test]
    fn forms_of_htmx_2_and_4_are_read() {
        check(r#"{"chat_message":"hei","HEADERS":{"HX-Request":"true"}}"#, "hei", None);
        check(r#"{"name":"ada","chat_message":"h\u00e5","headers":{"HX-Request":"true"}}"#, "hå", Some("ada"));
        check(r#"{"name":"","chat_message":"hei"}"#, "hei", None);
    }

    #[test]
    fn a_repeated_field_is_a_list() {
        check(r#"{"chat_message":["a","","b"],"name":["","ada","bob"]}"#, "a\nb", Some("ada"));
        check(r#"{"chat_message":["hei"],"name":[]}"#, "hei", None);
    }

    #[test]
    fn other_shapes_are_refused() {
        for bad in ["", "hei", "[]", r#"{"chat_message":"a""#, r#"{"chat_message":"a","chat_message":"b"}"#] {
            assert!(matches!(parse(bad, 9), Err(FormError::NotAnObject)), "{bad}");
        }
        for bad in ["{}", r#"{"chat_message":""}"#, r#"{"chat_message":[]}"#, r#"{"chat_message":{"a":1}}"#] {
            assert!(matches!(parse(bad, 9), Err(FormError::NoText("chat_message"))), "{bad}");
        }
        assert!(matches!(parse(r#"{"chat_message":"a","name":7}"#, 9), Err(FormError::NoText("name"))));
        let too_large = parse(r#"{"chat_message":["12345","67890"]}"#, 9);
        assert!(matches!(too_large, Err(FormError::TooLarge { bytes: 11, max_bytes: 9 })));
    }
}
