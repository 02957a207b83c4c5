//! The bounds of a [`RedisStore`](super::RedisStore).

use std::time::Duration;

/// Every bound of the store. When a bound is hit:
#[derive(Debug, Clone)]
pub struct RedisLimits {
    /// Messages held per room; the oldest go first, the newest is always held.
    pub room_max_messages: u64,
    /// Bytes held per room; the same.
    pub room_max_bytes: u64,
    /// A message is held for so long; it goes when the next one comes.
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
    /// How long messages are gathered while more keep coming.
    pub gather_max: Duration,
    /// A connection is made in this time, or given up.
    pub connect_max: Duration,
    /// An answer comes in this time, or the connection is given up: messages
    /// are refused until there is another.
    pub answer_max: Duration,
    /// Between two attempts to connect: first so long, then twice as long each
    /// time …
    pub retry_min: Duration,
    /// … up to so long.
    pub retry_max: Duration,
    /// What others stored and nobody has taken yet, in bytes; then it is let
    /// go, and positions are compared.
    pub news_max_bytes: usize,
    /// Who was counted by a node is taken to be there for so long after.
    pub presence_age_max: Duration,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Default for RedisLimits {
    /// Chosen: what files of SQLite hold, but for pictures, which lie in
    /// memory here; waits that a person still takes for one.
    fn default() -> Self {
        Self {
            room_max_messages: 100_000,
            room_max_bytes: 64 << 20,
            message_age_max: 30 * DAY,
            room_age_max: 30 * DAY,
            dedup_window: Duration::from_secs(10 * 60),
            dedup_max_messages: 100_000,
            blobs_max_bytes: 1 << 30,
            blob_max_bytes: 256 << 20,
            blob_age_max: 30 * DAY,
            gather_max: Duration::from_millis(1),
            connect_max: Duration::from_secs(5),
            answer_max: Duration::from_secs(5),
            retry_min: Duration::from_millis(50),
            retry_max: Duration::from_secs(2),
            news_max_bytes: 64 << 20,
            presence_age_max: Duration::from_secs(15),
        }
    }
}
