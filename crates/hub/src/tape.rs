//! The tape: every frame of one format in one room, written once and read by
//! every member at its own pace.
//!
//! ```text
//! cursor of a slow reader      cursor of the others
//!        v                             v
//!        o --chunk--> o --chunk--> o --chunk--> o   open frames …
//! ```
//!
//! The marks are a linked list and each chunk of bytes hangs on the link
//! behind a mark. A cursor holds its mark, and through it all that it has not
//! read; what every cursor has passed is freed by itself, without anybody
//! computing a minimum. Chunks begin and end at frame borders.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::{Bytes, BytesMut};

use crate::tape_space::{Held, TapeSpace};

/// A chunk is sealed when it has this many bytes, so that private frames,
/// which go between chunks, do not wait long. Chosen: a quarter of a write.
const CHUNK_BYTES: usize = 16 * 1024;

/// The write end.
#[derive(Debug)]
pub struct Tape {
    open: BytesMut,
    last: Arc<Mark>,
    sealed: Arc<AtomicU64>,
    space: Arc<TapeSpace>,
    segment_bytes: usize,
    segment_min_bytes: usize,
    segment_max_bytes: usize,
}

/// A place between two chunks.
#[derive(Debug)]
struct Mark {
    /// Bytes of the tape before it.
    at: u64,
    next: OnceLock<Link>,
}

/// What is behind a mark.
#[derive(Debug)]
struct Link {
    chunk: Bytes,
    next: Arc<Mark>,
    /// Until it is let go of.
    _held: Held,
}

impl Drop for Mark {
    /// Frees the marks behind it one by one: dropping a long list recursively
    /// would overflow the stack.
    fn drop(&mut self) {
        let mut next = self.next.take();
        while let Some(link) = next {
            next = Arc::into_inner(link.next).and_then(|mut mark| mark.next.take());
        }
    }
}

/// A read end: the place up to which its owner has read.
#[derive(Debug, Clone)]
pub struct Cursor {
    mark: Arc<Mark>,
    sealed: Arc<AtomicU64>,
}

impl Tape {
    /// An empty tape; it allocates with its first frame.
    #[must_use]
    pub fn new(space: Arc<TapeSpace>, segment_min_bytes: usize, segment_max_bytes: usize) -> Self {
        Self {
            open: BytesMut::new(),
            last: Arc::new(Mark { at: 0, next: OnceLock::new() }),
            sealed: Arc::new(AtomicU64::new(0)),
            space,
            segment_bytes: segment_min_bytes,
            segment_min_bytes,
            segment_max_bytes,
        }
    }

    /// Appends whole frames, about `size_hint` bytes of them, which
    /// `put_frames` writes. They are seen by readers after the next
    /// [`seal`](Self::seal). Returns whether there were any.
    pub fn append(&mut self, size_hint: usize, put_frames: impl FnOnce(&mut BytesMut)) -> bool {
        if self.open.capacity() - self.open.len() < size_hint {
            self.seal();
            // Takes the old segment again when all have read it, else a new one.
            self.open.reserve(size_hint.max(self.segment_bytes));
            self.segment_bytes = (self.segment_bytes * 2).min(self.segment_max_bytes);
        }
        let before = self.open.len();
        put_frames(&mut self.open);
        let is_longer = self.open.len() > before;
        if self.open.len() >= CHUNK_BYTES {
            self.seal();
        }
        is_longer
    }

    /// Lets readers see all that was appended.
    pub fn seal(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let chunk = self.open.split().freeze();
        let at = self.last.at + chunk.len() as u64;
        let mark = Arc::new(Mark { at, next: OnceLock::new() });
        let held = Held::new(&self.space, chunk.len() as u64);
        self.last
            .next
            .set(Link { chunk, next: Arc::clone(&mark), _held: held })
            .expect("only the write end sets the link of the last mark, once");
        self.last = mark;
        self.sealed.store(at, Ordering::Release);
    }

