//! How a session's bytes leave: the socket beneath axum's router.

use std::io::{self, IoSlice};
use std::sync::Arc;

use hub::Sink;
use tokio::net::TcpStream;

/// The write side of a TCP connection; the session's own task reads it.
#[derive(Debug)]
pub(crate) struct TcpSink(pub(crate) Arc<TcpStream>);

impl Sink for TcpSink {
    fn write_some(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(slices)
    }

    async fn writable(&self) -> io::Result<()> {
        self.0.writable().await
    }
}

/// A session of this server.
pub(crate) type Session = hub::Session<TcpSink>;
/// The hub of this server.
pub(crate) type Hub = hub::Hub<TcpSink>;
/// A room of this server.
pub(crate) type Room = hub::Room<TcpSink>;
/// A place in a room of this server.
pub(crate) type Seat = hub::Seat<TcpSink>;
