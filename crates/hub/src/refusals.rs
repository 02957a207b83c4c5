//! Whose messages the store has refused lately.
//!
//! A sender does not wait for each answer. When one of its messages is
//! refused and the store is there again before the sender has heard of it,
//! those behind it would be stored before it. So they are refused, too, until
//! the first one is said again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::limits::HubLimits;
use crate::name::RoomName;
use crate::store::DedupKey;

#[derive(Debug)]
pub(crate) struct Refusals {
    /// A sender that does not say it again in this time has given it up.
    retry_max: Duration,
    /// Senders that are remembered; more are taken at their word.
    senders_max: usize,
    /// By room and session: the first message that was refused, and when.
    first: HashMap<(RoomName, Arc<str>), (Arc<str>, Instant)>,
}

impl Refusals {
    pub(crate) fn new(limits: &HubLimits) -> Self {
        Self { retry_max: limits.refused_retry_max, senders_max: limits.refused_senders_max, first: HashMap::new() }
    }

    /// Whether a message must be refused because one before it was.
    pub(crate) fn holds_back(&mut self, room: &RoomName, key: Option<&DedupKey>) -> bool {
        // The usual case costs nothing.
        let Some(key) = key.filter(|_| !self.first.is_empty()) else { return false };
        let sender = (room.clone(), Arc::clone(&key.session));
        let Some((id, at)) = self.first.get(&sender) else { return false };
        if *id != key.id && at.elapsed() < self.retry_max {
            return true;
        }
        self.first.remove(&sender);
        false
    }

    /// The store has refused it.
    pub(crate) fn note(&mut self, room: &RoomName, key: &DedupKey) {
        if self.first.len() >= self.senders_max {
            self.first.retain(|_, (_, at)| at.elapsed() < self.retry_max);
        }
        if self.first.len() < self.senders_max {
            let sender = (room.clone(), Arc::clone(&key.session));
            self.first.entry(sender).or_insert_with(|| (Arc::clone(&key.id), Instant::now()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn those_behind_a_refused_message_wait_for_it() {
        let room = RoomName::parse("a").unwrap();
        let key = |session: &str, id: &str| DedupKey { session: session.into(), id: id.into() };
        let retry_max = Duration::from_secs(2);
        let mut refusals = Refusals { retry_max, senders_max: 2, first: HashMap::new() };
        let mut holds_back = |session: &str, id: &str, is_refused: bool| {
            let key = key(session, id);
            let is_held_back = refusals.holds_back(&room, Some(&key));
            if is_refused {
                refusals.note(&room, &key);
            }
            is_held_back
        };
        assert!(!holds_back("s", "1", true));
        assert!(holds_back("s", "2", true));
        assert!(!holds_back("other", "2", false));
        assert!(!holds_back("s", "1", true), "it is said again, and refused again");
        assert!(holds_back("s", "2", true));
        assert!(!holds_back("s", "1", false));
        assert!(!holds_back("s", "2", true));
        tokio::time::advance(retry_max).await;
        assert!(!holds_back("s", "3", false), "the sender has given it up");
    }
}
