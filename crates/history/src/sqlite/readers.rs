//! Reads beside the writer, on connections of their own.

use std::path::PathBuf;
use std::sync::Arc;

use hub::StoreError;
use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::{OpenError, open};

/// A bounded number of connections to one file.
#[derive(Debug, Clone)]
pub(super) struct Readers {
    path: Arc<PathBuf>,
    idle: Arc<Mutex<Vec<Connection>>>,
    turns: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(path: PathBuf, count: usize) -> Self {
        Self { path: Arc::new(path), idle: Arc::default(), turns: Arc::new(Semaphore::new(count)) }
    }

    /// Reads on a thread that may wait for the disk.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or was closed.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| StoreError::Down)?;
        let readers = self.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let result = readers.read_now(read);
            drop(turn);
            result
        });
        reading.await.unwrap_or(Err(StoreError::Down))
    }

    fn read_now<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let idle = self.idle.lock().pop();
        let result = idle.map_or_else(|| open::to_read(&self.path), Ok).and_then(|connection| {
            // What is read is of one moment.
            let moment = connection.unchecked_transaction().map_err(OpenError::of(&self.path))?;
            let value = read(&moment).map_err(OpenError::of(&self.path))?;
            drop(moment);
            Ok((connection, value))
        });
        match result {
            Ok((connection, value)) => {
                if !self.turns.is_closed() {
                    self.idle.lock().push(connection);
                }
                Ok(value)
            }
            // The next one tries a new connection.
            Err(error) => {
                tracing::error!(%error, "the history cannot be read");
                Err(StoreError::Down)
            }
        }
    }

    /// Lets nobody read any more.
    pub(super) fn close(&self) {
        self.turns.close();
        self.idle.lock().clear();
    }
}
