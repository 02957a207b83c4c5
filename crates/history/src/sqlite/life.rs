//! Was the file closed cleanly, and may it have lost what was acked?

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};

use super::{OpenError, Sync};

/// What the program that has the file open leaves in it; gone when the file
/// is closed cleanly.
#[derive(Debug, Clone, PartialEq, Eq)]
struct OpenMark {
    sync: Sync,
    /// In which life of the machine.
    boot: Option<String>,
}

/// What is known of the file before it is opened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    /// Its log of commits is there.
    pub(super) has_log: bool,
}

/// Marks the file as open and returns the generation of its rooms, raised
/// where acked messages may be missing.
pub(super) fn begin(
    connection: &Connection,
    path: &Path,
    found: Found,
    sync: Sync,
    boot: Option<&str>,
) -> Result<u32, OpenError> {
    let mark = read_mark(connection).map_err(OpenError::of(path))?;
    if mark.as_ref().is_some_and(|mark| has_booted_since(mark, boot)) {
        // The machine ended in the middle of writing: is what the disk holds what was written? Takes time, and seldom.
        tracing::info!(file = %path.display(), "the machine ended while this file was open: it is checked");
        check(connection, path)?;
    }
    if mark.as_ref().is_some_and(|mark| may_have_lost(mark, boot, found)) {
        tracing::warn!(file = %path.display(), "messages may be missing: readers are told so when they come back");
        connection.execute("UPDATE store SET generation = generation + 1", []).map_err(OpenError::of(path))?;
    }
    connection
        .execute("UPDATE store SET open_sync = ?1, open_boot = ?2", params![sync.name(), boot])
        .map_err(OpenError::of(path))?;
    // Into the file itself, so that the mark is there when the log is not.
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).map_err(OpenError::of(path))?;
    connection.query_row("SELECT generation FROM store", [], |row| row.get(0)).map_err(OpenError::of(path))
}

/// Takes the mark away: everything before it is on the disk.
pub(super) fn end(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute("UPDATE store SET open_sync = NULL, open_boot = NULL", [])?;
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

fn read_mark(connection: &Connection) -> rusqlite::Result<Option<OpenMark>> {
    let read = |row: &rusqlite::Row<'_>| {
        let sync: String = row.get(0)?;
        Ok(OpenMark { sync: if sync == Sync::Disk.name() { Sync::Disk } else { Sync::Os }, boot: row.get(1)? })
    };
    connection.query_row("SELECT open_sync, open_boot FROM store WHERE open_sync IS NOT NULL", [], read).optional()
}

/// Where the machine does not tell its lives apart, each may be another one.
fn has_booted_since(mark: &OpenMark, boot: Option<&str>) -> bool {
    boot.is_none() || mark.boot.as_deref() != boot
}

fn may_have_lost(mark: &OpenMark, boot: Option<&str>, found: Found) -> bool {
    // A killed program leaves its log behind: without it, the newest messages are gone.
    !found.has_log || mark.sync == Sync::Os && has_booted_since(mark, boot)
}

fn check(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let found: String =
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(OpenError::of(path))?;
    if found == "ok" { Ok(()) } else { Err(OpenError::Damaged { path: path.to_owned(), detail: found }) }
}
