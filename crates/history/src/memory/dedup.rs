//! Which messages were stored before, under which key.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use hub::{DedupKey, Offset, Timestamp};
use tokio::time::Instant;

/// What a key costs beside its texts: its places in the map and the queue.
/// Estimated from the sizes of the types.
const OVERHEAD_BYTES: usize = 160;

/// Where the message of a key stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct First {
    pub(super) offset: Offset,
    pub(super) time: Timestamp,
}

#[derive(Debug, Default)]
pub(super) struct Dedup {
    known: HashMap<DedupKey, First>,
    /// Oldest first.
    order: VecDeque<(Instant, DedupKey)>,
    bytes: usize,
}

impl Dedup {
    pub(super) fn find(&mut self, key: &DedupKey, now: Instant, window: Duration) -> Option<First> {
        self.expire(now, window);
        self.known.get(key).copied()
    }

    /// `key` is not known yet.
    pub(super) fn insert(&mut self, key: DedupKey, first: First, now: Instant, window: Duration, max_ids: usize) {
        self.expire(now, window);
        if self.order.len() >= max_ids {
            self.forget_oldest();
        }
        self.bytes += cost(&key);
        self.known.insert(key.clone(), first);
        self.order.push_back((now, key));
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn expire(&mut self, now: Instant, window: Duration) {
        while self.order.front().is_some_and(|(at, _)| now.duration_since(*at) >= window) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((_, key)) = self.order.pop_front() {
            self.bytes -= cost(&key);
            self.known.remove(&key);
        }
    }
}

fn cost(key: &DedupKey) -> usize {
    key.session.len() + key.id.len() + OVERHEAD_BYTES
}
