//! What the keys are called.
//!
//! The keys of a room share a hash tag, so that a cluster keeps them
//! together. `1` is the version of what they hold.

use hub::RoomName;

/// What all keys begin with.
const PREFIX: &str = "negaphone:1:";

/// Of one room. No name of a room holds a brace.
#[derive(Debug)]
pub(super) struct RoomKeys<'a>(pub(super) &'a RoomName);

impl RoomKeys<'_> {
    /// Where it stands: a hash.
    pub(super) fn room(&self) -> String {
        self.named("room")
    }

    /// Its messages: a stream, the ids being their offsets.
    pub(super) fn messages(&self) -> String {
        self.named("messages")
    }

    /// One of the two hashes of retries.
    pub(super) fn retries(&self, bucket: u8) -> String {
        self.named(&format!("retries-{bucket}"))
    }

    /// The epoch that it will have: a string.
    pub(super) fn reserved(&self) -> String {
        self.named("reserved")
    }

    /// Members by node: a hash.
    pub(super) fn presence(&self) -> String {
        self.named("presence")
    }

    /// On which channel its messages are told; channels know no databases.
    pub(super) fn channel(&self, database: i64) -> String {
        self.named(&format!("news-{database}"))
    }

    fn named(&self, what: &str) -> String {
        format!("{PREFIX}{{{}}}:{what}", self.0)
    }
}

/// The room of a channel, as bytes came.
pub(super) fn room_of_channel(channel: &[u8]) -> Option<RoomName> {
    let rest = std::str::from_utf8(channel).ok()?.strip_prefix(PREFIX)?.strip_prefix('{')?;
    RoomName::parse(rest.split_once('}')?.0).ok()
}

/// Pictures share one tag, since the oldest of all go first.
pub(super) mod pictures {
    /// Their hash tag.
    pub(in super::super) const TAG: &str = "pictures";
    /// What keys of pictures begin with.
    pub(in super::super) const EACH: &str = "negaphone:1:{pictures}:id-";
    /// Ids by age: a sorted set.
    pub(in super::super) const BY_AGE: &str = "negaphone:1:{pictures}:by-age";
    /// Bytes by id, and of all under the empty one: a hash.
    pub(in super::super) const SIZES: &str = "negaphone:1:{pictures}:sizes";
    /// Mixed into every id: a string.
    pub(in super::super) const SECRET: &str = "negaphone:1:{pictures}:secret";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_is_known_by_its_channel() {
        let room = RoomName::parse("lobby.æ~1").unwrap();
        assert_eq!(room_of_channel(RoomKeys(&room).channel(3).as_bytes()), Some(room));
        for bad in ["", "negaphone:1:{", "negaphone:1:{a", "negaphone:1:{a b}", "other:{a}"] {
            assert_eq!(room_of_channel(bad.as_bytes()), None, "{bad}");
        }
    }
}
