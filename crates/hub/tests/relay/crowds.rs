//! Many speak in many rooms, members come and go, some read slowly or not at
//! all: every byte that every member got is compared with what the room said.

use std::sync::Arc;

use hub::{HubLimits, Reply, RoomName, Since};
use tokio::task::{JoinSet, yield_now};

use crate::fakes::{FakeSink, Fixture, draft, limits, until};

const ROOMS: usize = 5;
const SPEAKERS: usize = 4;
/// Messages of each speaker in each room.
const MESSAGES: usize = 200;
const STEADY: usize = 8;
const PASSERS_BY: usize = 60;

/// One of the rooms; all are in one hub.
fn room_of(fixture: &Fixture, room: Arc<hub::Room<FakeSink>>) -> Fixture {
    Fixture { hub: Arc::clone(&fixture.hub), room, store: Arc::clone(&fixture.store) }
}

async fn speak(room: Arc<Fixture>, speaker: usize) {
    let session = room.session(FakeSink::open());
    for message in 0..MESSAGES {
        let said = draft(&format!("{speaker}-{message}"));
        room.hub.publish(&room.room, said, None, Reply::OrLeave(Arc::clone(&session))).await;
        if message.is_multiple_of(7) {
            yield_now().await;
        }
    }
}

/// Comes, stays for a few turns and goes; returns what it got.
async fn pass_by(room: Arc<Fixture>, turns: usize) -> String {
    let session = room.session(FakeSink::open());
    let seat = room.join(&session, Since::Live).await;
    for _ in 0..turns {
        yield_now().await;
    }
    drop(seat);
    // What a holder of its write lock was about to write is written now.
    session.has_caught_up().await;
    session.sink().taken()
}

/// A member that is given a few bytes at a time until `is_over`.
async fn read_slowly(session: Arc<hub::Session<FakeSink>>, is_over: impl Fn(&str) -> bool) {
    let mut bytes = (1..23).cycle();
    until(|| {
        session.sink().allow(bytes.next().expect("it is endless"));
        is_over(&session.sink().taken())
    })
    .await;
}

/// What came after a welcome has to be what the room said then, without a
/// hole.
fn check_part(taken: &str, whole: &[&str]) {
    let mut lines = taken.lines();
    let welcome = lines.next().expect("everybody is welcomed");
    let start: usize = welcome.split(' ').nth(1).expect("from where").parse().expect("an offset");
    let got: Vec<&str> = lines.collect();
    assert_eq!(got, whole[start..start + got.len()], "after {welcome:?}");
}

/// What everybody in a room has to get.
fn whole_text(fixture: &Fixture, room: &RoomName) -> String {
    fixture.store.said_in(room).map(|(offset, text)| format!("{offset} {text}\n")).collect()
}

fn check_order_of_speakers(whole: &[&str]) {
    let mut next = [0; SPEAKERS];
    for line in whole {
        let (speaker, message) = line.split_once(' ').expect("an offset").1.split_once('-').expect("a speaker");
        let next = &mut next[speaker.parse::<usize>().expect("a number")];
        assert_eq!(message.parse(), Ok(*next), "{line}");
        *next += 1;
    }
    assert_eq!(next, [MESSAGES; SPEAKERS]);
}

async fn crowds() {
    let fixture = Fixture::new(HubLimits { queue_max_messages: 16, ..limits() }).await;
    let mut tasks = JoinSet::new();
    let mut passing = JoinSet::new();
    let mut rooms = Vec::new();
    for number in 0..ROOMS {
        let name = RoomName::parse(&format!("room{number}")).expect("a valid name");
        let room = fixture.hub.room(&name, || true).await.expect("few rooms");
        let room = Arc::new(room_of(&fixture, room));
        let mut members = Vec::new();
        for member in 0..STEADY {
            // One reads slowly, and one not at all until the end.
            let sink = if member < 2 { FakeSink::default() } else { FakeSink::open() };
            let session = room.session(sink);
            members.push((room.join(&session, Since::Live).await, session));
        }
        let last = format!("\n{} ", SPEAKERS * MESSAGES);
        let slow = Arc::clone(&members[0].1);
        tasks.spawn(read_slowly(slow, move |taken| taken.contains(&last) && taken.ends_with('\n')));
        for speaker in 0..SPEAKERS {
            tasks.spawn(speak(Arc::clone(&room), speaker));
        }
        for turns in 0..PASSERS_BY {
            let pass_by = pass_by(Arc::clone(&room), turns);
            passing.spawn(async move { (number, pass_by.await) });
        }
        rooms.push((name, members));
    }
    let passed_by = passing.join_all().await;
    tasks.join_all().await;
    fixture.hub.settle().await;
    for (number, (name, members)) in rooms.iter().enumerate() {
        members[1].1.sink().allow(usize::MAX / 2);
        let whole = whole_text(&fixture, name);
        let lines: Vec<&str> = whole.lines().collect();
        check_order_of_speakers(&lines);
        for (_, session) in members {
            let expected = format!("welcome 0 0\n{whole}");
            until(|| session.sink().taken() == expected).await;
        }
        for (_, taken) in passed_by.iter().filter(|(room, _)| *room == number) {
            check_part(taken, &lines);
        }
    }
}

#[tokio::test]
async fn everybody_gets_every_byte_in_order_on_one_worker() {
    crowds().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everybody_gets_every_byte_in_order_on_several_workers() {
    crowds().await;
}
