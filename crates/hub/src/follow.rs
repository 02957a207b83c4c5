//! Follows the rooms into which other nodes write, too.
//!
//! Offsets are dense, so a room goes by them: the next message goes onto the
//! tapes, whoever stored it; one that is ahead waits for those before it, and
//! when they do not come they are read from the store. What a silent
//! subscription hides, a comparison of positions brings up from time to time.
//!
//! A store that no other node shares has no news: then nothing here is done.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::limits::HubLimits;
use crate::message::{Epoch, Message, Offset, Position};
use crate::name::RoomName;
use crate::nodes::{Here, News, Nodes, There};
use crate::room::{Delivered, Room};
use crate::session::Sink;
use crate::store::{Store, StoreError};

/// How often it is looked whether members came or went.
const TICK: Duration = Duration::from_secs(1);
/// Rooms that are compared at once.
const COMPARED_AT_ONCE: usize = 256;

/// The rooms of one hub that have members.
pub(crate) struct Follower<S> {
    store: Arc<dyn Store>,
    limits: Arc<HubLimits>,
    /// Locked while news is put onto tapes, so that it keeps its order.
    rooms: Mutex<HashMap<RoomName, Followed<S>>>,
    /// Positions are to be compared.
    has_missed_some: AtomicBool,
}

struct Followed<S> {
    room: Weak<Room<S>>,
    /// It has seen all that was stored when it began to be followed.
    is_up: bool,
    ahead: Ahead,
    /// As the others were told.
    members_told: usize,
}

/// What came before its turn.
#[derive(Debug, Default)]
struct Ahead {
    messages: BTreeMap<Offset, (Epoch, Arc<Message>)>,
    /// The last of it, also when it was let go.
    until: Offset,
    since: Option<Instant>,
}

impl<S: Sink> Follower<S> {
    pub(crate) fn new(store: Arc<dyn Store>, limits: Arc<HubLimits>) -> Self {
        Self { store, limits, rooms: Mutex::default(), has_missed_some: AtomicBool::new(false) }
    }

    /// The other nodes that may write into a room.
    fn nodes_of(&self, room: &RoomName) -> Option<&dyn Nodes> {
        self.store.nodes().filter(|_| !room.is_memory_only())
    }

    pub(crate) fn limits(&self) -> &HubLimits {
        &self.limits
    }

    pub(crate) fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// The epoch of a room of which nothing is stored.
    pub(crate) async fn epoch_of_new(&self, room: &RoomName) -> Result<Epoch, StoreError> {
        let epoch = Epoch::random();
        let Some(nodes) = self.nodes_of(room) else { return Ok(epoch) };
        let known = Position { offset: Offset(0), epoch };
        let there = nodes.compare(&[Here { room: room.clone(), known, members: 0 }]).await.pop();
        Ok(there.unwrap_or(Err(StoreError::Down))?.position.epoch)
    }

    /// Before a member enters: from here on the room sees what others store.
    pub(crate) async fn enter(&self, room: &Arc<Room<S>>) -> Result<(), StoreError> {
        let Some(nodes) = self.nodes_of(room.name()) else { return Ok(()) };
        // It must not be let go of before the member has entered.
        room.touch();
        if self.is_up(room) {
            return Ok(());
        }
        nodes.follow(&[room.name().clone()]).await?;
        self.compare_one(nodes, room).await?;
        if let Some(followed) = self.rooms.lock().get_mut(room.name()) {
            followed.is_up = true;
        }
        Ok(())
    }

    /// Whether the room is followed; it is listed from here on.
    fn is_up(&self, room: &Arc<Room<S>>) -> bool {
        let mut rooms = self.rooms.lock();
        let is_same = rooms.get(room.name()).is_some_and(|followed| followed.room.ptr_eq(&Arc::downgrade(room)));
        if !is_same {
            let followed =
                Followed { room: Arc::downgrade(room), is_up: false, ahead: Ahead::default(), members_told: 0 };
            rooms.insert(room.name().clone(), followed);
        }
        rooms.get(room.name()).is_some_and(|followed| followed.is_up)
    }

