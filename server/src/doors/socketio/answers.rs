//! What a polling session is sent, one answer after another.

use bytes::{Bytes, BytesMut};
use wire::engineio::SEPARATOR;

use crate::pipe::PipeReader;

/// The read end of a session's pipe, cut into whole packets.
#[derive(Debug)]
pub(super) struct Answers {
    pipe: PipeReader,
    /// Taken from the pipe, but not a whole packet yet: at most the largest
    /// packet and one pipe.
    rest: BytesMut,
}

impl Answers {
    pub(super) fn new(pipe: PipeReader) -> Self {
        Self { pipe, rest: BytesMut::new() }
    }

    /// Waits for whole packets, and returns all that there are, joined;
    /// `None` at the end. Loses nothing when it is cancelled.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        loop {
            let taken = self.pipe.take().await?;
            let Some(last) = taken.iter().rposition(|byte| *byte == SEPARATOR) else {
                self.rest.extend_from_slice(&taken);
                continue;
            };
            if self.rest.is_empty() && last + 1 == taken.len() {
                return Some(taken.slice(..last));
            }
            let mut packets = std::mem::replace(&mut self.rest, BytesMut::from(&taken[last + 1..]));
            packets.extend_from_slice(&taken[..last]);
            return Some(packets.freeze());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::IoSlice;

    use super::*;
    use crate::pipe::pipe;

    #[tokio::test]
    async fn answers_are_whole_packets_however_the_pipe_cuts_them() {
        let (write, read) = pipe(7);
        let mut answers = Answers::new(read);
        let sent = "4a\u{1e}4bcdefghijkl\u{1e}4m\u{1e}4n\u{1e}4opqr\u{1e}";
        let writing = async {
            let mut left = sent.as_bytes();
            while !left.is_empty() {
                write.writable().await;
                let written = write.write_some(&[IoSlice::new(left)]).unwrap();
                left = &left[written..];
            }
            write.end();
        };
        let reading = async {
            let mut read = String::new();
            while let Some(packets) = answers.next().await {
                assert!(packets.starts_with(b"4"), "{packets:?}");
                read += std::str::from_utf8(&packets).unwrap();
                read.push('\u{1e}');
            }
            read
        };
        let ((), read) = tokio::join!(writing, reading);
        assert_eq!(read, sent);
    }
}
