//! The messages of one room.

use std::collections::VecDeque;
use std::sync::Arc;

use hub::{Appended, DedupKey, Draft, Epoch, Head, Message, Offset, Position, Timestamp};
use tokio::time::Instant;

use super::MemoryLimits;
use super::dedup::{Dedup, First};

/// What a message costs beside its own bytes: its record, its place in the
/// queue, its allocations. Estimated from the sizes of the types.
const OVERHEAD_BYTES: usize = 192;

#[derive(Debug)]
pub(super) struct StoredRoom {
    epoch: Epoch,
    head: Offset,
    time: Timestamp,
    messages: VecDeque<Arc<Message>>,
    bytes: usize,
    dedup: Dedup,
    used_at: Instant,
}

impl StoredRoom {
    /// A room that goes on from where the hub saw it.
    pub(super) fn new(known: Position, now: Instant) -> Self {
        Self {
            epoch: known.epoch,
            head: known.offset,
            time: Timestamp(0),
            messages: VecDeque::new(),
            bytes: 0,
            dedup: Dedup::default(),
            used_at: now,
        }
    }

    pub(super) fn append(
        &mut self,
        draft: Draft,
        dedup: Option<DedupKey>,
        time: Timestamp,
        now: Instant,
        limits: &MemoryLimits,
    ) -> Appended {
        self.used_at = now;
        if let Some(key) = &dedup
            && let Some(First { offset, time }) = self.dedup.find(key, now, limits.dedup_window)
        {
            return Appended::Repeat { epoch: self.epoch, offset, time };
        }
        self.head = self.head.next();
        self.time = self.time.max(time);
        let message = Arc::new(Message { offset: self.head, time: self.time, draft });
        if let Some(key) = dedup {
            let first = First { offset: self.head, time: self.time };
            self.dedup.insert(key, first, now, limits.dedup_window, limits.dedup_max_ids);
        }
        self.bytes += cost(&message);
        self.messages.push_back(Arc::clone(&message));
        self.trim(limits);
        Appended::Fresh { epoch: self.epoch, message }
    }

    /// Forgets the messages, not where the room stands.
    pub(super) fn clear(&mut self, now: Instant) {
        self.used_at = now;
        self.messages.clear();
        self.bytes = 0;
    }

    /// The newest message is held whatever its size.
    fn trim(&mut self, limits: &MemoryLimits) {
        while self.messages.len() > 1
            && (self.messages.len() > limits.room_max_messages || self.bytes > limits.room_max_bytes)
        {
            if let Some(oldest) = self.messages.pop_front() {
                self.bytes -= cost(&oldest);
            }
        }
    }

    pub(super) fn head(&self) -> Head {
        let first_held = self.messages.front().map_or(self.head.next(), |oldest| oldest.offset);
        Head { epoch: self.epoch, offset: self.head, first_held }
    }

    pub(super) fn read(&mut self, after: Offset, limit: usize, now: Instant) -> Vec<Arc<Message>> {
        self.used_at = now;
        let first_held = self.head().first_held;
        let skip = usize::try_from(after.next().0.saturating_sub(first_held.0)).unwrap_or(usize::MAX);
        self.messages.iter().skip(skip).take(limit).cloned().collect()
    }

    /// Forgets retries that nobody will make any more.
    pub(super) fn expire(&mut self, now: Instant, limits: &MemoryLimits) {
        self.dedup.expire(now, limits.dedup_window);
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes + self.dedup.bytes()
    }

    pub(super) fn used_at(&self) -> Instant {
        self.used_at
    }
}

fn cost(message: &Message) -> usize {
    message.draft.len() + OVERHEAD_BYTES
}
