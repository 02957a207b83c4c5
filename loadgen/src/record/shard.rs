//! Times that some of the clients measured.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Latencies up to an hour, to three digits.
const LATENCY_MAX_US: u64 = 3_600_000_000;

/// What some of the clients measured, in microseconds.
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
    /// From the intended time to the first receiver of a message.
    pub first: Histogram<u64>,
    /// To the receiver in the middle.
    pub median: Histogram<u64>,
    /// To the last receiver; a message that did not reach all has none.
    pub last: Histogram<u64>,
    /// Of the interval under way.
    pub now: Current,
}

/// What some of the clients measured in the interval under way, the warm-up included.
#[derive(Debug)]
pub struct Current {
    /// From the intended time to the arrival.
    pub latency: Histogram<u64>,
    /// To the last receiver.
    pub fanout: Histogram<u64>,
    /// The latest that the generator itself was.
    pub lateness_max_us: u64,
}

impl Current {
    pub(super) fn new() -> Self {
        Self { latency: histogram(), fanout: histogram(), lateness_max_us: 0 }
    }

    /// Adds what others measured, who then begin anew.
    pub(super) fn take(&mut self, other: &mut Self) {
        for (sum, part) in [(&mut self.latency, &mut other.latency), (&mut self.fanout, &mut other.fanout)] {
            sum.add(&*part).expect("histograms grow by themselves");
            part.reset();
        }
        self.lateness_max_us = self.lateness_max_us.max(std::mem::take(&mut other.lateness_max_us));
    }
}

impl Shard {
    pub(super) fn new() -> Self {
        Self {
            now: Current::new(),
            latency: histogram(),
            naive: histogram(),
            lateness: histogram(),
            connect: histogram(),
            first: histogram(),
            median: histogram(),
            last: histogram(),
        }
    }

    /// Adds what others measured; what is under way stays apart.
    pub(super) fn add(&mut self, other: &Self) {
        let pairs = [
            (&mut self.latency, &other.latency),
            (&mut self.naive, &other.naive),
            (&mut self.lateness, &other.lateness),
            (&mut self.connect, &other.connect),
            (&mut self.first, &other.first),
            (&mut self.median, &other.median),
            (&mut self.last, &other.last),
        ];
        for (sum, part) in pairs {
            sum.add(part).expect("histograms grow by themselves");
        }
    }
}

/// A histogram of microseconds to three digits.
pub fn histogram() -> Histogram<u64> {
    Histogram::new(3).expect("three digits are allowed")
}

/// Adds a time to a histogram.
pub fn note(histogram: &mut Histogram<u64>, micros: u64) {
    histogram.record(micros.min(LATENCY_MAX_US)).expect("histograms grow by themselves");
}

/// Microseconds, for a histogram.
#[must_use]
pub fn us(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
