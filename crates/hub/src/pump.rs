//! Feeds the members of one room until the room leaves memory.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::{JoinSet, yield_now};
use tokio::time::{Instant, sleep_until};

use crate::limits::HubLimits;
use crate::room::{Crowd, Room};
use crate::session::{Session, Sink};

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

/// Of what the last turn took, the part for which the next one waits when
/// nothing comes any more: what answers a turn comes in one go. Measured
/// (docs/decisions/0010).
const PAUSE_PART: u32 = 8;
/// The part that it waits at most, while more keeps coming.
const GATHER_PART: u32 = 2;

/// The last turn of a room.
struct Turn {
    took: Duration,
    ended: Instant,
}

impl Turn {
    /// Where turns follow close upon each other, lets more come before the
    /// next: a write costs the same for one message as for ten.
    async fn gather<S: Sink>(&self, room: &Room<S>) {
        let begins = Instant::now();
        if begins - self.ended > self.took / GATHER_PART {
            return;
        }
        let (mut heard, mut heard_at) = (room.head(), begins);
        // Too short for a timer.
        loop {
            yield_now().await;
            let (head, now) = (room.head(), Instant::now());
            if head != heard {
                (heard, heard_at) = (head, now);
            }
            if now - heard_at >= self.took / PAUSE_PART || now - begins >= self.took / GATHER_PART {
                return;
            }
        }
    }
}

/// Runs until `forget` lets go of the room.
///
/// A turn writes to each member in one write all that came; that much came at
/// once, since the writer let all who were ready to publish go first, and a
/// busy room gathers more.
pub(crate) async fn pump<S: Sink>(room: Arc<Room<S>>, forget: impl Fn(&Arc<Room<S>>) -> bool) {
    let mut crowd = Crowd::default();
    let mut rest_at = None;
    let mut last = Turn { took: Duration::ZERO, ended: Instant::now() };
    let mut alarm = pin!(sleep_until(last.ended));
    loop {
        let next = next_due(&room, rest_at);
        // One that is early is set again when it has gone off: a turn puts off what is due, and must not set a timer.
        if let Some((at, _)) = next
            && (at < alarm.deadline() || alarm.is_elapsed())
        {
            alarm.as_mut().reset(at);
        }
        tokio::select! {
            () = room.woken() => {
                if room.is_retired() {
                    return;
                }
                last.gather(&room).await;
                let begins = Instant::now();
                take_turn(&room, &mut crowd).await;
                last = Turn { took: begins.elapsed(), ended: Instant::now() };
                rest_at = Some(last.ended + REST_AFTER);
            }
            () = &mut alarm, if next.is_some() => match next.filter(|(at, _)| *at <= Instant::now()) {
                None => {}
                Some((_, Due::Presence)) => room.tell_due_presence(),
                Some((_, Due::Rest)) => {
                    room.rest();
                    rest_at = None;
                }
                Some((_, Due::Forget)) => {
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

/// Writes to all who are to be written to: in a large room several workers do
/// it side by side, and the next turn begins when all are done.
async fn take_turn<S: Sink>(room: &Room<S>, crowd: &mut Crowd<S>) {
    let answered = room.begin_turn(crowd);
    let limits = room.limits();
    if let Some(sessions) = crowd.to_tell() {
        let shards = (sessions.len() / limits.shard_min_sockets).clamp(1, Handle::current().metrics().num_workers());
        let mut others = JoinSet::new();
        for shard in 1..shards {
            let (sessions, limits) = (Arc::clone(sessions), Arc::clone(limits));
            others.spawn(async move { write_to(share_of(&sessions, shard, shards), &limits).await });
        }
        write_to(share_of(sessions, 0, shards), limits).await;
        others.join_all().await;
    }
    write_to(&answered, limits).await;
}

fn share_of<T>(all: &[T], shard: usize, shards: usize) -> &[T] {
    &all[all.len() * shard / shards..all.len() * (shard + 1) / shards]
}

/// Lets others have their turn in between.
async fn write_to<S: Sink>(sessions: &[Arc<Session<S>>], limits: &HubLimits) {
    let (mut sockets, mut bytes) = (0, 0);
    for session in sessions {
        let before = session.written_bytes();
        session.flush();
        sockets += 1;
        bytes += session.written_bytes() - before;
        if sockets >= limits.pump_yield_sockets || bytes >= limits.pump_yield_bytes {
            yield_now().await;
            (sockets, bytes) = (0, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::share_of;

    #[test]
    fn shares_are_all_there_is_in_order() {
        let all: Vec<usize> = (0..1003).collect();
        for shards in [1, 2, 7, 1003] {
            let shares: Vec<&[usize]> = (0..shards).map(|shard| share_of(&all, shard, shards)).collect();
            assert_eq!(shares.concat(), all);
            assert!(shares.iter().all(|share| share.len().abs_diff(all.len() / shards) <= 1));
        }
    }
}
