//! Feeds the members of one room until the room leaves memory.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};

use crate::room::{Crowd, Room};
use crate::session::Sink;

/// A quiet room gives its tapes' memory back after this time. Chosen: long
/// against the pauses between programs, short against a person's.
const REST_AFTER: Duration = Duration::from_secs(2);

/// What the pump waits for when nobody wakes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Presence,
    Rest,
    Forget,
}

/// Runs until `forget` lets go of the room.
///
/// A turn writes to each member in one write all that came; that much came at
/// once, since the writer let all who were ready to publish go first.
pub(crate) async fn pump<S: Sink>(room: Arc<Room<S>>, forget: impl Fn(&Arc<Room<S>>) -> bool) {
    let mut crowd = Crowd::default();
    let mut rest_at = None;
    loop {
        let next = next_due(&room, rest_at);
        tokio::select! {
            () = room.woken() => {
                if room.is_retired() {
                    return;
                }
                take_turn(&room, &mut crowd).await;
                rest_at = Some(Instant::now() + REST_AFTER);
            }
            due = wait_for(next) => match due {
                Due::Presence => room.tell_due_presence(),
                Due::Rest => {
                    room.rest();
                    rest_at = None;
                }
                Due::Forget => {
                    if forget(&room) {
                        return;
                    }
                    // Somebody is about to use it: look again later.
                    room.touch();
                }
            },
        }
    }
}

fn next_due<S: Sink>(room: &Room<S>, rest_at: Option<Instant>) -> Option<(Instant, Due)> {
    let presence = room.presence_due_at().map(|at| (at, Due::Presence));
    let rest = rest_at.map(|at| (at, Due::Rest));
    let forget = room.idle_since().map(|since| (since + room.limits().room_idle, Due::Forget));
    [presence, rest, forget].into_iter().flatten().min()
}

async fn wait_for(next: Option<(Instant, Due)>) -> Due {
    let Some((at, due)) = next else { return std::future::pending().await };
    sleep_until(at).await;
    due
}

async fn take_turn<S: Sink>(room: &Room<S>, crowd: &mut Crowd<S>) {
    let answered = room.begin_turn(crowd);
    let sockets_max = room.limits().pump_yield_sockets;
    for (index, session) in crowd.to_tell().iter().chain(&answered).enumerate() {
        session.flush();
        if (index + 1) % sockets_max == 0 {
            yield_now().await;
        }
    }
}
