//! The whole of a folder, out and in: backups.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use hub::{Blob, BlobId, Epoch, Head, Message, Offset, RoomName, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};
use thiserror::Error;

use super::columns::{integer, unsigned};
use super::open::{self, FolderLock};
use super::pack::{Packs, Place, cost};
use super::read::Kept;
use super::{HISTORY_FILE, OpenError, PICTURES_FILE, read, schema};

/// How many messages there are.
const COUNT: &str = "SELECT coalesce(sum(last + 1 - first), 0) FROM packs";
/// Messages that are read at once.
const PAGE_MESSAGES: usize = 1000;
/// Packs that are put back at once.
const PACKS_AT_ONCE: usize = 100;

/// Why something was not read, or not put back.
#[derive(Debug, Error)]
pub enum ArchiveError {
    /// The files cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// What SQLite says.
    #[error("the history: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// Bringing it back would mix two histories of one room.
    #[error("the room {room} is there already: import into an empty data folder")]
    RoomExists {
        /// Which.
        room: RoomName,
    },
    /// A room's offsets have no holes.
    #[error("the room {room} goes on with {found} after {last}: a message is missing")]
    Hole {
        /// Which.
        room: RoomName,
        /// The message before.
        last: Offset,
        /// The message.
        found: Offset,
    },
    /// A message came before its room.
    #[error("a message stands before the line of its room")]
    NoRoom,
}

/// A picture as it is kept.
#[derive(Debug, Clone)]
pub struct ArchivedPicture {
    /// Its name.
    pub id: BlobId,
    /// When it was shared last.
    pub time: Timestamp,
    /// The picture.
    pub blob: Blob,
}

/// All that a folder holds, as it is at one moment, also while a server has
/// it open.
#[derive(Debug)]
pub struct Archive {
    history: Connection,
    pictures: Connection,
    generation: u32,
}

impl Archive {
    /// Opens the folder; changes nothing in it.
    ///
    /// # Errors
    ///
    /// When there is no history, or it cannot be read at all.
    pub fn open(folder: &Path) -> Result<Self, ArchiveError> {
        let connect = |name: &str, steps| {
            let path = folder.join(name);
            if !path.exists() {
                return Err(OpenError::Missing { folder: folder.to_owned() });
            }
            let connection = open::to_read(&path)?;
            if open::version(&connection, &path, steps)? < steps.len() {
                return Err(OpenError::Older { path });
            }
            // What is read from here on is of one moment.
            connection.execute_batch("BEGIN").map_err(OpenError::of(&path))?;
            Ok(connection)
        };
        let history = connect(HISTORY_FILE, schema::HISTORY)?;
        let pictures = connect(PICTURES_FILE, schema::PICTURES)?;
        let generation = history.query_row("SELECT generation FROM store", [], |row| row.get(0))?;
        Ok(Self { history, pictures, generation })
    }

    /// How many messages there are.
    ///
    /// # Errors
    ///
    /// When they cannot be counted.
    pub fn messages(&self) -> Result<u64, ArchiveError> {
        Ok(unsigned(self.history.query_row(COUNT, [], |row| row.get(0))?))
    }

    /// All rooms.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    pub fn rooms(&self) -> Result<Vec<(RoomName, Head)>, ArchiveError> {
        let mut names = self.history.prepare("SELECT name FROM rooms ORDER BY name")?;
        let names = names.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
        let mut rooms = Vec::new();
        // A name that is none was never written by us.
        for name in names.iter().filter_map(|name| RoomName::parse(name).ok()) {
            if let Some(head) = read::head(&self.history, &name, self.generation, Kept::ALL)? {
                rooms.push((name, head));
            }
        }
        Ok(rooms)
    }

    /// Messages of a room after `after`, some at a time; none at the end.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    pub fn page(&self, room: &RoomName, after: Offset) -> Result<Vec<Arc<Message>>, ArchiveError> {
        Ok(read::page(&self.history, room, after, PAGE_MESSAGES, Kept::ALL)?)
    }

    /// The picture that was put next after the one with the number `after`,
    /// and its number; 0 stands before the first.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn picture(&self, after: i64) -> Result<Option<(i64, ArchivedPicture)>, ArchiveError> {
        let mut next = self.pictures.prepare_cached(
            "SELECT put, id, put_at, mime_type, bytes FROM blobs WHERE put > ?1 ORDER BY put LIMIT 1",
        )?;
        let picture = next.query_row([after], |row| {
            let (id, mime_type): (String, String) = (row.get(1)?, row.get(3)?);
            let blob = Blob { bytes: Bytes::from(row.get::<_, Vec<u8>>(4)?), mime_type: mime_type.into() };
            Ok((row.get(0)?, ArchivedPicture { id: BlobId(id.into()), time: Timestamp(row.get(2)?), blob }))
        });
        Ok(picture.optional()?)
    }
}

