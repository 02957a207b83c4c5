//! All rooms, and the way into them.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use thiserror::Error;
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::Instant;

use crate::catch_up::CatchUp;
use crate::follow::Follower;
use crate::format::{Format, Formats};
use crate::limits::HubLimits;
use crate::message::{Draft, Epoch, Message, Offset, Position};
use crate::name::{PersonName, RoomName};
use crate::pump::pump;
use crate::queue::{Publish, PublishError, Queue, Receipt, Reply};
use crate::room::{Entry, Room};
use crate::session::{MembershipId, Session, Sink};
use crate::store::{DedupKey, Head, Store, StoreError};
use crate::tails::cut_tails;
use crate::tape_space::TapeSpace;
use crate::writer;

/// When there are too many rooms, unused ones are looked for this often at
/// most. Chosen: what a look at all of them costs is little beside that.
const SWEEP_INTERVAL: Duration = Duration::from_millis(100);

/// References to a room that nobody uses: the map holds one and the pump the
/// other. Any more belongs to a seat, a queued message, or somebody who is
/// about to enter. With the map locked nobody can get a new one.
const UNUSED_COUNT: usize = 2;

/// The relay core: all rooms over one store.
pub struct Hub<S> {
    rooms: Mutex<HashMap<RoomName, Arc<Room<S>>>>,
    /// See [`SWEEP_INTERVAL`].
    swept_at: Mutex<Option<Instant>>,
    store: Arc<dyn Store>,
    formats: Formats,
    limits: Arc<HubLimits>,
    queue: Arc<Queue<S>>,
    follower: Arc<Follower<S>>,
    following: AbortHandle,
    space: Arc<TapeSpace>,
    /// Gone once it was waited for.
    writer: Mutex<Option<JoinHandle<()>>>,
    stored: Arc<AtomicU64>,
    memberships: AtomicU64,
    me: Weak<Self>,
}

/// How a session enters a room.
#[derive(Debug)]
pub struct Join {
    /// Under which name.
    pub name: PersonName,
    /// In which format it is written to.
    pub format: Format,
    /// From where.
    pub since: Since,
    /// How many stored messages it is given when it has no position that
    /// holds.
    pub history: u64,
}

/// From where a member wants to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// From here on; nothing that was said before.
    Live,
    /// The last few messages, then from here on.
    Latest,
    /// All after a position, then from here on.
    After(Position),
    /// It had a position that means nothing to us.
    Unknown,
}

/// What a new member is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Welcome {
    /// The room's life.
    pub epoch: Epoch,
    /// The stream goes on with the message after this one.
    pub offset: Offset,
    /// The newest message.
    pub head: Offset,
    /// How many members there are, this one included.
    pub members: usize,
    /// To a member that brought a position: whether it is given all that it
    /// missed.
    pub recovered: Option<bool>,
}

/// Part of a room's messages, read without joining.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The room's life.
    pub epoch: Epoch,
    /// The newest message.
    pub head: Offset,
    /// To a reader that brought a position: whether these are the messages
    /// right after it.
    pub recovered: Option<bool>,
    /// In their order.
    pub messages: Vec<Arc<Message>>,
}

/// A place in a room; given up when it is dropped.
pub struct Seat<S: Sink> {
    room: Arc<Room<S>>,
    session: Arc<Session<S>>,
    id: MembershipId,
}

