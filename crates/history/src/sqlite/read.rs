//! What is asked of a room's messages.

use std::sync::Arc;

use hub::{Head, Message, Offset, RoomName};
use rusqlite::{Connection, OptionalExtension, params};

use super::record::{self, integer, unsigned};
use super::rooms::epoch;

/// Where the room stands.
pub(super) fn head(db: &Connection, name: &RoomName, store_generation: u32) -> rusqlite::Result<Option<Head>> {
    let mut room = db.prepare_cached(
        "SELECT life, generation, floor, \
         (SELECT max(offset) FROM messages WHERE room = rooms.id), \
         (SELECT min(offset) FROM messages WHERE room = rooms.id) \
         FROM rooms WHERE name = ?1",
    )?;
    let head = room.query_row([name.as_str()], |row| {
        let floor = Offset(unsigned(row.get(2)?));
        let offset = |newest: Option<i64>| newest.map(|newest| Offset(unsigned(newest)));
        Ok(Head {
            epoch: epoch(row.get(0)?, row.get(1)?, store_generation),
            offset: offset(row.get(3)?).unwrap_or(floor),
            first_held: offset(row.get(4)?).unwrap_or(floor.next()),
        })
    });
    head.optional()
}

/// Messages after `after`, at most `limit`.
pub(super) fn page(
    db: &Connection,
    name: &RoomName,
    after: Offset,
    limit: usize,
) -> rusqlite::Result<Vec<Arc<Message>>> {
    let mut rows = db.prepare_cached(&format!(
        "SELECT {} FROM messages WHERE room = (SELECT id FROM rooms WHERE name = ?1) AND offset > ?2 \
         ORDER BY offset LIMIT ?3",
        record::COLUMNS
    ))?;
    let rows = rows.query_map(params![name.as_str(), integer(after.0), integer(limit as u64)], record::read)?;
    rows.map(|message| message.map(Arc::new)).collect()
}
