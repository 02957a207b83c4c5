//! A room that is read as server-sent events, and spoken to by POST.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use hyper::body::{Body, Incoming};

use super::connection::{End, Message};
use super::posts::Posts;

/// Longest line that is taken.
const LINE_MAX_BYTES: usize = 128 << 20;

/// A client of two connections: one that is read, and one that is spoken to.
#[derive(Debug)]
pub struct Events {
    body: Incoming,
    lines: Lines,
    posts: Posts,
}

impl Events {
    /// Reads these events, and posts what it has to say.
    #[must_use]
    pub fn new(body: Incoming, posts: Posts) -> Self {
        Self { body, lines: Lines::default(), posts }
    }

    /// Hands over what has come: answers and events.
    ///
    /// # Errors
    ///
    /// When nothing more will come.
    pub fn poll_read(&mut self, cx: &mut Context<'_>, mut take: impl FnMut(Message<'_>)) -> Poll<Result<(), End>> {
        if let Poll::Ready(answered) = self.posts.poll_read(cx, &mut take) {
            return Poll::Ready(answered);
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        let frame = frame.ok_or(End::Closed(None))?.map_err(io::Error::other)?;
        if let Some(data) = frame.data_ref() {
            self.lines.take(data, &mut take)?;
        }
        Poll::Ready(Ok(()))
    }

    /// What it speaks through.
    pub fn posts(&mut self) -> &mut Posts {
        &mut self.posts
    }
}

/// The stream of events in lines (WHATWG HTML, 9.2.6 Interpreting an event stream).
#[derive(Debug, Default)]
struct Lines {
    /// A line that is not complete.
    rest: BytesMut,
    /// The data of the event so far.
    data: Vec<u8>,
}

impl Lines {
    fn take(&mut self, input: &[u8], take: &mut impl FnMut(Message<'_>)) -> Result<(), End> {
        self.rest.extend_from_slice(input);
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line = self.rest.split_to(end);
            self.rest.advance(1);
            self.take_line(line.strip_suffix(b"\r").unwrap_or(&line), take);
        }
        if self.rest.len() > LINE_MAX_BYTES || self.data.len() > LINE_MAX_BYTES {
            return Err(io::Error::other("an event of more than 128 MiB").into());
        }
        Ok(())
    }

    fn take_line(&mut self, line: &[u8], take: &mut impl FnMut(Message<'_>)) {
        if line.is_empty() {
            // The last line's end is not part of the data.
            if let Some((_, data)) = self.data.split_last() {
                take(Message::Text(data));
            }
            self.data.clear();
        } else if let Some(data) = line.strip_prefix(b"data:") {
            self.data.extend_from_slice(data.strip_prefix(b" ").unwrap_or(data));
            self.data.push(b'\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pieces: &[&str], expected: &[&str]) {
        let (mut lines, mut found) = (Lines::default(), Vec::new());
        for piece in pieces {
            let mut take = |message: Message<'_>| found.push(String::from_utf8(message.bytes().to_vec()).unwrap());
            lines.take(piece.as_bytes(), &mut take).unwrap();
        }
        assert_eq!(found, expected, "{pieces:?}");
    }

    #[test]
    fn events_are_told_apart_wherever_they_are_cut() {
        check(&["id: 1\ndata: a\n\n:\n\ndata: b\n\n"], &["a", "b"]);
        check(&["id: 1\nda", "ta: a\n", "\n:\n", "\ndata: b\n", "\n"], &["a", "b"]);
        check(&["data: a\r\ndata: b\r\n\r\n", "data:c\n\n"], &["a\nb", "c"]);
        check(&["event: x\n\n", "data: not whole\n"], &[]);
    }
}
