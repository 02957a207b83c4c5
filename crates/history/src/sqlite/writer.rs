//! The one thread that writes messages.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use hub::{Append, Appended, Message, RoomName, StoreError, Timestamp};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use super::checkpoint::Checkpoints;
use super::dedup::{Dedup, First, digest, millis};
use super::open::FolderLock;
use super::outage::Outage;
use super::pack::{Packs, Place, cost};
use super::retention::{Sweep, clear, trim};
use super::rooms::{PackEnd, Rooms, StoredRoom};
use super::{SqliteLimits, life};

/// How often it is looked for what is too old, while there is little of it.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);
/// How often when nothing is written.
const IDLE_SWEEP_INTERVAL: Duration = Duration::from_secs(30);

/// What the thread is asked to do, and whom it tells.
#[derive(Debug)]
pub(super) enum Command {
    Append { batch: Vec<Append>, now: Timestamp, reply: oneshot::Sender<Vec<Result<Appended, StoreError>>> },
    Clear { room: RoomName, reply: oneshot::Sender<Result<(), StoreError>> },
}

/// All that the thread owns.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) checkpoints: Checkpoints,
    pub(super) rooms: Rooms,
    pub(super) dedup: Dedup,
    /// Of the transaction under way.
    pub(super) packs: Packs,
    pub(super) limits: SqliteLimits,
    pub(super) clock: fn() -> Timestamp,
    pub(super) outage: Outage,
    /// Messages that retention has taken, for whoever asks.
    pub(super) forgotten: Arc<AtomicU64>,
    pub(super) sweep: Sweep,
    pub(super) sweep_due: Timestamp,
    /// Let go of when the connection is closed.
    pub(super) lock: FolderLock,
}

impl Writer {
    /// Until there is nobody left who could ask.
    pub(super) fn run(mut self, commands: &Receiver<Command>) {
        loop {
            match commands.recv_timeout(IDLE_SWEEP_INTERVAL) {
                Ok(Command::Append { batch, now, reply }) => {
                    // Who asked may have gone away; what is stored is stored.
                    reply.send(self.append(batch, now)).ok();
                    self.sweep(now);
                }
                Ok(Command::Clear { room, reply }) => {
                    reply.send(self.clear(&room)).ok();
                }
                Err(RecvTimeoutError::Timeout) => self.sweep((self.clock)()),
                Err(RecvTimeoutError::Disconnected) => return self.close(),
            }
        }
    }

    fn append(&mut self, batch: Vec<Append>, now: Timestamp) -> Vec<Result<Appended, StoreError>> {
        let count = batch.len();
        self.dedup.expire(now, &self.limits);
        let mut new_keys = 0;
        let appended = self.try_append(batch, now, &mut new_keys);
        if appended.is_err() {
            self.dedup.take_back(new_keys);
            self.packs = Packs::default();
            self.rooms.forget(|_| true);
        }
        match self.outage.note(appended) {
            Ok(appended) => appended.into_iter().map(Ok).collect(),
            Err(error) => (0..count).map(|_| Err(error.clone())).collect(),
        }
    }

    /// One transaction: all of the batch, or nothing.
    fn try_append(
        &mut self,
        batch: Vec<Append>,
        now: Timestamp,
        new_keys: &mut usize,
    ) -> rusqlite::Result<Vec<Appended>> {
        self.rooms.make_place();
        let transaction = begin(&mut self.connection)?;
        let mut appended = Vec::with_capacity(batch.len());
        let mut full = HashSet::new();
        for Append { room: name, known, draft, dedup } in batch {
            let room = self.rooms.find_or_add(&transaction, name.clone(), known, now)?;
            let key = dedup.map(|key| digest(room.id, &key));
            let first = key.and_then(|key| self.dedup.find(key, room.head, now, &self.limits));
            if let Some(First { offset, time }) = first {
                appended.push(Appended::Repeat { epoch: room.epoch, offset, time });
                continue;
            }
            let message = Message { offset: room.head.next(), time: room.time.max(now), draft };
            put(&mut self.packs, room, key, &message);
            if let Some(key) = key {
                self.dedup.insert(key, First { offset: message.offset, time: message.time });
                *new_keys += 1;
            }
            if room.is_over(now, &self.limits.retention) {
                full.insert(name);
            }
            appended.push(Appended::Fresh { epoch: room.epoch, message: Arc::new(message) });
        }
        self.packs.insert(&transaction)?;
        let mut forgotten = 0;
        for name in full {
            if let Some(room) = self.rooms.find(&transaction, &name)? {
                forgotten += trim(&transaction, room, now, &self.limits)?;
            }
        }
        transaction.commit()?;
        self.forgotten.fetch_add(forgotten, Ordering::Relaxed);
        Ok(appended)
    }

    fn clear(&mut self, name: &RoomName) -> Result<(), StoreError> {
        let cleared = self.try_clear(name);
        self.outage.note(cleared)
    }

    fn try_clear(&mut self, name: &RoomName) -> rusqlite::Result<()> {
        let transaction = begin(&mut self.connection)?;
        let Some(room) = self.rooms.find(&transaction, name)? else { return Ok(()) };
        clear(&transaction, room)?;
        let cleared = room.id;
        transaction.commit()?;
        self.rooms.forget(|room| room.id == cleared);
        Ok(())
    }

    /// Forgets what is too old, if it is time.
    fn sweep(&mut self, now: Timestamp) {
        if now < self.sweep_due {
            return;
        }
        let swept = self.try_sweep(now);
        // Where it fails, messages fail too, and say so.
        let is_partial = self.outage.note(swept).unwrap_or(false);
        self.sweep_due = if is_partial { now } else { Timestamp(now.0 + millis(SWEEP_INTERVAL)) };
    }

    /// Whether there is more to forget.
    fn try_sweep(&mut self, now: Timestamp) -> rusqlite::Result<bool> {
        let transaction = begin(&mut self.connection)?;
        let swept = self.sweep.run(&transaction, now, &self.limits)?;
        transaction.commit()?;
        self.forgotten.fetch_add(swept.messages, Ordering::Relaxed);
        if !swept.rooms.is_empty() {
            self.rooms.forget(|room| swept.rooms.contains(&room.id));
        }
        Ok(swept.is_partial)
    }

    fn close(mut self) {
        let ended = self.checkpoints.end(&mut self.connection).and_then(|()| life::end(&self.connection));
        if let Err(error) = ended {
            tracing::warn!(%error, "the history could not be closed cleanly");
        }
        drop(self.connection);
        drop(self.lock);
    }
}

fn begin(connection: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}

fn put(packs: &mut Packs, room: &mut StoredRoom, key: Option<u128>, message: &Message) {
    packs.push(&mut room.newest_pack, Place { room: room.id, before: room.total, key }, message);
    room.head = message.offset;
    room.time = message.time;
    room.total += cost(&message.draft);
    room.oldest.get_or_insert(PackEnd { last: room.head, total: room.total });
}