    /// Brings a room up to where the store was seen.
    pub(crate) async fn see(&self, room: &Arc<Room<S>>, stored: Position) -> Result<(), StoreError> {
        let Some(nodes) = self.nodes_of(room.name()) else { return Ok(()) };
        // What was seen and is not held any more is lost, which the others must know before anything is said.
        if stored.epoch == room.epoch() && stored.offset < room.head() {
            return self.compare_one(nodes, room).await;
        }
        self.go_on(room, stored).await
    }

    async fn compare_one(&self, nodes: &dyn Nodes, room: &Arc<Room<S>>) -> Result<(), StoreError> {
        match nodes.compare(&[here(room)]).await.pop() {
            Some(there) => self.compared(room, there?).await,
            None => Err(StoreError::Down),
        }
    }

    async fn compared(&self, room: &Arc<Room<S>>, there: There) -> Result<(), StoreError> {
        room.tell_elsewhere(there.members);
        self.go_on(room, there.position).await
    }

    async fn go_on(&self, room: &Arc<Room<S>>, stored: Position) -> Result<(), StoreError> {
        if room.begin_anew(stored) { Ok(()) } else { self.fill(room, stored.offset).await }
    }

    /// Puts onto the tapes what is stored up to `until`.
    pub(crate) async fn fill(&self, room: &Arc<Room<S>>, until: Offset) -> Result<(), StoreError> {
        while room.lacks(until) {
            let Position { offset, epoch } = room.position();
            let page = self.store.read(room.name(), offset, self.limits.catch_up_page_messages).await?;
            // Read afterwards: these are messages of the life that we know, or it has ended.
            let head = self.store.head(room.name()).await?.ok_or(StoreError::Down)?;
            if head.epoch != epoch {
                room.begin_anew(Position { offset: head.offset, epoch: head.epoch });
                return Ok(());
            }
            let Some(first) = page.messages.first() else { return Err(StoreError::Down) };
            if first.offset > offset.next() {
                // Retention was faster: that hole cannot be filled, and a hole is never skipped.
                room.begin_behind(Position { offset: first.offset.back(1), epoch });
            }
            for message in &page.messages {
                room.deliver(epoch, message);
            }
            room.wake();
        }
        self.follow_on([room]);
        Ok(())
    }

    /// Fills several rooms, each up to the last of its offsets.
    pub(crate) async fn fill_all(&self, holes: Vec<(Arc<Room<S>>, Offset)>) {
        for (room, until) in holes {
            if let Err(error) = self.fill(&room, until).await {
                tracing::debug!(room = %room.name(), %error, "a hole cannot be filled yet");
            }
        }
    }

    /// Puts all news that came onto the tapes.
    pub(crate) fn absorb(&self) {
        let Some(nodes) = self.store.nodes() else { return };
        let mut rooms = self.rooms.lock();
        while let Some(news) = nodes.take_news() {
            match news {
                News::Missed => self.has_missed_some.store(true, Ordering::Relaxed),
                News::Stored { room, epoch, messages } => {
                    if let Some(followed) = rooms.get_mut(&room) {
                        followed.take(epoch, messages, self.limits.ahead_max_messages);
                    }
                }
            }
        }
    }

