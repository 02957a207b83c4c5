//! Messages to store, and stores to put them into.

use std::any::Any;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Instant;

use bytes::Bytes;
use history::{
    ByRoom, MemoryLimits, MemoryStore, RedisLimits, RedisOptions, Retention, SqliteLimits, SqliteOptions, SqliteStore,
    Sync,
};
use hub::{
    Append, Appended, Blob, Body, DedupKey, Draft, Epoch, Head, Offset, PersonName, Position, RoomName, Store,
    Timestamp,
};
use tempfile::TempDir;

use crate::on_runtime::OnRuntime;
use crate::port::lasting_address;
use crate::redis_cluster::RedisCluster;
use crate::redis_server::RedisServer;

pub(crate) const KNOWN: Epoch = Epoch { life: 0xfedc_ba98_7654_3210, generation: 0 };

pub(crate) fn room(name: &str) -> RoomName {
    RoomName::parse(name).expect("a valid name")
}

pub(crate) fn draft(body: Body) -> Draft {
    Draft { from: PersonName::parse("ada").expect("a valid name"), body, as_sent: None, id: None }
}

pub(crate) fn append(to: &str, text: &str, dedup: Option<(&str, &str)>) -> Append {
    Append {
        room: room(to),
        known: Position { offset: Offset(0), epoch: KNOWN },
        draft: draft(Body::Text(Bytes::copy_from_slice(text.as_bytes()))),
        dedup: dedup.map(|(session, id)| DedupKey { session: session.into(), id: id.into() }),
    }
}

pub(crate) fn blob(text: &str) -> Blob {
    Blob { bytes: Bytes::copy_from_slice(text.as_bytes()), mime_type: "image/png".into() }
}

/// Appends, and says of each its offset and whether it was stored before.
pub(crate) async fn outcomes(store: &dyn Store, batch: Vec<Append>) -> Vec<(u64, bool)> {
    let outcome = |appended: &Appended| match appended {
        Appended::Fresh { message, .. } => (message.offset.0, false),
        Appended::Repeat { offset, .. } => (offset.0, true),
    };
    store.append(batch).await.iter().map(|appended| outcome(appended.as_ref().expect("it is stored"))).collect()
}

/// Appends `m1`, `m2` … as one batch.
pub(crate) async fn fill(store: &dyn Store, name: &str, count: usize) {
    outcomes(store, (1..=count).map(|n| append(name, &format!("m{n}"), None)).collect()).await;
}

/// Offsets and texts of what is read.
pub(crate) async fn texts(store: &dyn Store, name: &str, after: u64, limit: usize) -> Vec<(u64, String)> {
    let page = store.read(&room(name), Offset(after), limit).await.expect("it is there");
    let text = |body: &Body| match body {
        Body::Text(text) => String::from_utf8(text.to_vec()).expect("text"),
        Body::Json(_) | Body::Image(_) | Body::Bytes(_) => panic!("only text was stored"),
    };
    page.messages.iter().map(|message| (message.offset.0, text(&message.draft.body))).collect()
}

pub(crate) async fn head(store: &dyn Store, name: &str) -> Option<Head> {
    store.head(&room(name)).await.expect("it is there")
}

/// Bounds that every store has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) room_max_messages: u64,
    pub(crate) room_max_bytes: u64,
    pub(crate) dedup_max: u64,
    pub(crate) blobs_max_bytes: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { room_max_messages: 10_000, room_max_bytes: 8 << 20, dedup_max: 100_000, blobs_max_bytes: 1 << 20 }
    }
}

/// A store, and what goes when it goes.
pub(crate) struct Opened {
    pub(crate) store: Arc<dyn Store>,
    _beneath: Option<Box<dyn Any>>,
}

/// Opens an empty store.
pub(crate) type Open<'a> = &'a dyn Fn(Bounds) -> Opened;

pub(crate) fn memory(bounds: Bounds) -> Opened {
    let small = |bound| usize::try_from(bound).expect("a small bound");
    let limits = MemoryLimits {
        room_max_messages: small(bounds.room_max_messages),
        room_max_bytes: small(bounds.room_max_bytes),
        dedup_max_ids: small(bounds.dedup_max),
        blobs_max_bytes: small(bounds.blobs_max_bytes),
        ..MemoryLimits::default()
    };
    Opened { store: Arc::new(MemoryStore::new(limits)), _beneath: None }
}

