//! Shared negatives, kept by content.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use hub::{Blob, BlobId, StoreError, Timestamp};
use redis::{Value, cmd, pipe};
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use super::append::{number, text};
use super::keys::pictures::{BY_AGE, EACH, SECRET, SIZES};
use super::link::Link;
use super::scripts::Scripts;
use super::{RedisLimits, millis};

/// Bytes of a digest that make an id: 128 bits cannot be guessed.
const ID_BYTES: usize = 16;

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Blobs {
    /// Mixed into every id: who has a picture cannot work out the id under
    /// which somebody else may have shared it. The same at all nodes.
    secret: OnceCell<Vec<u8>>,
}

impl Blobs {
    /// Equal blobs get equal ids and are held once.
    pub(super) async fn put(
        &self,
        link: &Link,
        scripts: &Scripts,
        limits: &RedisLimits,
        blob: &Blob,
        now: Timestamp,
    ) -> Result<BlobId, StoreError> {
        let (bytes, bytes_max) =
            (blob.bytes.len() as u64, limits.retention.blob_max_bytes.min(limits.retention.blobs_max_bytes));
        if bytes > bytes_max {
            let size = |bytes| usize::try_from(bytes).unwrap_or(usize::MAX);
            return Err(StoreError::BlobTooLarge { bytes: size(bytes), bytes_max: size(bytes_max) });
        }
        let id = self.id(link, blob).await?;
        let keys = [BY_AGE.to_owned(), SIZES.to_owned(), key(&id)];
        let mut command = scripts.put_blob.run(&keys);
        command
            .arg(now.0)
            .arg(limits.retention.blobs_max_bytes)
            .arg(millis(limits.retention.blob_age_max))
            .arg(EACH)
            .arg(&*id.0)
            .arg(&*blob.mime_type)
            .arg(&*blob.bytes);
        link.ask::<()>(&command).await?;
        Ok(id)
    }

    pub(super) async fn get(
        &self,
        link: &Link,
        limits: &RedisLimits,
        id: &BlobId,
        now: Timestamp,
    ) -> Result<Option<Blob>, StoreError> {
        let mut command = cmd("HMGET");
        command.arg(key(id)).arg(&["at", "type", "bytes"]);
        let answer: Vec<Value> = link.ask(&command).await?;
        let Ok([at, mime_type, Value::BulkString(bytes)]) = <[Value; 3]>::try_from(answer) else { return Ok(None) };
        let is_old =
            number(&at).is_none_or(|at| now.0.saturating_sub_unsigned(at) >= millis(limits.retention.blob_age_max));
        let Some(mime_type) = text(&mime_type).filter(|_| !is_old) else { return Ok(None) };
        Ok(Some(Blob { bytes: Bytes::from(bytes), mime_type: mime_type.to_owned().into() }))
    }

    async fn id(&self, link: &Link, blob: &Blob) -> Result<BlobId, StoreError> {
        let secret = self.secret.get_or_try_init(|| secret(link)).await?;
        let digest = Sha256::new()
            .chain_update(secret)
            .chain_update(blob.mime_type.as_bytes())
            .chain_update(&blob.bytes)
            .finalize();
        Ok(BlobId(URL_SAFE_NO_PAD.encode(&digest[..ID_BYTES]).into()))
    }
}

fn key(id: &BlobId) -> String {
    format!("{EACH}{}", id.0)
}

/// The first node makes it.
async fn secret(link: &Link) -> Result<Vec<u8>, StoreError> {
    let new: [u8; 32] = rand::random();
    let mut commands = pipe();
    commands.cmd("SETNX").arg(SECRET).arg(&new[..]);
    commands.cmd("GET").arg(SECRET);
    match link.ask_all(&mut commands).await?.pop() {
        Some(Ok(Value::BulkString(secret))) => Ok(secret),
        _ => Err(StoreError::Down),
    }
}
