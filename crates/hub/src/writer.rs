//! The one task that appends: store first, then the tapes, then the acks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::follow::Follower;
use crate::queue::{Item, Publish, PublishError, Queue, Receipt};
use crate::refusals::Refusals;
use crate::room::{Delivered, Room};
use crate::session::Sink;
use crate::store::{Append, Appended, StoreError};

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
    follower: Arc<Follower<S>>,
    batch_max: usize,
    stored: Arc<AtomicU64>,
) {
    let mut refusals = Refusals::default();
    let gather_max = follower.store().gather_max();
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
            stored.fetch_add(append(&follower, &mut refusals, batch).await, Ordering::Relaxed);
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
async fn append<S: Sink>(follower: &Follower<S>, refusals: &mut Refusals, batch: Vec<Publish<S>>) -> u64 {
    let (held_back, batch): (Vec<_>, Vec<_>) =
        batch.into_iter().partition(|publish| refusals.holds_back(publish.room.name(), publish.dedup.as_ref()));
    if !held_back.is_empty() {
        let refused = held_back.iter().map(|_| Err(StoreError::Down)).collect();
        finish(follower, held_back, refused).await;
    }
    let appends = batch
        .iter()
        .map(|publish| Append {
            room: publish.room.name().clone(),
            known: publish.room.position(),
            draft: publish.draft.clone(),
            dedup: publish.dedup.clone(),
        })
        .collect();
    let appended = follower.store().append(appends).await;
    for (publish, appended) in batch.iter().zip(&appended) {
        if appended.is_err()
            && let Some(key) = &publish.dedup
        {
            refusals.note(publish.room.name(), key);
        }
    }
    // What others stored before goes before.
    follower.absorb();
    finish(follower, batch, appended).await
}

async fn finish<S: Sink>(
    follower: &Follower<S>,
    batch: Vec<Publish<S>>,
    appended: Vec<Result<Appended, StoreError>>,
) -> u64 {
    assert_eq!(batch.len(), appended.len(), "a store answers one for one");
    let mut rooms: Vec<Arc<Room<S>>> = Vec::new();
    let mut replies = Vec::with_capacity(batch.len());
    let mut fresh = 0;
    let mut lacking = Vec::new();
    for (publish, appended) in batch.into_iter().zip(appended) {
        let result = match appended {
            Ok(Appended::Fresh { epoch, message }) => {
                if publish.room.deliver(epoch, &message) == Delivered::Ahead {
                    lacking.push((Arc::clone(&publish.room), message.offset));
                }
                fresh += 1;
                Ok(Receipt { offset: message.offset, epoch, time: message.time, repeat: false })
            }
            Ok(Appended::Repeat { epoch, offset, time }) => {
                // Another node may have stored it a moment ago.
                if publish.room.lacks(offset) {
                    lacking.push((Arc::clone(&publish.room), offset));
                }
                Ok(Receipt { offset, epoch, time, repeat: true })
            }
            // Why is the store's to say, once and not a message.
            Err(error) => Err(PublishError::Store(error)),
        };
        replies.push((Arc::clone(&publish.room), publish.reply, result));
        if rooms.last().is_none_or(|last| !Arc::ptr_eq(last, &publish.room)) {
            rooms.push(publish.room);
        }
    }
    follower.follow_on(&rooms);
    if !lacking.is_empty() {
        follower.fill_all(lacking).await;
        for (room, _, result) in &mut replies {
            // Nobody is told of a message that its own room has not been given: it is said again, and stored once.
            if result.as_ref().is_ok_and(|receipt| room.lacks(receipt.offset)) {
                *result = Err(PublishError::Store(StoreError::Down));
            }
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
