//! The relay core with fake sockets: who is written what, in which order.

mod crowds;
mod fakes;
mod moves;

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use fakes::{FakeSink, Fixture, draft, limits, lines, until};
use hub::{
    Ends, HubLimits, Leave, Offset, Piece, Position, PublishError, Reply, RoomError, RoomName, Since, StoreError,
};
use tokio::sync::oneshot;
use tokio::time::sleep;

#[tokio::test]
async fn every_member_is_written_every_message_in_one_order() {
    let fixture = Fixture::new(limits()).await;
    let sessions: Vec<_> = (0..20).map(|_| fixture.session(FakeSink::open())).collect();
    let mut seats = Vec::new();
    for session in &sessions {
        seats.push(fixture.join(session, Since::Live).await);
    }
    fixture.say_all(0..500).await;
    let expected = format!("welcome 0 0\n{}", lines(0..500));
    for session in &sessions {
        until(|| session.sink().taken() == expected).await;
    }
}

#[tokio::test]
async fn messages_that_came_together_leave_in_one_write() {
    let fixture = Fixture::new(HubLimits { batch_max_messages: 1000, queue_max_messages: 1000, ..limits() }).await;
    let session = fixture.session(FakeSink::open());
    let _seat = fixture.join(&session, Since::Live).await;
    fixture.say_all(0..100).await;
    let expected = format!("welcome 0 0\n{}", lines(0..100));
    until(|| session.sink().taken() == expected).await;
    assert!(session.sink().writes() < 20, "{} writes for 100 messages", session.sink().writes());
}

#[tokio::test]
async fn a_stalled_reader_goes_on_where_it_stopped_and_delays_nobody() {
    let fixture = Fixture::new(limits()).await;
    let (slow, fast) = (fixture.session(FakeSink::default()), fixture.session(FakeSink::open()));
    let _seats = (fixture.join(&slow, Since::Live).await, fixture.join(&fast, Since::Live).await);
    fixture.say_all(0..1000).await;
    let expected = format!("welcome 0 0\n{}", lines(0..1000));
    until(|| fast.sink().taken() == expected).await;
    assert_eq!(slow.sink().taken(), "");
    // An odd number of bytes at a time: every border is cut sooner or later.
    for _ in 0..expected.len() / 7 + 1 {
        slow.sink().allow(7);
        tokio::task::yield_now().await;
    }
    until(|| slow.sink().taken() == expected).await;
    assert_eq!(slow.left(), None);
}

#[tokio::test]
async fn a_reader_that_falls_off_the_tail_is_ended_and_others_are_not() {
    let fixture = Fixture::new(HubLimits { tape_tail_max_bytes: 3000, ..limits() }).await;
    let (slow, fast) = (fixture.session(FakeSink::default()), fixture.session(FakeSink::open()));
    let _seats = (fixture.join(&slow, Since::Live).await, fixture.join(&fast, Since::Live).await);
    fixture.say_all(0..2000).await;
    assert_eq!(slow.ended().await, Leave::TooSlow);
    let expected = format!("welcome 0 0\n{}", lines(0..2000));
    until(|| fast.sink().taken() == expected).await;
    assert_eq!(fast.left(), None);
}

#[tokio::test]
async fn while_all_tapes_hold_too_much_those_who_lag_most_are_ended() {
    let fixture = Fixture::new(HubLimits { tapes_max_bytes: 6000, ..limits() }).await;
    let [slow, slower, fast] =
        [FakeSink::default(), FakeSink::default(), FakeSink::open()].map(|sink| fixture.session(sink));
    let slower_seat = fixture.join(&slower, Since::Live).await;
    let _fast_seat = fixture.join(&fast, Since::Live).await;
    fixture.say_all(0..400).await;
    let _slow_seat = fixture.join(&slow, Since::Live).await;
    assert_eq!(slower.left(), None);
    fixture.say_all(400..700).await;
    assert_eq!(slower.ended().await, Leave::TooSlow);
    assert_eq!(slow.left(), None);
    // As its door does.
    drop(slower_seat);
    until(|| fixture.hub.tape_bytes() < 6000).await;
    fixture.say_all(700..710).await;
    let expected = format!("welcome 0 0\n{}", lines(0..710));
    until(|| fast.sink().taken() == expected).await;
    assert_eq!((slow.left(), fast.left()), (None, None));
}

