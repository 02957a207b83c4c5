//! What one transaction brings for a room, as one row: a pack.
//!
//! All of a pack's messages have one time and follow each other. The body is a
//! byte for its version, then for each message its length (4 bytes,
//! big-endian) and its [`record`]. Its keys stand in a column of their own
//! before the body, 16 bytes a message, zeros where it has none, so that they
//! are read without it.

use bytes::{Buf, BufMut, Bytes};
use hub::{Draft, Message, Offset, Timestamp};
use rusqlite::{Connection, params};
use thiserror::Error;

use super::columns::integer;
use crate::record;

/// Messages of a pack. Chosen: one that is read for a single message costs
/// some microseconds.
const PACK_MAX_MESSAGES: u64 = 128;
/// Bytes of a pack; a message that is larger is alone in its own. Chosen: as
/// above.
const PACK_MAX_BYTES: usize = 32 << 10;
/// Of the body.
const VERSION: u8 = 1;
const KEY_BYTES: usize = 16;

const INSERT: &str = "INSERT INTO packs (room, first, last, time, before, bytes, keys, body) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

/// A body that we never wrote.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("what is held is not a pack of messages")]
pub(super) struct NotAPack;

/// What is known of a message beside itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// The room's row.
    pub(super) room: i64,
    /// [`cost`] of all messages of the room before this one.
    pub(super) before: u64,
    /// By which a retry is known.
    pub(super) key: Option<u128>,
}

/// Bytes that count against the room's bound.
pub(super) fn cost(draft: &Draft) -> u64 {
    record::cost(draft) as u64
}

#[derive(Debug)]
struct Pack {
    room: i64,
    first: Offset,
    last: Offset,
    time: Timestamp,
    before: u64,
    bytes: u64,
    keys: Vec<u8>,
    body: Vec<u8>,
}

impl Pack {
    fn begin(place: Place, message: &Message) -> Self {
        let Message { offset, time, .. } = *message;
        let before = place.before;
        let (keys, body) = (Vec::new(), vec![VERSION]);
        Self { room: place.room, first: offset, last: offset.back(1), time, before, bytes: 0, keys, body }
    }

    fn len(&self) -> u64 {
        self.last.0 + 1 - self.first.0
    }

    /// Whether it is the room's, and the message may stand in it.
    fn takes(&self, room: i64, message: &Message) -> bool {
        self.room == room
            && self.time == message.time
            && self.len() < PACK_MAX_MESSAGES
            && self.body.len() + record::cost(&message.draft) <= PACK_MAX_BYTES
    }

    fn push(&mut self, key: Option<u128>, message: &Message) {
        if let Some(key) = key {
            let place = usize::try_from(self.len()).expect("a pack has few messages");
            self.keys.resize(place * KEY_BYTES, 0);
            self.keys.put_u128(key);
        }
        let start = self.body.len();
        self.body.put_u32(0);
        record::put(&mut self.body, &message.draft);
        let length = u32::try_from(self.body.len() - start - 4).expect("no message has 4 GiB");
        self.body[start..start + 4].copy_from_slice(&length.to_be_bytes());
        self.last = message.offset;
        self.bytes += cost(&message.draft);
    }
}

/// The packs of one transaction.
#[derive(Debug, Default)]
pub(super) struct Packs(Vec<Pack>);

impl Packs {
    /// Adds a message to the pack of its room, or begins one. `newest` stays
    /// with the room, from 0 on, and tells where its newest pack is.
    pub(super) fn push(&mut self, newest: &mut usize, place: Place, message: &Message) {
        if !self.0.get(*newest).is_some_and(|pack| pack.takes(place.room, message)) {
            *newest = self.0.len();
            self.0.push(Pack::begin(place, message));
        }
        self.0[*newest].push(place.key, message);
    }

