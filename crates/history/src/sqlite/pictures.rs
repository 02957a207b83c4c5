//! Shared negatives, kept by content in a file of their own.

use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use hub::{Blob, BlobId, StoreError, Timestamp};
use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::columns::unsigned;
use super::dedup::millis;
use super::outage::Outage;
use super::readers::Readers;

use super::{OpenError, SqliteLimits, Sync, open, schema};

/// Bytes of a digest that make an id: 128 bits cannot be guessed.
const ID_BYTES: usize = 16;

/// The file.
#[derive(Debug, Clone)]
pub(super) struct Pictures {
    writer: Arc<Mutex<Option<Writer>>>,
    readers: Readers,
    limits: Arc<SqliteLimits>,
}

#[derive(Debug)]
struct Writer {
    connection: Connection,
    /// Mixed into every id: who has a picture cannot work out the id under
    /// which somebody else may have shared it.
    secret: Vec<u8>,
    bytes: u64,
    outage: Outage,
}

impl Pictures {
    pub(super) fn open(path: &Path, sync: Sync, limits: &SqliteLimits) -> Result<Self, OpenError> {
        let connection = open::to_write(path, schema::PICTURES)?;
        let read = || {
            connection.pragma_update(None, "synchronous", sync.pragma())?;
            let secret = connection.query_row("SELECT bytes FROM secret", [], |row| row.get(0))?;
            let bytes: i64 =
                connection.query_row("SELECT coalesce(sum(length(bytes)), 0) FROM blobs", [], |row| row.get(0))?;
            Ok((secret, unsigned(bytes)))
        };
        let (secret, bytes) = read().map_err(OpenError::of(path))?;
        let writer = Writer { connection, secret, bytes, outage: Outage::default() };
        Ok(Self {
            writer: Arc::new(Mutex::new(Some(writer))),
            readers: Readers::new(path.to_owned(), limits.readers_max),
            limits: Arc::new(limits.clone()),
        })
    }

    /// Equal blobs get equal ids and are held once.
    pub(super) async fn put(&self, blob: Blob, now: Timestamp) -> Result<BlobId, StoreError> {
        let (bytes, bytes_max) =
            (blob.bytes.len() as u64, self.limits.retention.blob_max_bytes.min(self.limits.retention.blobs_max_bytes));
        if bytes > bytes_max {
            let size = |bytes| usize::try_from(bytes).unwrap_or(usize::MAX);
            return Err(StoreError::BlobTooLarge { bytes: size(bytes), bytes_max: size(bytes_max) });
        }
        let (writer, limits) = (Arc::clone(&self.writer), Arc::clone(&self.limits));
        let putting = tokio::task::spawn_blocking(move || {
            let mut writer = writer.lock();
            let writer = writer.as_mut().ok_or(StoreError::Down)?;
            let put = writer.put(&blob, now, &limits);
            writer.outage.note(put)
        });
        putting.await.unwrap_or(Err(StoreError::Down))
    }

    pub(super) async fn get(&self, id: BlobId, now: Timestamp) -> Result<Option<Blob>, StoreError> {
        let oldest = now.0.saturating_sub(millis(self.limits.retention.blob_age_max));
        self.readers
            .read(move |db| {
                let mut blob = db.prepare_cached("SELECT bytes, mime_type FROM blobs WHERE id = ?1 AND put_at > ?2")?;
                let blob = blob.query_row(params![&*id.0, oldest], |row| {
                    let mime_type: String = row.get(1)?;
                    Ok(Blob { bytes: Bytes::from(row.get::<_, Vec<u8>>(0)?), mime_type: mime_type.into() })
                });
                blob.optional()
            })
            .await
    }

    pub(super) fn close(&self) {
        self.readers.close();
        drop(self.writer.lock().take());
    }
}

impl Writer {
    fn put(&mut self, blob: &Blob, now: Timestamp, limits: &SqliteLimits) -> rusqlite::Result<BlobId> {
        let id = self.id(blob);
        let bytes = blob.bytes.len() as u64;
        let transaction = self.connection.transaction()?;
        let mut held = self.bytes - delete(&transaction, "id = ?1", &*id.0)?;
        held -= delete(&transaction, "put_at <= ?1", now.0.saturating_sub(millis(limits.retention.blob_age_max)))?;
        while held + bytes > limits.retention.blobs_max_bytes {
            let oldest: i64 = transaction.query_row("SELECT min(put) FROM blobs", [], |row| row.get(0))?;
            held -= delete(&transaction, "put = ?1", oldest)?;
        }
        transaction.execute(
            "INSERT INTO blobs (id, put_at, mime_type, bytes) VALUES (?1, ?2, ?3, ?4)",
            params![&*id.0, now.0, &*blob.mime_type, &*blob.bytes],
        )?;
        transaction.commit()?;
        self.bytes = held + bytes;
        Ok(id)
    }

    fn id(&self, blob: &Blob) -> BlobId {
        let digest = Sha256::new()
            .chain_update(&self.secret)
            .chain_update(blob.mime_type.as_bytes())
            .chain_update(&blob.bytes)
            .finalize();
        BlobId(URL_SAFE_NO_PAD.encode(&digest[..ID_BYTES]).into())
    }
}

/// Deletes, and says how many bytes there are less.
fn delete(db: &Connection, which: &str, value: impl rusqlite::ToSql) -> rusqlite::Result<u64> {
    let mut size = db.prepare_cached(&format!("SELECT coalesce(sum(length(bytes)), 0) FROM blobs WHERE {which}"))?;
    let bytes: i64 = size.query_row([&value], |row| row.get(0))?;
    db.prepare_cached(&format!("DELETE FROM blobs WHERE {which}"))?.execute([&value])?;
    Ok(unsigned(bytes))
}
