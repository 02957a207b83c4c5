//! The store that was asked for.

use std::sync::Arc;

use history::{ByRoom, MemoryStore, OpenError, RedisOpenError, RedisOptions, RedisStore, SqliteOptions, SqliteStore};
use hub::{Durability, RoomName, Store};
use thiserror::Error;

use crate::config::History;
use crate::doors::params::DEFAULT_ROOM;
use crate::limits::Limits;

/// Why there is no store.
#[derive(Debug, Error)]
pub enum StoreOpenError {
    /// Files that cannot be read.
    #[error(transparent)]
    Files(#[from] OpenError),
    /// A Redis that cannot be used.
    #[error(transparent)]
    Redis(#[from] RedisOpenError),
}

/// Opens the store; rooms whose name begins with `~` are in memory in any case.
///
/// # Errors
///
/// When it cannot be opened.
pub(crate) async fn open(history: &History, limits: &Limits) -> Result<Arc<dyn Store>, StoreOpenError> {
    let memory = MemoryStore::new(limits.memory.clone());
    match history {
        History::Memory => Ok(Arc::new(memory)),
        History::Sqlite { data_dir, sync } => {
            let options = SqliteOptions { limits: limits.sqlite.clone(), ..SqliteOptions::new(data_dir, *sync) };
            Ok(Arc::new(ByRoom::new(memory, SqliteStore::open(options)?)))
        }
        History::Redis { url } => {
            let options = RedisOptions { limits: limits.redis.clone(), ..RedisOptions::new(&*url.0) };
            Ok(Arc::new(ByRoom::new(memory, Box::pin(RedisStore::open(options)).await?)))
        }
    }
}

/// The one word for where messages are kept.
pub(crate) fn name(history: &History) -> &'static str {
    match history {
        History::Memory => "memory",
        History::Sqlite { .. } => "sqlite",
        History::Redis { .. } => "redis",
    }
}

/// What acked messages survive, in an ordinary room.
pub(crate) fn durability(store: &dyn Store) -> Durability {
    let ordinary = RoomName::parse(DEFAULT_ROOM).expect("a valid name");
    store.durability(&ordinary)
}
