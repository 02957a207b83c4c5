//! What is asked of a room's messages.
//!
//! Packs go when none of their messages is kept any more. What is shown is
//! exact all the same: it is worked out from where the room stands.

use std::sync::Arc;

use hub::{Head, Message, Offset, RoomName, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::columns::{broken, integer, unsigned};
use super::dedup::millis;
use super::pack::{self, cost};
use super::rooms::epoch;
use crate::Retention;

/// Which messages of a room are kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept {
    messages_max: u64,
    bytes_max: u64,
    after: Timestamp,
}

impl Kept {
    /// All that is there.
    pub(super) const ALL: Self = Self { messages_max: u64::MAX, bytes_max: u64::MAX, after: Timestamp(i64::MIN) };

    pub(super) fn at(now: Timestamp, retention: &Retention) -> Self {
        Self {
            messages_max: retention.room_max_messages,
            bytes_max: retention.room_max_bytes,
            after: Timestamp(now.0.saturating_sub(millis(retention.message_age_max))),
        }
    }

    /// Since where, in a room whose newest message is `newest`.
    pub(super) fn since(self, newest: Newest) -> KeptSince {
        KeptSince {
            offset: Offset((newest.offset.0 + 1).saturating_sub(self.messages_max)),
            before: newest.total.saturating_sub(self.bytes_max),
            after: self.after,
            newest: newest.offset,
        }
    }
}

/// The newest message of a room.
#[derive(Debug, Clone, Copy)]
pub(super) struct Newest {
    pub(super) offset: Offset,
    pub(super) time: Timestamp,
    /// Bytes of all messages of the room.
    pub(super) total: u64,
}

/// Where in a room the kept messages begin.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeptSince {
    offset: Offset,
    /// What the first kept message has before it, at least.
    before: u64,
    after: Timestamp,
    /// Kept however large it is.
    newest: Offset,
}

impl KeptSince {
    /// Whether a message is kept that has so many bytes before it, as far as
    /// its time does not matter.
    fn keeps(self, offset: Offset, before: u64) -> bool {
        offset == self.newest || self.offset <= offset && self.before <= before
    }

    /// Whether nothing is kept of a pack that ends with `last` and has so many
    /// bytes before its end.
    pub(super) fn is_past(self, last: Offset, end: u64) -> bool {
        last != self.newest && (last < self.offset || end <= self.before)
    }
}

/// The newest message of the room with that row.
pub(super) fn newest(db: &Connection, room: i64) -> rusqlite::Result<Option<Newest>> {
    let mut newest =
        db.prepare_cached("SELECT last, time, before + bytes FROM packs WHERE room = ?1 ORDER BY last DESC LIMIT 1")?;
    let read = |row: &Row<'_>| {
        Ok(Newest { offset: Offset(unsigned(row.get(0)?)), time: Timestamp(row.get(1)?), total: unsigned(row.get(2)?) })
    };
    newest.query_row([room], read).optional()
}

/// Where the room stands.
pub(super) fn head(
    db: &Connection,
    name: &RoomName,
    store_generation: u32,
    kept: Kept,
) -> rusqlite::Result<Option<Head>> {
    let mut room = db.prepare_cached("SELECT id, life, generation, floor FROM rooms WHERE name = ?1")?;
    let room = room.query_row([name.as_str()], |row| {
        let epoch = epoch(row.get(1)?, row.get(2)?, store_generation);
        Ok((row.get(0)?, epoch, Offset(unsigned(row.get(3)?))))
    });
    let Some((room, epoch, floor)) = room.optional()? else { return Ok(None) };
    let Some(newest) = newest(db, room)? else {
        return Ok(Some(Head { epoch, offset: floor, first_held: floor.next() }));
    };
    let first_held = first_kept(db, room, kept.since(newest))?.unwrap_or(newest.offset.next());
    Ok(Some(Head { epoch, offset: newest.offset, first_held }))
}

/// The oldest message that is kept; bodies are read only where the bound lies
/// within a pack.
fn first_kept(db: &Connection, room: i64, since: KeptSince) -> rusqlite::Result<Option<Offset>> {
    let mut packs = db.prepare_cached(
        "SELECT id, first, last, before FROM packs \
         WHERE room = ?1 AND last >= ?2 AND time > ?3 AND before + bytes > ?4 ORDER BY last",
    )?;
    let mut packs = packs.query(params![room, integer(since.offset.0), since.after.0, integer(since.before)])?;
    while let Some(row) = packs.next()? {
        let (first, last) = (Offset(unsigned(row.get(1)?)), Offset(unsigned(row.get(2)?)));
        let before = unsigned(row.get(3)?);
        if since.before <= before {
            return Ok(Some(first.max(since.offset)));
        }
        if last == first {
            if last == since.newest {
                return Ok(Some(last));
            }
            continue;
        }
        let mut pack = db.prepare_cached("SELECT first, last, time, body FROM packs WHERE id = ?1")?;
        let messages = pack.query_row([row.get::<_, i64>(0)?], messages)?;
        if let Some(message) = kept_of(messages, before, since).next() {
            return Ok(Some(message.offset));
        }
    }
    Ok(None)
}

/// Kept messages after `after`, at most `limit`.
pub(super) fn page(
    db: &Connection,
    name: &RoomName,
    after: Offset,
    limit: usize,
    kept: Kept,
) -> rusqlite::Result<Vec<Arc<Message>>> {
    let mut room = db.prepare_cached("SELECT id FROM rooms WHERE name = ?1")?;
    let Some(room) = room.query_row([name.as_str()], |row| row.get(0)).optional()? else { return Ok(Vec::new()) };
    let Some(newest) = newest(db, room)? else { return Ok(Vec::new()) };
    let since = kept.since(newest);
    let mut packs = db.prepare_cached(
        "SELECT first, last, time, body, before FROM packs \
         WHERE room = ?1 AND last >= ?2 AND time > ?3 AND before + bytes > ?4 ORDER BY last",
    )?;
    let from = since.offset.max(after.next());
    let mut packs = packs.query(params![room, integer(from.0), since.after.0, integer(since.before)])?;
    let mut page = Vec::new();
    while let Some(row) = packs.next()? {
        let kept = kept_of(messages(row)?, unsigned(row.get(4)?), since);
        let wanted = kept.filter(|message| message.offset > after).take(limit - page.len());
        page.extend(wanted.map(Arc::new));
        if page.len() >= limit {
            break;
        }
    }
    Ok(page)
}

/// Those of a pack that are kept.
fn kept_of(messages: Vec<Message>, mut before: u64, since: KeptSince) -> impl Iterator<Item = Message> {
    messages.into_iter().filter(move |message| {
        let is_kept = since.keeps(message.offset, before);
        before += cost(&message.draft);
        is_kept
    })
}

/// The messages of a row: its first and last offset, time and body.
fn messages(row: &Row<'_>) -> rusqlite::Result<Vec<Message>> {
    let (first, last) = (Offset(unsigned(row.get(0)?)), Offset(unsigned(row.get(1)?)));
    pack::read(first, last, Timestamp(row.get(2)?), row.get_ref(3)?.as_blob()?).map_err(|error| broken(3, error))
}
