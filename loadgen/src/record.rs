//! What happened, written down while it happens: counters and histograms that
//! are merged at the end.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use hdrhistogram::Histogram;
use parking_lot::Mutex;
use tokio::time::Instant;

/// Latencies up to an hour, to three digits.
const LATENCY_MAX_US: u64 = 3_600_000_000;
/// Clients share this many sets of histograms, so that memory does not grow
/// with clients and no two busy ones meet often.
const SHARDS: u32 = 16;
/// Arrivals that are kept one by one for the fan-out (8 bytes each); beyond, a
/// part of the messages stands for all.
const FANOUT_ARRIVALS_MAX: u64 = 16 << 20;
/// A gap without arrivals that counts as a stall of the server.
pub const STALL_MIN: Duration = Duration::from_millis(100);
/// Stalls that are listed; more are the same news.
const STALLS_MAX: usize = 1000;

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Fate {
    /// Not sent.
    Unsent,
    /// Sent; nothing was heard of it where acks are given.
    Sent,
    /// The server has it.
    Acked,
    /// The server did not take it.
    Refused,
}

/// Gap between two arrivals while messages were outstanding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stall {
    /// From the start of the load to the begin of the gap.
    pub at: Duration,
    /// How long it was.
    pub length: Duration,
}

/// All records of a run.
#[derive(Debug)]
pub struct Records {
    started: OnceLock<Instant>,
    /// Messages that one sender may send.
    slots_per_sender: u64,
    /// When each message was sent, in microseconds after the start, plus one.
    sent_us: Vec<AtomicU64>,
    fates: Vec<AtomicU8>,
    fanout_stride: u64,
    shards: Vec<Mutex<Shard>>,
    /// Sent by each sender.
    pub sent_by: Vec<AtomicU32>,
    /// Deliveries that are due for what was sent so far.
    pub due_deliveries: AtomicU64,
    /// Intact deliveries so far.
    pub deliveries: AtomicU64,
    /// Messages that the server refused.
    pub refused: AtomicU64,
    /// Answers that are errors, and answers that never came.
    pub errors: AtomicU64,
    /// Connections that the server or the network closed.
    pub disconnects: AtomicU64,
    /// Connections that were not made.
    pub connect_errors: AtomicU64,
    last_arrival_us: AtomicU64,
    stalls: Mutex<Vec<Stall>>,
}

/// What some of the clients measured.
#[derive(Debug)]
pub struct Shard {
    /// From the intended time to the arrival.
    pub latency: Histogram<u64>,
    /// From the actual send.
    pub naive: Histogram<u64>,
    /// By how much the generator itself was late.
    pub lateness: Histogram<u64>,
    /// To connect, upgrade included.
    pub connect: Histogram<u64>,
    /// Message and latency of its arrivals, for some messages or all.
    pub arrivals: Vec<(u32, u32)>,
}

impl Shard {
    fn new() -> Self {
        let histogram = || Histogram::new_with_bounds(1, LATENCY_MAX_US, 3).expect("valid bounds");
        Self {
            latency: histogram(),
            naive: histogram(),
            lateness: histogram(),
            connect: histogram(),
            arrivals: Vec::new(),
        }
    }

    fn add(&mut self, other: &Self) {
        let pairs = [
            (&mut self.latency, &other.latency),
            (&mut self.naive, &other.naive),
            (&mut self.lateness, &other.lateness),
            (&mut self.connect, &other.connect),
        ];
        for (sum, part) in pairs {
            sum.add(part).expect("equal bounds");
        }
        self.arrivals.extend_from_slice(&other.arrivals);
    }
}

/// Microseconds, for a histogram.
#[must_use]
pub fn us(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(LATENCY_MAX_US).min(LATENCY_MAX_US)
}

