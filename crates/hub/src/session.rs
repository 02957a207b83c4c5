//! The way out to one peer: its socket, its private outbox, its cursors.
//!
//! Whoever has something for a session marks it ready and tries to take its
//! write lock; who does not get it leaves the work to the holder. So writes
//! never wait for each other, and never for the peer: a socket that would
//! block gets a task of its own until it has caught up.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::io::{self, IoSlice};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::{Buf, Bytes};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::leave::Leave;
use crate::limits::HubLimits;
use crate::outbox::{Charge, Ends, Outbox, Piece};
use crate::tape::Cursor;
use crate::track::{Then, Track};

/// Buffers given to one write. Chosen: four tape chunks of 16 KiB are a full
/// write; more, smaller ones come up when a reader lags in a quiet room.
const SLICES_MAX: usize = 64;

/// Where the bytes of one session go.
pub trait Sink: Send + Sync + 'static {
    /// Writes some of the bytes without waiting.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when the peer does not take any now; everything else ends
    /// the session.
    fn write_some(&self, slices: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Waits until a write may succeed.
    ///
    /// # Errors
    ///
    /// When that will never be.
    fn writable(&self) -> impl Future<Output = io::Result<()>> + Send;
}

/// One connected peer, as the hub sees it.
pub struct Session<S> {
    sink: S,
    limits: Arc<HubLimits>,
    outbox: Mutex<Outbox>,
    writer: Mutex<Writer>,
    /// There may be something to write; see [`Session::flush`].
    ready: AtomicBool,
    /// Bytes that the socket has taken so far.
    written_bytes: AtomicU64,
    left: OnceLock<Leave>,
    ended: Notify,
    /// Told whenever private bytes have left the outbox.
    drained: Notify,
    /// Told whenever all that there was is written.
    caught_up: Notify,
    abandoned: AtomicBool,
    abandon: Notify,
}

/// What the holder of the write lock works on.
#[derive(Debug)]
struct Writer {
    /// In their final order; the first may be written in part.
    staged: VecDeque<Bytes>,
    staged_bytes: usize,
    /// What ended with the last staged byte.
    within: Ends,
    memberships: Vec<Membership>,
    /// A task waits for the socket; it writes when it can.
    blocked: bool,
    /// The last frame is staged.
    last_staged: bool,
}

#[derive(Debug)]
struct Membership {
    id: MembershipId,
    track: Track,
    /// Not while the member is still being given what it missed.
    live: bool,
}

/// Names one seat of one session in one room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MembershipId(pub(crate) u64);

/// How far a write came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    CaughtUp,
    Blocked,
}

impl<S: Sink> Session<S> {
    /// A session that is in no room yet.
    #[must_use]
    pub fn new(sink: S, limits: Arc<HubLimits>) -> Arc<Self> {
        Arc::new(Self {
            sink,
            limits,
            outbox: Mutex::default(),
            writer: Mutex::new(Writer {
                staged: VecDeque::new(),
                staged_bytes: 0,
                within: Ends::Message,
                // Nearly all sessions are in one room.
                memberships: Vec::with_capacity(1),
                blocked: false,
                last_staged: false,
            }),
            ready: AtomicBool::new(false),
            written_bytes: AtomicU64::new(0),
            left: OnceLock::new(),
            ended: Notify::new(),
            drained: Notify::new(),
            caught_up: Notify::new(),
            abandoned: AtomicBool::new(false),
            abandon: Notify::new(),
        })
    }

    /// Where its bytes go.
    pub fn sink(&self) -> &S {
        &self.sink
    }

    /// Queues a private message of one frame; [`flush`](Self::flush) sends it.
    pub fn push(&self, message: Bytes) {
        self.outbox.lock().push(Piece::message(message), Charge::Counted);
    }

    /// Queues a private message in pieces, which its sender bounds in another
    /// way than by the bytes of the outbox.
    pub fn push_pieces(&self, pieces: impl IntoIterator<Item = Piece>) {
        let mut outbox = self.outbox.lock();
        for piece in pieces {
            outbox.push(piece, Charge::Free);
        }
    }

    /// Asks the peer for a sign of life; replaces a probe not sent yet.
    pub fn probe(self: &Arc<Self>, frame: Bytes) {
        self.outbox.lock().set_probe(frame);
        self.flush();
    }

    /// Answers the peer's probe; replaces an answer not sent yet.
    pub fn reply(self: &Arc<Self>, frame: Bytes) {
        self.outbox.lock().set_reply(frame);
        self.flush();
    }

    /// Sends `frame` as the last one and waits until the socket has it.
    pub async fn close_with(self: &Arc<Self>, frame: Bytes) {
        self.outbox.lock().close_with(frame);
        loop {
            let caught_up = self.caught_up.notified();
            self.flush();
            if self.is_abandoned() || self.is_closed() {
                return;
            }
            caught_up.await;
        }
    }

    fn is_closed(self: &Arc<Self>) -> bool {
        self.with_writer(|writer| writer.last_staged && writer.staged.is_empty())
    }

