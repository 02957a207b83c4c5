//! A history in memory: gone with the process.

mod blobs;
mod dedup;
mod room;

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use hub::{
    Append, Appended, Blob, BlobId, Durability, Head, Offset, Page, RoomName, Store, StoreError, Timestamp, Usage,
};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::clock::unix_time;
use blobs::Blobs;
use room::StoredRoom;

/// The bounds of a [`MemoryStore`].
#[derive(Debug, Clone)]
pub struct MemoryLimits {
    /// Messages held per room; the oldest go first.
    pub room_max_messages: usize,
    /// Bytes held per room; the oldest messages go first.
    pub room_max_bytes: usize,
    /// A room that was neither written nor read for so long is forgotten.
    pub room_unused_max: Duration,
    /// Bytes of messages in all; the rooms unused for the longest time are
    /// forgotten first.
    pub total_max_bytes: usize,
    /// How long a retry is known as such.
    pub dedup_window: Duration,
    /// Retries known per room; the oldest are forgotten first.
    pub dedup_max_ids: usize,
    /// Bytes of blobs in all; the oldest go first.
    pub blobs_max_bytes: usize,
    /// A blob is held for so long after it was last put.
    pub blob_age_max: Duration,
}

impl Default for MemoryLimits {
    /// Chosen: a busy room's hour, and a process that stays within a small
    /// machine's memory.
    fn default() -> Self {
        Self {
            room_max_messages: 10_000,
            room_max_bytes: 8 << 20,
            room_unused_max: Duration::from_secs(60 * 60),
            total_max_bytes: 512 << 20,
            dedup_window: Duration::from_secs(10 * 60),
            dedup_max_ids: 100_000,
            blobs_max_bytes: 256 << 20,
            blob_age_max: Duration::from_secs(24 * 60 * 60),
        }
    }
}

/// Rooms are looked through for unused ones this often at most.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// A [`Store`] that keeps everything in memory.
#[derive(Debug)]
pub struct MemoryStore {
    limits: MemoryLimits,
    rooms: Mutex<Rooms>,
    blobs: Mutex<Blobs>,
}

#[derive(Debug)]
struct Rooms {
    by_name: HashMap<RoomName, StoredRoom>,
    bytes: usize,
    swept_at: Instant,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new(limits: MemoryLimits) -> Self {
        let blobs = Blobs::new(limits.blobs_max_bytes, limits.blob_age_max);
        let rooms = Rooms { by_name: HashMap::new(), bytes: 0, swept_at: Instant::now() };
        Self { limits, rooms: Mutex::new(rooms), blobs: Mutex::new(blobs) }
    }

    fn append_one(&self, rooms: &mut Rooms, append: Append, time: Timestamp, now: Instant) -> Appended {
        let room = rooms.by_name.entry(append.room).or_insert_with(|| StoredRoom::new(append.known, now));
        rooms.bytes -= room.bytes();
        let appended = room.append(append.draft, append.dedup, time, now, &self.limits);
        rooms.bytes += room.bytes();
        appended
    }
}

impl Rooms {
    fn sweep(&mut self, now: Instant, limits: &MemoryLimits) {
        if now.duration_since(self.swept_at) < SWEEP_INTERVAL && self.bytes <= limits.total_max_bytes {
            return;
        }
        self.swept_at = now;
        self.by_name.retain(|_, room| {
            self.bytes -= room.bytes();
            room.expire(now, limits);
            let is_kept = now.duration_since(room.used_at()) < limits.room_unused_max;
            if is_kept {
                self.bytes += room.bytes();
            }
            is_kept
        });
        if self.bytes > limits.total_max_bytes {
            self.evict(limits.total_max_bytes);
        }
    }

    /// Forgets the rooms that were unused for the longest time, a little more
    /// than needed, so that the next message does not look through all again.
    fn evict(&mut self, total_max_bytes: usize) {
        let mut by_use: Vec<_> = self.by_name.iter().map(|(name, room)| (room.used_at(), name.clone())).collect();
        by_use.sort_unstable();
        for (_, name) in by_use {
            if self.bytes <= total_max_bytes / 8 * 7 {
                return;
            }
            if let Some(room) = self.by_name.remove(&name) {
                self.bytes -= room.bytes();
            }
        }
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn append(&self, batch: Vec<Append>) -> Vec<Result<Appended, StoreError>> {
        let (time, now) = (unix_time(), Instant::now());
        let mut rooms = self.rooms.lock();
        let appended = batch.into_iter().map(|append| Ok(self.append_one(&mut rooms, append, time, now))).collect();
        rooms.sweep(now, &self.limits);
        appended
    }

    async fn head(&self, room: &RoomName) -> Result<Option<Head>, StoreError> {
        Ok(self.rooms.lock().by_name.get(room).map(StoredRoom::head))
    }

    async fn read(&self, room: &RoomName, after: Offset, limit: usize) -> Result<Page, StoreError> {
        let now = Instant::now();
        let messages = self.rooms.lock().by_name.get_mut(room).map(|room| room.read(after, limit, now));
        Ok(Page { messages: messages.unwrap_or_default() })
    }

    async fn clear(&self, room: &RoomName) -> Result<(), StoreError> {
        let mut rooms = self.rooms.lock();
        let rooms = &mut *rooms;
        if let Some(room) = rooms.by_name.get_mut(room) {
            rooms.bytes -= room.bytes();
            room.clear(Instant::now());
            rooms.bytes += room.bytes();
        }
        Ok(())
    }

    async fn put_blob(&self, _: &RoomName, blob: Blob) -> Result<BlobId, StoreError> {
        self.blobs.lock().put(blob, Instant::now())
    }

    async fn get_blob(&self, id: &BlobId) -> Result<Option<Blob>, StoreError> {
        Ok(self.blobs.lock().get(id, Instant::now()))
    }

    fn durability(&self, _: &RoomName) -> Durability {
        Durability::Memory
    }

    fn usage(&self) -> Usage {
        let bytes = self.rooms.lock().bytes + self.blobs.lock().bytes();
        Usage { bytes: Some(bytes as u64), forgotten_messages: None }
    }
}
