//! A bounded pipe in memory: the way out to a peer that has no socket of its
//! own but takes what there is for it by request.
//!
//! The [`Pipe`] is the end that a session writes to: it would block when the
//! pipe is full, and is told when the reader has gone. The [`PipeReader`] is
//! the end that an HTTP body takes from as it goes, or one long poll after
//! another. Bytes come out as they went in; the pipe knows no frames.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use tokio::sync::Notify;

/// A pipe that holds up to `max_bytes`; an idle one keeps no memory.
pub(crate) fn pipe(max_bytes: usize) -> (Pipe, PipeReader) {
    let shared = Arc::new(Shared { max_bytes, state: Mutex::default(), taken: Notify::new() });
    (Pipe(Arc::clone(&shared)), PipeReader(shared))
}

#[derive(Debug)]
struct Shared {
    max_bytes: usize,
    state: Mutex<State>,
    /// Told whenever the reader has taken something, and when it goes.
    taken: Notify,
}

#[derive(Debug, Default)]
struct State {
    unread: BytesMut,
    has_ended: bool,
    reader_is_gone: bool,
    reader: Option<Waker>,
}

impl State {
    fn wake_reader(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

/// The end that is written to; dropping it [ends](Self::end) the stream.
#[derive(Debug)]
pub(crate) struct Pipe(Arc<Shared>);

impl Pipe {
    /// Takes as much as there is room for, and wakes the reader.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when the pipe is full; `BrokenPipe` when the reader has
    /// gone, or the stream has ended.
    pub(crate) fn write_some(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut state = self.0.state.lock();
        if state.reader_is_gone || state.has_ended {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let mut room = self.0.max_bytes.saturating_sub(state.unread.len());
        if room == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let mut written = 0;
        for slice in slices {
            let count = slice.len().min(room);
            state.unread.extend_from_slice(&slice[..count]);
            room -= count;
            written += count;
        }
        state.wake_reader();
        Ok(written)
    }

    /// Waits until a write will not block.
    pub(crate) async fn writable(&self) {
        self.wait(|state| state.unread.len() < self.0.max_bytes || state.reader_is_gone || state.has_ended).await;
    }

    /// Waits until the reader has gone.
    pub(crate) async fn reader_gone(&self) {
        self.wait(|state| state.reader_is_gone).await;
    }

    async fn wait(&self, is_so: impl Fn(&State) -> bool) {
        loop {
            let taken = self.0.taken.notified();
            if is_so(&self.0.state.lock()) {
                return;
            }
            taken.await;
        }
    }

    /// Nothing more will come: the reader takes what is left, and then knows.
    pub(crate) fn end(&self) {
        let mut state = self.0.state.lock();
        state.has_ended = true;
        state.wake_reader();
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.end();
    }
}

/// The end that is read; dropping it tells the writer that the peer is gone.
#[derive(Debug)]
pub(crate) struct PipeReader(Arc<Shared>);

impl PipeReader {
    /// Waits for all that was written since the last time; `None` at the end of
    /// the stream. Loses nothing when it is cancelled.
    pub(crate) async fn take(&mut self) -> Option<Bytes> {
        poll_fn(|context| self.poll_take(context)).await
    }

    fn poll_take(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let mut state = self.0.state.lock();
        if !state.unread.is_empty() {
            let bytes = std::mem::take(&mut state.unread).freeze();
            drop(state);
            self.0.taken.notify_waiters();
            return Poll::Ready(Some(bytes));
        }
        if state.has_ended {
            return Poll::Ready(None);
        }
        state.reader = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Drop for PipeReader {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.reader_is_gone = true;
        state.unread = BytesMut::new();
        drop(state);
        self.0.taken.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(pipe: &Pipe, parts: &[&str]) -> Result<usize, io::ErrorKind> {
        let slices: Vec<_> = parts.iter().map(|part| IoSlice::new(part.as_bytes())).collect();
        pipe.write_some(&slices).map_err(|error| error.kind())
    }

    #[tokio::test]
    async fn a_full_pipe_blocks_until_something_is_taken() {
        let (pipe, mut reader) = pipe(5);
        assert_eq!(write(&pipe, &["abc", "def"]), Ok(5));
        assert_eq!(write(&pipe, &["f"]), Err(io::ErrorKind::WouldBlock));
        let ((), taken) = tokio::join!(pipe.writable(), reader.take());
        assert_eq!(taken.as_deref(), Some(&b"abcde"[..]));
        assert_eq!(write(&pipe, &["f"]), Ok(1));
        assert_eq!(reader.take().await.as_deref(), Some(&b"f"[..]));
    }

    #[tokio::test]
    async fn a_reader_that_waits_is_woken() {
        let (pipe, mut reader) = pipe(5);
        let waiting = tokio::spawn(async move { reader.take().await });
        tokio::task::yield_now().await;
        assert_eq!(write(&pipe, &["hei"]), Ok(3));
        assert_eq!(waiting.await.unwrap().as_deref(), Some(&b"hei"[..]));
    }

    #[tokio::test]
    async fn the_end_comes_after_what_was_written() {
        let (pipe, mut reader) = pipe(5);
        write(&pipe, &["hei"]).unwrap();
        pipe.end();
        assert_eq!(write(&pipe, &["x"]), Err(io::ErrorKind::BrokenPipe));
        assert_eq!(reader.take().await.as_deref(), Some(&b"hei"[..]));
        assert_eq!(reader.take().await, None);
    }

    #[tokio::test]
    async fn a_writer_is_told_that_the_reader_has_gone() {
        let (pipe, reader) = pipe(5);
        write(&pipe, &["abcde"]).unwrap();
        let leaving = async { drop(reader) };
        tokio::join!(pipe.reader_gone(), pipe.writable(), leaving);
        assert_eq!(write(&pipe, &["x"]), Err(io::ErrorKind::BrokenPipe));
    }
}
