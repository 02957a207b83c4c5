//! Where one chunk ends and the next begins.

use bytes::BytesMut;
use thiserror::Error;

use super::{Chunk, RESET};
use crate::character;

/// A chunk is longer than allowed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a chunk has {bytes} bytes or more, {bytes_max} are allowed")]
pub struct TooLong {
    /// That much of it came.
    pub bytes: usize,
    /// What it may have.
    pub bytes_max: usize,
}

/// Splits what one member sends, whatever way it is cut.
#[derive(Debug)]
pub struct Splitter {
    unread: BytesMut,
    /// No chunk ends before this.
    searched: usize,
    chunk_max_bytes: usize,
}

impl Splitter {
    /// A chunk may have `chunk_max_bytes`.
    #[must_use]
    pub fn new(chunk_max_bytes: usize) -> Self {
        Self { unread: BytesMut::new(), searched: 0, chunk_max_bytes }
    }

    /// Takes what came. Memory: the bound of a chunk, and what is pushed
    /// before [`next_chunk`](Self::next_chunk) says that there is no more.
    pub fn push(&mut self, bytes: &[u8]) {
        self.unread.extend_from_slice(bytes);
    }

    /// Whether something came that is not a chunk yet: silence would make it
    /// one.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.tail_start() > 0
    }

    /// The next chunk that is complete, or `None`.
    ///
    /// # Errors
    ///
    /// When it is, or grows, longer than allowed.
    pub fn next_chunk(&mut self) -> Result<Option<Chunk>, TooLong> {
        loop {
            let Some(end) = self.find_end() else {
                self.check(self.unread.len())?;
                return Ok(None);
            };
            self.check(end)?;
            if let Some(chunk) = self.take(end) {
                return Ok(Some(chunk));
            }
        }
    }

    /// What came before a silence: all of it, but for a character or an end of
    /// chunk that is cut off and may go on.
    pub fn take_rest(&mut self) -> Option<Chunk> {
        self.take(self.tail_start())
    }

    fn take(&mut self, end: usize) -> Option<Chunk> {
        self.searched = 0;
        Chunk::new(&self.unread.split_to(end))
    }

    fn find_end(&mut self) -> Option<usize> {
        let found = self.unread[self.searched..].windows(RESET.len()).position(|bytes| bytes == RESET.as_bytes());
        match found {
            Some(position) => Some(self.searched + position + RESET.len()),
            None => {
                self.searched = self.unread.len().saturating_sub(RESET.len() - 1);
                None
            }
        }
    }

    /// Where that begins which may go on after a silence.
    fn tail_start(&self) -> usize {
        let is_cut = |cut: &usize| self.unread.ends_with(&RESET.as_bytes()[..*cut]);
        match (1..RESET.len()).rev().find(is_cut) {
            Some(cut) => self.unread.len() - cut,
            None => character::whole(&self.unread),
        }
    }

    fn check(&self, bytes: usize) -> Result<(), TooLong> {
        let bytes_max = self.chunk_max_bytes;
        if bytes > bytes_max { Err(TooLong { bytes, bytes_max }) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ADA: &str = "\u{1b}[31m[2026-11-21 22:17:03] ada<SEP>blåbær 😀\u{1b}[39m";
    const BOB: &str = "\u{1b}[92m[2026-11-21 22:17:04] bob<SEP>hei\u{1b}[39m";

    fn all(splitter: &mut Splitter) -> Vec<String> {
        let chunks = std::iter::from_fn(|| splitter.next_chunk().expect("no chunk is too long"));
        chunks.map(Chunk::into_string).collect()
    }

    #[test]
    fn chunks_in_one_read_come_apart() {
        let mut splitter = Splitter::new(1024);
        splitter.push([ADA, BOB, "\n", ADA].concat().as_bytes());
        assert_eq!(all(&mut splitter), [ADA, BOB, ADA]);
        assert!(!splitter.is_waiting());
    }

    #[test]
    fn silence_ends_what_has_no_end() {
        let mut splitter = Splitter::new(1024);
        splitter.push(b"hei\r\n");
        assert_eq!(all(&mut splitter), [""; 0]);
        assert!(splitter.is_waiting());
        assert_eq!(splitter.take_rest().unwrap().as_str(), "hei");
        assert!(!splitter.is_waiting());
        assert_eq!(splitter.take_rest(), None);
    }

    #[test]
    fn a_character_or_an_end_that_silence_cuts_goes_on_with_the_next_read() {
        let mut splitter = Splitter::new(1024);
        splitter.push(b"bl\xC3");
        assert_eq!(splitter.take_rest().unwrap().as_str(), "bl");
        assert!(!splitter.is_waiting());
        splitter.push(b"\xA5b\x1b[3");
        assert_eq!(splitter.take_rest().unwrap().as_str(), "åb");
        splitter.push(b"9m");
        assert_eq!((all(&mut splitter).len(), splitter.is_waiting()), (0, false));
    }

    #[test]
    fn a_chunk_that_is_too_long_is_refused_before_its_end() {
        let mut splitter = Splitter::new(100);
        splitter.push(&[b'x'; 100]);
        assert_eq!(splitter.next_chunk(), Ok(None));
        splitter.push(b"x");
        assert_eq!(splitter.next_chunk(), Err(TooLong { bytes: 101, bytes_max: 100 }));
        let mut splitter = Splitter::new(100);
        splitter.push(format!("{}{RESET}", "x".repeat(96)).as_bytes());
        assert_eq!(splitter.next_chunk(), Err(TooLong { bytes: 101, bytes_max: 100 }));
    }

    proptest! {
        #[test]
        fn split_anywhere_gives_the_same_chunks(
            texts in prop::collection::vec("[a-zåæ€😀<>\u{1b}\\[39m\n]{0,30}", 1..6),
            cuts in prop::collection::vec(1_usize..9, 1..40),
        ) {
            let sent: String = texts.iter().map(|text| format!("\u{1b}[31mada<SEP>{text}\u{1b}[39m")).collect();
            let mut whole = Splitter::new(1024);
            whole.push(sent.as_bytes());
            let expected = all(&mut whole);
            let mut splitter = Splitter::new(1024);
            let (mut rest, mut cuts, mut chunks) = (sent.as_bytes(), cuts.iter().cycle(), Vec::new());
            while !rest.is_empty() {
                let (part, behind) = rest.split_at(rest.len().min(*cuts.next().expect("a cycle")));
                splitter.push(part);
                chunks.extend(all(&mut splitter));
                rest = behind;
            }
            prop_assert_eq!(chunks, expected);
            prop_assert_eq!(splitter.take_rest(), whole.take_rest());
        }

        #[test]
        fn no_bytes_make_it_panic_or_leave_a_control_character(
            reads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..30), 0..10),
        ) {
            let mut splitter = Splitter::new(64);
            for read in reads {
                splitter.push(&read);
                while let Ok(Some(chunk)) = splitter.next_chunk() {
                    prop_assert!(is_harmless(&chunk), "{chunk:?}");
                }
                prop_assert!(splitter.take_rest().is_none_or(|chunk| is_harmless(&chunk)));
            }
        }
    }

    fn is_harmless(chunk: &Chunk) -> bool {
        let text = chunk.as_str();
        let text = text.strip_suffix(RESET).unwrap_or(text);
        !text.strip_prefix('\u{1b}').unwrap_or(text).contains(char::is_control)
    }
}
