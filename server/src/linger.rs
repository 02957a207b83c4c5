//! A connection whose peer gets our last word.
//!
//! Closing with unread input resets a connection, and a peer that is still
//! sending loses what it was answered. So after the last byte only the way out
//! is closed, and what still comes is read and dropped for a while.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// Bytes dropped at once.
const READ_BYTES: usize = 4096;

/// A stream that lingers when it is shut down.
#[derive(Debug)]
pub(crate) struct Lingering<S> {
    stream: S,
    max: Duration,
    max_bytes: usize,
    state: State,
}

#[derive(Debug)]
enum State {
    Open,
    Dropping { until: Pin<Box<Sleep>>, dropped_bytes: usize },
    Done,
}

impl<S> Lingering<S> {
    /// Lingers for `max`, or until `max_bytes` came, or the peer closes.
    pub(crate) fn new(stream: S, max: Duration, max_bytes: usize) -> Self {
        Self { stream, max, max_bytes, state: State::Open }
    }

    /// The stream, for those who close it themselves.
    pub(crate) fn into_inner(self) -> S {
        self.stream
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lingering<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            match &mut this.state {
                State::Open => {
                    ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
                    this.state = State::Dropping { until: Box::pin(sleep(this.max)), dropped_bytes: 0 };
                }
                State::Dropping { until, dropped_bytes } => {
                    let mut bytes = [0; READ_BYTES];
                    let mut buf = ReadBuf::new(&mut bytes);
                    let is_over = until.as_mut().poll(cx).is_ready() || *dropped_bytes >= this.max_bytes;
                    if !is_over && ready!(Pin::new(&mut this.stream).poll_read(cx, &mut buf)).is_ok() {
                        *dropped_bytes += buf.filled().len();
                        if !buf.filled().is_empty() {
                            continue;
                        }
                    }
                    this.state = State::Done;
                }
                State::Done => return Poll::Ready(Ok(())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::Instant;

    use super::*;

    const MAX: Duration = Duration::from_secs(2);

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_closes_is_not_waited_for() {
        let (ours, mut theirs) = duplex(64);
        theirs.write_all(b"unread").await.unwrap();
        drop(theirs);
        let begin = Instant::now();
        Lingering::new(ours, MAX, 1000).shutdown().await.unwrap();
        assert_eq!(begin.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_does_not_close_is_waited_for_for_a_while_and_sees_the_end() {
        let (ours, mut theirs) = duplex(64);
        let begin = Instant::now();
        let mut ours = Lingering::new(ours, MAX, 1000);
        let (shut, read) = tokio::join!(ours.shutdown(), theirs.read_u8());
        assert!(shut.is_ok() && read.is_err());
        assert_eq!(begin.elapsed(), MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_goes_on_sending_is_read_up_to_the_bound() {
        let (ours, mut theirs) = duplex(64);
        let mut ours = Lingering::new(ours, MAX, 1000);
        let sending = async {
            let mut sent = 0;
            while theirs.write_all(&[0; 10]).await.is_ok() {
                sent += 10;
            }
            sent
        };
        let closing = async {
            ours.shutdown().await.unwrap();
            drop(ours);
        };
        let ((), sent) = tokio::join!(closing, sending);
        assert!((1000..=1200).contains(&sent), "{sent}");
    }
}
