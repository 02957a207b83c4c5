//! Where each room stands, as the writer knows it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use hub::{Epoch, Offset, Position, RoomName, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::columns::{integer, unsigned};
use super::read::{self, Kept, Newest};
use crate::Retention;

/// A room that has a row.
#[derive(Debug, Clone)]
pub(super) struct StoredRoom {
    pub(super) id: i64,
    pub(super) epoch: Epoch,
    pub(super) head: Offset,
    /// Of the newest message; the next one is not earlier.
    pub(super) time: Timestamp,
    /// Bytes of all its messages.
    pub(super) total: u64,
    /// Where its oldest pack ends; at its first message, as long as nobody had
    /// to know.
    pub(super) oldest: Option<PackEnd>,
    /// Where its newest pack is, among those that are not written yet.
    pub(super) newest_pack: usize,
}

/// The end of a pack.
#[derive(Debug, Clone, Copy)]
pub(super) struct PackEnd {
    /// Its last message.
    pub(super) last: Offset,
    /// Bytes of all messages of the room up to that one.
    pub(super) total: u64,
}

impl StoredRoom {
    pub(super) fn newest(&self) -> Newest {
        Newest { offset: self.head, time: self.time, total: self.total }
    }

    /// Whether none of its oldest pack is to be kept, whatever its age.
    pub(super) fn is_over(&self, now: Timestamp, retention: &Retention) -> bool {
        let since = Kept::at(now, retention).since(self.newest());
        self.oldest.is_some_and(|oldest| since.is_past(oldest.last, oldest.total))
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

    /// Forgets all where they are too many. Not between a message and its
    /// transaction's end: what is not written yet is known here alone.
    pub(super) fn make_place(&mut self) {
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
            total: 0,
            oldest: None,
            newest_pack: 0,
        })
    });
    let Some(mut room) = room.optional()? else { return Ok(None) };
    if let Some(newest) = read::newest(db, room.id)? {
        (room.head, room.time, room.total) = (newest.offset, newest.time, newest.total);
        room.oldest = ends(db, room.id, 1)?.pop();
    }
    Ok(Some(room))
}

/// The ends of the oldest packs of a room, at most so many.
pub(super) fn ends(db: &Connection, room: i64, count: u64) -> rusqlite::Result<Vec<PackEnd>> {
    let mut oldest =
        db.prepare_cached("SELECT last, before + bytes FROM packs WHERE room = ?1 ORDER BY last LIMIT ?2")?;
    let end = |row: &Row<'_>| Ok(PackEnd { last: Offset(unsigned(row.get(0)?)), total: unsigned(row.get(1)?) });
    oldest.query_map([room, integer(count)], end)?.collect()
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
    let Position { epoch, offset: head } = known;
    Ok(StoredRoom { id, epoch, head, time: now, total: 0, oldest: None, newest_pack: 0 })
}
