//! Messages as HTTP takes and shows them.

use bytes::Bytes;
use http::HeaderMap;
use hub::{Body, Message, PersonName};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use wire::error_code::ErrorCode;
use wire::native::{NativeLimits, check_data};

use crate::body::{Kind, multipart_fields};
use crate::error::ApiError;
use crate::plain_text::PlainText;

/// A message of somebody's.
#[derive(Debug)]
pub(super) struct Posted {
    pub(super) name: Option<PersonName>,
    pub(super) body: Body,
}

#[derive(Debug, Deserialize)]
struct JsonMessage<'a> {
    name: Option<String>,
    text: Option<String>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

impl Posted {
    /// `name` and `text`, both needed, from a form in any of its encodings.
    pub(super) async fn from_form(body: Bytes, headers: &HeaderMap, limits: &NativeLimits) -> Result<Self, ApiError> {
        let (name, text) = match Kind::of(headers) {
            Kind::Form => {
                let pairs: Vec<_> = form_urlencoded::parse(&body).collect();
                let value = |key| pairs.iter().find(|(name, _)| name == key).map(|(_, value)| value.to_string());
                (value("name"), value("text"))
            }
            Kind::Multipart(boundary) => {
                let [name, text] = multipart_fields(body, &boundary, ["name", "text"]).await?;
                (utf8("name", name)?, utf8("text", text)?)
            }
            Kind::Json => {
                let message: JsonMessage<'_> = parse_json(&body)?;
                (message.name, message.text)
            }
            Kind::Other => {
                let message = "send name and text as application/x-www-form-urlencoded, multipart/form-data or \
                               application/json";
                return Err(ApiError::bad_request(ErrorCode::BadField, message));
            }
        };
        let name = name.filter(|name| !name.is_empty()).ok_or_else(|| missing("name"))?;
        Ok(Self { name: Some(PersonName::parse(&name)?), body: text_body(text, limits)? })
    }

    /// `{"name","text"}` or `{"name","data"}`.
    pub(super) fn from_json(body: &Bytes, limits: &NativeLimits) -> Result<Self, ApiError> {
        let message: JsonMessage<'_> = parse_json(body)?;
        let name = message.name.as_deref().map(PersonName::parse).transpose()?;
        let body = match message.data {
            None => text_body(message.text, limits)?,
            Some(data) => {
                check_data(data, limits).map_err(|error| ApiError::too_large(error.message))?;
                Body::Json(Bytes::copy_from_slice(data.get().as_bytes()))
            }
        };
        Ok(Self { name, body })
    }
}

fn parse_json(body: &Bytes) -> Result<JsonMessage<'_>, ApiError> {
    serde_json::from_slice(body).map_err(|error| {
        let code = if error.is_data() { ErrorCode::BadField } else { ErrorCode::BadJson };
        ApiError::bad_request(code, error.to_string())
    })
}

fn utf8(field: &str, value: Option<Bytes>) -> Result<Option<String>, ApiError> {
    value
        .map(|bytes| String::from_utf8(bytes.into()))
        .transpose()
        .map_err(|_| ApiError::bad_request(ErrorCode::BadField, format!("{field} is not UTF-8")))
}

fn text_body(text: Option<String>, limits: &NativeLimits) -> Result<Body, ApiError> {
    let text = text.filter(|text| !text.is_empty()).ok_or_else(|| missing("text"))?;
    if text.len() > limits.text_max_bytes {
        let (bytes, bytes_max) = (text.len(), limits.text_max_bytes);
        return Err(ApiError::too_large(format!("text has {bytes} bytes, {bytes_max} are allowed")));
    }
    Ok(Body::Text(text.into()))
}

fn missing(field: &'static str) -> ApiError {
    ApiError::bad_request(ErrorCode::BadField, format!("{field} is missing or empty"))
}

/// A stored message, as JSON.
#[derive(Debug, Serialize)]
pub(super) struct Shown<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    offset: u64,
    time: String,
    name: &'a str,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<ShownImage<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<usize>,
}

#[derive(Debug, Serialize)]
struct ShownImage<'a> {
    url: String,
    format: &'a str,
    width: u32,
    height: u32,
}

impl<'a> Shown<'a> {
    /// `plain` shows pictures by their relative URLs.
    pub(super) fn new(message: &'a Message, plain: &PlainText) -> Self {
        let draft = &message.draft;
        let name = draft.from.as_str();
        let shown = Self {
            kind: "chat",
            offset: message.offset.0,
            time: crate::time::format(message.time).to_string(),
            name,
            text: plain.text(&draft.body).unwrap_or_default().into_owned(),
            id: draft.id.as_deref(),
            image: None,
            from: None,
            size: None,
        };
        match &draft.body {
            Body::Text(_) => shown,
            Body::Json(_) => Self { kind: "data", ..shown },
            Body::Image(image) => {
                let url = shown.text.clone();
                let image = ShownImage { url, format: &image.format, width: image.width, height: image.height };
                Self { kind: "image", image: Some(image), ..shown }
            }
            Body::Bytes(bytes) => Self { kind: "bytes", from: Some(name), size: Some(bytes.len()), ..shown },
        }
    }
}
