//! How a session's bytes leave: by the socket beneath axum's router or of a
//! TCP door, or by a pipe from which requests take them.

use std::io::{self, IoSlice};
use std::sync::Arc;

use tokio::net::TcpStream;

use crate::pipe::Pipe;

/// The way out of one session.
#[derive(Debug)]
pub(crate) enum Sink {
    /// The write side of a TCP connection; the session's own task reads it.
    Tcp(Arc<TcpStream>),
    /// The write end of a pipe; the other one is a request's body, or is read by
    /// a door that has its own way to write.
    Pipe(Arc<Pipe>),
}

impl hub::Sink for Sink {
    fn write_some(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            // One buffer by its own call, which is the cheaper one.
            Self::Tcp(stream) => match slices {
                [bytes] => stream.try_write(bytes),
                _ => stream.try_write_vectored(slices),
            },
            Self::Pipe(pipe) => pipe.write_some(slices),
        }
    }

    async fn writable(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.writable().await,
            Self::Pipe(pipe) => {
                pipe.writable().await;
                Ok(())
            }
        }
    }
}

/// A session of this server.
pub(crate) type Session = hub::Session<Sink>;
/// The hub of this server.
pub(crate) type Hub = hub::Hub<Sink>;
/// A room of this server.
pub(crate) type Room = hub::Room<Sink>;
/// A place in a room of this server.
pub(crate) type Seat = hub::Seat<Sink>;
