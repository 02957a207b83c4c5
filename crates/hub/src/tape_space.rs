//! How much all tapes together hold for members who lag.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// Counts the bytes of all tapes that somebody has still to read.
#[derive(Debug, Default)]
pub struct TapeSpace {
    held_bytes: AtomicU64,
    max_bytes: Option<u64>,
    exceeded: Notify,
}

/// So many of these bytes, until it is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    bytes: u64,
    space: Arc<TapeSpace>,
}

impl TapeSpace {
    pub(crate) fn new(max_bytes: u64) -> Self {
        Self { max_bytes: Some(max_bytes), ..Self::default() }
    }

    pub(crate) fn held_bytes(&self) -> u64 {
        self.held_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn is_exceeded(&self) -> bool {
        self.max_bytes.is_some_and(|max| self.held_bytes() > max)
    }

    /// Waits until something was put on a tape while that was too much.
    pub(crate) async fn exceeded(&self) {
        self.exceeded.notified().await;
    }
}

impl Held {
    pub(crate) fn new(space: &Arc<TapeSpace>, bytes: u64) -> Self {
        space.held_bytes.fetch_add(bytes, Ordering::Relaxed);
        if space.is_exceeded() {
            space.exceeded.notify_one();
        }
        Self { bytes, space: Arc::clone(space) }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.space.held_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
