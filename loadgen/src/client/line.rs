//! What a client of a talk reads from and writes to, whatever is beneath.

use std::collections::VecDeque;
use std::io;
use std::task::{Context, Poll};

use super::connection::{Connection, End, Message, OwnedMessage, Taken};
use super::events::Events;
use super::frame::Opcode;
use super::posts::Posts;

/// A client's way to the server and back.
#[derive(Debug)]
pub enum Line {
    /// One WebSocket.
    WebSocket(Connection),
    /// Server-sent events, and a POST for each message.
    Events(Box<Events>),
    /// A POST for each message.
    Posts(Box<Posts>),
}

impl Line {
    /// Hands over every message that is complete.
    ///
    /// # Errors
    ///
    /// When nothing more will come.
    pub fn poll_read(&mut self, cx: &mut Context<'_>, take: impl FnMut(Message<'_>)) -> Poll<Result<(), End>> {
        match self {
            Self::WebSocket(connection) => connection.poll_read(cx, take),
            Self::Events(events) => events.poll_read(cx, take),
            Self::Posts(posts) => posts.poll_read(cx, take),
        }
    }

    /// Sends a message, behind what still waits.
    ///
    /// # Errors
    ///
    /// When the connection is broken.
    pub fn send(&mut self, cx: &mut Context<'_>, opcode: Opcode, payload: &[u8]) -> io::Result<Taken> {
        match self {
            Self::WebSocket(connection) => connection.send(cx, opcode, payload),
            Self::Events(events) => Ok(events.posts().send(cx, payload)),
            Self::Posts(posts) => Ok(posts.send(cx, payload)),
        }
    }

    /// Goes on with what waits.
    ///
    /// # Errors
    ///
    /// When the connection is broken.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::WebSocket(connection) => connection.poll_flush(cx),
            Self::Events(events) => events.posts().poll_flush(cx).map(Ok),
            Self::Posts(posts) => posts.poll_flush(cx).map(Ok),
        }
    }

    /// The next message, copied: for what is not in a hurry.
    ///
    /// # Errors
    ///
    /// When nothing more will come.
    pub async fn next(&mut self, messages: &mut VecDeque<OwnedMessage>) -> Result<OwnedMessage, End> {
        loop {
            if let Some(message) = messages.pop_front() {
                return Ok(message);
            }
            std::future::poll_fn(|cx| self.poll_read(cx, |message| messages.push_back(message.into()))).await?;
        }
    }

    /// Says good-bye, where there is a word for it.
    pub async fn close(self) {
        match self {
            Self::WebSocket(connection) => connection.close().await,
            Self::Events(_) | Self::Posts(_) => {}
        }
    }
}
