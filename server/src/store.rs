//! The store that was asked for.

use std::sync::Arc;

use history::{ByRoom, MemoryStore, OpenError, SqliteOptions, SqliteStore};
use hub::{RoomName, Store};

use crate::config::History;
use crate::doors::params::DEFAULT_ROOM;
use crate::limits::Limits;

/// Opens the store; rooms whose name begins with `~` are in memory in any case.
///
/// # Errors
///
/// When files are asked for and cannot be opened.
pub(crate) fn open(history: &History, limits: &Limits) -> Result<Arc<dyn Store>, OpenError> {
    let memory = MemoryStore::new(limits.memory.clone());
    match history {
        History::Memory => Ok(Arc::new(memory)),
        History::Sqlite { data_dir, sync } => {
            let options = SqliteOptions { limits: limits.sqlite.clone(), ..SqliteOptions::new(data_dir, *sync) };
            Ok(Arc::new(ByRoom::new(memory, SqliteStore::open(options)?)))
        }
    }
}

/// The one word for where messages are kept.
pub(crate) fn name(history: &History) -> &'static str {
    match history {
        History::Memory => "memory",
        History::Sqlite { .. } => "sqlite",
    }
}

/// What acked messages survive, in an ordinary room.
pub(crate) fn durability(store: &dyn Store) -> &'static str {
    let ordinary = RoomName::parse(DEFAULT_ROOM).expect("a valid name");
    store.durability(&ordinary).name()
}
