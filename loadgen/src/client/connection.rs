//! A WebSocket connection that keeps nothing on the heap while it is idle.
//!
//! Reads go into a buffer that all connections of a thread share; only the beginning of an incomplete
//! frame is kept. Writes go straight to the kernel; only what it does not take is kept.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::frame::{self, FrameError, Opcode};
use crate::seed::SplitMix;

/// Shared by the connections of a thread. Chosen: some hundred frames of a chat in one read.
const READ_BUFFER_BYTES: usize = 64 << 10;
/// Largest message that is taken: a picture of a generous server.
const MESSAGE_MAX_BYTES: usize = 128 << 20;
/// A kept buffer that is larger is given back once it is empty.
const KEPT_MAX_BYTES: usize = 512;
/// Pongs that wait for a server that does not read; further ones are left out.
const WAITING_MAX_BYTES: usize = 1 << 20;

thread_local! {
    static READ_BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BUFFER_BYTES].into());
}

/// A message, as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message<'a> {
    /// UTF-8.
    Text(&'a [u8]),
    /// Anything.
    Binary(&'a [u8]),
    /// The answer to the message that this client sent as its so-many-th, from 0, where each has one.
    Answer {
        /// Which.
        number: u32,
        /// Whether the server took it.
        is_accepted: bool,
    },
}

impl<'a> Message<'a> {
    /// What it carries.
    #[must_use]
    pub fn bytes(self) -> &'a [u8] {
        match self {
            Self::Text(bytes) | Self::Binary(bytes) => bytes,
            Self::Answer { .. } => &[],
        }
    }
}

/// Why nothing more comes.
#[derive(Debug, Error)]
pub enum End {
    /// The server said good-bye, with a code if it gave one.
    #[error("closed by the server{}", .0.map(|code| format!(" with code {code}")).unwrap_or_default())]
    Closed(Option<u16>),
    /// The server broke the protocol.
    #[error("the server broke the protocol: {0}")]
    Protocol(#[from] FrameError),
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Io(#[from] io::Error),
}

/// Whether the kernel took all that is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// All of it.
    Whole,
    /// Its buffer is full; the rest waits.
    Part,
}

/// The bytes below.
#[derive(Debug)]
pub enum Stream {
    /// Plain.
    Tcp(TcpStream),
    /// Encrypted.
    Tls(Box<TlsStream<TcpStream>>),
}

/// A connection after its handshake.
#[derive(Debug)]
pub struct Connection {
    stream: Stream,
    /// The beginning of a frame.
    kept: Vec<u8>,
    /// The fragments of a message that is not complete.
    fragments: Option<Box<(Opcode, Vec<u8>)>>,
    /// Not yet taken by the kernel.
    waiting: Vec<u8>,
    keys: SplitMix,
}

impl Connection {
    /// A connection on which the handshake is done; `rest` came behind it.
    #[must_use]
    pub fn new(stream: Stream, rest: Vec<u8>, keys: SplitMix) -> Self {
        Self { stream, kept: rest, fragments: None, waiting: Vec::new(), keys }
    }