    /// Rooms have come further: what waited for that may follow.
    pub(crate) fn follow_on<'a>(&self, rooms: impl IntoIterator<Item = &'a Arc<Room<S>>>) {
        if self.store.nodes().is_none() {
            return;
        }
        let mut followed = self.rooms.lock();
        for room in rooms {
            if let Some(followed) = followed.get_mut(room.name()) {
                followed.ahead.follow_on(room);
            }
        }
    }

    /// Runs as long as the hub.
    pub(crate) async fn run(self: Arc<Self>) {
        let Some(nodes) = self.store.nodes() else { return };
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut compared_at = Instant::now();
        loop {
            let hole_at = self.first_hole_at();
            tokio::select! {
                () = nodes.news_came() => {
                    self.absorb();
                    if self.has_missed_some.swap(false, Ordering::Relaxed) {
                        self.compare(nodes, |_, _| true).await;
                    }
                }
                () = wait_until(hole_at) => self.fill_holes().await,
                _ = ticks.tick() => {
                    self.let_go(nodes).await;
                    if compared_at.elapsed() >= self.limits.compare_interval {
                        compared_at = Instant::now();
                        self.compare(nodes, |_, _| true).await;
                    } else {
                        self.compare(nodes, |followed, room| followed.members_told != room.members_here()).await;
                    }
                }
            }
        }
    }

    /// Compares those of the rooms.
    async fn compare(&self, nodes: &dyn Nodes, which: impl Fn(&Followed<S>, &Room<S>) -> bool) {
        let mut rooms = Vec::new();
        for followed in self.rooms.lock().values_mut() {
            let Some(room) = followed.room.upgrade().filter(|room| which(followed, room)) else { continue };
            followed.members_told = room.members_here();
            rooms.push(room);
        }
        for rooms in rooms.chunks(COMPARED_AT_ONCE) {
            let heres: Vec<_> = rooms.iter().map(here).collect();
            for (room, there) in rooms.iter().zip(nodes.compare(&heres).await) {
                // Where the store does not answer, the next comparison comes soon, or news that something was missed.
                if let Ok(there) = there
                    && let Err(error) = self.compared(room, there).await
                {
                    tracing::warn!(room = %room.name(), %error, "a room cannot be brought up to date");
                }
            }
        }
    }

    fn first_hole_at(&self) -> Option<Instant> {
        let rooms = self.rooms.lock();
        rooms.values().filter_map(|followed| followed.ahead.since).min().map(|since| since + self.limits.hole_patience)
    }

    async fn fill_holes(&self) {
        let mut holes = Vec::new();
        for followed in self.rooms.lock().values_mut() {
            if let Some(since) = followed.ahead.since
                && let Some(room) = followed.room.upgrade()
                && since.elapsed() >= self.limits.hole_patience
            {
                followed.ahead.since = Some(Instant::now());
                holes.push((room, followed.ahead.until));
            }
        }
        self.fill_all(holes).await;
    }

    /// Rooms without members for a while need no news.
    async fn let_go(&self, nodes: &dyn Nodes) {
        let mut quiet = Vec::new();
        self.rooms.lock().retain(|name, followed| {
            let since = followed.room.upgrade().map(|room| room.idle_since());
            let is_needed = match since {
                // Others have been told that the last one is gone.
                Some(Some(since)) => since.elapsed() < 2 * TICK || followed.members_told > 0,
                Some(None) => true,
                None => false,
            };
            if !is_needed {
                quiet.push(name.clone());
            }
            is_needed
        });
        if !quiet.is_empty() {
            nodes.unfollow(&quiet).await;
        }
    }
}

impl<S: Sink> Followed<S> {
    fn take(&mut self, epoch: Epoch, messages: Vec<Arc<Message>>, ahead_max: usize) {
        let Some(room) = self.room.upgrade() else { return };
        for message in messages {
            if room.deliver(epoch, &message) == Delivered::Ahead {
                self.ahead.put(epoch, message, ahead_max);
            }
        }
        self.ahead.follow_on(&room);
        room.wake();
    }
}

impl Ahead {
    fn put(&mut self, epoch: Epoch, message: Arc<Message>, max: usize) {
        if self.messages.len() >= max {
            // They are in the store all the same.
            self.messages.clear();
        }
        self.until = self.until.max(message.offset);
        self.since.get_or_insert_with(Instant::now);
        self.messages.insert(message.offset, (epoch, message));
    }

    fn follow_on<S: Sink>(&mut self, room: &Arc<Room<S>>) {
        if self.since.is_none() {
            return;
        }
        while let Some(entry) = self.messages.first_entry() {
            let (epoch, message) = entry.get();
            if room.deliver(*epoch, message) == Delivered::Ahead {
                break;
            }
            entry.remove();
        }
        if !room.lacks(self.until) {
            *self = Self::default();
        }
    }
}

fn here<S: Sink>(room: &Arc<Room<S>>) -> Here {
    Here { room: room.name().clone(), known: room.position(), members: room.members_here() }
}

async fn wait_until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