    /// Writes them, and begins anew.
    pub(super) fn insert(&mut self, db: &Connection) -> rusqlite::Result<()> {
        let mut insert = db.prepare_cached(INSERT)?;
        for pack in self.0.drain(..) {
            insert.execute(params![
                pack.room,
                integer(pack.first.0),
                integer(pack.last.0),
                pack.time.0,
                integer(pack.before),
                integer(pack.bytes),
                (!pack.keys.is_empty()).then_some(&pack.keys),
                pack.body,
            ])?;
        }
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// The messages of a pack.
///
/// # Errors
///
/// When it is none, or not of so many messages.
pub(super) fn read(first: Offset, last: Offset, time: Timestamp, mut body: &[u8]) -> Result<Vec<Message>, NotAPack> {
    if body.try_get_u8() != Ok(VERSION) {
        return Err(NotAPack);
    }
    let mut messages = Vec::new();
    let mut offset = first;
    while !body.is_empty() {
        let length = body.try_get_u32().map_err(|_| NotAPack)? as usize;
        let (bytes, rest) = body.split_at_checked(length).ok_or(NotAPack)?;
        // A copy: one message that is held for long does not hold its pack.
        let draft = record::read(Bytes::copy_from_slice(bytes)).map_err(|_| NotAPack)?;
        messages.push(Message { offset, time, draft });
        (offset, body) = (offset.next(), rest);
    }
    if messages.is_empty() || offset != last.next() { Err(NotAPack) } else { Ok(messages) }
}

/// The keys of a pack with their offsets, the newest first.
pub(super) fn keys(first: Offset, keys: &[u8]) -> impl Iterator<Item = (Offset, u128)> + '_ {
    let keys = keys.chunks_exact(KEY_BYTES).map(|mut key| key.get_u128()).zip(first.0..);
    let keys: Vec<_> = keys.filter(|(key, _)| *key != 0).map(|(key, offset)| (Offset(offset), key)).collect();
    keys.into_iter().rev()
}

#[cfg(test)]
mod tests {
    use hub::{Body, PersonName};

    use super::*;

    fn message(offset: u64, text: &str) -> Message {
        let body = Body::Text(Bytes::copy_from_slice(text.as_bytes()));
        let draft = Draft { from: PersonName::parse("ada").unwrap(), body, as_sent: None, id: None };
        Message { offset: Offset(offset), time: Timestamp(1), draft }
    }

    fn place(key: Option<u128>) -> Place {
        Place { room: 1, before: 0, key }
    }

    fn lengths(messages: &[Message]) -> Vec<u64> {
        let (mut packs, mut newest) = (Packs::default(), 0);
        for message in messages {
            packs.push(&mut newest, place(None), message);
        }
        packs.0.iter().map(Pack::len).collect()
    }

    #[test]
    fn a_pack_is_bounded_by_number_bytes_and_one_time() {
        let small: Vec<_> = (1..=300).map(|n| message(n, "m")).collect();
        assert_eq!(lengths(&small), [128, 128, 44]);
        let large = "x".repeat(PACK_MAX_BYTES);
        let mixed = [message(1, "m"), message(2, "m"), message(3, &large), message(4, "m")];
        assert_eq!(lengths(&mixed), [2, 1, 1]);
        let later = Message { time: Timestamp(2), ..message(2, "m") };
        assert_eq!(lengths(&[message(1, "m"), later]), [1, 1]);
    }

    #[test]
    fn a_pack_cut_short_or_of_another_length_is_none() {
        let (mut packs, mut newest) = (Packs::default(), 0);
        for n in 1..=3 {
            packs.push(&mut newest, place(None), &message(n, &format!("text {n}")));
        }
        let Pack { first, last, time, body, .. } = packs.0.remove(0);
        let back = read(first, last, time, &body).unwrap();
        let bodies: Vec<_> = back.iter().map(|message| (message.offset.0, message.draft.body.clone())).collect();
        assert_eq!(bodies, [1, 2, 3].map(|n| (n, Body::Text(format!("text {n}").into()))));
        for length in 0..body.len() {
            assert_eq!(read(first, last, time, &body[..length]).err(), Some(NotAPack), "{length}");
        }
        assert_eq!(read(first, last.next(), time, &body).err(), Some(NotAPack));
    }

    #[test]
    fn keys_stand_with_their_messages() {
        let (mut packs, mut newest) = (Packs::default(), 0);
        for (n, key) in (7..).zip([None, Some(5), None, Some(6), None]) {
            packs.push(&mut newest, place(key), &message(n, "m"));
        }
        let found: Vec<_> = keys(Offset(7), &packs.0[0].keys).collect();
        assert_eq!(found, [(Offset(10), 6), (Offset(8), 5)]);
    }
}
