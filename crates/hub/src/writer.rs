//! The one task that appends: store first, then the tapes, then the acks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::follow::Follower;
use crate::queue::{Item, Publish, PublishError, Queue, Receipt, Reply};
use crate::refusals::Refusals;
use crate::room::{Delivered, Room};
use crate::session::Sink;
use crate::store::{Append, Appended, DedupKey, StoreError};

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
    let mut refusals = Refusals::new(follower.limits());
    let gather_max = follower.store().gather_max();
    while let Some(items) = queue.take(batch_max).await {
        let is_small = (2..WORTHWHILE_BATCH).contains(&items.len());
        let mut batch = Vec::with_capacity(items.len());
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

/// Who waits for an answer, while the store has the message.
struct Publisher<S> {
    room: Arc<Room<S>>,
    dedup: Option<DedupKey>,
    reply: Reply<S>,
}

/// Returns how many messages are new.
async fn append<S: Sink>(follower: &Follower<S>, refusals: &mut Refusals, batch: Vec<Publish<S>>) -> u64 {
    let mut held_back = Vec::new();
    let mut appends = Vec::with_capacity(batch.len());
    let mut publishers = Vec::with_capacity(batch.len());
    for Publish { room, draft, dedup, reply } in batch {
        if refusals.holds_back(room.name(), dedup.as_ref()) {
            held_back.push(Publisher { room, dedup, reply });
        } else {
            appends.push(Append { room: room.name().clone(), known: room.position(), draft, dedup: dedup.clone() });
            publishers.push(Publisher { room, dedup, reply });
        }
    }
    if !held_back.is_empty() {
        let refused = held_back.iter().map(|_| Err(StoreError::Down)).collect();
        finish(follower, held_back, refused).await;
    }
    let appended = follower.store().append(appends).await;
    for (publisher, appended) in publishers.iter().zip(&appended) {
        if appended.is_err()
            && let Some(key) = &publisher.dedup
        {
            refusals.note(publisher.room.name(), key);
        }
    }
    // What others stored before goes before.
    follower.absorb();
    finish(follower, publishers, appended).await
}

async fn finish<S: Sink>(
    follower: &Follower<S>,
    publishers: Vec<Publisher<S>>,
    appended: Vec<Result<Appended, StoreError>>,
) -> u64 {
    assert_eq!(publishers.len(), appended.len(), "a store answers one for one");
    let mut fresh = 0;
    let mut results = Vec::with_capacity(appended.len());
    let mut lacking = Vec::new();
    for (Publisher { room, .. }, appended) in publishers.iter().zip(appended) {
        results.push(match appended {
            Ok(Appended::Fresh { epoch, message }) => {
                if room.deliver(epoch, &message) == Delivered::Ahead {
                    lacking.push((Arc::clone(room), message.offset));
                }
                fresh += 1;
                Ok(Receipt { offset: message.offset, epoch, time: message.time, repeat: false })
            }
            Ok(Appended::Repeat { epoch, offset, time }) => {
                // Another node may have stored it a moment ago.
                if room.lacks(offset) {
                    lacking.push((Arc::clone(room), offset));
                }
                Ok(Receipt { offset, epoch, time, repeat: true })
            }
            // Why is the store's to say, once and not a message.
            Err(error) => Err(PublishError::Store(error)),
        });
    }
    follower.follow_on(publishers.iter().map(|publisher| &publisher.room));
    if !lacking.is_empty() {
        follower.fill_all(lacking).await;
        for (Publisher { room, .. }, result) in publishers.iter().zip(&mut results) {
            // Nobody is told of a message that its own room has not been given: it is said again, and stored once.
            if result.as_ref().is_ok_and(|receipt| room.lacks(receipt.offset)) {
                *result = Err(PublishError::Store(StoreError::Down));
            }
        }
    }
    answer(publishers, results);
    fresh
}

fn answer<S: Sink>(publishers: Vec<Publisher<S>>, results: Vec<Result<Receipt, PublishError>>) {
    let mut answers = publishers.into_iter().zip(results).peekable();
    while let Some((Publisher { room, reply, .. }, result)) = answers.next() {
        if let Some(session) = reply.send(result) {
            room.answer(session);
        }
        // Once for all of its messages that stand together.
        if answers.peek().is_none_or(|(next, _)| !Arc::ptr_eq(&room, &next.room)) {
            room.wake();
        }
    }
}