    /// Waits until all that there is for the peer is written, or it is gone.
    pub async fn has_caught_up(self: &Arc<Self>) {
        loop {
            // A flush tells that it has caught up: it comes before the wait begins.
            self.flush();
            let caught_up = self.caught_up.notified();
            let is_empty = self.outbox.lock().is_empty() && self.with_writer(|writer| writer.is_idle());
            if self.left().is_some() || is_empty {
                return;
            }
            caught_up.await;
        }
    }

    /// Works with the writer, and then does what others left to its holder.
    fn with_writer<T>(self: &Arc<Self>, work: impl FnOnce(&mut Writer) -> T) -> T {
        let result = work(&mut self.writer.lock());
        if self.ready.load(Ordering::SeqCst) {
            self.flush();
        }
        result
    }

    /// Gives up on the peer: nothing more is written, and what was kept for
    /// it is freed.
    pub fn abandon(&self) {
        self.abandoned.store(true, Ordering::SeqCst);
        self.end(Leave::Gone);
        self.abandon.notify_waiters();
        self.caught_up.notify_waiters();
        self.writer.lock().forget();
    }

    fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::SeqCst)
    }

    /// Ends the session; the first reason counts. Its door sees it through
    /// [`ended`](Self::ended) and says good-bye.
    pub fn end(&self, reason: Leave) {
        if self.left.set(reason).is_ok() {
            self.ended.notify_waiters();
            self.caught_up.notify_waiters();
            self.drained.notify_waiters();
        }
    }

    /// Why it ended, if it has.
    pub fn left(&self) -> Option<Leave> {
        self.left.get().copied()
    }

    /// Waits until it has ended.
    pub async fn ended(&self) -> Leave {
        loop {
            let ended = self.ended.notified();
            if let Some(reason) = self.left() {
                return reason;
            }
            ended.await;
        }
    }

    /// Bytes that the socket has taken since the session began: a peer that
    /// drains is alive.
    pub fn written_bytes(&self) -> u64 {
        self.written_bytes.load(Ordering::Relaxed)
    }

    /// Whether the socket does not take what there is for the peer.
    pub fn is_blocked(self: &Arc<Self>) -> bool {
        self.with_writer(|writer| writer.blocked)
    }

    /// Whether so many private answers wait that the peer should not be read.
    pub fn is_full(&self) -> bool {
        self.outbox.lock().charged_bytes() > self.limits.private_max_bytes
    }

    /// Waits until the private answers are below their bound.
    pub async fn has_room(&self) {
        self.wait_for_outbox(|outbox| outbox.charged_bytes() <= self.limits.private_max_bytes).await;
    }

    /// Waits until all private answers are on their way.
    pub(crate) async fn has_drained(&self) {
        self.wait_for_outbox(Outbox::is_empty).await;
    }

    async fn wait_for_outbox(&self, is_enough: impl Fn(&Outbox) -> bool) {
        loop {
            let drained = self.drained.notified();
            if self.left().is_some() || is_enough(&self.outbox.lock()) {
                return;
            }
            drained.await;
        }
    }

    pub(crate) fn add_membership(self: &Arc<Self>, id: MembershipId, cursor: Cursor, live: bool) {
        self.with_writer(|writer| writer.memberships.push(Membership { id, track: Track::new(cursor), live }));
    }

    pub(crate) fn make_live(self: &Arc<Self>, id: MembershipId) {
        self.with_membership(id, |membership| membership.live = true);
    }

    /// Has a membership read its tape up to `end` only.
    pub(crate) fn turn_off(self: &Arc<Self>, id: MembershipId, end: &Cursor, then: Then) {
        self.with_membership(id, |membership| membership.track.turn_off(end, then));
    }

    fn with_membership(self: &Arc<Self>, id: MembershipId, work: impl FnOnce(&mut Membership)) {
        self.with_writer(|writer| {
            if let Some(membership) = writer.memberships.iter_mut().find(|membership| membership.id == id) {
                work(membership);
            }
        });
    }

    pub(crate) fn remove_membership(self: &Arc<Self>, id: MembershipId) {
        self.with_writer(|writer| writer.memberships.retain(|membership| membership.id != id));
    }

    /// Writes the private answers, if there are any, without waiting. What is
    /// on the tapes alone leaves with its room's next turn, all that came in
    /// one write.
    pub fn flush_private(self: &Arc<Self>) {
        if !self.outbox.lock().is_empty() {
            self.flush();
        }
    }

    /// Writes what there is, without waiting.
    pub fn flush(self: &Arc<Self>) {
        self.ready.store(true, Ordering::SeqCst);
        while self.ready.load(Ordering::SeqCst) {
            // The holder looks at `ready` once more after it has let go.
            let Some(mut writer) = self.writer.try_lock() else { return };
            self.ready.store(false, Ordering::SeqCst);
            if writer.blocked {
                self.check_lag(&writer);
            } else if self.write(&mut writer) == Progress::Blocked {
                writer.blocked = true;
                tokio::spawn(Arc::clone(self).drain());
            }
        }
    }

    /// Writes whenever the socket takes some, until the session has caught up.
    async fn drain(self: Arc<Self>) {
        let mut window = Window::new(&self);
        loop {
            let abandon = self.abandon.notified();
            if self.is_abandoned() {
                return;
            }
            tokio::select! {
                () = abandon => {}
                () = sleep_until(window.ends) => window = window.turn(&self),
                writable = self.sink.writable() => match writable {
                    Err(_) => self.abandon(),
                    Ok(()) => {
                        let mut writer = self.writer.lock();
                        if self.write(&mut writer) == Progress::CaughtUp {
                            writer.blocked = false;
                            break;
                        }
                    }
                },
            }
        }
        self.flush();
    }

    fn write(&self, writer: &mut Writer) -> Progress {
        loop {
            self.stage(writer);
            if writer.staged.is_empty() {
                self.caught_up.notify_waiters();
                return Progress::CaughtUp;
            }
            let mut slices = [IoSlice::new(&[]); SLICES_MAX];
            let mut count = 0;
            for (slice, bytes) in slices.iter_mut().zip(&writer.staged) {
                *slice = IoSlice::new(bytes);
                count += 1;
            }
            match self.sink.write_some(&slices[..count]) {
                Ok(written) => {
                    self.written_bytes.fetch_add(written as u64, Ordering::Relaxed);
                    writer.unstage(written);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.check_lag(writer);
                    return Progress::Blocked;
                }
                Err(_) => {
                    self.end(Leave::Gone);
                    writer.forget();
                }
            }
        }
    }

    /// Takes up to one write's worth of bytes into their final order.
    fn stage(&self, writer: &mut Writer) {
        if writer.last_staged || writer.staged_bytes >= self.limits.write_max_bytes {
            return;
        }
        let mut outbox = self.outbox.lock();
        let mut drained = false;
        while writer.staged_bytes < self.limits.write_max_bytes {
            let Some(piece) = outbox.take(writer.within) else { break };
            drained = true;
            writer.within = piece.ends;
            writer.push(piece.bytes);
        }
        writer.last_staged = outbox.is_closed();
        drop(outbox);
        if drained {
            self.drained.notify_waiters();
        }
        // Other messages do not go between the frames of one (RFC 6455 §5.4).
        if writer.within == Ends::Message && !writer.last_staged {
            writer.stage_tapes(self.limits.write_max_bytes);
        }
    }

    /// Bytes of tapes that are held for it.
    pub(crate) fn lag_bytes(self: &Arc<Self>) -> u64 {
        self.with_writer(|writer| writer.memberships.iter().map(|membership| membership.track.lag_bytes()).sum())
    }

    fn check_lag(&self, writer: &Writer) {
        let is_lost = |membership: &Membership| membership.track.lag_bytes() > self.limits.tape_tail_max_bytes;
        if writer.memberships.iter().any(is_lost) {
            self.end(Leave::TooSlow);
        }
    }
}

