//! The books of a talk: what each receiver should have heard, against what it heard.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Finding;
use super::seat::Leaver;
use super::stage::Stage;
use crate::client::has_acks;
use crate::ledger::Fate;

/// What one sender sent: the messages that do not count, in order, and how many there are in all.
#[derive(Debug)]
struct Said {
    sent: u32,
    excused: Vec<u32>,
}

/// The load was carried through.
pub(super) fn finished(stage: &Stage, leavers: &[Leaver]) -> Finding {
    let said = said(stage);
    let mut finding = Finding { duration: stage.plan.schedule.duration(), ..Finding::default() };
    for leaver in leavers {
        finding.counts.add(leaver.receiver.counts());
        if leaver.is_gone {
            add_up_to_its_end(stage, &said, leaver, &mut finding);
        } else {
            for sender in stage.rooms.heard_by(leaver.number) {
                let Said { sent, excused } = &said[sender as usize];
                finding.expected += u64::from(*sent) - excused.len() as u64;
                finding.missing += leaver.receiver.missing(sender, *sent, excused);
            }
        }
    }
    if has_acks(stage.talk.protocol) {
        finding.unanswered = stage.records.unanswered.load(Ordering::Relaxed);
        stage.records.errors.fetch_add(finding.unanswered, Ordering::Relaxed);
    }
    finding.scheduled =
        stage.plan.schedule.messages().filter(|_| is_open(stage)).unwrap_or(stage.records.ledger().sent());
    finding.first_end = stage.first_end();
    finding
}

/// A signal ended the load: messages under way are not lost.
pub(super) fn interrupted(stage: &Stage, leavers: &[Leaver], duration: Duration) -> Finding {
    let said = said(stage);
    let mut finding = Finding { duration, first_end: stage.first_end(), ..Finding::default() };
    for leaver in leavers {
        finding.counts.add(leaver.receiver.counts());
        add_up_to_its_end(stage, &said, leaver, &mut finding);
    }
    let due = stage.plan.schedule.due_by(duration).filter(|_| is_open(stage));
    finding.scheduled = due.unwrap_or(stage.records.ledger().sent());
    finding
}

fn is_open(stage: &Stage) -> bool {
    stage.plan.schedule.pace() == crate::cli::Pace::Open
}

/// A receiver that did not stay to the end is expected to have what came before the last that it has.
fn add_up_to_its_end(stage: &Stage, said: &[Said], leaver: &Leaver, finding: &mut Finding) {
    for sender in stage.rooms.heard_by(leaver.number) {
        let end = leaver.receiver.heard_up_to(sender);
        let excused = &said[sender as usize].excused;
        let excused_before = excused.partition_point(|sequence| *sequence < end);
        finding.expected += u64::from(end) - excused_before as u64;
        finding.missing += leaver.receiver.missing(sender, end, excused);
    }
}

/// Where acks are given only an acked message counts, else every message that was sent.
fn said(stage: &Stage) -> Vec<Said> {
    let ledger = stage.records.ledger();
    let fate = if has_acks(stage.talk.protocol) { Fate::Acked } else { Fate::Sent };
    (0..stage.plan.clients)
        .map(|sender| Said { sent: ledger.sent_by(sender), excused: ledger.without_fate(sender, fate) })
        .collect()
}
