//! Who hears whom.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::plan::{Audience, Plan};

/// The rooms of a run, and how many clients are in each.
#[derive(Debug)]
pub(super) struct Rooms {
    audience: Audience,
    clients: u32,
    present: Box<[AtomicU32]>,
}

impl Rooms {
    /// All clients are present.
    pub(super) fn new(plan: &Plan, audience: Audience) -> Self {
        let present = (0..plan.rooms).map(|room| AtomicU32::new(plan.room_clients(room))).collect();
        Self { audience, clients: plan.clients, present }
    }

    fn of(&self, client: u32) -> u32 {
        client % self.present.len() as u32
    }

    /// How many clients should hear a message that `sender` sends now.
    pub(super) fn audience_of(&self, sender: u32) -> u64 {
        let present = u64::from(self.present[self.of(sender) as usize].load(Ordering::Relaxed));
        match self.audience {
            Audience::Sender => 1,
            Audience::Room => present,
            Audience::Others => present.saturating_sub(1),
        }
    }

    /// Whether a client should hear what `sender` says.
    pub(super) fn hears(&self, receiver: u32, sender: u32) -> bool {
        match self.audience {
            Audience::Sender => receiver == sender,
            Audience::Room => sender < self.clients && self.of(receiver) == self.of(sender),
            Audience::Others => sender < self.clients && receiver != sender && self.of(receiver) == self.of(sender),
        }
    }

    /// Whose messages a client should hear.
    pub(super) fn heard_by(&self, receiver: u32) -> impl Iterator<Item = u32> {
        let step = self.present.len();
        let (first, count) = match self.audience {
            Audience::Sender => (receiver, 1),
            Audience::Room | Audience::Others => (self.of(receiver), usize::MAX),
        };
        (first..self.clients).step_by(step).take(count).filter(move |&sender| self.hears(receiver, sender))
    }

    /// A client is gone for good.
    pub(super) fn leaves(&self, client: u32) {
        self.present[self.of(client) as usize].fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether nobody is left.
    pub(super) fn are_empty(&self) -> bool {
        self.present.iter().all(|present| present.load(Ordering::Relaxed) == 0)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    fn rooms(audience: Audience) -> Rooms {
        let cli = Cli::try_parse_from(["loadgen", "chat", "--clients", "5", "--rooms", "2"]).unwrap();
        Rooms::new(&Plan::new(cli.into_load().unwrap()).unwrap(), audience)
    }

    fn check(audience: Audience, receiver: u32, senders: &[u32]) {
        assert_eq!(rooms(audience).heard_by(receiver).collect::<Vec<_>>(), senders, "{audience:?} {receiver}");
    }

    #[test]
    fn audience_decides_who_hears_whom() {
        check(Audience::Sender, 3, &[3]);
        check(Audience::Room, 3, &[1, 3]);
        check(Audience::Room, 0, &[0, 2, 4]);
        check(Audience::Others, 2, &[0, 4]);
        assert!(!rooms(Audience::Room).hears(0, 6), "there is no such client");
    }

    #[test]
    fn who_left_is_not_counted_on() {
        let rooms = rooms(Audience::Room);
        rooms.leaves(4);
        assert_eq!((rooms.audience_of(0), rooms.audience_of(1)), (2, 2));
    }
}
