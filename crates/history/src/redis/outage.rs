//! Says once that the store is down, and once that it is back.

use std::sync::atomic::{AtomicBool, Ordering};

use redis::{ErrorKind, RedisError};

/// Whether the last attempt failed.
#[derive(Debug, Default)]
pub(super) struct Outage {
    is_down: AtomicBool,
}

impl Outage {
    pub(super) fn began(&self, error: &RedisError) {
        if !self.is_down.swap(true, Ordering::Relaxed) {
            tracing::error!(%error, remedy = remedy(error), "messages are refused: Redis does not take them");
        }
    }

    pub(super) fn is_over(&self) {
        // Read first: this is asked for every batch.
        if self.is_down.load(Ordering::Relaxed) && self.is_down.swap(false, Ordering::Relaxed) {
            tracing::info!("Redis takes messages again");
        }
    }
}

/// What helps against it; the store goes on by itself afterwards.
fn remedy(error: &RedisError) -> &'static str {
    match (error.kind(), error.code()) {
        (_, Some("OOM")) => "give Redis more memory (maxmemory), or keep less",
        (_, Some("MISCONF")) => "see to the disk of Redis",
        (_, Some("NOAUTH" | "WRONGPASS" | "NOPERM")) | (ErrorKind::AuthenticationFailed, _) => {
            "see to user, password and rights in --history"
        }
        _ => "see to Redis and the network; the server connects again by itself",
    }
}
