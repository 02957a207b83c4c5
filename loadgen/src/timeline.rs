//! A run in intervals: what reports draw over time, and what `compare` draws its samples from.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::health::Usage;

/// Intervals of a run, at most: longer runs have longer ones.
const INTERVALS_MAX: u32 = 300;
/// The shortest interval.
const INTERVAL_MIN: Duration = Duration::from_secs(1);
/// Digits of an interval's histogram: enough to draw and to compare, a tenth of the memory of three.
const DIGITS: u8 = 2;

/// One interval.
#[derive(Debug, Clone)]
pub struct Interval {
    /// Its begin, from the start of the load.
    pub at: Duration,
    /// How long it was.
    pub length: Duration,
    /// What was counted in it.
    pub counts: Counted,
    /// What its deliveries took, in microseconds.
    pub latency: Histogram<u64>,
    /// To the last receiver, 99th percentile, in microseconds; 0 when there was none.
    pub fanout_p99_us: u64,
    /// The latest that the generator itself was.
    pub lateness_max_us: u64,
    /// What the generator used.
    pub usage: Usage,
}

/// Counts that only grow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Messages that left.
    pub sent: u64,
    /// New deliveries.
    pub received: u64,
    /// Refusals, error answers, damaged, doubled and swapped deliveries, closed connections.
    pub errors: u64,
    /// Connections made.
    pub connected: u64,
}

impl Counted {
    /// What came after an earlier look.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            sent: self.sent - before.sent,
            received: self.received - before.received,
            // A message that could not be sent is taken back.
            errors: self.errors.saturating_sub(before.errors),
            connected: self.connected - before.connected,
        }
    }
}

/// How long the intervals of such a run are.
#[must_use]
pub fn interval_of(duration: Duration) -> Duration {
    (duration / INTERVALS_MAX).max(INTERVAL_MIN)
}

/// A smaller copy, to keep.
#[must_use]
pub fn compact(histogram: &Histogram<u64>) -> Histogram<u64> {
    let mut compact = Histogram::new(DIGITS).expect("two digits are allowed");
    compact.add(histogram).expect("histograms grow by themselves");
    compact
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_a_second_and_longer_where_there_would_be_too_many() {
        assert_eq!(interval_of(Duration::from_secs(10)), Duration::from_secs(1));
        assert_eq!(interval_of(Duration::from_secs(3000)), Duration::from_secs(10));
    }
}
