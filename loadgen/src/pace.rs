//! When message k is due: pure functions of its number and of elapsed time. Owns no clock.

use std::time::Duration;

use crate::cli::Pace;

/// The times of all messages of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    /// In closed loop an upper bound, and none when absent.
    rate_per_sec: Option<f64>,
    duration: Duration,
    pace: Pace,
}

impl Schedule {
    /// Messages that leave at their time, whatever the server does; `None` when that is not a rate.
    #[must_use]
    pub fn open(rate_per_sec: f64, duration: Duration) -> Option<Self> {
        is_rate(rate_per_sec, duration).then_some(Self { rate_per_sec: Some(rate_per_sec), duration, pace: Pace::Open })
    }

    /// Messages that wait for the answer to the one before, and for their time where there is a rate.
    #[must_use]
    pub fn closed(rate_per_sec: Option<f64>, duration: Duration) -> Option<Self> {
        is_rate(rate_per_sec.unwrap_or(1.0), duration).then_some(Self { rate_per_sec, duration, pace: Pace::Closed })
    }

    /// How many messages are due in all; `None` where the server sets the pace.
    #[must_use]
    pub fn messages(&self) -> Option<u64> {
        self.due_by(self.duration)
    }

    /// How many messages are due before `elapsed`; `None` where the server sets the pace.
    #[must_use]
    pub fn due_by(&self, elapsed: Duration) -> Option<u64> {
        // The product may miss a whole number by a rounding error.
        let exact = self.rate_per_sec? * elapsed.min(self.duration).as_secs_f64();
        Some((exact - 1e-6).ceil().max(0.0) as u64)
    }

    /// When message `k`, counted from 0, is due after the start of the load: at the earliest, where
    /// the server sets the pace.
    #[must_use]
    pub fn due(&self, k: u64) -> Duration {
        self.rate_per_sec.map_or(Duration::ZERO, |rate| Duration::from_secs_f64(k as f64 / rate))
    }

    /// How long messages are due.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// Whether messages wait for answers.
    #[must_use]
    pub fn pace(&self) -> Pace {
        self.pace
    }
}

fn is_rate(rate_per_sec: f64, duration: Duration) -> bool {
    rate_per_sec.is_finite() && rate_per_sec > 0.0 && !duration.is_zero()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_k_is_due_k_over_the_rate_after_the_start() {
        let schedule = Schedule::open(500.0, Duration::from_secs(20)).unwrap();
        assert_eq!(schedule.messages(), Some(10_000));
        assert_eq!(schedule.due(0), Duration::ZERO);
        assert_eq!(schedule.due(1), Duration::from_millis(2));
        assert_eq!(schedule.due(9_999), Duration::from_millis(19_998));
    }

    #[test]
    fn all_messages_are_due_within_the_duration() {
        for (rate, millis, messages) in [(3.0, 1000, 3), (0.5, 10_000, 5), (7.0, 500, 4), (1000.0, 1, 1), (0.1, 50, 1)]
        {
            let schedule = Schedule::open(rate, Duration::from_millis(millis)).unwrap();
            assert_eq!(schedule.messages(), Some(messages), "{rate}/s for {millis} ms");
            assert!(schedule.due(messages - 1) < Duration::from_millis(millis));
        }
    }

    #[test]
    fn what_is_due_grows_with_time_alone() {
        let schedule = Schedule::open(10.0, Duration::from_secs(1)).unwrap();
        let due = [0, 1, 100, 101, 950, 1000, 9000].map(|ms| schedule.due_by(Duration::from_millis(ms)).unwrap());
        assert_eq!(due, [0, 1, 1, 2, 10, 10, 10]);
    }

    #[test]
    fn the_server_sets_the_pace_of_a_closed_loop_up_to_a_rate() {
        let free = Schedule::closed(None, Duration::from_secs(1)).unwrap();
        assert_eq!((free.messages(), free.due(1_000)), (None, Duration::ZERO));
        let bounded = Schedule::closed(Some(10.0), Duration::from_secs(1)).unwrap();
        assert_eq!((bounded.messages(), bounded.due(5)), (Some(10), Duration::from_millis(500)));
    }

    #[test]
    fn a_rate_is_a_positive_number() {
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Schedule::open(rate, Duration::from_secs(1)).is_none());
        }
        assert!(Schedule::open(1.0, Duration::ZERO).is_none());
    }
}
