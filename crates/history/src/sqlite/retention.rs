//! What is forgotten, and when.

use hub::Timestamp;
use rusqlite::{Connection, Row, params};

use super::SqliteLimits;
use super::columns::{integer, unsigned};
use super::dedup::millis;
use super::read::Kept;
use super::rooms::{StoredRoom, ends};

/// Rooms looked at for their age at once. Chosen: a millisecond's work.
const ROOMS_A_SWEEP: i64 = 256;

/// Deletes the packs of a room of which nothing is to be kept: all, or as many
/// as may be deleted at once. Returns how many messages those held.
pub(super) fn trim(
    db: &Connection,
    room: &mut StoredRoom,
    now: Timestamp,
    limits: &SqliteLimits,
) -> rusqlite::Result<u64> {
    let since = Kept::at(now, &limits.retention).since(room.newest());
    let oldest = ends(db, room.id, limits.delete_max_packs.saturating_add(1))?;
    let Some(kept) = oldest.iter().find(|end| !since.is_past(end.last, end.total)).or(oldest.last()) else {
        return Ok(0);
    };
    room.oldest = Some(*kept);
    let mut delete = db.prepare_cached("DELETE FROM packs WHERE room = ?1 AND last < ?2 RETURNING last + 1 - first")?;
    let deleted = delete.query_map([room.id, integer(kept.last.0)], |row| row.get::<_, i64>(0))?;
    deleted.map(|messages| messages.map(unsigned)).sum()
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
        let mut swept = packs(db, now, limits)?;
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
             AND NOT EXISTS (SELECT 1 FROM packs WHERE room = rooms.id) RETURNING id",
        )?;
        let until = now.0.saturating_sub(millis(limits.retention.room_age_max));
        let rooms = delete.query_map([self.room, last, until], |row| row.get(0))?.collect::<Result<_, _>>()?;
        // After the last room it begins anew.
        self.room = if count < ROOMS_A_SWEEP { 0 } else { last };
        Ok(rooms)
    }
}

/// A row that is looked at for its age.
struct OldPack {
    id: i64,
    room: i64,
    last: i64,
    time: i64,
    messages: i64,
}

/// The oldest packs of all rooms are the first rows of the table.
fn packs(db: &Connection, now: Timestamp, limits: &SqliteLimits) -> rusqlite::Result<Swept> {
    let until = now.0.saturating_sub(millis(limits.retention.message_age_max));
    let mut oldest =
        db.prepare_cached("SELECT id, room, last, time, last + 1 - first FROM packs ORDER BY id LIMIT ?1")?;
    let pack = |row: &Row<'_>| {
        let (id, room, last, time) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        Ok(OldPack { id, room, last, time, messages: row.get(4)? })
    };
    let oldest: Vec<OldPack> = oldest
        .query_map([integer(limits.delete_max_packs)], pack)?
        .take_while(|pack| pack.as_ref().map_or(true, |pack| pack.time <= until))
        .collect::<Result<_, _>>()?;
    let mut delete = db.prepare_cached("DELETE FROM packs WHERE id = ?1")?;
    // The place of a room that has no messages any more stands in its own row.
    let mut keep_place = db.prepare_cached(
        "UPDATE rooms SET floor = ?2, floor_time = ?3 WHERE id = ?1 \
         AND NOT EXISTS (SELECT 1 FROM packs WHERE room = ?1 AND last > ?2)",
    )?;
    for pack in &oldest {
        keep_place.execute([pack.room, pack.last, pack.time])?;
        delete.execute([pack.id])?;
    }
    Ok(Swept {
        rooms: oldest.iter().map(|pack| pack.room).collect(),
        messages: oldest.iter().map(|pack| unsigned(pack.messages)).sum(),
        is_partial: oldest.len() as u64 >= limits.delete_max_packs,
    })
}

/// Deletes all messages of a room; it goes on from where it stands.
pub(super) fn clear(db: &Connection, room: &StoredRoom) -> rusqlite::Result<()> {
    db.execute(
        "UPDATE rooms SET floor = ?2, floor_time = ?3 WHERE id = ?1",
        params![room.id, integer(room.head.0), room.time.0],
    )?;
    db.execute("DELETE FROM packs WHERE room = ?1", [room.id])?;
    Ok(())
}
