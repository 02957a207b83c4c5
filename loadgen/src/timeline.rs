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

/// Where intervals end: at multiples of their length, and where the load ends, so that none is half load
/// and half silence.
#[derive(Debug, Clone, Copy)]
pub struct Borders {
    length: Duration,
    load_end: Duration,
}

impl Borders {
    /// Those of a run of which the first part is load.
    #[must_use]
    pub fn of(load: Duration, run: Duration) -> Self {
        Self { length: (run / INTERVALS_MAX).max(INTERVAL_MIN), load_end: load }
    }

    /// The next one.
    #[must_use]
    pub fn after(self, now: Duration) -> Duration {
        let passed = u32::try_from(now.as_nanos() / self.length.as_nanos()).unwrap_or(u32::MAX - 1);
        let multiple = self.length.saturating_mul(passed + 1);
        if now < self.load_end { multiple.min(self.load_end) } else { multiple }
    }
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
        let first = |secs| {
            let run = Duration::from_secs(secs);
            Borders::of(run, run).after(Duration::ZERO).as_secs()
        };
        assert_eq!([10, 300, 3000].map(first), [1, 1, 10]);
    }

    #[test]
    fn the_end_of_the_load_is_a_border() {
        let borders = Borders::of(Duration::from_millis(2500), Duration::from_secs(4));
        let after = |millis| borders.after(Duration::from_millis(millis)).as_millis();
        assert_eq!([0, 999, 1000, 2000, 2499, 2500, 3000].map(after), [1000, 1000, 2000, 2500, 2500, 3000, 4000]);
    }
}
