//! Whether a server gets slower while a load stays the same: what a soak is for.
//!
//! Memory that grows and is looked through, a table that fills, a queue that is never empty again: all
//! of it shows in the latency, late. So the first third of a run is held against its last, as
//! `compare` holds two runs.

use serde::{Deserialize, Serialize};

use crate::compare::{Interval, figures_over, is_sample};
use crate::figures::IntervalFigures;
use crate::outcome::{Judged, round};

/// Intervals of each third, at least.
const INTERVALS_MIN: usize = 5;
/// A smaller growth is none. Chosen: a machine's own moods are larger.
const GROWTH_MIN_MS: f64 = 1.0;

/// The 99th percentile of the latency in the first third of a run and in its last.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// In the first.
    pub before_ms: f64,
    /// In the last.
    pub after_ms: f64,
    /// Its relative change: 0.1 is 10 % more.
    pub change: f64,
    /// 2.5 % of the draws are below.
    pub low: f64,
    /// 2.5 % are above.
    pub high: f64,
}

impl Drift {
    /// Of a run; `None` when it is too short to tell.
    pub(crate) fn of(intervals: &[IntervalFigures], warm_up_s: f64) -> Option<Self> {
        let measured = intervals.iter().filter(|interval| interval.at_s >= warm_up_s);
        let measured: Vec<&IntervalFigures> = measured.filter(|interval| is_sample(interval)).collect();
        let third = measured.len() / 3;
        if third < INTERVALS_MIN {
            return None;
        }
        let thirds = [&measured[..third], &measured[measured.len() - third..]];
        let figure = figures_over(thirds).into_iter().find(|figure| figure.name == "latency p99")?;
        let Interval { change, low, high } = figure.change?;
        let [change, low, high] = [change, low, high].map(round);
        Some(Self { before_ms: figure.before, after_ms: figure.after, change, low, high })
    }

    /// Whether it may be so much, in per cent: crossed only when the whole interval of confidence is above.
    fn holds(&self, max_percent: f64) -> bool {
        self.low * 100.0 <= max_percent || self.after_ms - self.before_ms < GROWTH_MIN_MS
    }
}

/// The bound in such a threshold's expression, in per cent.
pub(crate) fn bound_in(expression: &str) -> Option<f64> {
    expression.strip_prefix("drift: p(99)<=")?.strip_suffix('%')?.parse().ok()
}

/// The threshold on it; what could not be measured is not known to hold.
pub(crate) fn judge(drift: Option<Drift>, max_percent: f64) -> Judged {
    Judged {
        expression: format!("drift: p(99)<={max_percent}%"),
        passed: drift.is_some_and(|drift| drift.holds(max_percent)),
        value: drift.map(|drift| round(drift.change * 100.0)),
    }
}

#[cfg(test)]
mod tests {
    use hdrhistogram::Histogram;

    use super::*;
    use crate::figures::Encoded;

    /// A second in which each of 100 deliveries took `micros` give or take a tenth.
    fn interval(at: u32, micros: u64) -> IntervalFigures {
        let mut histogram = Histogram::new(2).unwrap();
        (0..100).for_each(|k| histogram.record(micros * (90 + (k * 7 + u64::from(at)) % 21) / 100).unwrap());
        IntervalFigures {
            at_s: at.into(),
            for_s: 1.0,
            sent: 100,
            received: 100,
            errors: 0,
            connected: 0,
            latency_ms: None,
            fanout_p99_ms: 0.0,
            lateness_max_ms: 0.0,
            cpu_s: 0.0,
            run_queue_s: 0.0,
            histogram: Encoded(histogram),
        }
    }

    fn drift(micros: impl Fn(u32) -> u64) -> Option<Drift> {
        Drift::of(&(0..30).map(|at| interval(at, micros(at))).collect::<Vec<_>>(), 0.0)
    }

    #[test]
    fn growth_is_told_from_steadiness() {
        assert!(judge(drift(|_| 10_000), 20.0).passed);
        assert!(!judge(drift(|at| 10_000 + u64::from(at) * 500), 20.0).passed);
        assert!(judge(drift(|at| 10_000 + u64::from(at) * 500), 200.0).passed);
        assert!(judge(drift(|at| 100 + u64::from(at) * 5), 20.0).passed, "less than a millisecond");
    }

    #[test]
    fn a_short_run_tells_nothing() {
        let short: Vec<_> = (0..14).map(|at| interval(at, 1000)).collect();
        assert_eq!(Drift::of(&short, 0.0), None);
        assert!(!judge(None, 20.0).passed);
    }

    #[test]
    fn a_threshold_can_be_judged_anew() {
        assert_eq!(bound_in(&judge(None, 12.5).expression), Some(12.5));
        assert_eq!(bound_in("lost==0"), None);
    }
}
