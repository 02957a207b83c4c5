//! The bounds of a [`SqliteStore`](super::SqliteStore).

use std::time::Duration;

use crate::Retention;

/// Every bound of the store. When a bound is hit:
#[derive(Debug, Clone)]
pub struct SqliteLimits {
    /// What is kept, and for how long.
    pub retention: Retention,
    /// A retry is known as such if no more than so many messages with an id
    /// came after it, in all rooms together.
    pub dedup_max_ids: usize,
    /// Rooms whose place is kept in memory; then all are looked up again.
    pub rooms_cached_max: usize,
    /// Packs of messages deleted at once by age or number, so that no message
    /// waits long for the writer; the rest goes next time, and is not shown.
    pub delete_max_packs: u64,
    /// Connections that read at the same time; more wait for their turn.
    pub readers_max: usize,
    /// How long messages are gathered while more keep coming.
    pub gather_max: Duration,
}

impl Default for SqliteLimits {
    /// Chosen: what a server with a gigabyte of memory does not feel.
    fn default() -> Self {
        Self {
            retention: Retention::default(),
            dedup_max_ids: 1_000_000,
            rooms_cached_max: 100_000,
            delete_max_packs: 128,
            readers_max: 4,
            gather_max: Duration::from_millis(1),
        }
    }
}