impl<S> fmt::Debug for Session<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("left", &self.left).finish_non_exhaustive()
    }
}

impl Writer {
    /// Nothing is staged, no tape has anything to stage, and nobody is still
    /// being given what it missed.
    fn is_idle(&self) -> bool {
        let is_idle = |membership: &Membership| membership.live && membership.track.lag_bytes() == 0;
        self.staged.is_empty() && self.memberships.iter().all(is_idle)
    }

    fn push(&mut self, bytes: Bytes) {
        self.staged_bytes += bytes.len();
        if !bytes.is_empty() {
            if self.staged.capacity() == 0 {
                // As in the outbox.
                self.staged.reserve_exact(1);
            }
            self.staged.push_back(bytes);
        }
    }

    fn stage_tapes(&mut self, write_max_bytes: usize) {
        for index in 0..self.memberships.len() {
            while self.staged_bytes < write_max_bytes && self.memberships[index].live {
                let Some(chunk) = self.memberships[index].track.advance() else { break };
                self.push(chunk);
            }
        }
    }

    fn unstage(&mut self, mut written: usize) {
        self.staged_bytes -= written;
        while let Some(first) = self.staged.front_mut() {
            if first.len() > written {
                first.advance(written);
                return;
            }
            written -= first.len();
            self.staged.pop_front();
        }
    }

    /// The peer is gone: nothing is worth keeping.
    fn forget(&mut self) {
        self.staged = VecDeque::new();
        self.staged_bytes = 0;
        self.memberships.clear();
        self.last_staged = true;
    }
}

/// A stretch of time in which a session with too many private answers has to
/// drain some of them.
struct Window {
    ends: Instant,
    written_before: u64,
    was_full: bool,
}

impl Window {
    fn new<S: Sink>(session: &Session<S>) -> Self {
        Self {
            ends: Instant::now() + session.limits.drain_window,
            written_before: session.written_bytes(),
            was_full: session.is_full(),
        }
    }

    /// Judges the window that has ended and begins the next.
    fn turn<S: Sink>(self, session: &Session<S>) -> Self {
        let drained = session.written_bytes() - self.written_before;
        let needed = session.limits.drain_min_bytes_per_sec * session.limits.drain_window.as_secs();
        if self.was_full && session.is_full() && drained < needed {
            session.end(Leave::TooSlow);
        }
        Self::new(session)
    }
}
