//! Where each room stands, as the writer knows it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use hub::{Epoch, Offset, Position, RoomName, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::SqliteLimits;
use super::record::{self, cost, integer, unsigned};

/// A room that has a row.
#[derive(Debug, Clone)]
pub(super) struct StoredRoom {
    pub(super) id: i64,
    pub(super) epoch: Epoch,
    pub(super) head: Offset,
    /// Of the newest message; the next one is not earlier.
    pub(super) time: Timestamp,
    /// The oldest message that is held; `head + 1` when there is none.
    pub(super) first_held: Offset,
    /// Bytes of all messages before that one …
    pub(super) first_before: u64,
    /// … and of all messages.
    pub(super) total: u64,
}

impl StoredRoom {
    /// Whether it holds more than it may.
    pub(super) fn is_over(&self, limits: &SqliteLimits) -> bool {
        self.first_held < self.head
            && (self.head.0 + 1 - self.first_held.0 > limits.retention.room_max_messages
                || self.total - self.first_before > limits.retention.room_max_bytes)
    }
}

/// The rooms that were used lately.
#[derive(Debug)]
pub(super) struct Rooms {
    by_name: HashMap<RoomName, StoredRoom>,
    /// Of the store.
    generation: u32,
    cached_max: usize,
}

impl Rooms {
    pub(super) fn new(generation: u32, cached_max: usize) -> Self {
        Self { by_name: HashMap::new(), generation, cached_max }
    }

    /// The room, if anything of it is stored.
    pub(super) fn find(&mut self, db: &Connection, name: &RoomName) -> rusqlite::Result<Option<&mut StoredRoom>> {
        self.make_place();
        match self.by_name.entry(name.clone()) {
            Entry::Occupied(entry) => Ok(Some(entry.into_mut())),
            Entry::Vacant(entry) => Ok(load(db, name, self.generation)?.map(|room| entry.insert(room))),
        }
    }

    /// The room; one of which nothing is stored goes on from where the hub
    /// saw it.
    pub(super) fn find_or_add(
        &mut self,
        db: &Connection,
        name: RoomName,
        known: Position,
        now: Timestamp,
    ) -> rusqlite::Result<&mut StoredRoom> {
        self.make_place();
        match self.by_name.entry(name) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                let room = match load(db, entry.key(), self.generation)? {
                    Some(room) => room,
                    None => add(db, entry.key(), self.generation, known, now)?,
                };
                Ok(entry.insert(room))
            }
        }
    }

    /// Rooms that are looked up again when they are needed.
    pub(super) fn forget(&mut self, mut is_stale: impl FnMut(&StoredRoom) -> bool) {
        self.by_name.retain(|_, room| !is_stale(room));
    }

    fn make_place(&mut self) {
        if self.by_name.len() >= self.cached_max {
            self.by_name.clear();
        }
    }
}

/// The epoch of a row's room.
pub(super) fn epoch(life: i64, generation: i64, store_generation: u32) -> Epoch {
    let generation = u32::try_from(generation + i64::from(store_generation)).unwrap_or(u32::MAX);
    Epoch { life: life.cast_unsigned(), generation }
}

fn load(db: &Connection, name: &RoomName, store_generation: u32) -> rusqlite::Result<Option<StoredRoom>> {
    let mut room = db.prepare_cached("SELECT id, life, generation, floor, floor_time FROM rooms WHERE name = ?1")?;
    let room = room.query_row([name.as_str()], |row| {
        let head = Offset(unsigned(row.get(3)?));
        Ok(StoredRoom {
            id: row.get(0)?,
            epoch: epoch(row.get(1)?, row.get(2)?, store_generation),
            head,
            time: Timestamp(row.get(4)?),
            first_held: head.next(),
            first_before: 0,
            total: 0,
        })
    });
    let Some(mut room) = room.optional()? else { return Ok(None) };
    let mut newest = db.prepare_cached(&format!(
        "SELECT {}, before FROM messages WHERE room = ?1 ORDER BY offset DESC LIMIT 1",
        record::COLUMNS
    ))?;
    let newest = newest.query_row([room.id], |row| {
        let message = record::read(row)?;
        Ok((message.offset, message.time, unsigned(row.get("before")?) + cost(&message.draft)))
    });
    if let Some((head, time, total)) = newest.optional()? {
        (room.head, room.time, room.total) = (head, time, total);
        (room.first_held, room.first_before) = first_held(db, room.id)?.unwrap_or((head, 0));
    }
    Ok(Some(room))
}

/// The oldest message of a room, and the bytes before it.
fn first_held(db: &Connection, room: i64) -> rusqlite::Result<Option<(Offset, u64)>> {
    let mut oldest =
        db.prepare_cached("SELECT offset, before FROM messages WHERE room = ?1 ORDER BY offset LIMIT 1")?;
    oldest.query_row([room], |row| Ok((Offset(unsigned(row.get(0)?)), unsigned(row.get(1)?)))).optional()
}

fn add(
    db: &Connection,
    name: &RoomName,
    store_generation: u32,
    known: Position,
    now: Timestamp,
) -> rusqlite::Result<StoredRoom> {
    let mut add =
        db.prepare_cached("INSERT INTO rooms (name, life, generation, floor, floor_time) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    let generation = i64::from(known.epoch.generation) - i64::from(store_generation);
    let life = known.epoch.life.cast_signed();
    let id = add.insert(params![name.as_str(), life, generation, integer(known.offset.0), now.0])?;
    let first_held = known.offset.next();
    Ok(StoredRoom { id, epoch: known.epoch, head: known.offset, time: now, first_held, first_before: 0, total: 0 })
}
