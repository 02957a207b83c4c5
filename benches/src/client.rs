//! A client of the raw relay that costs next to nothing, so that the server
//! is what is measured.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use crate::frame::{Opcode, SEQUENCE_BYTES, masked_frame, split_frame};

/// An answer to the upgrade is shorter than this.
const ANSWER_MAX_BYTES: usize = 4096;

/// A key from RFC 6455 §1.2.
pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// Its proof.
pub const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// First bytes of whole frames.
const BINARY: u8 = 0x82;
const PING: u8 = 0x89;
const PONG: u8 = 0x8A;

/// Why a client gave up.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The connection broke.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The server ended the connection.
    #[error("the server ended the connection")]
    Ended,
    /// The answer to the upgrade is not what it should be.
    #[error("the server did not upgrade: {answer}")]
    NotUpgraded {
        /// What it said instead.
        answer: String,
    },
    /// A frame that nobody sent.
    #[error("a frame begins with {first_byte:#04x}")]
    UnexpectedFrame {
        /// FIN, reserved bits and opcode.
        first_byte: u8,
    },
    /// A message without its number.
    #[error("a message has {payload_bytes} bytes, its number alone has {SEQUENCE_BYTES}")]
    NoNumber {
        /// What it has.
        payload_bytes: usize,
    },
    /// A message was lost, doubled or overtaken by another.
    #[error("message {expected} was due, {got} came")]
    OutOfOrder {
        /// The number that was due.
        expected: u64,
        /// The number that came.
        got: u64,
    },
}

/// Joins a room of the raw relay at `address`; the two sides of the
/// connection.
///
/// # Errors
///
/// When the server does not let it in.
pub async fn join(address: SocketAddr, room: &str) -> Result<(Reader, OwnedWriteHalf), ClientError> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let request = format!(
        "GET /ws/raw/{room} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let tail = read_answer(&mut stream).await?;
    let (stream, mut writer) = stream.into_split();
    let mut reader = Reader { stream, tail, next_sequence: 0, pongs: 0 };
    // The upgrade is answered before the room is entered; a ping is answered after it.
    writer.write_all(&masked_frame(Opcode::Ping, b"")).await?;
    let mut scratch = [0; 1024];
    while reader.pongs == 0 {
        poll_fn(|cx| reader.poll_frames(cx, &mut scratch, &mut || {})).await?;
    }
    Ok((reader, writer))
}

/// Reads the answer to the upgrade; returns what came after it.
async fn read_answer(stream: &mut TcpStream) -> Result<Vec<u8>, ClientError> {
    let mut answer = Vec::new();
    let end = loop {
        if let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if answer.len() > ANSWER_MAX_BYTES || stream.read_buf(&mut answer).await? == 0 {
            return Err(not_upgraded(&answer));
        }
    };
    let tail = answer.split_off(end);
    let head = String::from_utf8_lossy(&answer);
    if !head.starts_with("HTTP/1.1 101 ") || !head.contains(ACCEPT) {
        return Err(not_upgraded(&answer));
    }
    Ok(tail)
}

fn not_upgraded(answer: &[u8]) -> ClientError {
    ClientError::NotUpgraded { answer: String::from_utf8_lossy(answer).into_owned() }
}

/// The reading side: expects numbered messages, from 0, without a hole.
#[derive(Debug)]
pub struct Reader {
    stream: OwnedReadHalf,
    /// The beginning of a frame that is not complete.
    tail: Vec<u8>,
    next_sequence: u64,
    pongs: u64,
}

impl Reader {
    /// How many messages came so far.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.next_sequence
    }

    /// Reads once, into memory that all readers share, and calls `heard` for
    /// each message.
    ///
    /// # Errors
    ///
    /// When the connection ends, or what comes is not what was sent.
    pub fn poll_frames(
        &mut self,
        cx: &mut Context<'_>,
        scratch: &mut [u8],
        heard: &mut impl FnMut(),
    ) -> Poll<Result<(), ClientError>> {
        let (tail, free) = scratch.split_at_mut(self.tail.len());
        let mut free = ReadBuf::new(free);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut free))?;
        let count = free.filled().len();
        if count == 0 {
            return Poll::Ready(Err(ClientError::Ended));
        }
        tail.copy_from_slice(&self.tail);
        let filled = self.tail.len() + count;
        Poll::Ready(self.take_frames(&scratch[..filled], heard))
    }

    fn take_frames(&mut self, mut input: &[u8], heard: &mut impl FnMut()) -> Result<(), ClientError> {
        while let Some((frame, rest)) = split_frame(input) {
            input = rest;
            match frame.first_byte {
                BINARY => {
                    self.check(frame.payload)?;
                    heard();
                }
                // Every run begins with a sign of life: the answer would only disturb it.
                PING => {}
                PONG => self.pongs += 1,
                first_byte => return Err(ClientError::UnexpectedFrame { first_byte }),
            }
        }
        self.tail.clear();
        self.tail.extend_from_slice(input);
        Ok(())
    }

    fn check(&mut self, payload: &[u8]) -> Result<(), ClientError> {
        let number = payload.first_chunk().ok_or(ClientError::NoNumber { payload_bytes: payload.len() })?;
        let (got, expected) = (u64::from_be_bytes(*number), self.next_sequence);
        if got != expected {
            return Err(ClientError::OutOfOrder { expected, got });
        }
        self.next_sequence += 1;
        Ok(())
    }
}
