//! What events ask for.

use bytes::Bytes;
use hub::{AsSent, Body, Epoch, Offset, Position, Since};
use serde::Deserialize;
use serde_json::value::RawValue;
use wire::error_code::ErrorCode;
use wire::native::{NativeLimits, check_data};
use wire::socketio::{Arg, Args};

use super::dialect::Spoken;
use crate::formats::{SOCKETIO_MESSAGE, SOCKETIO_RECEIVE_MSG};

/// Of an event that nobody knows so much is repeated in the refusal.
const ECHO_MAX_BYTES: usize = 40;

/// A client's wish, within its bounds.
#[derive(Debug)]
pub(super) enum Command {
    /// Say something to a room.
    Say(Say),
    /// Invert a picture, for the sender alone.
    Image(Bytes),
    /// Enter a room.
    Join {
        /// Under which name; else the socket's own.
        username: Option<String>,
        room: String,
        since: Since,
    },
    /// Leave a room.
    Leave { room: String },
}

/// A message for a room.
#[derive(Debug)]
pub(super) struct Say {
    pub(super) spoken: Spoken,
    /// Else the default one.
    pub(super) room: Option<String>,
    /// Else the socket's own name.
    pub(super) name: Option<String>,
    pub(super) body: Body,
    pub(super) as_sent: Option<AsSent>,
}

/// Why an event was not done, ready for the client.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: ErrorCode,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    fn bad_field(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::BadField, message)
    }
}

/// Reads an event.
///
/// # Errors
///
/// When it is none of ours, or something in it is of the wrong kind or above
/// its bound.
pub(super) fn parse(args: &Args<'_>, limits: &NativeLimits) -> Result<Command, Refusal> {
    let only = || args.only().ok_or_else(|| Refusal::bad_field("the event has one argument"));
    match &*args.name {
        "newMessage" => new_message(object(only()?)?, limits),
        "message" => match only()? {
            Arg::Json(value) => message(value, limits),
            Arg::Binary(bytes) => Ok(Command::Image(Bytes::clone(bytes))),
        },
        "receive_msg" => receive_msg(only()?, limits),
        "image" => match only()? {
            Arg::Binary(bytes) => Ok(Command::Image(Bytes::clone(bytes))),
            Arg::Json(_) => Err(Refusal::bad_field("a picture is sent as bytes")),
        },
        "join" => join(object(only()?)?),
        "leave" => object(only()?).map(|Leave { room }| Command::Leave { room }),
        unknown => {
            let shown = &unknown[..unknown.floor_char_boundary(ECHO_MAX_BYTES)];
            Err(Refusal::new(ErrorCode::UnknownType, format!("event {shown:?} is not known")))
        }
    }
}

fn object<'a, T: Deserialize<'a>>(arg: &Arg<'a>) -> Result<T, Refusal> {
    let Arg::Json(value) = arg else { return Err(Refusal::bad_field("an object is expected, not bytes")) };
    serde_json::from_str(value.get()).map_err(|error| Refusal::bad_field(error.to_string()))
}

#[derive(Deserialize)]
struct NewMessage {
    name: Option<String>,
    text: String,
}

fn new_message(NewMessage { name, text }: NewMessage, limits: &NativeLimits) -> Result<Command, Refusal> {
    let body = text_body(text, limits)?;
    Ok(Command::Say(Say { spoken: Spoken::NewMessage, room: None, name, body, as_sent: None }))
}

fn message(value: &RawValue, limits: &NativeLimits) -> Result<Command, Refusal> {
    let body = value_body(value, limits)?;
    let as_sent = Some(AsSent { dialect: SOCKETIO_MESSAGE, bytes: copy(value) });
    Ok(Command::Say(Say { spoken: Spoken::Message, room: None, name: None, body, as_sent }))
}

#[derive(Deserialize)]
struct ReceiveMsg<'a> {
    user_name: Option<String>,
    #[serde(borrow)]
    message: &'a RawValue,
    room: Option<String>,
}

fn receive_msg(arg: &Arg<'_>, limits: &NativeLimits) -> Result<Command, Refusal> {
    let ReceiveMsg { user_name: name, message, room } = object(arg)?;
    let Arg::Json(sent) = arg else { return Err(Refusal::bad_field("an object is expected, not bytes")) };
    check(sent, limits)?;
    let body = value_body(message, limits)?;
    let as_sent = Some(AsSent { dialect: SOCKETIO_RECEIVE_MSG, bytes: copy(sent) });
    Ok(Command::Say(Say { spoken: Spoken::ReceiveMsg, room, name, body, as_sent }))
}

