//! What is counted while a load runs, all clients together.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::timeline::Counted;
use crate::verify::Arrival;

/// Counts that every client adds to.
#[derive(Debug, Default)]
pub struct Counters {
    /// Deliveries that are due for what was sent so far.
    pub due_deliveries: AtomicU64,
    /// Intact deliveries so far.
    pub deliveries: AtomicU64,
    /// Messages of which the server has not said yet what became of them, where it does say so.
    pub unanswered: AtomicU64,
    /// Messages that the server refused.
    pub refused: AtomicU64,
    /// Answers that are errors, and answers that never came.
    pub errors: AtomicU64,
    /// Connections that the server or the network closed.
    pub disconnects: AtomicU64,
    /// Clients that came back and went on.
    pub resumed: AtomicU64,
    /// Connections that were not made.
    pub connect_errors: AtomicU64,
    /// Connections that were made.
    pub connected: AtomicU64,
    /// Messages of which the kernel took only a part at first: its buffer was full.
    pub blocked: AtomicU64,
    /// Deliveries that came again, so far.
    pub duplicated: AtomicU64,
    /// Deliveries out of order, so far.
    pub reordered: AtomicU64,
    /// Damaged deliveries, so far.
    pub corrupted: AtomicU64,
    /// Frames that are not of this run, so far.
    pub foreign: AtomicU64,
}

impl Counters {
    /// Counts what should not have arrived like this.
    pub fn note_fault(&self, arrival: Arrival) {
        match arrival {
            Arrival::Duplicated => &self.duplicated,
            Arrival::Reordered(_) => &self.reordered,
            Arrival::Corrupted => &self.corrupted,
            Arrival::Foreign => &self.foreign,
            Arrival::InOrder(_) => return,
        }
        .fetch_add(1, Ordering::Relaxed);
    }

    /// What was counted so far, `sent` messages being known elsewhere.
    pub(super) fn counted(&self, sent: u64) -> Counted {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let troubles = [
            &self.refused,
            &self.errors,
            &self.disconnects,
            &self.connect_errors,
            &self.duplicated,
            &self.reordered,
            &self.corrupted,
        ];
        Counted {
            sent,
            received: of(&self.deliveries),
            errors: troubles.into_iter().map(of).sum(),
            connected: of(&self.connected),
        }
    }
}
