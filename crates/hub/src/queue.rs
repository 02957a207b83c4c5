//! The bounded queue between those who publish and the one who stores.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use thiserror::Error;
use tokio::sync::{Notify, oneshot};
use tokio::task::yield_now;

use crate::leave::Leave;
use crate::message::{Draft, Epoch, Offset, Timestamp};
use crate::room::Room;
use crate::session::{Session, Sink};
use crate::store::{DedupKey, StoreError};

/// A message on its way to the store.
#[derive(Debug)]
pub(crate) struct Publish<S> {
    pub(crate) room: Arc<Room<S>>,
    pub(crate) draft: Draft,
    pub(crate) dedup: Option<DedupKey>,
    pub(crate) reply: Reply<S>,
}

/// Says that a message is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// Its place.
    pub offset: Offset,
    /// The room's life.
    pub epoch: Epoch,
    /// When it was stored.
    pub time: Timestamp,
    /// It had been stored before, under the same key.
    pub repeat: bool,
}

/// Why a message was not stored.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PublishError {
    /// Larger than any reader could be given.
    #[error("the message has {bytes} bytes, {bytes_max} are allowed")]
    TooLarge {
        /// What it has.
        bytes: usize,
        /// What it may have.
        bytes_max: usize,
    },
    /// Too many messages wait for the store.
    #[error("too many messages wait to be stored")]
    Overloaded,
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Writes the answer to a publisher as a frame of its door.
pub type EncodeReply = Box<dyn FnOnce(Result<Receipt, PublishError>) -> Option<Bytes> + Send>;

/// Who is told what became of a message.
pub enum Reply<S> {
    /// A session that is not told of success and cannot be told of failure:
    /// it ends then.
    OrLeave(Arc<Session<S>>),
    /// A session, in its own language.
    To(Arc<Session<S>>, EncodeReply),
    /// A task.
    Once(oneshot::Sender<Result<Receipt, PublishError>>),
}

impl<S> fmt::Debug for Reply<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OrLeave(_) => "OrLeave",
            Self::To(..) => "To",
            Self::Once(_) => "Once",
        })
    }
}

impl<S: Sink> Reply<S> {
    /// Answers; a session that got something is returned, to be flushed.
    pub(crate) fn send(self, result: Result<Receipt, PublishError>) -> Option<Arc<Session<S>>> {
        match self {
            Self::OrLeave(session) => {
                if result.is_err() {
                    session.end(Leave::StoreDown);
                }
                None
            }
            Self::To(session, encode) => {
                session.push(encode(result)?);
                Some(session)
            }
            Self::Once(tx) => {
                // The one who asked may have gone away; its message is stored all the same.
                tx.send(result).ok();
                None
            }
        }
    }
}

/// What the writer takes from the queue, in order.
#[derive(Debug)]
pub(crate) enum Item<S> {
    Publish(Box<Publish<S>>),
    /// Told when everything before it is stored and on the tapes.
    Barrier(oneshot::Sender<()>),
}

/// The queue itself.
#[derive(Debug)]
pub(crate) struct Queue<S> {
    state: Mutex<State<S>>,
    filled: Notify,
    half_empty: Notify,
    messages_max: usize,
    bytes_max: usize,
}

#[derive(Debug)]
struct State<S> {
    items: VecDeque<Item<S>>,
    messages: usize,
    bytes: usize,
    /// Set when a bound is hit, until half of it is free again.
    is_full: bool,
    is_closed: bool,
}

impl<S: Sink> Queue<S> {
    pub(crate) fn new(messages_max: usize, bytes_max: usize) -> Self {
        let state = State { items: VecDeque::new(), messages: 0, bytes: 0, is_full: false, is_closed: false };
        Self { state: Mutex::new(state), filled: Notify::new(), half_empty: Notify::new(), messages_max, bytes_max }
    }

    /// Queues the message; waits while the queue is full.
    pub(crate) async fn push(&self, publish: Publish<S>) {
        let mut publish = Box::new(publish);
        loop {
            let half_empty = self.half_empty.notified();
            match self.try_push(publish) {
                Ok(()) => return,
                Err(refused) => publish = refused,
            }
            half_empty.await;
        }
    }

    /// Queues the message, or gives it back when the queue is full.
    pub(crate) fn try_push(&self, publish: Box<Publish<S>>) -> Result<(), Box<Publish<S>>> {
        let bytes = publish.draft.len();
        let mut state = self.state.lock();
        // An empty queue lets one message in, whatever its size.
        let fits = state.messages < self.messages_max && state.bytes + bytes <= self.bytes_max;
        if state.is_full || !fits && state.messages > 0 {
            state.is_full = true;
            return Err(publish);
        }
        state.messages += 1;
        state.bytes += bytes;
        state.items.push_back(Item::Publish(publish));
        drop(state);
        self.filled.notify_one();
        Ok(())
    }

    /// Waits until everything queued so far is stored and on the tapes.
    pub(crate) async fn barrier(&self) {
        let (tx, rx) = oneshot::channel();
        {
            let mut state = self.state.lock();
            if state.is_closed {
                return;
            }
            state.items.push_back(Item::Barrier(tx));
        }
        self.filled.notify_one();
        rx.await.ok();
    }

    /// Takes up to `count` items; waits for the first, and then until all who
    /// are ready to publish have done so. `None` when the queue was closed.
    pub(crate) async fn take(&self, count: usize) -> Option<Vec<Item<S>>> {
        loop {
            let (is_empty, is_closed) = {
                let state = self.state.lock();
                (state.items.is_empty(), state.is_closed)
            };
            if !is_empty {
                yield_now().await;
                return Some(self.take_from(&mut self.state.lock(), count));
            }
            if is_closed {
                return None;
            }
            self.filled.notified().await;
        }
    }

    /// Messages that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.state.lock().messages
    }

    fn take_from(&self, state: &mut State<S>, count: usize) -> Vec<Item<S>> {
        let count = count.min(state.items.len());
        let items: Vec<_> = state.items.drain(..count).collect();
        for item in &items {
            if let Item::Publish(publish) = item {
                state.messages -= 1;
                state.bytes -= publish.draft.len();
            }
        }
        if state.is_full && state.messages <= self.messages_max / 2 && state.bytes <= self.bytes_max / 2 {
            state.is_full = false;
            self.half_empty.notify_waiters();
        }
        items
    }

    /// Lets the writer end once the queue is empty.
    pub(crate) fn close(&self) {
        self.state.lock().is_closed = true;
        self.filled.notify_one();
    }
}
