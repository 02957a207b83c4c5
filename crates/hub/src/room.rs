//! One room: its tapes and its members.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::format::{Event, Format, Formats, Happening};
use crate::leave::Leave;
use crate::limits::HubLimits;
use crate::message::{Epoch, Message, Offset, Position};
use crate::name::{PersonName, RoomName};
use crate::session::{MembershipId, Session, Sink};
use crate::store::Head;
use crate::tape::{Cursor, Tape};
use crate::tape_space::TapeSpace;
use crate::track::Then;

/// Room left for what an encoder adds to a message: names, times, JSON.
const ENVELOPE_BYTES: usize = 256;

/// A room in memory.
pub struct Room<S> {
    name: RoomName,
    formats: Formats,
    limits: Arc<HubLimits>,
    space: Arc<TapeSpace>,
    state: Mutex<State<S>>,
    wake: Notify,
    /// The hub has let go of it.
    is_retired: AtomicBool,
}

struct State<S> {
    epoch: Epoch,
    head: Offset,
    /// One per format that a member reads; a format that nobody reads costs nothing.
    tapes: Vec<Option<Tape>>,
    /// Members of each format.
    readers: Vec<usize>,
    members: BTreeMap<MembershipId, Member<S>>,
    /// Counts changes of `members`.
    version: u64,
    /// Something was put on a tape since the last turn.
    has_news: bool,
    /// Sessions with answers to send at the next turn.
    answered: Vec<Arc<Session<S>>>,
    presence: Presence,
    /// Members at other nodes.
    elsewhere: usize,
    idle_since: Instant,
}

struct Member<S> {
    session: Arc<Session<S>>,
    name: PersonName,
    format: Format,
}

/// Comings and goings of a large room that were not told yet.
#[derive(Debug, Default)]
struct Presence {
    told_members: usize,
    told_at: Option<Instant>,
    due: bool,
}

/// What a new member is told of the room at the moment it enters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) epoch: Epoch,
    pub(crate) head: Offset,
    pub(crate) members: usize,
}

/// What became of a message that is to be put onto the tapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivered {
    /// It is on the tapes, now or since earlier.
    Here,
    /// Some are missing before it.
    Ahead,
}

impl<S> State<S> {
    /// Members at all nodes.
    fn present(&self) -> usize {
        self.members.len() + self.elsewhere
    }

    fn begin_reading(&mut self, format: Format) {
        self.readers[format.0] += 1;
    }

    /// A format's tape has one reader less; without any it is given up.
    fn end_reading(&mut self, format: Format) {
        self.readers[format.0] -= 1;
        if self.readers[format.0] == 0 {
            self.tapes[format.0] = None;
        }
    }
}

impl<S: Sink> Room<S> {
    pub(crate) fn new(
        name: RoomName,
        head: Head,
        formats: Formats,
        limits: Arc<HubLimits>,
        space: Arc<TapeSpace>,
    ) -> Self {
        let state = State {
            epoch: head.epoch,
            head: head.offset,
            tapes: (0..formats.count()).map(|_| None).collect(),
            readers: vec![0; formats.count()],
            members: BTreeMap::new(),
            version: 0,
            has_news: false,
            answered: Vec::new(),
            presence: Presence::default(),
            elsewhere: 0,
            idle_since: Instant::now(),
        };
        Self {
            name,
            formats,
            limits,
            space,
            state: Mutex::new(state),
            wake: Notify::new(),
            is_retired: AtomicBool::new(false),
        }
    }

    /// Its name.
    pub fn name(&self) -> &RoomName {
        &self.name
    }

    /// Its life.
    pub fn epoch(&self) -> Epoch {
        self.state.lock().epoch
    }

    /// The newest message.
    pub fn head(&self) -> Offset {
        self.state.lock().head
    }

    /// Where it stands.
    pub fn position(&self) -> Position {
        let state = self.state.lock();
        Position { offset: state.head, epoch: state.epoch }
    }

    /// How many members there are, whatever their door and node.
    pub fn members(&self) -> usize {
        self.state.lock().present()
    }

    /// Those of them that are at this node.
    pub(crate) fn members_here(&self) -> usize {
        self.state.lock().members.len()
    }

    /// Seats a member. `on_entry` runs while nothing can happen in the room:
    /// what it queues for the session comes before all that happens later.
    pub(crate) fn enter(
        &self,
        id: MembershipId,
        session: &Arc<Session<S>>,
        name: PersonName,
        format: Format,
        on_entry: impl FnOnce(Entry, Cursor),
    ) {
        let mut state = self.state.lock();
        let state = &mut *state;
        let members = state.present() + 1;
        self.tell_presence(state, members, Some(name.as_str()), Change::Joined);
        let cursor = self.end_of_tape(state, format);
        state.begin_reading(format);
        on_entry(Entry { epoch: state.epoch, head: state.head, members }, cursor);
        state.members.insert(id, Member { session: Arc::clone(session), name, format });
        state.version += 1;
        self.wake.notify_one();
    }

