//! What is forgotten, and when.

use hub::{Offset, Timestamp};
use rusqlite::{Connection, params};

use super::SqliteLimits;
use super::dedup::millis;
use super::record::{integer, unsigned};
use super::rooms::StoredRoom;

/// Rooms looked at for their age at once. Chosen: a millisecond's work.
const ROOMS_A_SWEEP: i64 = 256;

/// Deletes the oldest messages of a room that holds more than it may: all that
/// are too many, or as many as may be deleted at once. Returns how many those were.
pub(super) fn trim(db: &Connection, room: &mut StoredRoom, limits: &SqliteLimits) -> rusqlite::Result<u64> {
    let (keep_from, before) = keep_from(db, room, limits)?;
    let mut delete = db.prepare_cached("DELETE FROM messages WHERE room = ?1 AND offset < ?2")?;
    let deleted = delete.execute([room.id, integer(keep_from.0)])?;
    (room.first_held, room.first_before) = (keep_from, before);
    Ok(deleted as u64)
}

/// The oldest message to keep, and the bytes before it.
fn keep_from(db: &Connection, room: &StoredRoom, limits: &SqliteLimits) -> rusqlite::Result<(Offset, u64)> {
    let by_count = (room.head.0 + 1).saturating_sub(limits.retention.room_max_messages);
    let at_most = room.first_held.0.saturating_add(limits.delete_max_rows).min(room.head.0);
    let from = by_count.clamp(room.first_held.0, at_most);
    let mut rows = db.prepare_cached(
        "SELECT offset, before FROM messages WHERE room = ?1 AND offset BETWEEN ?2 AND ?3 ORDER BY offset",
    )?;
    let mut rows = rows.query([room.id, integer(from), integer(at_most)])?;
    let mut kept = (room.first_held, room.first_before);
    while let Some(row) = rows.next()? {
        kept = (Offset(unsigned(row.get(0)?)), unsigned(row.get(1)?));
        if room.total - kept.1 <= limits.retention.room_max_bytes {
            break;
        }
    }
    Ok(kept)
}

/// Forgets what is too old, a little at a time.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    /// The last room that was looked at.
    room: i64,
}

/// What a sweep did.
#[derive(Debug, Default)]
pub(super) struct Swept {
    /// Rooms that do not stand any more where they stood.
    pub(super) rooms: Vec<i64>,
    /// Messages that were forgotten.
    pub(super) messages: u64,
    /// There may be more to forget.
    pub(super) is_partial: bool,
}

impl Sweep {
    pub(super) fn run(&mut self, db: &Connection, now: Timestamp, limits: &SqliteLimits) -> rusqlite::Result<Swept> {
        let mut swept = messages(db, now, limits)?;
        swept.rooms.extend(self.rooms(db, now, limits)?);
        Ok(swept)
    }

    /// Rooms without messages whose last one is long ago. Their epochs go with
    /// them.
    fn rooms(&mut self, db: &Connection, now: Timestamp, limits: &SqliteLimits) -> rusqlite::Result<Vec<i64>> {
        let mut last = db.prepare_cached(
            "SELECT max(id), count(*) FROM (SELECT id FROM rooms WHERE id > ?1 ORDER BY id LIMIT ?2)",
        )?;
        let (last, count): (Option<i64>, i64) =
            last.query_row([self.room, ROOMS_A_SWEEP], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let last = last.unwrap_or(self.room);
        let mut delete = db.prepare_cached(
            "DELETE FROM rooms WHERE id > ?1 AND id <= ?2 AND floor_time <= ?3 \
             AND NOT EXISTS (SELECT 1 FROM messages WHERE room = rooms.id) RETURNING id",
        )?;
        let until = now.0.saturating_sub(millis(limits.retention.room_age_max));
        let rooms = delete.query_map([self.room, last, until], |row| row.get(0))?.collect::<Result<_, _>>()?;
        // After the last room it begins anew.
        self.room = if count < ROOMS_A_SWEEP { 0 } else { last };
        Ok(rooms)
    }
}

/// The oldest messages of all rooms are the first rows of the table.
fn messages(db: &Connection, now: Timestamp, limits: &SqliteLimits) -> rusqlite::Result<Swept> {
    let until = now.0.saturating_sub(millis(limits.retention.message_age_max));
    let mut oldest = db.prepare_cached("SELECT id, room, offset, time FROM messages ORDER BY id LIMIT ?1")?;
    let oldest: Vec<Row> = oldest
        .query_map([integer(limits.delete_max_rows)], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
        .take_while(|row| row.as_ref().map_or(true, |(.., time)| *time <= until))
        .collect::<Result<_, _>>()?;
    let mut delete = db.prepare_cached("DELETE FROM messages WHERE id = ?1")?;
    // The place of a room that has no messages any more stands in its own row.
    let mut keep_place = db.prepare_cached(
        "UPDATE rooms SET floor = ?2, floor_time = ?3 WHERE id = ?1 \
         AND NOT EXISTS (SELECT 1 FROM messages WHERE room = ?1 AND offset > ?2)",
    )?;
    for (id, room, offset, time) in &oldest {
        keep_place.execute([room, offset, time])?;
        delete.execute([id])?;
    }
    let messages = oldest.len() as u64;
    let rooms = oldest.iter().map(|(_, room, ..)| *room).collect();
    Ok(Swept { rooms, messages, is_partial: messages >= limits.delete_max_rows })
}

/// Row, room, offset and time of a message.
type Row = (i64, i64, i64, i64);

/// Deletes all messages of a room; it goes on from where it stands.
pub(super) fn clear(db: &Connection, room: &StoredRoom) -> rusqlite::Result<()> {
    db.execute(
        "UPDATE rooms SET floor = ?2, floor_time = ?3 WHERE id = ?1",
        params![room.id, integer(room.head.0), room.time.0],
    )?;
    db.execute("DELETE FROM messages WHERE room = ?1", [room.id])?;
    Ok(())
}
