//! What a store that outlives the program keeps, and for how long.

use std::time::Duration;

/// Bounds that files and Redis share. When a bound is hit:
#[derive(Debug, Clone)]
pub struct Retention {
    /// Messages held per room; the oldest go first, the newest is always held.
    pub room_max_messages: u64,
    /// Bytes held per room; the same.
    pub room_max_bytes: u64,
    /// A message is held for so long; in Redis it goes when the next one comes.
    pub message_age_max: Duration,
    /// A room is forgotten so long after its last message, and its epoch with
    /// it.
    pub room_age_max: Duration,
    /// How long a retry is known as such …
    pub dedup_window: Duration,
    /// … if no more than so many messages of the room came after it.
    pub dedup_max_messages: u64,
    /// Bytes of blobs in all; the oldest go first.
    pub blobs_max_bytes: u64,
    /// Bytes of one blob: refused as too large.
    pub blob_max_bytes: u64,
    /// A blob is held for so long after it was last put.
    pub blob_age_max: Duration,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Default for Retention {
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
            blobs_max_bytes: 4 << 30,
            blob_max_bytes: 256 << 20,
            blob_age_max: 30 * DAY,
        }
    }
}
