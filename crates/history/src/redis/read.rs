//! Reads what is held of a room.

use std::sync::Arc;

use bytes::Bytes;
use hub::{Epoch, Head, Message, Offset, RoomName, StoreError, Timestamp};
use redis::{Value, cmd, pipe};

use super::append::{number, text};
use super::keys::RoomKeys;
use super::link::Link;
use crate::record;

/// Where the room stands; nothing, when nothing of it is stored.
pub(super) async fn head(link: &Link, room: &RoomName) -> Result<Option<Head>, StoreError> {
    let keys = RoomKeys(room);
    // In this order: what is appended meanwhile is in the second answer at least.
    let mut commands = pipe();
    commands.cmd("XRANGE").arg(keys.messages()).arg("-").arg("+").arg("COUNT").arg(1);
    commands.cmd("HMGET").arg(keys.room()).arg(&["life", "generation", "head"]);
    let mut answers = link.ask_all(&mut commands).await?.into_iter();
    let (Some(oldest), Some(place)) = (answers.next().transpose()?, answers.next().transpose()?) else {
        return Err(StoreError::Down);
    };
    let Value::Array(place) = place else { return Err(StoreError::Down) };
    let [life, generation, offset] = &place[..] else { return Err(StoreError::Down) };
    if *life == Value::Nil {
        return Ok(None);
    }
    let read = || {
        let life = u64::from_str_radix(text(life)?, 16).ok()?;
        let epoch = Epoch { life, generation: u32::try_from(number(generation)?).ok()? };
        let offset = Offset(number(offset).unwrap_or(0));
        let first_held = match entries(&oldest)?.first() {
            Some(oldest) => offset_of(oldest)?,
            None => offset.next(),
        };
        Some(Head { epoch, offset, first_held })
    };
    Ok(Some(sense(room, read())?))
}

/// The messages after `after`, at most `limit`, if none of them is older than
/// `oldest`.
pub(super) async fn page(
    link: &Link,
    room: &RoomName,
    after: Offset,
    limit: usize,
) -> Result<Vec<Arc<Message>>, StoreError> {
    let first = after.0.saturating_add(1);
    let mut command = cmd("XRANGE");
    command.arg(RoomKeys(room).messages()).arg(format!("{first}-0")).arg("+").arg("COUNT").arg(limit);
    let answer: Value = link.ask(&command).await?;
    let messages = entries(&answer).and_then(|entries| entries.iter().map(message).collect());
    sense(room, messages)
}

/// What an answer says, if it makes sense.
fn sense<T>(room: &RoomName, read: Option<T>) -> Result<T, StoreError> {
    read.ok_or_else(|| {
        tracing::error!(%room, "Redis holds what makes no sense: another program writes to our keys");
        StoreError::Down
    })
}

fn entries(answer: &Value) -> Option<&[Value]> {
    match answer {
        Value::Array(entries) => Some(entries),
        _ => None,
    }
}

fn offset_of(entry: &Value) -> Option<Offset> {
    let Value::Array(entry) = entry else { return None };
    let (offset, _) = text(entry.first()?)?.split_once('-')?;
    Some(Offset(offset.parse().ok()?))
}

/// An entry of the stream: its id, and `t` time, `b` bytes before it, `m`
/// message.
fn message(entry: &Value) -> Option<Arc<Message>> {
    let offset = offset_of(entry)?;
    let Value::Array(entry) = entry else { return None };
    let Value::Array(fields) = entry.get(1)? else { return None };
    let [_, time, _, _, _, Value::BulkString(bytes)] = &fields[..] else { return None };
    let time = Timestamp(text(time)?.parse().ok()?);
    let draft = record::read(Bytes::copy_from_slice(bytes)).ok()?;
    Some(Arc::new(Message { offset, time, draft }))
}