    /// A cursor that has read all that is sealed.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor { mark: Arc::clone(&self.last), sealed: Arc::clone(&self.sealed) }
    }

    /// Gives memory back after a time without messages.
    pub fn rest(&mut self) {
        self.seal();
        self.open = BytesMut::new();
        self.segment_bytes = self.segment_min_bytes;
    }
}

impl Cursor {
    /// The next chunk, if one is sealed; the cursor moves behind it.
    pub fn advance(&mut self) -> Option<Bytes> {
        let Link { chunk, next, .. } = self.mark.next.get()?;
        let chunk = chunk.clone();
        self.mark = Arc::clone(next);
        Some(chunk)
    }

    /// Sealed bytes that were not read yet.
    #[must_use]
    pub fn lag_bytes(&self) -> u64 {
        self.sealed.load(Ordering::Acquire) - self.mark.at
    }

    /// How many bytes of the tape are before it: chunks end where cursors
    /// stand.
    #[must_use]
    pub fn at(&self) -> u64 {
        self.mark.at
    }
}

#[cfg(test)]
mod tests {
    use bytes::BufMut;
    use proptest::prelude::*;

    use super::*;

    fn read_all(cursor: &mut Cursor) -> Vec<u8> {
        std::iter::from_fn(|| cursor.advance()).flatten().collect()
    }

    proptest! {
        #[test]
        fn every_cursor_reads_what_was_appended_after_it(
            frames in proptest::collection::vec((0usize..9_000, any::<bool>()), 1..20),
            join_at in 0usize..20,
        ) {
            let mut tape = Tape::new(Arc::default(), 64, 4096);
            let mut early = tape.cursor();
            let mut late = None;
            let mut written: Vec<u8> = Vec::new();
            let mut late_from = 0;
            for (index, &(length, seal)) in frames.iter().enumerate() {
                if index == join_at {
                    tape.seal();
                    late = Some(tape.cursor());
                    late_from = written.len();
                }
                let byte = index as u8;
                tape.append(length, |out| out.put_bytes(byte, length));
                written.extend(std::iter::repeat_n(byte, length));
                if seal {
                    tape.seal();
                }
            }
            tape.seal();
            prop_assert_eq!(early.lag_bytes(), written.len() as u64);
            prop_assert_eq!(&read_all(&mut early), &written);
            prop_assert_eq!(early.lag_bytes(), 0);
            if let Some(mut late) = late {
                prop_assert_eq!(&read_all(&mut late)[..], &written[late_from..]);
            }
        }
    }

    #[test]
    fn unsealed_frames_are_not_seen() {
        let mut tape = Tape::new(Arc::default(), 64, 4096);
        let mut cursor = tape.cursor();
        tape.append(3, |out| out.put_slice(b"hei"));
        assert_eq!(cursor.advance(), None);
        tape.seal();
        assert_eq!(cursor.advance().as_deref(), Some(&b"hei"[..]));
    }

    #[test]
    fn what_all_have_read_is_used_again() {
        let mut tape = Tape::new(Arc::default(), 4096, 4096);
        let mut cursor = tape.cursor();
        tape.append(1000, |out| out.put_bytes(1, 1000));
        tape.seal();
        let first = cursor.advance().unwrap().as_ptr();
        let mut addresses = Vec::new();
        for _ in 0..100 {
            tape.append(1000, |out| out.put_bytes(2, 1000));
            tape.seal();
            addresses.push(cursor.advance().unwrap().as_ptr());
        }
        assert!(addresses.contains(&first), "a segment that everybody has read is not reused");
    }

    #[test]
    fn a_reader_a_million_chunks_behind_is_dropped_without_overflow() {
        let mut tape = Tape::new(Arc::default(), 64, 4096);
        let cursor = tape.cursor();
        for _ in 0..1_000_000 {
            tape.append(1, |out| out.put_u8(0));
            tape.seal();
        }
        assert_eq!(cursor.lag_bytes(), 1_000_000);
        drop(cursor);
    }
}
