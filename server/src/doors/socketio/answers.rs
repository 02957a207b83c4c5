//! What a polling session is sent, one answer after another.

use bytes::{Bytes, BytesMut};
use wire::engineio::SEPARATOR;

use crate::pipe::PipeReader;

/// Packets of one answer: python-engineio gives up on more than 16.
const PACKETS_MAX: usize = 16;

/// The read end of a session's pipe, cut into whole packets.
#[derive(Debug)]
pub(super) struct Answers {
    pipe: PipeReader,
    /// Taken from the pipe, but not answered yet: at most the largest packet
    /// and one pipe.
    rest: BytesMut,
    /// So much of it has no separator.
    searched: usize,
}

impl Answers {
    pub(super) fn new(pipe: PipeReader) -> Self {
        Self { pipe, rest: BytesMut::new(), searched: 0 }
    }

    /// Waits for whole packets, and returns those that there are and that fit
    /// into one answer, joined; `None` at the end. Loses nothing when it is
    /// cancelled.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(end) = self.end_of_packets() {
                let mut packets = self.rest.split_to(end + 1);
                packets.truncate(end);
                return Some(packets.freeze());
            }
            let taken = self.pipe.take().await?;
            self.rest.extend_from_slice(&taken);
        }
    }

    /// Where the last separator of the next answer is.
    fn end_of_packets(&mut self) -> Option<usize> {
        let places = self.rest.iter().enumerate().skip(self.searched);
        let separators = places.filter(|(_, byte)| **byte == SEPARATOR).map(|(at, _)| at);
        let end = separators.take(PACKETS_MAX).last();
        self.searched = if end.is_none() { self.rest.len() } else { 0 };
        end
    }
}

#[cfg(test)]
mod tests {
    use std::io::IoSlice;

    use super::*;
    use crate::pipe::pipe;

    #[tokio::test]
    async fn an_answer_has_no_more_packets_than_clients_take() {
        let (write, read) = pipe(1000);
        write.write_some(&[IoSlice::new("4a\u{1e}".repeat(40).as_bytes())]).unwrap();
        let mut answers = Answers::new(read);
        for expected in [16, 16, 8] {
            assert_eq!(answers.next().await.unwrap().split(|byte| *byte == SEPARATOR).count(), expected);
        }
    }

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