impl Records {
    /// Room for `messages` of `clients`, each heard by up to `audience_max`.
    #[must_use]
    pub fn new(clients: u32, messages: u64, audience_max: u64) -> Self {
        let slots_per_sender = messages.div_ceil(u64::from(clients.max(1)));
        let slots = slots_per_sender * u64::from(clients);
        let arrivals = slots * audience_max.max(1);
        Self {
            started: OnceLock::new(),
            slots_per_sender,
            sent_us: (0..slots).map(|_| AtomicU64::new(0)).collect(),
            fates: (0..slots).map(|_| AtomicU8::new(Fate::Unsent as u8)).collect(),
            fanout_stride: arrivals.div_ceil(FANOUT_ARRIVALS_MAX).max(1),
            shards: (0..SHARDS).map(|_| Mutex::new(Shard::new())).collect(),
            sent_by: (0..clients).map(|_| AtomicU32::new(0)).collect(),
            due_deliveries: AtomicU64::new(0),
            deliveries: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            disconnects: AtomicU64::new(0),
            connect_errors: AtomicU64::new(0),
            last_arrival_us: AtomicU64::new(0),
            stalls: Mutex::default(),
        }
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

    /// Messages that a sender may send at most.
    #[must_use]
    pub fn slots_per_sender(&self) -> u64 {
        self.slots_per_sender
    }

    /// The records that a client writes to.
    pub fn shard(&self, client: u32) -> &Mutex<Shard> {
        &self.shards[(client % SHARDS) as usize]
    }

    fn slot(&self, sender: u32, sequence: u32) -> Option<usize> {
        let is_ours = u64::from(sequence) < self.slots_per_sender && (sender as usize) < self.sent_by.len();
        is_ours.then(|| (u64::from(sender) * self.slots_per_sender) as usize + sequence as usize)
    }

    /// A message goes out now, to so many receivers.
    pub fn sends(&self, sender: u32, sequence: u32, audience: u64) {
        if let Some(slot) = self.slot(sender, sequence) {
            self.sent_us[slot].store(us(self.elapsed()) + 1, Ordering::Relaxed);
            self.fates[slot].store(Fate::Sent as u8, Ordering::Relaxed);
            self.due_deliveries.fetch_add(audience, Ordering::Relaxed);
        }
    }

    /// A message that was to go out did: counted when it has.
    pub fn has_sent(&self, sender: u32) {
        self.sent_by[sender as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// The server said what became of a message; only its first word counts.
    /// Returns whether this was the first.
    pub fn settle(&self, sender: u32, sequence: u32, fate: Fate) -> bool {
        let Some(slot) = self.slot(sender, sequence) else { return false };
        let (from, to) = (Fate::Sent as u8, fate as u8);
        self.fates[slot].compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Whether a message is so far in this state.
    #[must_use]
    pub fn is(&self, sender: u32, sequence: u32, fate: Fate) -> bool {
        self.slot(sender, sequence).is_some_and(|slot| self.fates[slot].load(Ordering::Relaxed) == fate as u8)
    }

    /// A new, intact delivery.
    pub fn arrives(&self, receiver: u32, sender: u32, sequence: u32, due_us: u64) {
        let now = us(self.elapsed());
        let sent = self.slot(sender, sequence).map(|slot| self.sent_us[slot].load(Ordering::Relaxed));
        let sent = sent.filter(|&sent| sent > 0).map_or(due_us, |sent| sent - 1);
        self.deliveries.fetch_add(1, Ordering::Relaxed);
        self.note_gap(now, sent);
        let latency = now.saturating_sub(due_us);
        let mut shard = self.shard(receiver).lock();
        shard.latency.saturating_record(latency);
        shard.naive.saturating_record(now.saturating_sub(sent));
        if let Some(slot) =
            self.slot(sender, sequence).map(|slot| slot as u64).filter(|slot| slot % self.fanout_stride == 0)
        {
            let latency = u32::try_from(latency).unwrap_or(u32::MAX);
            shard.arrivals.push((u32::try_from(slot).unwrap_or(u32::MAX), latency));
        }
    }

    /// A gap counts from when the arriving message was under way.
    fn note_gap(&self, now: u64, sent: u64) {
        let before = self.last_arrival_us.fetch_max(now, Ordering::Relaxed);
        let begin = before.max(sent);
        let length = Duration::from_micros(now.saturating_sub(begin));
        if length >= STALL_MIN {
            let mut stalls = self.stalls.lock();
            if stalls.len() < STALLS_MAX {
                stalls.push(Stall { at: Duration::from_micros(begin), length });
            }
        }
    }

    /// Stalls so far, in their order.
    #[must_use]
    pub fn stalls(&self) -> Vec<Stall> {
        let mut stalls = self.stalls.lock().clone();
        stalls.sort_by_key(|stall| stall.at);
        stalls
    }

    /// Messages sent so far.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent_by.iter().map(|sent| u64::from(sent.load(Ordering::Relaxed))).sum()
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

/// First, median and last arrival of each message.
#[derive(Debug)]
pub struct Fanout {
    /// Of the first receiver.
    pub first: Histogram<u64>,
    /// Of the receiver in the middle.
    pub median: Histogram<u64>,
    /// Of the last receiver.
    pub last: Histogram<u64>,
}

impl Fanout {
    /// From messages and the latencies of their arrivals, in any order.
    #[must_use]
    pub fn new(mut arrivals: Vec<(u32, u32)>) -> Self {
        arrivals.sort_unstable();
        let histogram = || Histogram::new_with_bounds(1, LATENCY_MAX_US, 3).expect("valid bounds");
        let mut fanout = Self { first: histogram(), median: histogram(), last: histogram() };
        for of_message in arrivals.chunk_by(|(a, _), (b, _)| a == b) {
            let at = |index: usize| u64::from(of_message[index].1);
            fanout.first.saturating_record(at(0));
            fanout.median.saturating_record(at((of_message.len() - 1) / 2));
            fanout.last.saturating_record(at(of_message.len() - 1));
        }
        fanout
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fanout_is_taken_message_by_message() {
        let fanout = Fanout::new(vec![(1, 30), (0, 5), (1, 10), (0, 7), (1, 20), (0, 6)]);
        let ends = |histogram: &Histogram<u64>| (histogram.min(), histogram.max());
        assert_eq!(ends(&fanout.first), (5, 10));
        assert_eq!(ends(&fanout.median), (6, 20));
        assert_eq!(ends(&fanout.last), (7, 30));
    }

    #[tokio::test(start_paused = true)]
    async fn latency_counts_from_the_intended_time_and_gaps_from_the_send() {
        let records = Records::new(2, 10, 2);
        records.start();
        tokio::time::advance(Duration::from_millis(500)).await;
        // Due at 0, sent at 500 ms, arrived at 700 ms.
        records.sends(0, 0, 1);
        records.has_sent(0);
        tokio::time::advance(Duration::from_millis(200)).await;
        records.arrives(1, 0, 0, 0);
        let sum = records.merged();
        assert!(sum.latency.equivalent(sum.latency.max(), 700_000));
        assert!(sum.naive.equivalent(sum.naive.max(), 200_000));
        let [at, length] = [500, 200].map(Duration::from_millis);
        assert_eq!(records.stalls(), [Stall { at, length }]);
        // Nothing was under way for a second: no stall.
        tokio::time::advance(Duration::from_secs(1)).await;
        records.sends(0, 1, 1);
        tokio::time::advance(Duration::from_millis(1)).await;
        records.arrives(1, 0, 1, 0);
        assert_eq!(records.stalls().len(), 1);
    }

    #[test]
    fn only_the_first_word_about_a_message_counts() {
        let records = Records::new(1, 2, 1);
        records.start();
        assert!(!records.settle(0, 0, Fate::Acked), "not sent yet");
        records.sends(0, 0, 1);
        assert!(records.settle(0, 0, Fate::Acked));
        assert!(!records.settle(0, 0, Fate::Refused));
        assert!(records.is(0, 0, Fate::Acked));
        assert!(!records.settle(0, 99, Fate::Acked) && !records.settle(9, 0, Fate::Acked));
    }
}
