//! A message as a row.

use std::sync::Arc;

use bytes::Bytes;
use hub::{AsSent, Body, Dialect, Draft, Message, Offset, PersonName, Timestamp};
use rusqlite::types::Type;
use rusqlite::{Row, Statement, params};

use crate::shared_image;

/// What a message costs on disk beside its own bytes. Measured: 60 to 80.
const OVERHEAD_BYTES: usize = 80;

/// Adds a message.
pub(super) const INSERT: &str = "INSERT INTO messages \
     (room, offset, time, before, key, kind, dialect, sender, label, body, sent) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
/// What [`read`] reads, in this order.
pub(super) const COLUMNS: &str = "offset, time, kind, dialect, sender, label, body, sent";

/// What a row says beside the message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// The room's row.
    pub(super) room: i64,
    /// [`cost`] of all messages of the room before this one.
    pub(super) before: u64,
    /// By which a retry is known.
    pub(super) key: Option<u128>,
}

/// Bytes that count against the room's bound.
pub(super) fn cost(draft: &Draft) -> u64 {
    (draft.len() + OVERHEAD_BYTES) as u64
}

/// SQLite's integers have 63 bits; no room ever has as many messages.
pub(super) fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The other way.
pub(super) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// What a body is; the numbers stand in the file.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Text = 1,
    Json = 2,
    Image = 3,
    Bytes = 4,
}

/// Writes one row with the statement made of [`INSERT`].
pub(super) fn insert(statement: &mut Statement<'_>, place: Place, message: &Message) -> rusqlite::Result<()> {
    let draft = &message.draft;
    let image;
    let (kind, body) = match &draft.body {
        Body::Text(text) => (Kind::Text, text.as_ref()),
        Body::Json(json) => (Kind::Json, json.as_ref()),
        Body::Bytes(bytes) => (Kind::Bytes, bytes.as_ref()),
        Body::Image(shared) => {
            image = shared_image::write(shared);
            (Kind::Image, image.as_bytes())
        }
    };
    let as_sent = draft.as_sent.as_ref();
    // A raw message was sent as what it says: kept once.
    let sent = as_sent.map(|sent| sent.bytes.as_ref()).filter(|sent| *sent != body);
    statement.execute(params![
        place.room,
        integer(message.offset.0),
        message.time.0,
        integer(place.before),
        place.key.map(u128::to_be_bytes).as_ref().map(|key| &key[..]),
        kind as i64,
        as_sent.map(|sent| sent.dialect.0),
        draft.from.as_str(),
        draft.id.as_deref(),
        body,
        sent,
    ])?;
    Ok(())
}

/// Reads a row of [`COLUMNS`].
pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Message> {
    let sender = PersonName::parse(row.get_ref(4)?.as_str()?).map_err(|error| broken(4, error))?;
    let body = Bytes::copy_from_slice(row.get_ref(6)?.as_blob()?);
    let as_sent = match row.get::<_, Option<u8>>(3)? {
        None => None,
        Some(dialect) => {
            let sent = row.get_ref(7)?.as_blob_or_null()?;
            let bytes = sent.map_or_else(|| body.clone(), Bytes::copy_from_slice);
            Some(AsSent { dialect: Dialect(dialect), bytes })
        }
    };
    let body = match row.get::<_, i64>(2)? {
        kind if kind == Kind::Text as i64 => Body::Text(body),
        kind if kind == Kind::Json as i64 => Body::Json(body),
        kind if kind == Kind::Bytes as i64 => Body::Bytes(body),
        kind if kind == Kind::Image as i64 => {
            Body::Image(shared_image::read(&body).ok_or_else(|| broken(6, "no picture"))?)
        }
        _ => return Err(broken(2, "unknown kind of message")),
    };
    let id = row.get_ref(5)?.as_str_or_null()?.map(Arc::from);
    Ok(Message {
        offset: Offset(unsigned(row.get(0)?)),
        time: Timestamp(row.get(1)?),
        draft: Draft { from: sender, body, as_sent, id },
    })
}

fn broken(column: usize, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Blob, error.into())
}