#[derive(Deserialize)]
struct Join {
    username: Option<String>,
    room: String,
    since: Option<u64>,
    epoch: Option<String>,
}

fn join(Join { username, room, since, epoch }: Join) -> Result<Command, Refusal> {
    let since = match since {
        None => Since::Live,
        Some(offset) => match epoch.and_then(|epoch| epoch.parse::<Epoch>().ok()) {
            Some(epoch) => Since::After(Position { offset: Offset(offset), epoch }),
            None => Since::Unknown,
        },
    };
    Ok(Command::Join { username, room, since })
}

#[derive(Deserialize)]
struct Leave {
    room: String,
}

/// Text where the value is a string, else its JSON.
fn value_body(value: &RawValue, limits: &NativeLimits) -> Result<Body, Refusal> {
    if value.get().starts_with('"') {
        let text = serde_json::from_str(value.get());
        return text_body(text.map_err(|_| Refusal::bad_field("the text is not Unicode"))?, limits);
    }
    check(value, limits)?;
    Ok(Body::Json(copy(value)))
}

fn text_body(text: String, limits: &NativeLimits) -> Result<Body, Refusal> {
    if text.len() > limits.text_max_bytes {
        let message = format!("the text has {} bytes, {} are allowed", text.len(), limits.text_max_bytes);
        return Err(Refusal::new(ErrorCode::TooLarge, message));
    }
    Ok(Body::Text(text.into()))
}

fn check(value: &RawValue, limits: &NativeLimits) -> Result<(), Refusal> {
    check_data(value, limits).map_err(|error| Refusal { code: error.code, message: error.message })
}

/// A copy, so that the packet it came in is not kept.
fn copy(value: &RawValue) -> Bytes {
    Bytes::copy_from_slice(value.get().as_bytes())
}

#[cfg(test)]
mod tests {
    use wire::socketio::Payload;

    use super::*;

    #[track_caller]
    fn with<T>(json: &str, check: impl FnOnce(Result<Command, Refusal>) -> T) -> T {
        let payload = Payload { json: json.to_owned().into(), attachments: Vec::new() };
        check(parse(&Args::of(&payload).unwrap(), &NativeLimits::default()))
    }

    #[track_caller]
    fn check_refusal(json: &str, code: ErrorCode) {
        with(json, |command| assert_eq!(command.map(|_| ()).unwrap_err().code, code, "{json}"));
    }

    #[test]
    fn strings_are_text_and_all_else_is_json() {
        let body = |json: &str| {
            with(json, |command| match command {
                Ok(Command::Say(Say { body, as_sent, .. })) => (body, as_sent.map(|sent| sent.bytes)),
                other => panic!("{other:?}"),
            })
        };
        assert_eq!(body(r#"["message","h\u00e9"]"#), (Body::Text("hé".into()), Some(r#""h\u00e9""#.into())));
        assert_eq!(body(r#"["message",null]"#), (Body::Json("null".into()), Some("null".into())));
        assert_eq!(body(r#"["newMessage",{"name":"ada","text":"hei"}]"#), (Body::Text("hei".into()), None));
        let object = r#"{"user_name":"ada","message":{"x":1.0}}"#;
        let expected = (Body::Json(r#"{"x":1.0}"#.into()), Some(object.into()));
        assert_eq!(body(&format!(r#"["receive_msg",{object}]"#)), expected);
    }

    #[test]
    fn what_is_refused_is_named() {
        check_refusal(r#"["foo",1]"#, ErrorCode::UnknownType);
        for json in [
            r#"["message"]"#,
            r#"["message",1,2]"#,
            r#"["message","\ud800"]"#,
            r#"["newMessage","hei"]"#,
            r#"["newMessage",{"name":"ada"}]"#,
            r#"["newMessage",{"text":7}]"#,
            r#"["receive_msg",{"user_name":"ada"}]"#,
            r#"["image","abc"]"#,
            r#"["join",{"username":"ada"}]"#,
            r#"["join",{"room":"a","since":-1}]"#,
        ] {
            check_refusal(json, ErrorCode::BadField);
        }
        check_refusal(&format!(r#"["message","{}"]"#, "x".repeat(16_385)), ErrorCode::TooLarge);
        check_refusal(&format!(r#"["message",["{}"]]"#, "x".repeat(65_536)), ErrorCode::TooLarge);
        check_refusal(&format!(r#"["message",{}{}]"#, "[".repeat(65), "]".repeat(65)), ErrorCode::TooLarge);
    }
}
