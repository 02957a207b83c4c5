//! Which store, and what is put into it.

use std::path::Path;
use std::sync::Arc;

use history::{MemoryLimits, MemoryStore, SqliteOptions, SqliteStore, Sync};
use hub::{Append, Body, DedupKey, Draft, Epoch, Offset, PersonName, Position, RoomName, Store};

/// What a message says.
const TEXT: &[u8] = &[b'm'; 100];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Memory,
    Os,
    Disk,
}

impl Mode {
    pub(crate) const ALL: [Self; 3] = [Self::Memory, Self::Os, Self::Disk];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Os => "sqlite_os",
            Self::Disk => "sqlite_disk",
        }
    }

    pub(crate) fn open(self, folder: &Path) -> Arc<dyn Store> {
        let sqlite = |sync| Arc::new(SqliteStore::open(SqliteOptions::new(folder, sync)).expect("a new store"));
        match self {
            Self::Memory => Arc::new(MemoryStore::new(MemoryLimits::default())),
            Self::Os => sqlite(Sync::Os),
            Self::Disk => sqlite(Sync::Disk),
        }
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
