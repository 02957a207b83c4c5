//! Which store, and what is put into it.

use std::path::Path;
use std::sync::Arc;

use history::{MemoryLimits, MemoryStore, RedisOptions, RedisStore, SqliteOptions, SqliteStore, Sync};
use hub::{Append, Body, DedupKey, Draft, Epoch, Offset, PersonName, Position, RoomName, Store};

#[expect(unreachable_pub, reason = "this file belongs to `tests`, too")]
#[path = "../../tests/src/port.rs"]
mod port;
#[expect(unreachable_pub, dead_code, reason = "this file belongs to `tests`, too")]
#[path = "../../tests/src/redis_server.rs"]
mod redis_server;

use port::lasting_address;
pub(crate) use redis_server::RedisServer;

/// What a message says.
const TEXT: &[u8] = &[b'm'; 100];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Memory,
    Os,
    Disk,
    /// In a Redis that writes to the disk before it answers.
    Redis,
}

/// A store, and the Redis that it is in.
pub(crate) struct Opened {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) redis: Option<RedisServer>,
}

impl Mode {
    pub(crate) const ALL: [Self; 4] = [Self::Memory, Self::Os, Self::Disk, Self::Redis];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Os => "sqlite_os",
            Self::Disk => "sqlite_disk",
            Self::Redis => "redis_always",
        }
    }

    pub(crate) async fn open(self, folder: &Path) -> Opened {
        let sqlite = |sync| Arc::new(SqliteStore::open(SqliteOptions::new(folder, sync)).expect("a new store"));
        let mut redis = None;
        let store: Arc<dyn Store> = match self {
            Self::Memory => Arc::new(MemoryStore::new(MemoryLimits::default())),
            Self::Os => sqlite(Sync::Os),
            Self::Disk => sqlite(Sync::Disk),
            Self::Redis => {
                let server = redis.insert(RedisServer::start(folder, lasting_address(), &[]));
                Arc::new(RedisStore::open(RedisOptions::new(server.url())).await.expect("Redis runs"))
            }
        };
        Opened { store, redis }
    }
}

pub(crate) fn room(number: usize) -> RoomName {
    RoomName::parse(&format!("room-{number}")).expect("a valid name")
}

pub(crate) fn draft() -> Draft {
    let body = Body::Text(TEXT.into());
    Draft { from: PersonName::parse("ada").expect("a valid name"), body, as_sent: None, id: None }
}

/// As a native client's: a session key of 128 bits and a counter.
pub(crate) fn dedup(number: u64) -> DedupKey {
    DedupKey { session: "AbCdEfGhIjKlMnOpQrStUv".into(), id: number.to_string().into() }
}

pub(crate) fn append(room_number: usize, number: u64) -> Append {
    let epoch = Epoch { life: 1, generation: 0 };
    let known = Position { offset: Offset(0), epoch };
    Append { room: room(room_number), known, draft: draft(), dedup: Some(dedup(number)) }
}
