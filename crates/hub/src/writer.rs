//! The one task that appends: store first, then the tapes, then the acks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::queue::{Item, Publish, PublishError, Queue, Receipt};
use crate::room::Room;
use crate::session::Sink;
use crate::store::{Append, Appended, Store, StoreError};

/// A batch of so many costs a message hardly more than a larger one does: no
/// more are waited for.
const WORTHWHILE_BATCH: usize = 64;

/// Runs until the queue is closed and empty.
///
/// What came while the last batch was being stored is the next batch (group
/// commit). Where several came, more are coming, and a store that gains by it
/// is given a moment's worth of them at once.
pub(crate) async fn write<S: Sink>(
    queue: Arc<Queue<S>>,
    store: Arc<dyn Store>,
    batch_max: usize,
    stored: Arc<AtomicU64>,
) {
    let gather_max = store.gather_max();
    while let Some(items) = queue.take(batch_max).await {
        let is_small = (2..WORTHWHILE_BATCH).contains(&items.len());
        let mut batch = Vec::new();
        let mut barriers = Vec::new();
        for item in items {
            match item {
                Item::Publish(publish) => batch.push(*publish),
                // It may be told later than it asks, never earlier.
                Item::Barrier(tx) => barriers.push(tx),
            }
        }
        if !batch.is_empty() {
            // Once a batch: this counter costs a message nothing.
            stored.fetch_add(append(store.as_ref(), batch).await, Ordering::Relaxed);
        }
        for barrier in barriers {
            // The one who waited may have gone away.
            barrier.send(()).ok();
        }
        if is_small && !gather_max.is_zero() && queue.waiting() < WORTHWHILE_BATCH {
            // More are coming, and a store that asks for it takes them at a lower price together.
            tokio::time::sleep(gather_max).await;
        }
    }
}

/// Returns how many messages are new.
async fn append<S: Sink>(store: &dyn Store, batch: Vec<Publish<S>>) -> u64 {
    let appends = batch
        .iter()
        .map(|publish| Append {
            room: publish.room.name().clone(),
            known: publish.room.position(),
            draft: publish.draft.clone(),
            dedup: publish.dedup.clone(),
        })
        .collect();
    finish(batch, store.append(appends).await)
}

fn finish<S: Sink>(batch: Vec<Publish<S>>, appended: Vec<Result<Appended, StoreError>>) -> u64 {
    assert_eq!(batch.len(), appended.len(), "a store answers one for one");
    let mut rooms: Vec<Arc<Room<S>>> = Vec::new();
    let mut replies = Vec::with_capacity(batch.len());
    let mut fresh = 0;
    for (publish, appended) in batch.into_iter().zip(appended) {
        let result = match appended {
            Ok(Appended::Fresh { epoch, message }) => {
                publish.room.deliver(&message);
                fresh += 1;
                Ok(Receipt { offset: message.offset, epoch, time: message.time, repeat: false })
            }
            Ok(Appended::Repeat { epoch, offset, time }) => Ok(Receipt { offset, epoch, time, repeat: true }),
            // Why is the store's to say, once and not a message.
            Err(error) => Err(PublishError::Store(error)),
        };
        replies.push((Arc::clone(&publish.room), publish.reply, result));
        if rooms.last().is_none_or(|last| !Arc::ptr_eq(last, &publish.room)) {
            rooms.push(publish.room);
        }
    }
    for (room, reply, result) in replies {
        if let Some(session) = reply.send(result) {
            room.answer(session);
        }
    }
    for room in rooms {
        room.wake();
    }
    fresh
}