#[tokio::test]
async fn a_late_member_is_given_history_and_then_the_rest_without_gap_or_repeat() {
    let fixture = Fixture::new(limits()).await;
    fixture.say_all(0..300).await;
    let sessions: Vec<_> = (0..10).map(|_| fixture.session(FakeSink::open())).collect();
    let mut seats = Vec::new();
    let flood = async { fixture.say_all(300..1500).await };
    let joins = async {
        for session in &sessions {
            let position = Position { offset: Offset(100), epoch: fixture.room.epoch() };
            seats.push(fixture.join(session, Since::After(position)).await);
            tokio::task::yield_now().await;
        }
    };
    tokio::join!(flood, joins);
    for session in &sessions {
        until(|| session.sink().taken().ends_with("1500 m1499\n")).await;
        let taken = session.sink().taken();
        let (welcome, rest) = taken.split_once('\n').unwrap();
        assert!(welcome.starts_with("welcome 100 "), "{welcome}");
        assert_eq!(rest, lines(100..1500));
    }
}

#[tokio::test]
async fn a_private_message_in_fragments_is_not_interrupted_by_the_room() {
    let fixture = Fixture::new(limits()).await;
    let session = fixture.session(FakeSink::default());
    let _seat = fixture.join(&session, Since::Live).await;
    let fragment = |text: &'static str, ends| Piece { bytes: Bytes::from_static(text.as_bytes()), ends };
    session.push_pieces([fragment("[one", Ends::Frame), fragment(",two", Ends::Frame), fragment("]\n", Ends::Message)]);
    fixture.say_all(0..10).await;
    session.sink().allow(1 << 20);
    let expected = format!("welcome 0 0\n[one,two]\n{}", lines(0..10));
    until(|| session.sink().taken() == expected).await;
}

