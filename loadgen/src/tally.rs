//! The counts of a run: of all of it, and of each of its rooms.

use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};

use crate::plan::Plan;
use crate::record::Records;
use crate::scenario::Finding;
use crate::threshold::{Count, Metric};

/// Counts, each by its name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// Messages that were due.
    pub scheduled: u64,
    /// Messages that left.
    pub sent: u64,
    /// Deliveries that should have been.
    pub expected: u64,
    /// Deliveries that were, those that came twice included.
    pub received: u64,
    /// Messages that the server did not take.
    pub refused: u64,
    /// Complaints of the server about anything else, and messages that it neither took nor refused.
    pub errors: u64,
    /// Deliveries of which nothing came.
    pub lost: u64,
    /// Deliveries that came again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicated: Option<u64>,
    /// Deliveries that came after a later one of their sender.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reordered: Option<u64>,
    /// Deliveries that came damaged; pictures that are not the negative.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub corrupted: Option<u64>,
    /// Frames that are not of this run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub foreign: Option<u64>,
    /// Connections that were not made.
    pub connect_errors: u64,
    /// Connections that the server or the network closed.
    pub disconnects: u64,
    /// Clients that came back and went on, where they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resumed: Option<u64>,
}

impl Tally {
    /// What a scenario found, in one row.
    pub(crate) fn new(plan: &Plan, records: &Records, finding: &Finding) -> Self {
        let has = |count| plan.scenario.measures(Metric::Count(count));
        let counts = finding.counts;
        // A damaged message is not lost as well.
        let lost = finding.missing.saturating_sub(counts.corrupted);
        Self {
            scheduled: finding.scheduled,
            sent: records.ledger().sent(),
            expected: finding.expected,
            received: finding.expected.saturating_sub(lost) + counts.duplicated,
            refused: records.counters.refused.load(Ordering::Relaxed),
            errors: records.counters.errors.load(Ordering::Relaxed),
            lost,
            duplicated: has(Count::Duplicated).then_some(counts.duplicated),
            reordered: has(Count::Reordered).then_some(counts.reordered),
            corrupted: has(Count::Corrupted).then_some(counts.corrupted),
            foreign: has(Count::Foreign).then_some(counts.foreign),
            connect_errors: records.counters.connect_errors.load(Ordering::Relaxed),
            disconnects: records.counters.disconnects.load(Ordering::Relaxed),
            resumed: plan.resumes().then(|| records.counters.resumed.load(Ordering::Relaxed)),
        }
    }

    /// One of them.
    #[must_use]
    pub fn count(&self, count: Count) -> Option<u64> {
        match count {
            Count::Scheduled => Some(self.scheduled),
            Count::Sent => Some(self.sent),
            Count::Expected => Some(self.expected),
            Count::Received => Some(self.received),
            Count::Refused => Some(self.refused),
            Count::Errors => Some(self.errors),
            Count::Lost => Some(self.lost),
            Count::Duplicated => self.duplicated,
            Count::Reordered => self.reordered,
            Count::Corrupted => self.corrupted,
            Count::Foreign => self.foreign,
            Count::ConnectErrors => Some(self.connect_errors),
            Count::Disconnects => Some(self.disconnects),
        }
    }
}

/// The counts of one room, where there are several.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RoomTally {
    /// Its name.
    pub room: String,
    /// Clients in it.
    pub clients: u32,
    /// Messages that left its clients.
    pub sent: u64,
    /// See [`Tally`].
    pub expected: u64,
    /// See [`Tally`].
    pub received: u64,
    /// See [`Tally`].
    pub lost: u64,
    /// See [`Tally`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicated: Option<u64>,
    /// See [`Tally`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reordered: Option<u64>,
    /// See [`Tally`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub corrupted: Option<u64>,
    /// See [`Tally`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub foreign: Option<u64>,
}

impl RoomTally {
    /// The rooms of a plan in their order; none where there is but one.
    pub(crate) fn all(plan: &Plan, records: &Records, finding: &Finding) -> Vec<Self> {
        if plan.rooms < 2 {
            return Vec::new();
        }
        let has = |count| plan.scenario.measures(Metric::Count(count));
        let all = finding.by_room.iter().zip(0..).map(|(found, room)| {
            let lost = found.missing.saturating_sub(found.counts.corrupted);
            let senders = (room..plan.clients).step_by(plan.rooms as usize);
            Self {
                room: plan.room_name(room),
                clients: plan.room_clients(room),
                sent: senders.map(|sender| u64::from(records.ledger().sent_by(sender))).sum(),
                expected: found.expected,
                received: found.expected.saturating_sub(lost) + found.counts.duplicated,
                lost,
                duplicated: has(Count::Duplicated).then_some(found.counts.duplicated),
                reordered: has(Count::Reordered).then_some(found.counts.reordered),
                corrupted: has(Count::Corrupted).then_some(found.counts.corrupted),
                foreign: has(Count::Foreign).then_some(found.counts.foreign),
            }
        });
        all.collect()
    }

    /// Deliveries that were not as they should be.
    #[must_use]
    pub fn faults(&self) -> u64 {
        self.faults_by_name().into_iter().filter_map(|(_, count)| count).sum()
    }

    /// The same of each kind.
    #[must_use]
    pub fn faults_by_name(&self) -> [(&'static str, Option<u64>); 4] {
        [
            ("lost", Some(self.lost)),
            ("duplicated", self.duplicated),
            ("reordered", self.reordered),
            ("corrupted", self.corrupted),
        ]
    }
}
