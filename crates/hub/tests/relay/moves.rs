//! Members that change their format or their session in the middle.

use std::time::Duration;

use hub::{Offset, Position, Seat, Since};

use crate::fakes::{COLON, FakeSink, Fixture, PLAIN, limits, until};

const CHANGES: usize = 40;
const BETWEEN_CHANGES: usize = 25;
const SAID: usize = CHANGES * BETWEEN_CHANGES;

/// How many lines there are; their offsets go on from `after` without hole or
/// repeat.
fn count(lines: &str, after: u64) -> usize {
    for (line, expected) in lines.lines().zip(after + 1..) {
        let offset = line.split([':', ' ']).next().expect("an offset");
        assert_eq!(offset.parse(), Ok(expected), "{line}");
    }
    lines.lines().count()
}

async fn change_often(fixture: &Fixture, seat: &Seat<FakeSink>) {
    for change in 0..CHANGES {
        seat.reformat(if change.is_multiple_of(2) { COLON } else { PLAIN });
        fixture.say_all(change * BETWEEN_CHANGES..(change + 1) * BETWEEN_CHANGES).await;
    }
}

/// What a member has that changes its format before every
/// `BETWEEN_CHANGES`th message.
fn in_turns() -> String {
    let between = |text: usize| if (text / BETWEEN_CHANGES).is_multiple_of(2) { ": " } else { " " };
    (0..SAID).map(|text| format!("{}{}m{text}\n", text + 1, between(text))).collect()
}

#[tokio::test]
async fn a_change_of_format_holds_from_its_moment_on_also_for_a_reader_that_is_behind() {
    let fixture = Fixture::new(limits()).await;
    let (stalled, steady) = (fixture.session(FakeSink::default()), fixture.session(FakeSink::open()));
    let seats = (fixture.join(&stalled, Since::Live).await, fixture.join(&steady, Since::Live).await);
    change_often(&fixture, &seats.0).await;
    stalled.sink().allow(1 << 20);
    until(|| stalled.sink().taken() == format!("welcome 0 0\n{}", in_turns())).await;
    until(|| steady.sink().taken().ends_with("1000 m999\n")).await;
    assert!(!steady.sink().taken().contains(':'), "the format of another member changed too");
}

#[tokio::test]
async fn a_member_that_catches_up_while_its_format_changes_misses_nothing() {
    let fixture = Fixture::new(limits()).await;
    fixture.say_all(0..100).await;
    let session = fixture.session(FakeSink::open());
    let position = Position { offset: Offset(10), epoch: fixture.room.epoch() };
    let seat = fixture.join(&session, Since::After(position)).await;
    change_often(&fixture, &seat).await;
    until(|| session.sink().taken().contains("\n1100 ")).await;
    let taken = session.sink().taken();
    let (_, taken) = taken.split_once('\n').expect("a welcome");
    assert_eq!(count(taken, 10), 1090);
    assert!(taken.contains("100 m99\n101: m0\n"), "the change holds after the messages before it");
}

#[tokio::test]
async fn a_member_that_moves_to_another_session_is_written_everything_once() {
    let fixture = Fixture::new(limits()).await;
    fixture.say_all(0..50).await;
    let (old, new) = (fixture.session(FakeSink::default()), fixture.session(FakeSink::open()));
    let position = Position { offset: Offset(0), epoch: fixture.room.epoch() };
    let mut seat = fixture.join(&old, Since::After(position)).await;
    fixture.say_all(50..100).await;
    seat.move_to(&new, COLON);
    fixture.say_all(100..200).await;
    // Not to wait for anything: others run before the clock does, and whoever would write in vain has done so then.
    tokio::time::sleep(Duration::ZERO).await;
    assert_eq!(new.sink().taken(), "", "the new session waits for the old one");
    old.sink().allow(1 << 20);
    old.has_caught_up().await;
    let taken = old.sink().taken();
    let (_, taken) = taken.split_once('\n').expect("a welcome");
    assert_eq!(count(taken, 0), 100);
    seat.go_on();
    fixture.say_all(200..300).await;
    until(|| new.sink().taken().contains("\n300: ")).await;
    assert_eq!(count(&new.sink().taken(), 100), 200);
    assert_eq!(fixture.room.members(), 1);
    drop(seat);
    assert_eq!(fixture.room.members(), 0);
}
