//! The stores behind the hub's trait [`Store`](hub::Store).
//!
//! Knows rooms and messages, no doors and no sockets. `tests/it/contract.rs` says
//! what any store must keep.

mod by_room;
mod clock;
mod memory;
mod record;
mod redis;
mod retention;
mod shared_image;
mod sqlite;

pub use by_room::ByRoom;
pub use memory::{MemoryLimits, MemoryStore};
pub use redis::{Clock, RedisLimits, RedisOpenError, RedisOptions, RedisStore};
pub use retention::Retention;
pub use sqlite::{
    Archive, ArchiveError, ArchivedPicture, OpenError, Restore, SqliteLimits, SqliteOptions, SqliteStore, Sync,
};
