//! What one membership reads: a tape, and after a change of format another
//! one from the place of the change.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::tape::Cursor;

/// A cursor that turns off to other tapes at given places.
#[derive(Debug)]
pub(crate) struct Track {
    cursor: Cursor,
    turns: VecDeque<Turn>,
}

#[derive(Debug)]
struct Turn {
    /// The place on the tape before it.
    at: u64,
    then: Then,
}

/// What comes after a turn.
#[derive(Debug)]
pub(crate) enum Then {
    /// Another tape.
    GoOn(Cursor),
    /// Nothing: the member reads elsewhere.
    Stop,
}

impl Track {
    pub(crate) fn new(cursor: Cursor) -> Self {
        Self { cursor, turns: VecDeque::new() }
    }

    /// Reads its last tape up to `end` only; nothing comes after a
    /// [`Then::Stop`].
    pub(crate) fn turn_off(&mut self, end: &Cursor, then: Then) {
        self.turns.push_back(Turn { at: end.at(), then });
    }

    /// The next chunk, if one is sealed.
    pub(crate) fn advance(&mut self) -> Option<Bytes> {
        while let Some(turn) = self.turns.front() {
            if self.cursor.at() < turn.at {
                break;
            }
            let Then::GoOn(cursor) = &turn.then else { return None };
            self.cursor = cursor.clone();
            self.turns.pop_front();
        }
        self.cursor.advance()
    }

    /// Sealed bytes that were not read yet.
    pub(crate) fn lag_bytes(&self) -> u64 {
        let mut lag = 0;
        let mut cursor = &self.cursor;
        for turn in &self.turns {
            lag += turn.at - cursor.at();
            match &turn.then {
                Then::GoOn(next) => cursor = next,
                Then::Stop => return lag,
            }
        }
        lag + cursor.lag_bytes()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::BufMut;

    use super::*;
    use crate::tape::Tape;

    fn put(tape: &mut Tape, text: &str) {
        tape.append(text.len(), |out| out.put_slice(text.as_bytes()));
        tape.seal();
    }

    fn read_all(track: &mut Track) -> String {
        let bytes = std::iter::from_fn(|| track.advance()).flatten().collect();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn it_reads_each_tape_up_to_its_turn() {
        let [mut one, mut two] = [(), ()].map(|()| Tape::new(Arc::default(), 64, 64));
        let mut track = Track::new(one.cursor());
        put(&mut one, "a");
        put(&mut two, "x");
        track.turn_off(&one.cursor(), Then::GoOn(two.cursor()));
        put(&mut one, "b");
        put(&mut two, "y");
        assert_eq!(track.lag_bytes(), 2);
        // Two turns at one place: the tape between them is not read.
        track.turn_off(&two.cursor(), Then::GoOn(one.cursor()));
        track.turn_off(&one.cursor(), Then::GoOn(two.cursor()));
        put(&mut two, "z");
        assert_eq!(track.lag_bytes(), 3);
        assert_eq!(read_all(&mut track), "ayz");
        put(&mut two, "!");
        track.turn_off(&two.cursor(), Then::Stop);
        put(&mut two, "late");
        assert_eq!(track.lag_bytes(), 1);
        assert_eq!(read_all(&mut track), "!");
        assert_eq!(track.lag_bytes(), 0);
    }
}
