//! Opens a file: is it ours, is it whole, which version is it?

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};
use thiserror::Error;

/// A file that another connection has locked is waited for so long. Chosen:
/// only a checkpoint of another program holds it at all.
const BUSY_MAX: Duration = Duration::from_secs(5);
/// What SQLite shows of a file as whose it is ("nega").
const APPLICATION_ID: i32 = 0x6e65_6761;

/// Why a store was not opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The folder cannot be made or written.
    #[error("cannot use the data folder {}: {source}", folder.display())]
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Another process has it open.
    #[error("the data folder {} is in use by another negaphone: stop that one, or choose another folder", folder.display())]
    InUse {
        /// Which.
        folder: PathBuf,
    },
    /// There is none, and none was to be made.
    #[error("there is no history in {}", folder.display())]
    Missing {
        /// Where.
        folder: PathBuf,
    },
    /// A database of some other program.
    #[error("{} is not a file of negaphone: choose another data folder", path.display())]
    Foreign {
        /// Which.
        path: PathBuf,
    },
    /// A later version of the program wrote it.
    #[error(
        "{} was written by a newer negaphone (format {found}, this one knows {known}): start the newer one, or choose \
         another data folder",
        path.display()
    )]
    Newer {
        /// Which.
        path: PathBuf,
        /// Its version.
        found: usize,
        /// The latest that we know.
        known: usize,
    },
    /// An earlier version of the program wrote it, and it is only read.
    #[error("{} was written by an older negaphone: start the server with that data folder once, or use the older one", path.display())]
    Older {
        /// Which.
        path: PathBuf,
    },
    /// It is not what was written.
    #[error(
        "{} is damaged ({detail}): save what can be read with `negaphone history export`, move the data folder away, \
         and bring the messages back with `negaphone history import`",
        path.display()
    )]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What SQLite says.
        detail: String,
    },
    /// Anything else that SQLite says.
    #[error("cannot open {}: {source}", path.display())]
    Sqlite {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: rusqlite::Error,
    },
}

impl OpenError {
    /// What an error of SQLite means for the file at `path`.
    pub(super) fn of(path: &Path) -> impl Fn(rusqlite::Error) -> Self {
        move |source| {
            let path = path.to_owned();
            match is_damage(&source) {
                true => Self::Damaged { path, detail: source.to_string() },
                false => Self::Sqlite { path, source },
            }
        }
    }
}

/// Whether the file itself is wrong.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
        || matches!(error, rusqlite::Error::FromSqlConversionFailure(..) | rusqlite::Error::InvalidColumnType(..))
}

/// The folder is ours as long as this lives.
#[derive(Debug)]
pub(super) struct FolderLock(#[expect(dead_code, reason = "the lock ends with the file")] File);

impl FolderLock {
    /// Makes the folder if need be, and takes it.
    pub(super) fn take(folder: &Path) -> Result<Self, OpenError> {
        let failed = |source| OpenError::Folder { folder: folder.to_owned(), source };
        std::fs::create_dir_all(folder).map_err(failed)?;
        let file = File::create(folder.join("lock")).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse { folder: folder.to_owned() }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}

/// How to make a file of the newest version out of one of any earlier one: a
/// file of version `n` needs the steps from `n` on. A new file has version 0.
pub(super) type Steps = &'static [Step];

/// One of them, within a transaction.
pub(super) type Step = fn(&Connection) -> rusqlite::Result<()>;

/// Opens the file to write, makes or migrates it.
pub(super) fn to_write(path: &Path, steps: Steps) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = connect(path, flags)?;
    prepare(&mut connection, path, steps).map(|()| connection)
}

/// Opens a file that is there and known to be ours, to put its log into it.
pub(super) fn to_checkpoint(path: &Path) -> Result<Connection, OpenError> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

/// Opens the file to read; it stays as it is.
pub(super) fn to_read(path: &Path) -> Result<Connection, OpenError> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, OpenError> {
    let connection = Connection::open_with_flags(path, flags).map_err(OpenError::of(path))?;
    connection.busy_timeout(BUSY_MAX).map_err(OpenError::of(path))?;
    // A statement that is used once a batch is not compiled once a batch.
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// The version of the file, if it is one of ours that we know.
pub(super) fn version(connection: &Connection, path: &Path, steps: Steps) -> Result<usize, OpenError> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let application_id = number("application_id").map_err(OpenError::of(path))?;
    let version = number("user_version").map_err(OpenError::of(path))?;
    let tables: u32 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(OpenError::of(path))?;
    let is_new = application_id == 0 && version == 0 && tables == 0;
    if application_id != APPLICATION_ID && !is_new {
        return Err(OpenError::Foreign { path: path.to_owned() });
    }
    let version = usize::try_from(version).unwrap_or(usize::MAX);
    if version > steps.len() {
        return Err(OpenError::Newer { path: path.to_owned(), found: version, known: steps.len() });
    }
    Ok(version)
}

fn prepare(connection: &mut Connection, path: &Path, steps: Steps) -> Result<(), OpenError> {
    let version = version(connection, path, steps)?;
    let mut migrate = || {
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // Whatever the file is set to: these few commits are worth a wait for the disk.
        connection.pragma_update(None, "synchronous", "FULL")?;
        for (step, version) in steps[version..].iter().zip(version + 1..) {
            let transaction = connection.transaction()?;
            step(&transaction)?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            transaction.pragma_update(None, "user_version", i32::try_from(version).unwrap_or(i32::MAX))?;
            transaction.commit()?;
        }
        Ok(())
    };
    migrate().map_err(OpenError::of(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Step = |db| db.execute_batch("CREATE TABLE t (a); INSERT INTO t VALUES (1)");
    const SECOND: Step = |db| db.execute_batch("ALTER TABLE t ADD COLUMN b DEFAULT 2");
    const FAILING: Step = |db| db.execute_batch("ALTER TABLE t ADD COLUMN b DEFAULT 3; nonsense");

    fn row(connection: &Connection) -> (i32, i32) {
        connection.query_row("SELECT a, b FROM t", [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    }

    #[test]
    fn an_older_file_is_migrated_with_what_it_holds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        drop(to_write(&path, &[FIRST]).unwrap());
        assert_eq!(row(&to_write(&path, &[FIRST, SECOND]).unwrap()), (1, 2));
        assert_eq!(row(&to_write(&path, &[FIRST, SECOND]).unwrap()), (1, 2));
        let newer = to_write(&path, &[FIRST]).unwrap_err();
        assert!(matches!(newer, OpenError::Newer { found: 2, known: 1, .. }), "{newer}");
    }

    #[test]
    fn a_step_that_fails_leaves_the_file_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        drop(to_write(&path, &[FIRST]).unwrap());
        to_write(&path, &[FIRST, FAILING]).unwrap_err();
        assert_eq!(row(&to_write(&path, &[FIRST, SECOND]).unwrap()), (1, 2));
    }
}
