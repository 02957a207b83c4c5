//! A history in SQLite: it survives the process, or the loss of power.
//!
//! One thread writes, whatever came while the last transaction was committing
//! being the next one; reads go on beside it. Two files lie in the folder:
//! messages, and the pictures that were shared. A third one is locked while a
//! program has them open.

mod archive;
mod checkpoint;
mod columns;
mod dedup;
mod life;
mod limits;
mod migration;
mod open;
mod outage;
mod pack;
mod pictures;
mod read;
mod readers;
mod retention;
mod rooms;
mod schema;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use async_trait::async_trait;
use hub::{
    Append, Appended, Blob, BlobId, Durability, Head, Offset, Page, RoomName, Store, StoreError, Timestamp, Usage,
};
use parking_lot::Mutex;
use tokio::sync::oneshot;

pub use archive::{Archive, ArchiveError, ArchivedPicture, Restore};
pub use limits::SqliteLimits;
pub use open::OpenError;

use crate::Retention;
use crate::clock::unix_time;
use checkpoint::{Checkpoints, LOG_MAX_BYTES};
use dedup::Dedup;
use life::Found;
use open::FolderLock;
use outage::Outage;
use pack::Packs;
use pictures::Pictures;
use read::Kept;
use readers::Readers;
use retention::Sweep;
use rooms::Rooms;
use writer::{Command, Writer};

/// Requests that wait for the writer; one more is refused. Chosen: the hub
/// appends one batch at a time.
const COMMANDS_MAX: usize = 64;
/// The writer's cache. Chosen: the index of some thousand busy rooms.
const CACHE_KIB: i32 = 64 << 10;

/// When a message counts as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// When the operating system has it: it survives a killed process.
    Os,
    /// When the disk has it: it survives the loss of power.
    Disk,
}

impl Sync {
    fn name(self) -> &'static str {
        match self {
            Self::Os => "os",
            Self::Disk => "disk",
        }
    }

    /// What SQLite calls it.
    fn pragma(self) -> &'static str {
        match self {
            Self::Os => "NORMAL",
            Self::Disk => "FULL",
        }
    }
}

/// How a store is opened.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// Where its files are; made if need be.
    pub folder: PathBuf,
    /// When a message counts as stored.
    pub sync: Sync,
    /// Tells one life of the machine from another, where it has a word for it.
    pub boot: Option<String>,
    /// What time it is.
    pub clock: fn() -> Timestamp,
    /// All bounds.
    pub limits: SqliteLimits,
}

impl SqliteOptions {
    /// With this machine's clock and the default bounds.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>, sync: Sync) -> Self {
        // Linux makes it anew at each start; elsewhere nothing tells.
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
        Self {
            folder: folder.into(),
            sync,
            boot: boot.map(|boot| boot.trim().to_owned()),
            clock: unix_time,
            limits: SqliteLimits::default(),
        }
    }
}

/// A [`Store`] in files of SQLite.
#[derive(Debug)]
pub struct SqliteStore {
    /// Gone once it is closed.
    commands: Mutex<Option<SyncSender<Command>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    readers: Readers,
    pictures: Pictures,
    folder: PathBuf,
    forgotten: Arc<AtomicU64>,
    generation: u32,
    sync: Sync,
    clock: fn() -> Timestamp,
    gather_max: Duration,
    retention: Retention,
}

impl SqliteStore {
    /// Opens the files in the folder, or makes them.
    ///
    /// # Errors
    ///
    /// When the folder cannot be used, another process uses it, or a file is
    /// damaged, newer than this program, or not ours.
    pub fn open(options: SqliteOptions) -> Result<Self, OpenError> {
        let SqliteOptions { folder, sync, boot, clock, limits } = options;
        let lock = FolderLock::take(&folder)?;
        let path = folder.join(HISTORY_FILE);
        let log = folder.join(format!("{HISTORY_FILE}-wal"));
        let found = Found { has_log: log.metadata().is_ok_and(|log| log.len() > 0) };
        let mut connection = open::to_write(&path, schema::HISTORY)?;
        let generation = life::begin(&connection, &path, found, sync, boot.as_deref())?;
        let set_up = || {
            connection.pragma_update(None, "synchronous", sync.pragma())?;
            connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
            connection.pragma_update(None, "journal_size_limit", LOG_MAX_BYTES)?;
            Dedup::read(&connection, clock(), &limits)
        };
        let dedup = set_up().map_err(OpenError::of(&path))?;
        let checkpoints = Checkpoints::start(&mut connection, &path)?;
        let pictures = Pictures::open(&folder.join(PICTURES_FILE), sync, &limits)?;
        let readers = Readers::new(path, limits.readers_max);
        let (gather_max, retention) = (limits.gather_max, limits.retention.clone());
        let forgotten = Arc::default();
        let writer = Writer {
            connection,
            checkpoints,
            rooms: Rooms::new(generation, limits.rooms_cached_max),
            dedup,
            packs: Packs::default(),
            limits,
            clock,
            outage: Outage::default(),
            forgotten: Arc::clone(&forgotten),
            sweep: Sweep::default(),
            sweep_due: Timestamp(0),
            lock,
        };
        let (commands, receiver) = sync_channel(COMMANDS_MAX);
        let thread = std::thread::Builder::new()
            .name("history-writer".to_owned())
            .spawn(move || writer.run(&receiver))
            .map_err(|source| OpenError::Folder { folder: folder.clone(), source })?;
        Ok(Self {
            commands: Mutex::new(Some(commands)),
            thread: Mutex::new(Some(thread)),
            readers,
            pictures,
            folder,
            forgotten,
            generation,
            sync,
            clock,
            gather_max,
            retention,
        })
    }

