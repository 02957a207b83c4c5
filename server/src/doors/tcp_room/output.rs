//! What a member is told, chunk by chunk.

use std::time::Duration;

use bytes::{Buf, BytesMut};
use futures_util::FutureExt;
use tokio::time::{Instant, sleep_until};
use wire::tcp_room::CHUNK_MAX_BYTES;

use super::format::LENGTH_BYTES;
use crate::limits::TcpRoomLimits;
use crate::pipe::PipeReader;
use crate::tcp::Visitor;

/// Writes what comes from the pipe until that ends or the visitor is gone.
///
/// Each chunk leaves in a write of its own, and the next one a moment later: a
/// client that is awake receives one at a time. Where many wait, as many whole
/// ones leave together as a client receives at once. So what it receives does
/// not end within a character, which would be the end of many a simple program.
/// In a flood that no such program could follow, writes are as fast as the
/// reader.
pub(super) async fn write(visitor: &Visitor, mut reader: PipeReader, limits: &TcpRoomLimits) {
    let mut chunks = Chunks::default();
    let mut not_before = Instant::now();
    let mut is_flood = false;
    loop {
        if chunks.is_empty() {
            // Who is told nothing keeps no memory.
            chunks = Chunks::default();
            let Some(bytes) = reader.take().await else { return };
            chunks.push(&bytes);
        }
        if !is_flood {
            sleep_until(not_before).await;
        }
        while chunks.waiting_bytes() < limits.flood_min_bytes
            && let Some(Some(bytes)) = reader.take().now_or_never()
        {
            chunks.push(&bytes);
        }
        let is_crowd = chunks.waiting_bytes() > limits.crowd_min_bytes;
        is_flood = is_crowd && (is_flood || chunks.waiting_bytes() >= limits.flood_min_bytes);
        let Some(write) = chunks.take(if is_crowd { CHUNK_MAX_BYTES } else { 0 }) else { continue };
        if visitor.write(&write).await.is_err() {
            return;
        }
        not_before = Instant::now() + gap_behind(write.len(), limits);
    }
}

/// In the time in which a client receives once it is sent no more than it
/// receives at once.
fn gap_behind(bytes: usize, limits: &TcpRoomLimits) -> Duration {
    limits.write_gap_min.max(limits.receive_time.mul_f64(bytes as f64 / CHUNK_MAX_BYTES as f64))
}

/// Chunks with their lengths, as [`LineFormat`](super::LineFormat) puts them.
#[derive(Debug, Default)]
struct Chunks(BytesMut);

impl Chunks {
    fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn waiting_bytes(&self) -> usize {
        self.0.len()
    }

    /// Whether no chunk is complete.
    fn is_empty(&self) -> bool {
        self.next_bytes().is_none()
    }

    /// The length of the next chunk, if it is complete.
    fn next_bytes(&self) -> Option<usize> {
        let bytes = usize::from(u16::from_be_bytes(*self.0.first_chunk::<LENGTH_BYTES>()?));
        (self.0.len() - LENGTH_BYTES >= bytes).then_some(bytes)
    }

    /// The next chunk, and those behind it that make up at most
    /// `together_max_bytes` with it.
    fn take(&mut self, together_max_bytes: usize) -> Option<BytesMut> {
        let mut taken = self.take_one()?;
        while self.next_bytes().is_some_and(|bytes| taken.len() + bytes <= together_max_bytes) {
            taken.unsplit(self.take_one()?);
        }
        Some(taken)
    }

    fn take_one(&mut self) -> Option<BytesMut> {
        let bytes = self.next_bytes()?;
        self.0.advance(LENGTH_BYTES);
        Some(self.0.split_to(bytes))
    }
}

#[cfg(test)]
mod tests {
    use bytes::BufMut;

    use super::*;

    fn tape(chunks: &[&str]) -> BytesMut {
        let mut tape = BytesMut::new();
        for chunk in chunks {
            tape.put_u16(u16::try_from(chunk.len()).unwrap());
            tape.put_slice(chunk.as_bytes());
        }
        tape
    }

    fn all(chunks: &mut Chunks, together_max_bytes: usize) -> Vec<BytesMut> {
        std::iter::from_fn(|| chunks.take(together_max_bytes)).collect()
    }

    #[test]
    fn chunks_come_one_by_one_or_together_but_never_in_parts() {
        let tape = tape(&["one", "two", "", "three", "four"]);
        for (together_max, expected) in [
            (0, ["one", "two", "", "three", "four"].as_slice()),
            (6, &["onetwo", "three", "four"]),
            (9, &["onetwo", "threefour"]),
            (1000, &["onetwothreefour"]),
        ] {
            let mut chunks = Chunks::default();
            chunks.push(&tape);
            assert_eq!(all(&mut chunks, together_max), expected);
            assert!(chunks.is_empty() && chunks.waiting_bytes() == 0);
        }
    }

    #[test]
    fn a_chunk_that_is_not_all_there_waits() {
        let tape = tape(&["hei", "æøå"]);
        for cut in 0..tape.len() {
            let mut chunks = Chunks::default();
            chunks.push(&tape[..cut]);
            let mut taken = all(&mut chunks, 0);
            chunks.push(&tape[cut..]);
            taken.append(&mut all(&mut chunks, 0));
            assert_eq!(taken, ["hei", "æøå"], "cut at {cut}");
        }
    }
}
