//! The one task that appends: store first, then the tapes, then the acks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::queue::{Item, Publish, PublishError, Queue, Receipt};
use crate::room::Room;
use crate::session::Sink;
use crate::store::{Append, Appended, Store, StoreError};

/// Runs until the queue is closed and empty.
///
/// What came while the last batch was being stored is the next batch (group
/// commit).
pub(crate) async fn write<S: Sink>(
    queue: Arc<Queue<S>>,
    store: Arc<dyn Store>,
    batch_max: usize,
    stored: Arc<AtomicU64>,
) {
    while let Some(items) = queue.take(batch_max).await {
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
    match store.append(appends).await {
        Ok(appended) => finish(batch, appended),
        Err(error) => {
            refuse(batch, &error);
            0
        }
    }
}

fn finish<S: Sink>(batch: Vec<Publish<S>>, appended: Vec<Appended>) -> u64 {
    assert_eq!(batch.len(), appended.len(), "a store answers one for one");
    let mut rooms: Vec<Arc<Room<S>>> = Vec::new();
    let mut replies = Vec::with_capacity(batch.len());
    let mut fresh = 0;
    for (publish, appended) in batch.into_iter().zip(appended) {
        let receipt = match appended {
            Appended::Fresh { epoch, message } => {
                publish.room.deliver(&message);
                fresh += 1;
                Receipt { offset: message.offset, epoch, time: message.time, repeat: false }
            }
            Appended::Repeat { epoch, offset, time } => Receipt { offset, epoch, time, repeat: true },
        };
        replies.push((Arc::clone(&publish.room), publish.reply, receipt));
        if rooms.last().is_none_or(|last| !Arc::ptr_eq(last, &publish.room)) {
            rooms.push(publish.room);
        }
    }
    for (room, reply, receipt) in replies {
        if let Some(session) = reply.send(Ok(receipt)) {
            room.answer(session);
        }
    }
    for room in rooms {
        room.wake();
    }
    fresh
}

fn refuse<S: Sink>(batch: Vec<Publish<S>>, error: &StoreError) {
    tracing::error!(%error, messages = batch.len(), "messages were refused: the history did not take them");
    for publish in batch {
        if let Some(session) = publish.reply.send(Err(PublishError::Store(error.clone()))) {
            session.flush();
        }
    }
}
