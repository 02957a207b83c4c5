//! A history in Redis (or Valkey), which several nodes share.
//!
//! One script a room appends what came while the last batch was under way:
//! retries, offsets, messages and what the other nodes are told are one step
//! that happens or does not. See `docs/decisions/0005-history-in-redis.md`.

mod append;
mod blobs;
mod durability;
mod keys;
mod limits;
mod lineage;
mod link;
mod news;
mod nodes;
mod outage;
mod read;
mod scripts;
mod servers;
mod slots;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hub::{
    Append, Appended, Blob, BlobId, Durability, Head, Nodes, Offset, Page, RoomName, Store, StoreError, Timestamp,
};
use redis::{Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion, RedisError, cmd};
use thiserror::Error;

pub use limits::RedisLimits;

use crate::clock::unix_time;
use append::Asking;
use blobs::Blobs;
use keys::RoomKeys;
use link::Surroundings;
use news::Inbox;
use scripts::Scripts;
use servers::Servers;

/// What time it is.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Which Redis, and how it is used.
#[derive(Clone)]
pub struct RedisOptions {
    /// `redis://[user:password@]host[:port][/database]`, or `rediss://…` for
    /// TLS.
    pub url: String,
    /// What time it is; nodes should agree.
    pub clock: Clock,
    /// All bounds.
    pub limits: RedisLimits,
}

impl RedisOptions {
    /// With this machine's clock and the default bounds.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), clock: Arc::new(unix_time), limits: RedisLimits::default() }
    }
}

impl fmt::Debug for RedisOptions {
    /// Leaves the URL out: it may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisOptions").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// Why Redis cannot be used.
#[derive(Debug, Error)]
pub enum RedisOpenError {
    /// Not an address of Redis.
    #[error("not an address of Redis: write it as redis://host:6379 or rediss://user:password@host:6380")]
    Url,
    /// It is not there, or does not let us in.
    #[error("cannot use Redis at {address}: {source}; is it running, and are user and password right?")]
    Connect {
        /// Where.
        address: String,
        /// Why not.
        source: RedisError,
    },
    /// A cluster that is not whole.
    #[error(
        "only {slots} of the 16384 slots of this Redis Cluster have a server: see to it with redis-cli --cluster check"
    )]
    Incomplete {
        /// Slots that have one.
        slots: usize,
    },
}

impl RedisOpenError {
    fn connect(address: &ConnectionAddr, source: RedisError) -> Self {
        Self::Connect { address: address.to_string(), source }
    }
}

/// A [`Store`] in Redis.
pub struct RedisStore {
    servers: Arc<Servers>,
    inbox: Arc<Inbox>,
    blobs: Blobs,
    /// Tells this node from the others.
    node: String,
    clock: Clock,
    limits: RedisLimits,
}

impl RedisStore {
    /// Checks an address, and says where it leads: without user and password.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn address(url: &str) -> Result<String, RedisOpenError> {
        Ok(info(url)?.addr().to_string())
    }

    /// Connects to Redis.
    ///
    /// # Errors
    ///
    /// When the URL makes no sense, or Redis cannot be reached or does not let
    /// us in. When it is lost later, it is connected to again.
    pub async fn open(options: RedisOptions) -> Result<Self, RedisOpenError> {
        let RedisOptions { url, clock, limits } = options;
        let info = info(&url)?;
        if let ConnectionAddr::TcpTls { .. } = info.addr() {
            // The library takes what the process has; somebody else may have chosen already.
            rustls::crypto::ring::default_provider().install_default().ok();
        }
        let address = info.addr().clone();
        let client = Client::open(info).map_err(|source| RedisOpenError::connect(&address, source))?;
        let node = format!("{:016x}", rand::random::<u64>());
        let inbox = Arc::new(Inbox::new(&node, limits.news_max_bytes));
        let surroundings = Surroundings {
            scripts: Arc::new(Scripts::new()),
            limits: limits.clone(),
            inbox: Arc::clone(&inbox),
            moved: Arc::default(),
        };
        let servers = Servers::open(client, surroundings).await?;
        Ok(Self { servers, inbox, blobs: Blobs::default(), node, clock, limits })
    }
}

/// News and answers come on one connection, which only the newer protocol can.
fn info(url: &str) -> Result<ConnectionInfo, RedisOpenError> {
    let info = url.into_connection_info().map_err(|_| RedisOpenError::Url)?;
    let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    Ok(info.set_redis_settings(settings))
}

/// A span as scripts count it.
fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

#[async_trait]
impl Store for RedisStore {
    async fn append(&self, batch: Vec<Append>) -> Vec<Result<Appended, StoreError>> {
        if batch.is_empty() {
            return Vec::new();
        }
        let asking = Asking { node: &self.node, now: (self.clock)(), limits: &self.limits };
        append::append(&self.servers, asking, batch).await
    }

    async fn head(&self, room: &RoomName) -> Result<Option<Head>, StoreError> {
        read::head(&*self.servers.of(room)?, room).await
    }

    async fn read(&self, room: &RoomName, after: Offset, limit: usize) -> Result<Page, StoreError> {
        Ok(Page { messages: read::page(&*self.servers.of(room)?, room, after, limit).await? })
    }

    async fn clear(&self, room: &RoomName) -> Result<(), StoreError> {
        let mut command = cmd("UNLINK");
        command.arg(RoomKeys(room).messages());
        self.servers.of(room)?.ask(&command).await
    }

    async fn put_blob(&self, _: &RoomName, blob: Blob) -> Result<BlobId, StoreError> {
        self.blobs.put(&*self.servers.of_pictures()?, self.servers.scripts(), &self.limits, &blob, (self.clock)()).await
    }

    async fn get_blob(&self, id: &BlobId) -> Result<Option<Blob>, StoreError> {
        self.blobs.get(&*self.servers.of_pictures()?, &self.limits, id, (self.clock)()).await
    }

    fn durability(&self, _: &RoomName) -> Durability {
        self.servers.durability()
    }

    fn gather_max(&self) -> Duration {
        self.limits.gather_max
    }

    fn is_available(&self) -> bool {
        self.servers.is_up()
    }

    fn nodes(&self) -> Option<&dyn Nodes> {
        Some(self)
    }

    async fn close(&self) {
        self.servers.close();
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("node", &self.node).field("limits", &self.limits).finish_non_exhaustive()
    }
}