/// Puts messages and pictures into a folder: all of them, once it is
/// finished, or none.
///
/// Every room begins a new life, so that no position from before the backup
/// names a place that came after it.
#[derive(Debug)]
pub struct Restore {
    history: Connection,
    pictures: Connection,
    room: Option<RestoredRoom>,
    packs: Packs,
    _lock: FolderLock,
}

#[derive(Debug)]
struct RestoredRoom {
    id: i64,
    name: RoomName,
    last: Offset,
    total: u64,
    newest_pack: usize,
}

impl Restore {
    /// Opens or makes the folder's files; no server may have them open.
    ///
    /// # Errors
    ///
    /// As for a server.
    pub fn open(folder: &Path) -> Result<Self, ArchiveError> {
        let lock = FolderLock::take(folder)?;
        let path = folder.join(HISTORY_FILE);
        let history = open::to_write(&path, schema::HISTORY)?;
        // What a killed server may have lost is found by the next start all the same: its mark stays.
        history.execute_batch("BEGIN IMMEDIATE")?;
        let pictures = open::to_write(&folder.join(PICTURES_FILE), schema::PICTURES)?;
        pictures.execute_batch("BEGIN IMMEDIATE")?;
        Ok(Self { history, pictures, room: None, packs: Packs::default(), _lock: lock })
    }

    /// Begins a room that stands at `head`; its messages follow.
    ///
    /// # Errors
    ///
    /// When it is there already.
    pub fn room(
        &mut self,
        name: RoomName,
        head: Offset,
        first_held: Offset,
        now: Timestamp,
    ) -> Result<(), ArchiveError> {
        let life = Epoch::random().life.cast_signed();
        let add = "INSERT OR IGNORE INTO rooms (name, life, generation, floor, floor_time) \
                   SELECT ?1, ?2, -generation, ?3, ?4 FROM store";
        if self.history.execute(add, params![name.as_str(), life, integer(head.0), now.0])? == 0 {
            return Err(ArchiveError::RoomExists { room: name });
        }
        let id = self.history.last_insert_rowid();
        self.room = Some(RestoredRoom { id, name, last: first_held.back(1), total: 0, newest_pack: 0 });
        Ok(())
    }

    /// The next message of the room.
    ///
    /// # Errors
    ///
    /// When one before it is missing.
    pub fn message(&mut self, message: &Message) -> Result<(), ArchiveError> {
        let room = self.room.as_mut().ok_or(ArchiveError::NoRoom)?;
        if message.offset != room.last.next() {
            let RestoredRoom { name, last, .. } = room;
            return Err(ArchiveError::Hole { room: name.clone(), last: *last, found: message.offset });
        }
        if self.packs.len() >= PACKS_AT_ONCE {
            self.packs.insert(&self.history)?;
        }
        let place = Place { room: room.id, before: room.total, key: None };
        self.packs.push(&mut room.newest_pack, place, message);
        room.last = message.offset;
        room.total += cost(&message.draft);
        Ok(())
    }

    /// A picture, under the name that messages know; one that is there
    /// already stays.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn picture(&mut self, picture: &ArchivedPicture) -> Result<(), ArchiveError> {
        let mut insert = self.pictures.prepare_cached(
            "INSERT INTO blobs (id, put_at, mime_type, bytes) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        )?;
        let ArchivedPicture { id, time, blob } = picture;
        insert.execute(params![&*id.0, time.0, &*blob.mime_type, &*blob.bytes])?;
        Ok(())
    }

    /// Keeps all of it.
    ///
    /// # Errors
    ///
    /// When it cannot be written; then nothing is kept.
    pub fn finish(mut self) -> Result<(), ArchiveError> {
        self.packs.insert(&self.history)?;
        // Pictures first: a message shows none that is not there.
        for connection in [&self.pictures, &self.history] {
            connection.execute_batch("COMMIT")?;
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        }
        Ok(())
    }
}
