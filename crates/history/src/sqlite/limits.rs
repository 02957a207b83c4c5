//! The bounds of a [`SqliteStore`](super::SqliteStore).

use std::time::Duration;

/// Every bound of the store. When a bound is hit:
#[derive(Debug, Clone)]
pub struct SqliteLimits {
    /// Messages held per room; the oldest go first, the newest is always held.
    pub room_max_messages: u64,
    /// Bytes held per room; the same.
    pub room_max_bytes: u64,
    /// A message is held for so long.
    pub message_age_max: Duration,
    /// A room of which no message is held is forgotten so long after its last
    /// one, and its epoch with it.
    pub room_age_max: Duration,
    /// How long a retry is known as such …
    pub dedup_window: Duration,
    /// … if no more than so many messages of the room came after it …
    pub dedup_max_messages: u64,
    /// … and no more than so many with an id in all rooms together.
    pub dedup_max_ids: usize,
    /// Rooms whose place is kept in memory; then all are looked up again.
    pub rooms_cached_max: usize,
    /// Rows deleted at once by age or number, so that no message waits long
    /// for the writer; the rest goes next time.
    pub delete_max_rows: u64,
    /// Bytes of blobs in all; the oldest go first.
    pub blobs_max_bytes: u64,
    /// Bytes of one blob: refused as too large.
    pub blob_max_bytes: u64,
    /// A blob is held for so long after it was last put.
    pub blob_age_max: Duration,
    /// Connections that read at the same time; more wait for their turn.
    pub readers_max: usize,
    /// How long messages are gathered while more keep coming.
    pub gather_max: Duration,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Default for SqliteLimits {
    /// Chosen: a month of a busy room, and pictures that live as long as the
    /// messages that show them.
    fn default() -> Self {
        Self {
            room_max_messages: 100_000,
            room_max_bytes: 64 << 20,
            message_age_max: 30 * DAY,
            room_age_max: 30 * DAY,
            dedup_window: Duration::from_secs(10 * 60),
            dedup_max_messages: 100_000,
            dedup_max_ids: 1_000_000,
            rooms_cached_max: 100_000,
            delete_max_rows: 512,
            blobs_max_bytes: 4 << 30,
            blob_max_bytes: 256 << 20,
            blob_age_max: 30 * DAY,
            readers_max: 4,
            gather_max: Duration::from_millis(1),
        }
    }
}
