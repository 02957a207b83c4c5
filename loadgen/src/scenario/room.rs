//! Who hears whom.

use crate::plan::{Audience, Plan};

/// How many clients should hear a message said in a room.
#[must_use]
pub(super) fn audience_size(plan: &Plan, audience: Audience, room: u32) -> u64 {
    let clients = u64::from(plan.room_clients(room));
    match audience {
        Audience::Sender => 1,
        Audience::Room => clients,
        Audience::Others => clients.saturating_sub(1),
    }
}

/// Whose messages a client should hear.
#[must_use]
pub(super) fn senders_heard_by(plan: &Plan, audience: Audience, receiver: u32) -> Vec<u32> {
    let of_room = || (0..plan.clients).filter(|&client| plan.room_of(client) == plan.room_of(receiver));
    match audience {
        Audience::Sender => vec![receiver],
        Audience::Room => of_room().collect(),
        Audience::Others => of_room().filter(|&client| client != receiver).collect(),
    }
}