#[tokio::test]
async fn a_close_frame_is_the_last_that_is_written() {
    let fixture = Fixture::new(limits()).await;
    let session = fixture.session(FakeSink::open());
    let seat = fixture.join(&session, Since::Live).await;
    fixture.say_all(0..10).await;
    seat.settle();
    session.flush();
    session.close_with(Bytes::from_static(b"bye\n")).await;
    fixture.say_all(10..20).await;
    session.push(Bytes::from_static(b"late\n"));
    session.flush();
    assert_eq!(session.sink().taken(), format!("welcome 0 0\n{}bye\n", lines(0..10)));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_take_its_answers_is_ended_as_too_slow() {
    let fixture = Fixture::new(limits()).await;
    let session = fixture.session(FakeSink::default());
    for _ in 0..10 {
        session.push(Bytes::from(vec![b'x'; 1000]));
    }
    assert!(session.is_full());
    session.flush();
    assert_eq!(session.ended().await, Leave::TooSlow);
}

#[tokio::test]
async fn what_the_store_does_not_take_is_shown_to_nobody() {
    let fixture = Fixture::new(limits()).await;
    let session = fixture.session(FakeSink::open());
    let _seat = fixture.join(&session, Since::Live).await;
    fixture.store.is_down.store(true, Ordering::SeqCst);
    let refused = fixture.hub.publish_or_refuse(&fixture.room, draft("lost"), None).await;
    assert_eq!(refused, Err(PublishError::Store(StoreError::Down)));
    fixture.store.is_down.store(false, Ordering::SeqCst);
    fixture.say_all(0..1).await;
    until(|| session.sink().taken() == "welcome 0 0\n1 m0\n").await;
}

#[tokio::test]
async fn a_full_queue_refuses_who_does_not_wait_and_loses_nothing_of_who_does() {
    let fixture = Fixture::new(HubLimits { queue_max_messages: 2, ..limits() }).await;
    let session = fixture.session(FakeSink::open());
    let _seat = fixture.join(&session, Since::Live).await;
    // The writer does not run before this task waits: the third one finds the queue full.
    let mut waiting = Vec::new();
    for _ in 0..2 {
        let (tx, rx) = oneshot::channel();
        fixture.hub.publish(&fixture.room, draft("m"), None, Reply::Once(tx)).await;
        waiting.push(rx);
    }
    let refused = fixture.hub.publish_or_refuse(&fixture.room, draft("m"), None).await;
    assert_eq!(refused, Err(PublishError::Overloaded));
    for (index, rx) in waiting.into_iter().enumerate() {
        assert_eq!(rx.await.unwrap().unwrap().offset, Offset(index as u64 + 1));
    }
    fixture.say_all(0..100).await;
    until(|| session.sink().taken().ends_with("102 m99\n")).await;
}

#[tokio::test]
async fn a_message_that_no_tail_could_hold_is_refused() {
    let fixture = Fixture::new(limits()).await;
    let refused = fixture.hub.publish_or_refuse(&fixture.room, draft(&"x".repeat(1 << 18)), None).await;
    assert!(matches!(refused, Err(PublishError::TooLarge { bytes_max: 131_072, .. })), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn a_room_leaves_memory_a_minute_after_its_last_use_and_its_messages_stay() {
    let fixture = Fixture::new(limits()).await;
    let session = fixture.session(FakeSink::open());
    let seat = fixture.join(&session, Since::Live).await;
    fixture.say_all(0..3).await;
    let Fixture { hub, room, store: _store } = fixture;
    let (name, epoch) = (room.name().clone(), room.epoch());
    drop(room);
    sleep(Duration::from_secs(3600)).await;
    assert_eq!(hub.rooms_in_memory(), 1, "a room with a member stays");
    drop(seat);
    sleep(Duration::from_secs(59)).await;
    assert_eq!(hub.rooms_in_memory(), 1);
    sleep(Duration::from_secs(62)).await;
    assert_eq!(hub.rooms_in_memory(), 0);
    let again = hub.room(&name, || panic!("a stored room is not new")).await.unwrap();
    assert_eq!((again.head(), again.epoch()), (Offset(3), epoch));
}

#[tokio::test]
async fn rooms_are_bounded_and_new_ones_are_admitted() {
    let fixture = Fixture::new(HubLimits { rooms_max: 2, ..limits() }).await;
    let room = |name: &str| RoomName::parse(name).unwrap();
    let refused = fixture.hub.room(&room("refused"), || false).await;
    assert_eq!(refused.err(), Some(RoomError::NotAdmitted));
    let _second = fixture.hub.room(&room("second"), || true).await.unwrap();
    let third = fixture.hub.room(&room("third"), || true).await;
    assert_eq!(third.err(), Some(RoomError::TooMany { rooms_max: 2 }));
    assert!(fixture.hub.room(&room("second"), || false).await.is_ok(), "what is there is let in");
}

#[tokio::test]
async fn rooms_that_nobody_uses_make_place_for_others() {
    let fixture = Fixture::new(HubLimits { rooms_max: 3, ..limits() }).await;
    let seated = fixture.session(FakeSink::open());
    let _seat = fixture.join(&seated, Since::Live).await;
    for number in 0..20 {
        let name = RoomName::parse(&format!("room{number}")).unwrap();
        let opened = async {
            // Rooms are looked through from time to time only.
            while let Err(error) = fixture.hub.room(&name, || true).await {
                assert_eq!(error, RoomError::TooMany { rooms_max: 3 });
                sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), opened).await.unwrap();
        assert!(fixture.hub.rooms_in_memory() <= 3);
    }
    fixture.say_all(0..1).await;
    until(|| seated.sink().taken() == format!("welcome 0 0\n{}", lines(0..1))).await;
}

#[tokio::test]
async fn nobody_is_told_twice_whoever_joins_and_leaves_meanwhile() {
    let fixture = Fixture::new(limits()).await;
    let steady = fixture.session(FakeSink::open());
    let _seat = fixture.join(&steady, Since::Live).await;
    let flood = fixture.say_all(0..500);
    let churn = async {
        for _ in 0..200 {
            let session = fixture.session(FakeSink::open());
            let seat = fixture.join(&session, Since::Live).await;
            tokio::task::yield_now().await;
            drop(seat);
            let taken = session.sink().taken();
            let offsets: Vec<u64> =
                taken.lines().skip(1).map(|line| line.split(' ').next().unwrap().parse().unwrap()).collect();
            assert!(offsets.windows(2).all(|pair| pair[1] == pair[0] + 1), "{offsets:?}");
        }
    };
    tokio::join!(flood, churn);
    let expected = format!("welcome 0 0\n{}", lines(0..500));
    until(|| steady.sink().taken() == expected).await;
    assert_eq!(fixture.room.members(), 1);
}
