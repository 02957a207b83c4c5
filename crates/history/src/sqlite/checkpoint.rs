//! Puts the log of commits into the file, beside the writer.
//!
//! Most of it is waiting for the disk. A thread of its own does that while
//! messages go on being stored; the writer itself only puts the rest there once
//! the log has grown to its bound, so that it begins anew.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;

use super::{OpenError, open};

/// Bytes of the log from which on the thread puts them into the file. Chosen:
/// a page that many transactions touch is written there once.
const BEGIN_BYTES: i64 = 32 << 20;
/// Bytes of the log from which on the writer itself puts the rest into the file,
/// as soon as the thread does not, and to which the log shrinks. Measured: it
/// grows to 115 MiB under full load.
pub(super) const LOG_MAX_BYTES: i64 = 64 << 20;

/// The thread; it ends once nothing can ask it any more.
#[derive(Debug)]
pub(super) struct Checkpoints(JoinHandle<()>);

impl Checkpoints {
    /// Has the thread follow what `writer` commits to the file at `path`.
    pub(super) fn start(writer: &mut Connection, path: &Path) -> Result<Self, OpenError> {
        let (wake, woken) = sync_channel(1);
        let page_bytes =
            writer.pragma_query_value(None, "page_size", |row| row.get::<_, i64>(0)).map_err(OpenError::of(path))?;
        ask_after_commits(writer, wake, page_bytes).map_err(OpenError::of(path))?;
        let file = open::to_checkpoint(path)?;
        let thread = std::thread::Builder::new()
            .name("history-log".to_owned())
            .spawn(move || run(&file, &woken))
            .map_err(|source| OpenError::Folder { folder: path.to_owned(), source })?;
        Ok(Self(thread))
    }

    /// Waits for the last one; then nothing is put into the file but by
    /// `writer`.
    pub(super) fn end(self, writer: &mut Connection) -> rusqlite::Result<()> {
        writer.wal_hook(None::<fn(&mut rusqlite::hooks::Wal, i32) -> rusqlite::Result<()>>)?;
        // A panic there has been reported where it happened.
        self.0.join().ok();
        Ok(())
    }
}

fn ask_after_commits(writer: &mut Connection, wake: SyncSender<()>, page_bytes: i64) -> rusqlite::Result<()> {
    writer.wal_hook(Some(move |log: &mut rusqlite::hooks::Wal, pages: i32| {
        let bytes = i64::from(pages) * page_bytes;
        if bytes >= LOG_MAX_BYTES {
            // What is committed stays so: where this fails, a commit fails soon, and says so.
            log.checkpoint().ok();
        } else if bytes >= BEGIN_BYTES {
            // One that was asked for and has not begun sees this commit, too.
            wake.try_send(()).ok();
        }
        Ok(())
    }))
}

fn run(file: &Connection, woken: &Receiver<()>) {
    while woken.recv().is_ok() {
        // Where it fails, the writer does it, and says what is wrong.
        file.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).ok();
    }
}
