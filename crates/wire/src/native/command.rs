//! What a native client asks for.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use thiserror::Error;

use crate::error_code::ErrorCode;
use crate::json;

/// Of a name that nobody knows so much is repeated in the error.
const ECHO_MAX_BYTES: usize = 40;

/// Bounds on what a command carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NativeLimits {
    /// A chat text, as UTF-8.
    pub text_max_bytes: usize,
    /// An application message, as JSON.
    pub data_max_bytes: usize,
    /// Arrays and objects inside each other in an application message.
    pub data_depth_max: usize,
    /// A client's id of a message.
    pub id_max_bytes: usize,
}

impl Default for NativeLimits {
    /// 16 KiB of text, 64 KiB of data nested 64 deep, ids of 128 bytes.
    fn default() -> Self {
        Self { text_max_bytes: 16 << 10, data_max_bytes: 64 << 10, data_depth_max: 64, id_max_bytes: 128 }
    }
}

/// A client's wish, within its bounds.
#[derive(Debug, Clone)]
pub enum Command<'a> {
    /// Say something to the room.
    Chat {
        /// What is said.
        text: Cow<'a, str>,
        /// By which a retry is recognised.
        id: Option<Cow<'a, str>>,
    },
    /// Send JSON to the room.
    Data {
        /// The JSON, byte for byte as it came.
        data: &'a RawValue,
        /// By which a retry is recognised.
        id: Option<Cow<'a, str>>,
    },
    /// Invert an image.
    Image {
        /// For [`base64_image::decode`](crate::base64_image::decode), which
        /// bounds it.
        data: Cow<'a, str>,
        /// Comes back with the answer.
        id: Option<Cow<'a, str>>,
        /// Whether the room gets to see the negative.
        share: bool,
    },
    /// Give a sign of life.
    Ping {
        /// Comes back with the answer.
        id: Option<Cow<'a, str>>,
    },
}

impl Command<'_> {
    /// What the client calls it.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        let (Self::Chat { id, .. } | Self::Data { id, .. } | Self::Image { id, .. } | Self::Ping { id }) = self;
        id.as_deref()
    }
}

/// Why a text is no command, ready for the client.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct CommandError {
    /// For programs.
    pub code: ErrorCode,
    /// For people; names the field where it is about one.
    pub message: String,
    /// The command's id, where it could be read.
    pub id: Option<String>,
}

impl CommandError {
    fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), id: None }
    }

    fn too_large(field: &str, bytes: usize, max_bytes: usize) -> Self {
        Self::new(ErrorCode::TooLarge, format!("{field} has {bytes} bytes, {max_bytes} are allowed"))
    }
}

/// The fields of all commands; each is read when its turn has come, so that
/// an error can name it.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    // `null` is JSON that can be sent like any other; elsewhere it is an absent field.
    #[serde(borrow, default, deserialize_with = "even_null")]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    share: Option<&'a RawValue>,
}

fn even_null<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// Reads a command; unknown fields are ignored.
///
/// # Errors
///
/// When the text is none, or something in it is above its bound.
pub fn parse<'a>(text: &'a str, limits: &NativeLimits) -> Result<Command<'a>, CommandError> {
    if !json::begins_object(text) {
        return Err(CommandError::new(ErrorCode::BadJson, "a message is a JSON object"));
    }
    let fields: Fields<'a> = serde_json::from_str(text).map_err(|error| {
        // The fields take any value: what is left is one that stands there twice.
        let code = if error.is_data() { ErrorCode::BadField } else { ErrorCode::BadJson };
        CommandError::new(code, error.to_string())
    })?;
    let id = fields.id.map(|id| parse_id(id, limits)).transpose();
    let echo = id.as_ref().ok().and_then(|id| id.as_deref()).map(str::to_owned);
    command(&fields, id, limits).map_err(|error| CommandError { id: echo, ..error })
}

fn command<'a>(
    fields: &Fields<'a>,
    id: Result<Option<Cow<'a, str>>, CommandError>,
    limits: &NativeLimits,
) -> Result<Command<'a>, CommandError> {
    let kind = string("type", fields.kind)?;
    let id = id?;
    match &*kind {
        "chat" => {
            let text = string("text", fields.text)?;
            if text.len() > limits.text_max_bytes {
                return Err(CommandError::too_large("text", text.len(), limits.text_max_bytes));
            }
            Ok(Command::Chat { text, id })
        }
        "data" => {
            let data = fields.data.ok_or_else(|| missing("data"))?;
            check_data(data, limits)?;
            Ok(Command::Data { data, id })
        }
        "image" => Ok(Command::Image { data: string("data", fields.data)?, id, share: parse_share(fields.share)? }),
        "ping" => Ok(Command::Ping { id }),
        unknown => {
            let shown = &unknown[..unknown.floor_char_boundary(ECHO_MAX_BYTES)];
            Err(CommandError::new(ErrorCode::UnknownType, format!("type {shown:?} is not known")))
        }
    }
}

/// Checks the size and depth of an application message.
///
/// # Errors
///
/// `too_large` when it is above one of them.
pub fn check_data(data: &RawValue, limits: &NativeLimits) -> Result<(), CommandError> {
    let bytes = data.get().len();
    if bytes > limits.data_max_bytes {
        return Err(CommandError::too_large("data", bytes, limits.data_max_bytes));
    }
    let (depth, depth_max) = (json::depth(data), limits.data_depth_max);
    if depth > depth_max {
        let message = format!("data is nested {depth} deep, {depth_max} are allowed");
        return Err(CommandError::new(ErrorCode::TooLarge, message));
    }
    Ok(())
}

fn parse_id<'a>(id: &'a RawValue, limits: &NativeLimits) -> Result<Cow<'a, str>, CommandError> {
    let id = string("id", Some(id))?;
    if id.is_empty() {
        // By an empty id all messages would be retries of the first.
        return Err(CommandError::new(ErrorCode::BadField, "id is empty"));
    }
    if id.len() > limits.id_max_bytes {
        return Err(CommandError::too_large("id", id.len(), limits.id_max_bytes));
    }
    Ok(id)
}

fn parse_share(share: Option<&RawValue>) -> Result<bool, CommandError> {
    match share.map(RawValue::get) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(CommandError::new(ErrorCode::BadField, "share is not true or false")),
    }
}

fn string<'a>(field: &str, value: Option<&'a RawValue>) -> Result<Cow<'a, str>, CommandError> {
    let value = value.ok_or_else(|| missing(field))?;
    json::as_string(value).ok_or_else(|| CommandError::new(ErrorCode::BadField, format!("{field} is not a string")))
}

fn missing(field: &str) -> CommandError {
    CommandError::new(ErrorCode::BadField, format!("{field} is missing"))
}