    /// Reads once and hands over every message that is complete; pings are answered.
    ///
    /// # Errors
    ///
    /// When nothing more will come.
    pub fn poll_read(&mut self, cx: &mut Context<'_>, mut take: impl FnMut(Message<'_>)) -> Poll<Result<(), End>> {
        if !self.kept.is_empty() {
            // What came behind the handshake may be a whole frame, and nothing may follow it.
            let before = self.kept.len();
            self.take_kept(cx, &mut take)?;
            if self.kept.len() < before {
                return Poll::Ready(Ok(()));
            }
        }
        READ_BUFFER.with_borrow_mut(|buffer| {
            let mut read = ReadBuf::new(buffer);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut read))?;
            let input = read.filled();
            if input.is_empty() {
                return Poll::Ready(Err(End::Closed(None)));
            }
            if self.kept.is_empty() {
                let used = self.take_frames(cx, input, &mut take)?;
                self.kept.extend_from_slice(&input[used..]);
            } else {
                self.kept.extend_from_slice(input);
                self.take_kept(cx, &mut take)?;
            }
            Poll::Ready(Ok(()))
        })
    }

    fn take_kept(&mut self, cx: &mut Context<'_>, take: &mut impl FnMut(Message<'_>)) -> Result<(), End> {
        let mut kept = std::mem::take(&mut self.kept);
        let used = self.take_frames(cx, &kept, take)?;
        kept.drain(..used);
        if !kept.is_empty() || kept.capacity() <= KEPT_MAX_BYTES {
            self.kept = kept;
        }
        Ok(())
    }

    /// Takes all complete frames; returns how many bytes they had.
    fn take_frames(
        &mut self,
        cx: &mut Context<'_>,
        input: &[u8],
        take: &mut impl FnMut(Message<'_>),
    ) -> Result<usize, End> {
        let mut used = 0;
        while used < input.len() {
            let Ok((frame, bytes)) = frame::parse(&input[used..], MESSAGE_MAX_BYTES)? else { break };
            used += bytes;
            match frame.opcode {
                Opcode::Text | Opcode::Binary | Opcode::Continuation => self.take_data(frame, take)?,
                Opcode::Ping => self.pong(cx, frame.payload)?,
                Opcode::Pong => {}
                Opcode::Close => {
                    let code = frame.payload.first_chunk().map(|code| u16::from_be_bytes(*code));
                    return Err(End::Closed(code));
                }
            }
        }
        Ok(used)
    }

    fn take_data(&mut self, frame: frame::Frame<'_>, take: &mut impl FnMut(Message<'_>)) -> Result<(), End> {
        let is_first = frame.opcode != Opcode::Continuation;
        match (&mut self.fragments, is_first) {
            (None, false) => return Err(FrameError::StrayContinuation.into()),
            (Some(_), true) => return Err(FrameError::MessageInsideMessage.into()),
            (None, true) if frame.is_last => return hand_over(frame.opcode, frame.payload, take),
            (None, true) => self.fragments = Some(Box::new((frame.opcode, frame.payload.to_vec()))),
            (Some(fragments), false) => {
                let bytes = (fragments.1.len() + frame.payload.len()) as u64;
                if bytes > MESSAGE_MAX_BYTES as u64 {
                    return Err(FrameError::TooLarge { bytes, max_bytes: MESSAGE_MAX_BYTES }.into());
                }
                fragments.1.extend_from_slice(frame.payload);
            }
        }
        if frame.is_last
            && let Some(fragments) = self.fragments.take()
        {
            hand_over(fragments.0, &fragments.1, take)?;
        }
        Ok(())
    }

    fn pong(&mut self, cx: &mut Context<'_>, payload: &[u8]) -> io::Result<()> {
        if self.waiting.len() < WAITING_MAX_BYTES {
            self.send(cx, Opcode::Pong, payload)?;
        }
        Ok(())
    }

    /// Sends a frame, behind what still waits.
    ///
    /// # Errors
    ///
    /// When the connection is broken.
    pub fn send(&mut self, cx: &mut Context<'_>, opcode: Opcode, payload: &[u8]) -> io::Result<Taken> {
        let key = (self.keys.draw() as u32).to_ne_bytes();
        frame::put(&mut self.waiting, opcode, payload, key);
        match self.poll_flush(cx) {
            Poll::Ready(done) => done.map(|()| Taken::Whole),
            Poll::Pending => Ok(Taken::Part),
        }
    }

    /// Goes on with what waits.
    ///
    /// # Errors
    ///
    /// When the connection is broken.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut written = 0;
        let flushed = loop {
            if written == self.waiting.len() {
                break Pin::new(&mut self.stream).poll_flush(cx);
            }
            match Pin::new(&mut self.stream).poll_write(cx, &self.waiting[written..]) {
                Poll::Ready(Ok(0)) => break Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(bytes)) => written += bytes,
                Poll::Ready(Err(error)) => break Poll::Ready(Err(error)),
                Poll::Pending => break Poll::Pending,
            }
        };
        if written == self.waiting.len() && self.waiting.capacity() > KEPT_MAX_BYTES {
            self.waiting = Vec::new();
        } else {
            self.waiting.drain(..written);
        }
        flushed
    }

    /// Whether something waits for the kernel.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Says good-bye and waits for the server's.
    pub async fn close(mut self) {
        let said = std::future::poll_fn(|cx| {
            // RFC 6455 §7.4.1: 1000, a normal end.
            Poll::Ready(self.send(cx, Opcode::Close, &1000_u16.to_be_bytes()))
        });
        if said.await.is_ok() {
            while std::future::poll_fn(|cx| self.poll_read(cx, |_| ())).await.is_ok() {}
        }
    }
}

/// A message of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnedMessage {
    /// UTF-8.
    Text(bytes::Bytes),
    /// Anything.
    Binary(bytes::Bytes),
    /// See [`Message::Answer`].
    Answer {
        /// Which.
        number: u32,
        /// Whether the server took it.
        is_accepted: bool,
    },
}

impl From<Message<'_>> for OwnedMessage {
    fn from(message: Message<'_>) -> Self {
        match message {
            Message::Text(text) => Self::Text(bytes::Bytes::copy_from_slice(text)),
            Message::Binary(bytes) => Self::Binary(bytes::Bytes::copy_from_slice(bytes)),
            Message::Answer { number, is_accepted } => Self::Answer { number, is_accepted },
        }
    }
}

impl OwnedMessage {
    /// As it came.
    #[must_use]
    pub fn as_message(&self) -> Message<'_> {
        match self {
            Self::Text(text) => Message::Text(text),
            Self::Binary(bytes) => Message::Binary(bytes),
            Self::Answer { number, is_accepted } => Message::Answer { number: *number, is_accepted: *is_accepted },
        }
    }
}

fn hand_over(opcode: Opcode, payload: &[u8], take: &mut impl FnMut(Message<'_>)) -> Result<(), End> {
    if opcode == Opcode::Binary {
        take(Message::Binary(payload));
    } else if std::str::from_utf8(payload).is_ok() {
        take(Message::Text(payload));
    } else {
        return Err(FrameError::NotUtf8.into());
    }
    Ok(())
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
