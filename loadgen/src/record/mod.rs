//! What happened, written down while it happens: counters and histograms that are merged at the end.
//!
//! Memory: 16 bytes for each message sent (see [`crate::ledger`]), four sets of
//! histograms, and one small histogram for each of up to 300 intervals.

mod counters;
mod gaps;
mod shard;

use std::sync::OnceLock;
use std::sync::atomic::Ordering;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::health::Usage;
use crate::ledger::{Fate, Ledger};
use crate::payload::Label;
use crate::timeline::{Counted, Interval, compact};

use gaps::Gaps;

pub use counters::Counters;
pub use gaps::{STALL_MIN, Stall};
pub use shard::{Current, Shard, histogram, note, us};

/// Clients share this many sets of histograms, so that memory does not grow
/// with clients and no two busy ones meet often.
const SHARDS: u32 = 4;

/// Whether a message got out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Departure {
    /// It is on its way.
    Left,
    /// The connection is gone.
    Failed,
}

/// All records of a run.
#[derive(Debug)]
pub struct Records {
    started: OnceLock<Instant>,
    ledger: Ledger,
    shards: Vec<Mutex<Shard>>,
    /// What is counted on the way.
    pub counters: Counters,
    gaps: Gaps,
    warm_up_us: u64,
    intervals: Mutex<Vec<Interval>>,
}

impl Records {
    /// For `clients`, each of which sends `messages_per_client_max` at most.
    #[must_use]
    pub fn new(clients: u32, messages_per_client_max: u32) -> Self {
        Self {
            started: OnceLock::new(),
            ledger: Ledger::new(clients, messages_per_client_max),
            shards: (0..SHARDS.min(clients.max(1))).map(|_| Mutex::new(Shard::new())).collect(),
            counters: Counters::default(),
            gaps: Gaps::default(),
            warm_up_us: 0,
            intervals: Mutex::default(),
        }
    }

    /// Times of messages that are due before this are left out of the figures.
    #[must_use]
    pub fn with_warm_up(self, warm_up: Duration) -> Self {
        Self { warm_up_us: us(warm_up), ..self }
    }

    /// Starts the clock of the load.
    ///
    /// # Panics
    ///
    /// When it was started before.
    pub fn start(&self) -> Instant {
        let now = Instant::now();
        self.started.set(now).expect("a load starts once");
        now
    }

