//! Says once that the store is down, and once that it is back.

use hub::StoreError;
use rusqlite::ErrorCode;

use super::open::is_damage;

/// Whether the last attempt failed.
#[derive(Debug, Default)]
pub(super) struct Outage {
    is_down: bool,
}

impl Outage {
    /// What callers are told of a result; the log is told of changes.
    pub(super) fn note<T>(&mut self, result: rusqlite::Result<T>) -> Result<T, StoreError> {
        match result {
            Ok(value) => {
                if std::mem::take(&mut self.is_down) {
                    tracing::info!("the history is written again");
                }
                Ok(value)
            }
            Err(error) => {
                if !std::mem::replace(&mut self.is_down, true) {
                    tracing::error!(%error, remedy = remedy(&error), "messages are refused: the history cannot be written");
                }
                Err(StoreError::Down)
            }
        }
    }
}

/// What helps against it; the store goes on by itself afterwards.
fn remedy(error: &rusqlite::Error) -> &'static str {
    if is_damage(error) {
        return "the file is damaged: stop the server, `negaphone history export`, move the data folder away, \
                `negaphone history import`";
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "make room on the disk of the data folder",
        _ => "see to the disk of the data folder",
    }
}
