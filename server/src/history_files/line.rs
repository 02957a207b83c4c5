//! One line of a backup.

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use history::ArchivedPicture;
use hub::{
    AsSent, Blob, BlobId, Body, Dialect, Draft, Head, Message, Offset, PersonName, RoomName, SharedImage, Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::time;

/// A room, then its messages in their order; pictures stand at the end.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Line<'a> {
    Room {
        name: Cow<'a, str>,
        /// Of the room that was saved; the one that is brought back gets a new one.
        #[serde(default)]
        epoch: String,
        head: u64,
        first_held: u64,
    },
    Message(#[serde(borrow)] SavedMessage<'a>),
    Picture {
        id: Cow<'a, str>,
        time: String,
        mime_type: Cow<'a, str>,
        bytes: String,
    },
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SavedMessage<'a> {
    offset: u64,
    time: String,
    from: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<Cow<'a, str>>,
    /// One of these four.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<Cow<'a, str>>,
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    data: Option<Cow<'a, RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bytes: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    image: Option<SavedImage<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    as_sent: Option<SavedAsSent>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SavedImage<'a> {
    picture: Cow<'a, str>,
    format: Cow<'a, str>,
    width: u32,
    height: u32,
    origin: Cow<'a, str>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SavedAsSent {
    dialect: u8,
    bytes: String,
}

/// What is wrong with a line, for people to read.
type Reason = String;

impl<'a> Line<'a> {
    pub(super) fn room(name: &'a RoomName, head: &Head) -> Self {
        let (name, epoch) = (name.as_str().into(), head.epoch.to_string());
        Self::Room { name, epoch, head: head.offset.0, first_held: head.first_held.0 }
    }

    pub(super) fn message(message: &'a Message) -> Self {
        let draft = &message.draft;
        let mut saved = SavedMessage {
            offset: message.offset.0,
            time: time::format(message.time).to_string(),
            from: draft.from.as_str().into(),
            id: draft.id.as_deref().map(Cow::from),
            text: None,
            data: None,
            bytes: None,
            image: None,
            as_sent: draft
                .as_sent
                .as_ref()
                .map(|sent| SavedAsSent { dialect: sent.dialect.0, bytes: STANDARD.encode(&sent.bytes) }),
        };
        // Doors let only UTF-8 into a text and only JSON into data; whatever else there is, is bytes.
        match &draft.body {
            Body::Text(text) => match std::str::from_utf8(text) {
                Ok(text) => saved.text = Some(text.into()),
                Err(_) => saved.bytes = Some(STANDARD.encode(text)),
            },
            Body::Json(json) => match serde_json::from_slice::<&RawValue>(json) {
                // A line break in it would end the line.
                Ok(value) if !json.contains(&b'\n') => saved.data = Some(Cow::Borrowed(value)),
                _ => saved.bytes = Some(STANDARD.encode(json)),
            },
            Body::Bytes(bytes) => saved.bytes = Some(STANDARD.encode(bytes)),
            Body::Image(image) => {
                saved.image = Some(SavedImage {
                    picture: (*image.blob.0).into(),
                    format: image.format.as_ref().into(),
                    width: image.width,
                    height: image.height,
                    origin: (*image.origin).into(),
                });
            }
        }
        Self::Message(saved)
    }

    pub(super) fn picture(picture: &'a ArchivedPicture) -> Self {
        Self::Picture {
            id: (*picture.id.0).into(),
            time: time::format(picture.time).to_string(),
            mime_type: picture.blob.mime_type.as_ref().into(),
            bytes: STANDARD.encode(&picture.blob.bytes),
        }
    }
}

impl SavedMessage<'_> {
    pub(super) fn into_message(self) -> Result<Message, Reason> {
        let body = match (self.text, self.data, self.bytes, self.image) {
            (Some(text), None, None, None) => Body::Text(text.into_owned().into()),
            (None, Some(data), None, None) => Body::Json(Bytes::copy_from_slice(data.get().as_bytes())),
            (None, None, Some(bytes), None) => Body::Bytes(decode(&bytes)?),
            (None, None, None, Some(image)) => Body::Image(SharedImage {
                blob: BlobId(image.picture.into()),
                format: image.format.into_owned().into(),
                width: image.width,
                height: image.height,
                origin: image.origin.into(),
            }),
            _ => return Err("a message has one of text, data, bytes and image".to_owned()),
        };
        let as_sent = match self.as_sent {
            None => None,
            Some(sent) => Some(AsSent { dialect: Dialect(sent.dialect), bytes: decode(&sent.bytes)? }),
        };
        let from = PersonName::parse(&self.from).map_err(|error| error.to_string())?;
        let draft = Draft { from, body, as_sent, id: self.id.map(Arc::from) };
        Ok(Message { offset: Offset(self.offset), time: parse_time(&self.time)?, draft })
    }
}

pub(super) fn picture(id: &str, time: &str, mime_type: &str, bytes: &str) -> Result<ArchivedPicture, Reason> {
    let blob = Blob { bytes: decode(bytes)?, mime_type: mime_type.to_owned().into() };
    Ok(ArchivedPicture { id: BlobId(id.into()), time: parse_time(time)?, blob })
}

fn decode(base64: &str) -> Result<Bytes, Reason> {
    STANDARD.decode(base64).map(Bytes::from).map_err(|error| error.to_string())
}

fn parse_time(text: &str) -> Result<Timestamp, Reason> {
    let time: jiff::Timestamp = text.parse().map_err(|_| format!("{text:?} is no time"))?;
    Ok(Timestamp(time.as_millisecond()))
}