    /// Has a member go on at `session` in `format`. What was said so far it is
    /// given where and how it was; what is said from here on, at the new
    /// place, and there not before it is made live if the session changes.
    pub(crate) fn move_member(&self, id: MembershipId, session: &Arc<Session<S>>, format: Format) {
        let mut state = self.state.lock();
        let state = &mut *state;
        let Some(old_format) = state.members.get(&id).map(|member| member.format) else { return };
        let (end, cursor) = (self.end_of_tape(state, old_format), self.end_of_tape(state, format));
        state.begin_reading(format);
        state.end_reading(old_format);
        let Some(member) = state.members.get_mut(&id) else { return };
        member.format = format;
        if Arc::ptr_eq(&member.session, session) {
            session.turn_off(id, &end, Then::GoOn(cursor));
        } else {
            session.add_membership(id, cursor, false);
            std::mem::replace(&mut member.session, Arc::clone(session)).turn_off(id, &end, Then::Stop);
            state.version += 1;
        }
    }

    /// Where a format's tape ends.
    fn end_of_tape(&self, state: &mut State<S>, format: Format) -> Cursor {
        let tape = state.tapes[format.0].get_or_insert_with(|| {
            Tape::new(Arc::clone(&self.space), self.limits.segment_min_bytes, self.limits.segment_max_bytes)
        });
        tape.seal();
        tape.cursor()
    }

    /// The sessions of all members.
    pub(crate) fn sessions(&self) -> Vec<Arc<Session<S>>> {
        self.state.lock().members.values().map(|member| Arc::clone(&member.session)).collect()
    }

    /// Unseats a member.
    pub(crate) fn leave(&self, id: MembershipId) {
        let mut state = self.state.lock();
        let state = &mut *state;
        let Some(member) = state.members.remove(&id) else { return };
        member.session.remove_membership(id);
        state.version += 1;
        state.end_reading(member.format);
        state.idle_since = Instant::now();
        let members = state.present();
        self.tell_presence(state, members, Some(member.name.as_str()), Change::Left);
        self.wake.notify_one();
    }

    /// Puts a stored message onto the tapes if it is the next one.
    pub(crate) fn deliver(&self, epoch: Epoch, message: &Message) -> Delivered {
        let mut state = self.state.lock();
        let state = &mut *state;
        if epoch != state.epoch {
            self.change_life(state, Position { offset: message.offset.back(1), epoch });
        }
        if epoch != state.epoch || message.offset <= state.head {
            return Delivered::Here;
        }
        if message.offset != state.head.next() && !state.members.is_empty() {
            return Delivered::Ahead;
        }
        state.head = message.offset;
        let happening = Happening::Message(message);
        self.put_on_tapes(state, message.draft.len() + ENVELOPE_BYTES, happening);
        Delivered::Here
    }

    /// Whether it has members who have not been given a stored message yet.
    pub(crate) fn lacks(&self, offset: Offset) -> bool {
        let state = self.state.lock();
        !state.members.is_empty() && state.head < offset
    }

    /// Goes on where the store says, if that is another life of the room or
    /// nobody is here who would have to be given what is between.
    pub(crate) fn begin_anew(&self, stored: Position) -> bool {
        let mut state = self.state.lock();
        let state = &mut *state;
        if stored.epoch != state.epoch {
            self.change_life(state, stored);
            return true;
        }
        if state.members.is_empty() {
            state.head = state.head.max(stored.offset);
        }
        false
    }

    /// Goes on where the store begins: what is before that is gone.
    pub(crate) fn begin_behind(&self, stored: Position) {
        let mut state = self.state.lock();
        let state = &mut *state;
        if stored.epoch == state.epoch && stored.offset > state.head {
            self.end_members(state, Leave::TooSlow);
            state.head = stored.offset;
        }
    }

    /// Another life of the room, unless it is an earlier one: members come
    /// back, and are told that their positions hold no more.
    fn change_life(&self, state: &mut State<S>, stored: Position) {
        if stored.epoch.is_before(state.epoch) {
            return;
        }
        self.end_members(state, Leave::Restart);
        (state.epoch, state.head) = (stored.epoch, stored.offset);
    }

    fn end_members(&self, state: &mut State<S>, reason: Leave) {
        for member in std::mem::take(&mut state.members).into_values() {
            member.session.end(reason);
            state.end_reading(member.format);
        }
        state.version += 1;
        state.presence = Presence::default();
        state.idle_since = Instant::now();
        self.wake.notify_one();
    }

    /// So many members are at other nodes; who they are is not told.
    pub(crate) fn tell_elsewhere(&self, members: usize) {
        let mut state = self.state.lock();
        let state = &mut *state;
        let before = std::mem::replace(&mut state.elsewhere, members);
        if before == members || state.members.is_empty() {
            return;
        }
        let change = if members > before { Change::Joined } else { Change::Left };
        self.tell_presence(state, state.present(), None, change);
        self.wake.notify_one();
    }

    /// Has the next turn send a session's answers too.
    pub(crate) fn answer(&self, session: Arc<Session<S>>) {
        self.state.lock().answered.push(session);
    }