    /// Which messages are shown.
    fn kept(&self) -> Kept {
        Kept::at((self.clock)(), &self.retention)
    }

    fn command(&self, command: Command) -> Result<(), StoreError> {
        let commands = self.commands.lock();
        let commands = commands.as_ref().ok_or(StoreError::Down)?;
        commands.try_send(command).map_err(|_| StoreError::Down)
    }

    /// Has the writer close the file; waits for it when it is joined.
    fn end(&self) -> Option<JoinHandle<()>> {
        self.readers.close();
        self.pictures.close();
        // The writer ends when nobody can ask it any more.
        self.commands.lock().take();
        self.thread.lock().take()
    }
}

/// Rooms and messages.
const HISTORY_FILE: &str = "history.sqlite3";
/// Shared pictures.
const PICTURES_FILE: &str = "pictures.sqlite3";

#[async_trait]
impl Store for SqliteStore {
    async fn append(&self, batch: Vec<Append>) -> Vec<Result<Appended, StoreError>> {
        let count = batch.len();
        if count == 0 {
            return Vec::new();
        }
        let (reply, answer) = oneshot::channel();
        let sent = self.command(Command::Append { batch, now: (self.clock)(), reply });
        match (sent, answer.await) {
            (Ok(()), Ok(appended)) => appended,
            _ => (0..count).map(|_| Err(StoreError::Down)).collect(),
        }
    }

    async fn head(&self, room: &RoomName) -> Result<Option<Head>, StoreError> {
        let (room, generation, kept) = (room.clone(), self.generation, self.kept());
        self.readers.read(move |db| read::head(db, &room, generation, kept)).await
    }

    async fn read(&self, room: &RoomName, after: Offset, limit: usize) -> Result<Page, StoreError> {
        let (room, kept) = (room.clone(), self.kept());
        let messages = self.readers.read(move |db| read::page(db, &room, after, limit, kept)).await?;
        Ok(Page { messages })
    }

    async fn clear(&self, room: &RoomName) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        self.command(Command::Clear { room: room.clone(), reply })?;
        answer.await.unwrap_or(Err(StoreError::Down))
    }

    async fn put_blob(&self, _: &RoomName, blob: Blob) -> Result<BlobId, StoreError> {
        self.pictures.put(blob, (self.clock)()).await
    }

    async fn get_blob(&self, id: &BlobId) -> Result<Option<Blob>, StoreError> {
        self.pictures.get(id.clone(), (self.clock)()).await
    }

    fn durability(&self, _: &RoomName) -> Durability {
        match self.sync {
            Sync::Os => Durability::Os,
            Sync::Disk => Durability::Disk,
        }
    }

    fn gather_max(&self) -> Duration {
        self.gather_max
    }

    fn usage(&self) -> Usage {
        let files = [HISTORY_FILE, PICTURES_FILE].into_iter().flat_map(|file| [file.to_owned(), format!("{file}-wal")]);
        // A log may be gone at any moment.
        let sizes = files.filter_map(|file| Some(self.folder.join(file).metadata().ok()?.len()));
        Usage { bytes: Some(sizes.sum()), forgotten_messages: Some(self.forgotten.load(Ordering::Relaxed)) }
    }

    async fn close(&self) {
        if let Some(thread) = self.end() {
            // A panic of the writer has been reported where it happened.
            tokio::task::spawn_blocking(|| thread.join().ok()).await.ok();
        }
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        if let Some(thread) = self.end() {
            // Whoever opens the folder next finds it closed.
            thread.join().ok();
        }
    }
}
