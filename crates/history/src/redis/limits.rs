//! The bounds of a [`RedisStore`](super::RedisStore).

use std::time::Duration;

use crate::Retention;

/// Every bound of the store. When a bound is hit:
#[derive(Debug, Clone)]
pub struct RedisLimits {
    /// What is kept, and for how long.
    pub retention: Retention,
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

impl Default for RedisLimits {
    /// Chosen: waits that a person still takes for one.
    fn default() -> Self {
        Self {
            // They lie in memory here.
            retention: Retention { blobs_max_bytes: 1 << 30, ..Retention::default() },
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
