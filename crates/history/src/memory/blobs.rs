//! Shared negatives, kept by content.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hub::{Blob, BlobId, StoreError};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

/// Bytes of a digest that make an id: 128 bits cannot be guessed.
const ID_BYTES: usize = 16;

#[derive(Debug)]
pub(super) struct Blobs {
    by_id: HashMap<BlobId, Held>,
    /// Oldest first.
    by_age: BTreeMap<u64, BlobId>,
    puts: u64,
    bytes: usize,
    max_bytes: usize,
    age_max: Duration,
    /// Mixed into every id: who has a picture cannot work out the id under
    /// which somebody else may have shared it.
    secret: [u8; 32],
}

#[derive(Debug)]
struct Held {
    blob: Blob,
    put: u64,
    put_at: Instant,
}

impl Blobs {
    /// All of them.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn new(max_bytes: usize, age_max: Duration) -> Self {
        Self {
            by_id: HashMap::new(),
            by_age: BTreeMap::new(),
            puts: 0,
            bytes: 0,
            max_bytes,
            age_max,
            secret: rand::random(),
        }
    }

    /// Equal blobs get equal ids and are held once.
    pub(super) fn put(&mut self, blob: Blob, now: Instant) -> Result<BlobId, StoreError> {
        let bytes = blob.bytes.len();
        if bytes > self.max_bytes {
            return Err(StoreError::BlobTooLarge { bytes, bytes_max: self.max_bytes });
        }
        let digest = Sha256::new()
            .chain_update(self.secret)
            .chain_update(blob.mime_type.as_bytes())
            .chain_update(&blob.bytes)
            .finalize();
        let id = BlobId(URL_SAFE_NO_PAD.encode(&digest[..ID_BYTES]).into());
        self.remove(&id);
        self.expire(now);
        while self.bytes + bytes > self.max_bytes {
            self.remove_oldest();
        }
        self.puts += 1;
        self.bytes += bytes;
        self.by_age.insert(self.puts, id.clone());
        self.by_id.insert(id.clone(), Held { blob, put: self.puts, put_at: now });
        Ok(id)
    }

    pub(super) fn get(&mut self, id: &BlobId, now: Instant) -> Option<Blob> {
        self.expire(now);
        self.by_id.get(id).map(|held| held.blob.clone())
    }

    fn expire(&mut self, now: Instant) {
        let is_old = |held: &Held, age_max| now.duration_since(held.put_at) >= age_max;
        while self.by_age.first_key_value().is_some_and(|(_, id)| is_old(&self.by_id[id], self.age_max)) {
            self.remove_oldest();
        }
    }

    fn remove_oldest(&mut self) {
        if let Some((_, id)) = self.by_age.first_key_value() {
            let id = id.clone();
            self.remove(&id);
        }
    }

    fn remove(&mut self, id: &BlobId) {
        if let Some(held) = self.by_id.remove(id) {
            self.by_age.remove(&held.put);
            self.bytes -= held.blob.bytes.len();
        }
    }
}
