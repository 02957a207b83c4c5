//! A store in Redis whose sockets live in real time, for tests whose clock
//! stands still.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use history::{RedisOptions, RedisStore};
use hub::{Append, Appended, Blob, BlobId, Durability, Head, Offset, Page, RoomName, Store, StoreError, Timestamp};
use tokio::runtime::{Builder, Runtime};

use crate::fixture::test_clock;

static REAL_TIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime"));

/// Does everything on a runtime of its own.
#[derive(Debug)]
pub(crate) struct OnRuntime {
    store: Arc<RedisStore>,
    /// What time it is for the test.
    now: Arc<AtomicI64>,
}

impl OnRuntime {
    pub(crate) fn open(options: RedisOptions) -> Self {
        let now = Arc::new(AtomicI64::new(0));
        let told = Arc::clone(&now);
        let clock = Arc::new(move || Timestamp(told.load(Ordering::SeqCst)));
        let (tx, rx) = std::sync::mpsc::channel();
        REAL_TIME.spawn(async move { tx.send(RedisStore::open(RedisOptions { clock, ..options }).await) });
        let store = rx.recv().expect("an answer").expect("Redis runs");
        Self { store: Arc::new(store), now }
    }

    async fn run<T: Send + 'static, F>(&self, ask: impl FnOnce(Arc<RedisStore>) -> F) -> T
    where
        F: Future<Output = T> + Send + 'static,
    {
        self.now.store(test_clock().0, Ordering::SeqCst);
        REAL_TIME.spawn(ask(Arc::clone(&self.store))).await.expect("it does not panic")
    }
}

#[async_trait]
impl Store for OnRuntime {
    async fn append(&self, batch: Vec<Append>) -> Vec<Result<Appended, StoreError>> {
        self.run(|store| async move { store.append(batch).await }).await
    }

    async fn head(&self, room: &RoomName) -> Result<Option<Head>, StoreError> {
        let room = room.clone();
        self.run(|store| async move { store.head(&room).await }).await
    }

    async fn read(&self, room: &RoomName, after: Offset, limit: usize) -> Result<Page, StoreError> {
        let room = room.clone();
        self.run(move |store| async move { store.read(&room, after, limit).await }).await
    }

    async fn clear(&self, room: &RoomName) -> Result<(), StoreError> {
        let room = room.clone();
        self.run(|store| async move { store.clear(&room).await }).await
    }

    async fn put_blob(&self, room: &RoomName, blob: Blob) -> Result<BlobId, StoreError> {
        let room = room.clone();
        self.run(|store| async move { store.put_blob(&room, blob).await }).await
    }

    async fn get_blob(&self, id: &BlobId) -> Result<Option<Blob>, StoreError> {
        let id = id.clone();
        self.run(|store| async move { store.get_blob(&id).await }).await
    }

    fn durability(&self, room: &RoomName) -> Durability {
        self.store.durability(room)
    }
}
