//! Rooms that are kept in memory only, beside a store that keeps the others.

use std::time::Duration;

use async_trait::async_trait;
use hub::{Append, Appended, Blob, BlobId, Durability, Head, Nodes, Offset, Page, RoomName, Store, StoreError, Usage};

use crate::MemoryStore;

/// Keeps each room where its name says: one that begins with `~` in memory,
/// its pictures too.
#[derive(Debug)]
pub struct ByRoom<S> {
    memory: MemoryStore,
    kept: S,
}

impl<S: Store> ByRoom<S> {
    /// Both stores are empty of each other's rooms.
    #[must_use]
    pub fn new(memory: MemoryStore, kept: S) -> Self {
        Self { memory, kept }
    }

    fn of(&self, room: &RoomName) -> &dyn Store {
        if room.is_memory_only() { &self.memory } else { &self.kept }
    }
}

#[async_trait]
impl<S: Store> Store for ByRoom<S> {
    async fn append(&self, batch: Vec<Append>) -> Vec<Result<Appended, StoreError>> {
        let is_in_memory: Vec<_> = batch.iter().map(|append| append.room.is_memory_only()).collect();
        let (in_memory, kept): (Vec<_>, Vec<_>) = batch.into_iter().partition(|append| append.room.is_memory_only());
        let (in_memory, kept) = tokio::join!(self.memory.append(in_memory), self.kept.append(kept));
        let (mut in_memory, mut kept) = (in_memory.into_iter(), kept.into_iter());
        let next = |is_in_memory| if is_in_memory { in_memory.next() } else { kept.next() };
        is_in_memory.into_iter().map(next).map(|answer| answer.unwrap_or(Err(StoreError::Down))).collect()
    }

    async fn head(&self, room: &RoomName) -> Result<Option<Head>, StoreError> {
        self.of(room).head(room).await
    }

    async fn read(&self, room: &RoomName, after: Offset, limit: usize) -> Result<Page, StoreError> {
        self.of(room).read(room, after, limit).await
    }

    async fn clear(&self, room: &RoomName) -> Result<(), StoreError> {
        self.of(room).clear(room).await
    }

    async fn put_blob(&self, room: &RoomName, blob: Blob) -> Result<BlobId, StoreError> {
        self.of(room).put_blob(room, blob).await
    }

    async fn get_blob(&self, id: &BlobId) -> Result<Option<Blob>, StoreError> {
        match self.memory.get_blob(id).await? {
            Some(blob) => Ok(Some(blob)),
            None => self.kept.get_blob(id).await,
        }
    }

    fn durability(&self, room: &RoomName) -> Durability {
        self.of(room).durability(room)
    }

    fn gather_max(&self) -> Duration {
        self.kept.gather_max()
    }

    fn is_available(&self) -> bool {
        self.kept.is_available()
    }

    /// Of the rooms that are kept; those in memory are gone with the process.
    fn usage(&self) -> Usage {
        self.kept.usage()
    }

    fn nodes(&self) -> Option<&dyn Nodes> {
        self.kept.nodes()
    }

    async fn close(&self) {
        self.memory.close().await;
        self.kept.close().await;
    }
}
