//! What the latencies are when a server does nothing wrong but stall: arithmetic, without a clock.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::pace::Schedule;
use crate::record::{histogram, note, us};

/// The latency of every message of an open loop that began at `start`: one that was due while the
/// server stalled is answered when the stall ends, every other one at once.
pub(super) fn latencies(schedule: &Schedule, start: Instant, stalls: &[(Instant, Instant)]) -> Histogram<u64> {
    let mut latencies = histogram();
    for k in 0..schedule.messages().unwrap_or(0) {
        let due = start + schedule.due(k);
        let stall = stalls.iter().find(|(begin, end)| (*begin..*end).contains(&due));
        note(&mut latencies, stall.map_or(0, |(_, end)| us(end.duration_since(due))));
    }
    latencies
}

/// Whether a measured percentile is as far from the theory as `tolerance` allows, in parts of the
/// theory, plus what the generator itself was late.
pub(super) fn agrees(measured: &Histogram<u64>, theory: &Histogram<u64>, check: &Check, lateness: Duration) -> bool {
    let [measured, theory] = [measured, theory].map(|times| times.value_at_quantile(check.quantile));
    let allowed_us = theory as f64 * check.tolerance + us(lateness) as f64;
    measured.abs_diff(theory) as f64 <= allowed_us
}

/// A percentile, and how exact it must be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) quantile: f64,
    pub(super) tolerance: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_due_in_a_stall_waits_for_its_end() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        // Due at 0, 100, 200 … 900 ms; the stall catches those at 300, 400 and 500.
        let schedule = Schedule::open(10.0, Duration::from_secs(1)).unwrap();
        let latencies = latencies(&schedule, start, &[(at(250), at(550))]);
        let expected = [0, 0, 0, 0, 0, 0, 0, 50_000, 150_000, 250_000];
        let found: Vec<u64> = (1..=10).map(|place| latencies.value_at_quantile(f64::from(place) / 10.0)).collect();
        assert!(
            found.iter().zip(expected).all(|(found, expected)| latencies.equivalent(*found, expected)),
            "{found:?}"
        );
    }

    #[test]
    fn a_percentile_may_be_off_by_the_tolerance_and_the_own_lateness() {
        let of = |micros| {
            let mut times = histogram();
            note(&mut times, micros);
            times
        };
        let check = Check { name: "p99", quantile: 0.99, tolerance: 0.05 };
        let late = Duration::from_millis(10);
        assert!(agrees(&of(1_040_000), &of(1_000_000), &check, Duration::ZERO));
        assert!(!agrees(&of(1_055_000), &of(1_000_000), &check, Duration::ZERO));
        assert!(agrees(&of(1_055_000), &of(1_000_000), &check, late));
        assert!(!agrees(&of(20_000), &of(1_000_000), &check, late), "too good to be true");
    }
}
