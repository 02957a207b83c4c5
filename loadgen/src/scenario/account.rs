//! The books of a talk: what each receiver should have heard, against what it heard.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::seat::Leaver;
use super::stage::Stage;
use super::{Finding, RoomFinding};
use crate::client::has_acks;
use crate::ledger::Fate;

/// What one sender sent: the messages that do not count, in order, and how many there are in all.
#[derive(Debug)]
struct Said {
    sent: u32,
    excused: Vec<u32>,
}

/// What one receiver should have heard, and what of it did not come intact.
#[derive(Debug, Default)]
struct Due {
    expected: u64,
    missing: u64,
}

/// The load was carried through.
pub(super) fn finished(stage: &Stage, leavers: &[Leaver]) -> Finding {
    let said = said(stage);
    let mut finding = add_up(stage, leavers, |leaver| {
        if leaver.is_gone { up_to_its_end(stage, &said, leaver) } else { to_the_end(stage, &said, leaver) }
    });
    finding.duration = stage.plan.schedule.duration();
    if has_acks(stage.talk.protocol) {
        finding.unanswered = stage.records.counters.unanswered.load(Ordering::Relaxed);
        stage.records.counters.errors.fetch_add(finding.unanswered, Ordering::Relaxed);
    }
    finding.scheduled =
        stage.plan.schedule.messages().filter(|_| is_open(stage)).unwrap_or(stage.records.ledger().sent());
    finding
}

/// A signal ended the load: messages under way are not lost.
pub(super) fn interrupted(stage: &Stage, leavers: &[Leaver], duration: Duration) -> Finding {
    let said = said(stage);
    let mut finding = add_up(stage, leavers, |leaver| up_to_its_end(stage, &said, leaver));
    finding.duration = duration;
    let due = stage.plan.schedule.due_by(duration).filter(|_| is_open(stage));
    finding.scheduled = due.unwrap_or(stage.records.ledger().sent());
    finding
}

/// What all receivers found, and those of each room.
fn add_up(stage: &Stage, leavers: &[Leaver], due: impl Fn(&Leaver) -> Due) -> Finding {
    let mut by_room = vec![RoomFinding::default(); stage.plan.rooms as usize];
    for leaver in leavers {
        let room = &mut by_room[stage.plan.room_of(leaver.number) as usize];
        let Due { expected, missing } = due(leaver);
        room.counts.add(leaver.receiver.counts());
        room.expected += expected;
        room.missing += missing;
    }
    let mut finding = Finding { first_end: stage.first_end(), ..Finding::default() };
    for room in &by_room {
        finding.counts.add(room.counts);
        finding.expected += room.expected;
        finding.missing += room.missing;
    }
    Finding { by_room, ..finding }
}

fn is_open(stage: &Stage) -> bool {
    stage.plan.schedule.pace() == crate::cli::Pace::Open
}

/// A receiver that stayed is expected to have everything.
fn to_the_end(stage: &Stage, said: &[Said], leaver: &Leaver) -> Due {
    let mut due = Due::default();
    for sender in stage.rooms.heard_by(leaver.number) {
        let Said { sent, excused } = &said[sender as usize];
        due.expected += u64::from(*sent) - excused.len() as u64;
        due.missing += leaver.receiver.missing(sender, *sent, excused);
    }
    due
}

/// One that did not is expected to have what came before the last that it has.
fn up_to_its_end(stage: &Stage, said: &[Said], leaver: &Leaver) -> Due {
    let mut due = Due::default();
    for sender in stage.rooms.heard_by(leaver.number) {
        let end = leaver.receiver.heard_up_to(sender);
        let excused = &said[sender as usize].excused;
        let excused_before = excused.partition_point(|sequence| *sequence < end);
        due.expected += u64::from(end) - excused_before as u64;
        due.missing += leaver.receiver.missing(sender, end, excused);
    }
    due
}

/// Where acks are given only an acked message counts, else every message that was sent.
fn said(stage: &Stage) -> Vec<Said> {
    let ledger = stage.records.ledger();
    let fate = if has_acks(stage.talk.protocol) { Fate::Acked } else { Fate::Sent };
    (0..stage.plan.clients)
        .map(|sender| Said { sent: ledger.sent_by(sender), excused: ledger.without_fate(sender, fate) })
        .collect()
}