    /// Time since the start of the load.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.started.get().map_or(Duration::ZERO, Instant::elapsed)
    }

    /// When the load began.
    #[must_use]
    pub fn started(&self) -> Option<std::time::Instant> {
        self.started.get().map(|start| start.into_std())
    }

    /// Whether the load has begun.
    #[must_use]
    pub fn is_started(&self) -> bool {
        self.started.get().is_some()
    }

    /// What became of each message.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The histograms that a client writes to.
    pub fn shard(&self, client: u32) -> &Mutex<Shard> {
        &self.shards[client as usize % self.shards.len()]
    }

    /// A message is about to go out, to so many receivers.
    pub fn sends(&self, sender: u32, sequence: u32, audience: u64, now_us: u64) {
        self.ledger.sends(sender, sequence, now_us);
        self.counters.due_deliveries.fetch_add(audience, Ordering::Relaxed);
        self.counters.unanswered.fetch_add(1, Ordering::Relaxed);
    }

    /// A message that was to go out did, or did not.
    pub fn has_sent(&self, sender: u32, sequence: u32, audience: u64, result: Departure) {
        match result {
            Departure::Left => self.ledger.has_sent(sender, sequence),
            Departure::Failed => {
                self.counters.due_deliveries.fetch_sub(audience, Ordering::Relaxed);
                self.counters.unanswered.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    /// The server said what became of a message; only its first word counts. Returns whether this was it.
    pub fn settle(&self, sender: u32, sequence: u32, fate: Fate) -> bool {
        let is_first = self.ledger.settle(sender, sequence, fate);
        if is_first {
            self.counters.unanswered.fetch_sub(1, Ordering::Relaxed);
        }
        is_first
    }

    /// The generator itself was so late.
    pub fn note_lateness(&self, client: u32, lateness: Duration) {
        let mut shard = self.shard(client).lock();
        note(&mut shard.lateness, us(lateness));
        shard.now.lateness_max_us = shard.now.lateness_max_us.max(us(lateness));
    }

    /// A new, intact delivery of a message that goes to `audience` receivers. Returns its latency in microseconds.
    pub fn arrives(&self, receiver: u32, label: Label, audience: u64, now: u64) -> u64 {
        let flight = self.ledger.arrives(label.sender, label.sequence);
        let sent = flight.map_or(label.due_us, |flight| flight.sent_us);
        self.counters.deliveries.fetch_add(1, Ordering::Relaxed);
        // A gap counts from when the arriving message was under way.
        self.gaps.list(self.gaps.ends(now).max(sent), now);
        let latency = now.saturating_sub(label.due_us);
        let mut shard = self.shard(receiver).lock();
        let place = flight.map_or(0, |flight| u64::from(flight.place));
        note(&mut shard.now.latency, latency);
        if place == audience {
            note(&mut shard.now.fanout, latency);
        }
        if label.due_us < self.warm_up_us {
            return latency;
        }
        note(&mut shard.latency, latency);
        note(&mut shard.naive, now.saturating_sub(sent));
        // The n-th arrival is the n-th fastest: nothing need be kept to know the median. Two threads
        // that arrive at the same moment may swap, which errs by the microseconds between them.
        if audience > 1 {
            if place == 1 {
                note(&mut shard.first, latency);
            }
            if place == audience.div_ceil(2) {
                note(&mut shard.median, latency);
            }
        }
        if place == audience {
            note(&mut shard.last, latency);
        }
        latency
    }

    /// Something arrived that is not a new delivery: the server is not silent.
    pub fn note_sign_of_life(&self) {
        self.gaps.ends(us(self.elapsed()));
    }

    /// The load is over: a server that went silent for good has stalled up to here.
    pub fn note_silence(&self, load_end: Duration) {
        if let Some(sent) = self.ledger.first_unheard_after(self.gaps.last_arrival_us()) {
            self.gaps.list(sent, us(load_end));
        }
    }

    /// Stalls so far, in their order.
    #[must_use]
    pub fn stalls(&self) -> Vec<Stall> {
        self.gaps.stalls()
    }

    /// What was counted so far.
    #[must_use]
    pub fn counted(&self) -> Counted {
        self.counters.counted(self.ledger.sent())
    }

    /// Closes the interval under way: it began at `at`, when `before` was counted, and in it the
    /// generator used `usage`. Returns what is counted now.
    pub fn close_interval(&self, at: Duration, before: Counted, usage: Usage) -> Counted {
        let counted = self.counted();
        let mut sum = Current::new();
        self.shards.iter().for_each(|shard| sum.take(&mut shard.lock().now));
        self.intervals.lock().push(Interval {
            at,
            length: self.elapsed().saturating_sub(at),
            counts: counted.since(before),
            latency: compact(&sum.latency),
            fanout_p99_us: sum.fanout.value_at_quantile(0.99),
            lateness_max_us: sum.lateness_max_us,
            usage,
        });
        counted
    }

    /// The closed intervals.
    #[must_use]
    pub fn intervals(&self) -> Vec<Interval> {
        self.intervals.lock().clone()
    }

    /// Everything measured so far, in one.
    #[must_use]
    pub fn merged(&self) -> Shard {
        let mut sum = Shard::new();
        for shard in &self.shards {
            sum.add(&shard.lock());
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use hdrhistogram::Histogram;

    use super::*;

    fn label(sequence: u32) -> Label {
        Label { sender: 0, sequence, due_us: 0 }
    }

    async fn pass(millis: u64) {
        tokio::time::advance(Duration::from_millis(millis)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn latency_counts_from_the_intended_time_and_gaps_from_the_send() {
        let records = Records::new(2, 10);
        records.start();
        pass(500).await;
        // Due at 0, sent at 500 ms, arrived at 700 ms.
        records.sends(0, 0, 1, us(records.elapsed()));
        pass(200).await;
        records.arrives(1, label(0), 1, us(records.elapsed()));
        let sum = records.merged();
        assert!(sum.latency.equivalent(sum.latency.max(), 700_000));
        assert!(sum.naive.equivalent(sum.naive.max(), 200_000));
        let [at, length] = [500, 200].map(Duration::from_millis);
        assert_eq!(records.stalls(), [Stall { at, length }]);
        // Nothing was under way for a second: no stall.
        pass(1000).await;
        records.sends(0, 1, 1, us(records.elapsed()));
        pass(1).await;
        records.arrives(1, label(1), 1, us(records.elapsed()));
        assert_eq!(records.stalls().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn fanout_is_first_median_and_last_receiver() {
        let records = Records::new(3, 1);
        records.start();
        records.sends(0, 0, 3, us(records.elapsed()));
        for receiver in 0..3 {
            pass(10).await;
            records.arrives(receiver, label(0), 3, us(records.elapsed()));
        }
        let sum = records.merged();
        let at =
            |histogram: &Histogram<u64>, micros| histogram.len() == 1 && histogram.equivalent(histogram.max(), micros);
        assert!(at(&sum.first, 10_000) && at(&sum.median, 20_000) && at(&sum.last, 30_000));
    }

    #[tokio::test(start_paused = true)]
    async fn server_that_goes_silent_for_good_has_stalled_to_the_end_of_the_load() {
        let records = Records::new(1, 10);
        records.start();
        records.sends(0, 0, 1, us(records.elapsed()));
        pass(5).await;
        records.arrives(0, label(0), 1, us(records.elapsed()));
        pass(5).await;
        records.sends(0, 1, 1, us(records.elapsed()));
        (0..2).for_each(|sequence| records.has_sent(0, sequence, 1, Departure::Left));
        pass(290).await;
        records.note_silence(Duration::from_millis(300));
        let [at, length] = [10, 290].map(Duration::from_millis);
        assert_eq!(records.stalls(), [Stall { at, length }]);
    }

    #[test]
    fn only_the_first_word_about_a_message_counts() {
        let records = Records::new(1, 2);
        records.start();
        assert!(!records.settle(0, 0, Fate::Acked), "not sent yet");
        records.sends(0, 0, 1, us(records.elapsed()));
        assert!(records.settle(0, 0, Fate::Acked));
        assert!(!records.settle(0, 0, Fate::Refused));
        assert_eq!(records.counters.unanswered.load(Ordering::Relaxed), 0);
        assert!(!records.settle(0, 99, Fate::Acked) && !records.settle(9, 0, Fate::Acked));
    }
}