/// Why a room was not opened.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RoomError {
    /// The hub holds as many rooms as it may, and all are used.
    #[error("there are {rooms_max} rooms already")]
    TooMany {
        /// That many.
        rooms_max: usize,
    },
    /// The one who asks has opened too many new rooms.
    #[error("too many new rooms in a short time")]
    NotAdmitted,
    /// The store was asked in vain.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl<S: Sink> Hub<S> {
    /// Starts a hub; its writer runs until [`close`](Self::close).
    #[must_use]
    pub fn start(store: Arc<dyn Store>, formats: Formats, limits: Arc<HubLimits>) -> Arc<Self> {
        let queue = Arc::new(Queue::new(limits.queue_max_messages, limits.queue_max_bytes));
        let stored = Arc::default();
        let written = Arc::clone(&stored);
        let follower = Arc::new(Follower::new(Arc::clone(&store), Arc::clone(&limits)));
        let following = tokio::spawn(Arc::clone(&follower).run()).abort_handle();
        let writing = writer::write(Arc::clone(&queue), Arc::clone(&follower), limits.batch_max_messages, written);
        let writer = Mutex::new(Some(tokio::spawn(writing)));
        let space = Arc::new(TapeSpace::new(limits.tapes_max_bytes));
        Arc::new_cyclic(|me| {
            tokio::spawn(cut_tails(Weak::clone(me), Arc::clone(&space)));
            Self {
                rooms: Mutex::default(),
                swept_at: Mutex::default(),
                store,
                formats,
                limits,
                queue,
                follower,
                following,
                space,
                writer,
                stored,
                memberships: AtomicU64::new(0),
                me: Weak::clone(me),
            }
        })
    }

    /// The bounds it was started with.
    pub fn limits(&self) -> &Arc<HubLimits> {
        &self.limits
    }

    /// The history beneath.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Opens a room; `admit` is asked whether one may be opened of which
    /// nothing is in memory or stored. Opening a room stores nothing.
    ///
    /// # Errors
    ///
    /// When there are too many rooms, `admit` says no, or the store does not
    /// answer.
    pub async fn room(&self, name: &RoomName, admit: impl FnOnce() -> bool) -> Result<Arc<Room<S>>, RoomError> {
        if let Some(room) = self.rooms.lock().get(name) {
            return Ok(Arc::clone(room));
        }
        let head = self.store.head(name).await?;
        if head.is_none() && !admit() {
            return Err(RoomError::NotAdmitted);
        }
        // Where nothing is stored, the nodes over one store agree on an epoch.
        let epoch = match head {
            Some(head) => head.epoch,
            None => self.follower.epoch_of_new(name).await?,
        };
        self.insert(name, head.unwrap_or(Head { epoch, offset: Offset(0), first_held: Offset(1) }))
    }

    fn insert(&self, name: &RoomName, head: Head) -> Result<Arc<Room<S>>, RoomError> {
        let mut rooms = self.rooms.lock();
        // Another task may have opened it meanwhile. While it is in memory the head that it counts is the right one, and
        // while it is not, nobody at this node can publish into it: a head read just before is still true, and what
        // another node stores is seen before somebody enters.
        if let Some(room) = rooms.get(name) {
            return Ok(Arc::clone(room));
        }
        if rooms.len() >= self.limits.rooms_max {
            self.make_place(&mut rooms);
        }
        if rooms.len() >= self.limits.rooms_max {
            return Err(RoomError::TooMany { rooms_max: self.limits.rooms_max });
        }
        let (limits, space) = (Arc::clone(&self.limits), Arc::clone(&self.space));
        let room = Arc::new(Room::new(name.clone(), head, self.formats.clone(), limits, space));
        rooms.insert(name.clone(), Arc::clone(&room));
        let hub = Weak::clone(&self.me);
        let forget = move |room: &Arc<Room<S>>| hub.upgrade().is_none_or(|hub| hub.forget(room));
        tokio::spawn(pump(Arc::clone(&room), forget));
        Ok(room)
    }

    /// Lets go of all rooms that nobody uses. That looks at every room, so it
    /// is done once in [`SWEEP_INTERVAL`] at most.
    fn make_place(&self, rooms: &mut HashMap<RoomName, Arc<Room<S>>>) {
        let now = Instant::now();
        let mut swept_at = self.swept_at.lock();
        if swept_at.is_some_and(|swept_at| now.duration_since(swept_at) < SWEEP_INTERVAL) {
            return;
        }
        *swept_at = Some(now);
        rooms.retain(|_, room| {
            let is_used = Arc::strong_count(room) > UNUSED_COUNT;
            if !is_used {
                room.retire();
            }
            is_used
        });
    }

    /// Lets go of a room that nobody uses.
    fn forget(&self, room: &Arc<Room<S>>) -> bool {
        let mut rooms = self.rooms.lock();
        if Arc::strong_count(room) > UNUSED_COUNT {
            return false;
        }
        // It may have been let go already, and another be open under its name.
        if rooms.get(room.name()).is_some_and(|held| Arc::ptr_eq(held, room)) {
            rooms.remove(room.name());
        }
        true
    }

    /// How many rooms are in memory.
    pub fn rooms_in_memory(&self) -> usize {
        self.rooms.lock().len()
    }

    /// Bytes that are held for members who have still to be written to.
    pub fn tape_bytes(&self) -> u64 {
        self.space.held_bytes()
    }

    /// The sessions of all members of all rooms, one of several rooms once for
    /// each.
    pub(crate) fn sessions(&self) -> Vec<Arc<Session<S>>> {
        let rooms: Vec<Arc<Room<S>>> = self.rooms.lock().values().map(Arc::clone).collect();
        rooms.iter().flat_map(|room| room.sessions()).collect()
    }

    /// Messages that were stored since the start, repeats not counted.
    pub fn messages_stored(&self) -> u64 {
        self.stored.load(Ordering::Relaxed)
    }

    /// Seats a session in a room. What `welcome` returns is sent to it first;
    /// then what it missed, then what is said from here on.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn join(
        &self,
        room: &Arc<Room<S>>,
        session: &Arc<Session<S>>,
        join: Join,
        welcome: impl FnOnce(&Welcome) -> Option<Bytes> + Send,
    ) -> Result<Seat<S>, StoreError> {
        self.follower.enter(room).await?;
        let oldest_start = match join.since {
            Since::Live => Offset(0),
            Since::Latest | Since::After(_) | Since::Unknown => self.oldest_start(room).await?,
        };
        let id = MembershipId(self.memberships.fetch_add(1, Ordering::Relaxed));
        let mut start = None;
        let format = join.format;
        room.enter(id, session, join.name.clone(), format, |entry, cursor| {
            let told = plan(entry, join.since, join.history, oldest_start);
            if let Some(frame) = welcome(&told) {
                session.push(frame);
            }
            session.add_membership(id, cursor, told.offset == told.head);
            start = Some(told);
        });
        let seat = Seat { room: Arc::clone(room), session: Arc::clone(session), id };
        if let Some(told) = start.filter(|told| told.offset < told.head) {
            let catch_up = CatchUp {
                store: Arc::clone(&self.store),
                formats: self.formats.clone(),
                room: Arc::clone(room),
                session: Arc::clone(session),
                membership: id,
                format,
                epoch: told.epoch,
                after: told.offset,
                until: told.head,
            };
            tokio::spawn(catch_up.run());
        }
        session.flush();
        Ok(seat)
    }

    /// The message before the oldest one that can be read.
    async fn oldest_start(&self, room: &Arc<Room<S>>) -> Result<Offset, StoreError> {
        // Read before the store is asked: where it holds nothing, it holds all that comes after this.
        let head = room.head();
        let Some(stored) = self.store.head(room.name()).await? else { return Ok(head) };
        self.follower.see(room, Position { offset: stored.offset, epoch: stored.epoch }).await?;
        Ok(stored.first_held.back(1))
    }

    /// Reads up to `limit` messages: those after the position where it holds,
    /// else the latest. Joins nobody.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn read(&self, room: &Arc<Room<S>>, since: Since, limit: usize) -> Result<Reading, StoreError> {
        let oldest_start = self.oldest_start(room).await?;
        let Position { offset: head, epoch } = room.position();
        let entry = Entry { epoch, head, members: room.members() };
        let told = plan(entry, since, limit as u64, oldest_start);
        let mut messages = self.store.read(room.name(), told.offset, limit).await?.messages;
        // The store may be ahead of the room by what is not on the tapes yet, and retention may have gone on.
        messages.retain(|message| message.offset <= told.head);
        let has_gap = messages.first().is_some_and(|first| first.offset != told.offset.next());
        let recovered = told.recovered.map(|recovered| recovered && !has_gap);
        Ok(Reading { epoch: told.epoch, head: told.head, recovered, messages })
    }

    /// Publishes; waits while too many messages wait for the store, so that
    /// the publisher's socket is not read meanwhile.
    pub async fn publish(&self, room: &Arc<Room<S>>, draft: Draft, dedup: Option<DedupKey>, reply: Reply<S>) {
        if let Err(error) = self.check_size(&draft) {
            if let Some(session) = reply.send(Err(error)) {
                session.flush();
            }
            return;
        }
        self.queue.push(Publish { room: Arc::clone(room), draft, dedup, reply }).await;
    }

    /// Publishes and waits until the message is stored.
    ///
    /// # Errors
    ///
    /// At once when too many messages wait for the store; when the message is
    /// too large, or the store does not take it.
    pub async fn publish_or_refuse(
        &self,
        room: &Arc<Room<S>>,
        draft: Draft,
        dedup: Option<DedupKey>,
    ) -> Result<Receipt, PublishError> {
        self.check_size(&draft)?;
        let (tx, rx) = oneshot::channel();
        let publish = Publish { room: Arc::clone(room), draft, dedup, reply: Reply::Once(tx) };
        self.queue.try_push(Box::new(publish)).map_err(|_| PublishError::Overloaded)?;
        rx.await.unwrap_or(Err(PublishError::Store(StoreError::Down)))
    }

    fn check_size(&self, draft: &Draft) -> Result<(), PublishError> {
        let (bytes, bytes_max) = (draft.body.len(), self.limits.message_max_bytes);
        if bytes > bytes_max { Err(PublishError::TooLarge { bytes, bytes_max }) } else { Ok(()) }
    }

    /// Waits until everything published so far is stored and on the tapes.
    pub async fn settle(&self) {
        self.queue.barrier().await;
    }

    /// Takes no more messages; waits until those under way are stored, and the
    /// store is closed.
    pub async fn close(&self) {
        self.following.abort();
        self.queue.close();
        let writer = self.writer.lock().take();
        if let Some(writer) = writer {
            // A panic of the writer has been reported where it happened.
            writer.await.ok();
        }
        self.store.close().await;
    }
}