    /// Has the pump take a turn.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Lets its pump end: nobody uses it.
    pub(crate) fn retire(&self) {
        self.is_retired.store(true, Ordering::Relaxed);
        self.wake();
    }

    pub(crate) fn is_retired(&self) -> bool {
        self.is_retired.load(Ordering::Relaxed)
    }

    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Lets members see all that is on the tapes, without waiting for a turn.
    pub(crate) fn seal(&self) {
        self.state.lock().tapes.iter_mut().flatten().for_each(Tape::seal);
    }

    fn put_on_tapes(&self, state: &mut State<S>, size_hint: usize, happening: Happening<'_>) {
        let event = Event { room: &self.name, epoch: state.epoch, happening };
        for (index, tape) in state.tapes.iter_mut().enumerate() {
            if let Some(tape) = tape {
                let encoder = self.formats.encoder(Format(index));
                state.has_news |= tape.append(size_hint, |out| encoder.encode(&event, out));
            }
        }
    }

    /// Tells the members at once, or in a large room leaves it to the pump,
    /// which tells the count from time to time.
    fn tell_presence(&self, state: &mut State<S>, members: usize, name: Option<&str>, change: Change) {
        if members > self.limits.presence_names_max {
            state.presence.due = true;
            return;
        }
        state.presence = Presence { told_members: members, ..Presence::default() };
        self.put_on_tapes(state, ENVELOPE_BYTES, change.happening(name, members));
    }

    /// Tells the count of a large room, if it is due.
    pub(crate) fn tell_due_presence(&self) {
        let mut state = self.state.lock();
        let state = &mut *state;
        let members = state.present();
        let told_before = state.presence.told_members;
        if !state.presence.due || members == told_before {
            state.presence.due = false;
            return;
        }
        state.presence = Presence { told_members: members, told_at: Some(Instant::now()), due: false };
        let change = if members > told_before { Change::Joined } else { Change::Left };
        self.put_on_tapes(state, ENVELOPE_BYTES, change.happening(None, members));
        self.wake.notify_one();
    }

    /// When the count of a large room may be told again, if it is due.
    pub(crate) fn presence_due_at(&self) -> Option<Instant> {
        let state = self.state.lock();
        let told_at = state.presence.told_at.unwrap_or(state.idle_since);
        state.presence.due.then(|| told_at + self.limits.presence_interval)
    }

    /// Since when it has had no members.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        let state = self.state.lock();
        state.members.is_empty().then_some(state.idle_since)
    }

    /// Counts as used from here on.
    pub(crate) fn touch(&self) {
        self.state.lock().idle_since = Instant::now();
    }

    pub(crate) fn limits(&self) -> &Arc<HubLimits> {
        &self.limits
    }

    /// Seals the tapes and says who is to be written to: `crowd` follows the
    /// members, and what is returned are the sessions that were answered.
    pub(crate) fn begin_turn(&self, crowd: &mut Crowd<S>) -> Vec<Arc<Session<S>>> {
        let mut state = self.state.lock();
        if crowd.version.is_some_and(|version| version != state.version) {
            // Those who left must not be held until there is something new.
            *crowd = Crowd::default();
        }
        crowd.has_news = std::mem::take(&mut state.has_news);
        // While thousands enter, each of them wakes the pump and nobody is told: that must not cost a look at all.
        if crowd.has_news {
            state.tapes.iter_mut().flatten().for_each(Tape::seal);
            if crowd.version.is_none() {
                crowd.version = Some(state.version);
                crowd.sessions = state.members.values().map(|member| Arc::clone(&member.session)).collect();
            }
        }
        std::mem::take(&mut state.answered)
    }

    /// Gives the tapes' memory back after a time without messages.
    pub(crate) fn rest(&self) {
        self.state.lock().tapes.iter_mut().flatten().for_each(Tape::rest);
    }
}

/// The pump's own list of the members' sessions, so that it walks them without
/// holding the room.
pub(crate) struct Crowd<S> {
    /// Of the members whom it holds, if it holds any.
    version: Option<u64>,
    sessions: Arc<[Arc<Session<S>>]>,
    has_news: bool,
}

impl<S> Default for Crowd<S> {
    fn default() -> Self {
        Self { version: None, sessions: Arc::new([]), has_news: false }
    }
}

impl<S> Crowd<S> {
    /// Those for whom there is something new.
    pub(crate) fn to_tell(&self) -> Option<&Arc<[Arc<Session<S>>]>> {
        self.has_news.then_some(&self.sessions)
    }
}

#[derive(Debug, Clone, Copy)]
enum Change {
    Joined,
    Left,
}

impl Change {
    fn happening(self, name: Option<&str>, members: usize) -> Happening<'_> {
        match self {
            Self::Joined => Happening::Joined { name, members },
            Self::Left => Happening::Left { name, members },
        }
    }
}

impl<S> fmt::Debug for Room<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room").field("name", &self.name).finish_non_exhaustive()
    }
}