pub(crate) fn sqlite(bounds: Bounds) -> Opened {
    let folder = tempfile::tempdir().expect("a folder");
    let store = SqliteStore::open(bounded(&folder, bounds)).expect("a new store");
    Opened { store: Arc::new(store), _beneath: Some(Box::new(folder)) }
}

/// As the server has it.
pub(crate) fn sqlite_beside_memory(bounds: Bounds) -> Opened {
    let folder = tempfile::tempdir().expect("a folder");
    let kept = SqliteStore::open(bounded(&folder, bounds)).expect("a new store");
    let memory = MemoryStore::new(MemoryLimits::default());
    Opened { store: Arc::new(ByRoom::new(memory, kept)), _beneath: Some(Box::new(folder)) }
}

pub(crate) fn redis(bounds: Bounds) -> Opened {
    let folder = tempfile::tempdir().expect("a folder");
    let server = RedisServer::start(folder.path(), lasting_address(), &[]);
    Opened {
        store: Arc::new(OnRuntime::open(redis_options(server.url(), bounds))),
        _beneath: Some(Box::new((server, folder))),
    }
}

/// Clusters take seconds to start: whoever is done with one leaves it to the
/// next, empty.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clusters(Arc<Mutex<Vec<(RedisCluster, TempDir)>>>);

struct Borrowed {
    cluster: Option<(RedisCluster, TempDir)>,
    from: Clusters,
}

impl Clusters {
    pub(crate) fn start(count: usize) -> Self {
        // The test's clock begins when it is first looked at, and starting takes longer than some test's margin.
        test_clock();
        let start = || {
            let folder = tempfile::tempdir().expect("a folder");
            (RedisCluster::start(folder.path()), folder)
        };
        let starting: Vec<_> = (0..count).map(|_| std::thread::spawn(start)).collect();
        let started = starting.into_iter().map(|cluster| cluster.join().expect("it starts")).collect();
        Self(Arc::new(Mutex::new(started)))
    }

    pub(crate) fn open(&self, bounds: Bounds) -> Opened {
        let cluster = self.0.lock().expect("nobody panicked").pop().expect("one is free");
        let store = OnRuntime::open(redis_options(cluster.0.url(), bounds));
        let borrowed = Borrowed { cluster: Some(cluster), from: self.clone() };
        Opened { store: Arc::new(store), _beneath: Some(Box::new(borrowed)) }
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        if let Some(cluster) = self.cluster.take().filter(|_| !std::thread::panicking()) {
            cluster.0.flush();
            self.from.0.lock().expect("nobody panicked").push(cluster);
        }
    }
}

fn redis_options(url: String, bounds: Bounds) -> RedisOptions {
    let limits = RedisLimits { retention: retention(bounds), ..RedisLimits::default() };
    RedisOptions { limits, ..RedisOptions::new(url) }
}

fn bounded(folder: &TempDir, bounds: Bounds) -> SqliteOptions {
    let limits = SqliteLimits { retention: retention(bounds), ..SqliteLimits::default() };
    SqliteOptions { limits, ..options(folder) }
}

fn retention(bounds: Bounds) -> Retention {
    Retention {
        room_max_messages: bounds.room_max_messages,
        room_max_bytes: bounds.room_max_bytes,
        dedup_max_messages: bounds.dedup_max,
        blobs_max_bytes: bounds.blobs_max_bytes,
        ..Retention::default()
    }
}

/// As the server opens it, but with the test's clock.
pub(crate) fn options(folder: &TempDir) -> SqliteOptions {
    SqliteOptions { clock: test_clock, ..SqliteOptions::new(folder.path(), Sync::Os) }
}

/// Follows tokio's clock, which tests stop and move on.
pub(crate) fn test_clock() -> Timestamp {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let since = tokio::time::Instant::now().into_std().saturating_duration_since(*START);
    Timestamp(1_800_000_000_000 + i64::try_from(since.as_millis()).expect("a short test"))
}

/// Waits until the writer has done what it does after it has answered.
pub(crate) async fn settled(store: &dyn Store) {
    store.clear(&room("nobody-was-ever-here")).await.expect("it is there");
}

/// The folder as it would be if the program had been killed at this moment.
pub(crate) fn killed(folder: &TempDir) -> TempDir {
    let copy = tempfile::tempdir().expect("a folder");
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        // The index of the log is memory that processes share, and goes with the machine.
        if path.extension().is_none_or(|extension| extension != "sqlite3-shm") {
            std::fs::copy(&path, copy.path().join(path.file_name().expect("a name"))).expect("a copy");
        }
    }
    copy
}
