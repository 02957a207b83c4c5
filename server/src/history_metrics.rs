//! What the history is asked to store, and how long it takes: a store around
//! the store, since the hub counts nothing and the stores know no metrics.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hub::{Append, Appended, Blob, BlobId, Durability, Head, Nodes, Offset, Page, RoomName, Store, StoreError, Usage};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tokio::time::Instant;

/// Messages: up to the largest batch that the hub makes.
const BATCH_MESSAGES: [f64; 11] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0];

/// Seconds: from memory's microseconds to a disk that does not answer.
const APPEND_SECONDS: [f64; 14] =
    [0.000_01, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 10.0];

/// Counted once a batch.
#[derive(Debug, Clone)]
pub(crate) struct HistoryMetrics {
    batch_messages: Histogram,
    append_seconds: Histogram,
    refused: Counter,
}

impl Default for HistoryMetrics {
    fn default() -> Self {
        Self {
            batch_messages: Histogram::new(BATCH_MESSAGES),
            append_seconds: Histogram::new(APPEND_SECONDS),
            refused: Counter::default(),
        }
    }
}

impl HistoryMetrics {
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register("history_batch_messages", "Messages stored at once", self.batch_messages.clone());
        let help = "Time that storing a batch took, which all of its acks waited for";
        registry.register_with_unit("history_append", help, Unit::Seconds, self.append_seconds.clone());
        registry.register("history_refused_messages", "Messages that could not be stored", self.refused.clone());
    }
}

/// A store whose batches are counted.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) metrics: HistoryMetrics,
}

#[async_trait]
impl Store for Measured {
    async fn append(&self, batch: Vec<Append>) -> Vec<Result<Appended, StoreError>> {
        let (count, begin) = (batch.len(), Instant::now());
        let appended = self.store.append(batch).await;
        self.metrics.batch_messages.observe(count as f64);
        self.metrics.append_seconds.observe(begin.elapsed().as_secs_f64());
        self.metrics.refused.inc_by(appended.iter().filter(|appended| appended.is_err()).count() as u64);
        appended
    }

    async fn head(&self, room: &RoomName) -> Result<Option<Head>, StoreError> {
        self.store.head(room).await
    }

    async fn read(&self, room: &RoomName, after: Offset, limit: usize) -> Result<Page, StoreError> {
        self.store.read(room, after, limit).await
    }

    async fn clear(&self, room: &RoomName) -> Result<(), StoreError> {
        self.store.clear(room).await
    }

    async fn put_blob(&self, room: &RoomName, blob: Blob) -> Result<BlobId, StoreError> {
        self.store.put_blob(room, blob).await
    }

    async fn get_blob(&self, id: &BlobId) -> Result<Option<Blob>, StoreError> {
        self.store.get_blob(id).await
    }

    fn durability(&self, room: &RoomName) -> Durability {
        self.store.durability(room)
    }

    fn gather_max(&self) -> Duration {
        self.store.gather_max()
    }

    fn is_available(&self) -> bool {
        self.store.is_available()
    }

    fn usage(&self) -> Usage {
        self.store.usage()
    }

    fn nodes(&self) -> Option<&dyn Nodes> {
        self.store.nodes()
    }

    async fn close(&self) {
        self.store.close().await;
    }
}