/// Where a new member's stream begins, and what it is told of that.
fn plan(entry: Entry, since: Since, history: u64, oldest_start: Offset) -> Welcome {
    let Entry { epoch, head, members } = entry;
    let latest = head.back(history).max(oldest_start).min(head);
    let (offset, recovered) = match since {
        Since::Live => (head, None),
        Since::Latest => (latest, None),
        Since::Unknown => (latest, Some(false)),
        Since::After(position) => {
            let is_held = position.epoch == epoch && (oldest_start..=head).contains(&position.offset);
            if is_held { (position.offset, Some(true)) } else { (latest, Some(false)) }
        }
    };
    Welcome { epoch, offset, head, members, recovered }
}

impl<S: Sink> Seat<S> {
    /// The room it is in.
    #[must_use]
    pub fn room(&self) -> &Arc<Room<S>> {
        &self.room
    }

    /// Puts all that is on the tapes before whatever the session is sent next.
    pub fn settle(&self) {
        self.room.seal();
    }

    /// Has what is said from here on written in another format.
    pub fn reformat(&self, format: Format) {
        self.room.move_member(self.id, &self.session, format);
    }

    /// Has what is said from here on written to another session, not before
    /// [`go_on`](Self::go_on). What was said so far is still written to the
    /// old one: to its end when that [has caught
    /// up](Session::has_caught_up).
    pub fn move_to(&mut self, session: &Arc<Session<S>>, format: Format) {
        self.room.move_member(self.id, session, format);
        self.session = Arc::clone(session);
    }

    /// Has the session that it was moved to be written what was said since.
    pub fn go_on(&self) {
        self.session.make_live(self.id);
        self.session.flush();
    }
}

impl<S: Sink> Drop for Seat<S> {
    fn drop(&mut self) {
        self.room.leave(self.id);
    }
}

impl<S: Sink> fmt::Debug for Seat<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seat").field("room", self.room.name()).field("id", &self.id).finish()
    }
}

impl<S> fmt::Debug for Hub<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").finish_non_exhaustive()
    }
}
