//! When message k is due: a pure function of its number. Owns no clock.

use std::time::Duration;

use crate::cli::Pace;

/// The times of all messages of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    rate: f64,
    duration: Duration,
    pace: Pace,
}

impl Schedule {
    /// `rate` messages per second for so long; `None` when that is not a rate.
    #[must_use]
    pub fn new(rate: f64, duration: Duration, pace: Pace) -> Option<Self> {
        (rate.is_finite() && rate > 0.0 && !duration.is_zero()).then_some(Self { rate, duration, pace })
    }

    /// How many messages are due in all. In closed loop: at most so many.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.due_by(self.duration)
    }

    /// How many messages are due before `elapsed`.
    #[must_use]
    pub fn due_by(&self, elapsed: Duration) -> u64 {
        // The product may miss a whole number by a rounding error.
        let exact = self.rate * elapsed.min(self.duration).as_secs_f64();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "positive, and checked by the plan"
        )]
        let whole = (exact - 1e-6).ceil().max(0.0) as u64;
        whole
    }

    /// When message `k`, counted from 0, is due after the start of the load.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "2^53 messages take longer than anybody waits")]
    pub fn due(&self, k: u64) -> Duration {
        Duration::from_secs_f64(k as f64 / self.rate)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_k_is_due_k_over_the_rate_after_the_start() {
        let schedule = Schedule::new(500.0, Duration::from_secs(20), Pace::Open).unwrap();
        assert_eq!(schedule.messages(), 10_000);
        assert_eq!(schedule.due(0), Duration::ZERO);
        assert_eq!(schedule.due(1), Duration::from_millis(2));
        assert_eq!(schedule.due(9_999), Duration::from_millis(19_998));
    }

    #[test]
    fn all_messages_are_due_within_the_duration() {
        for (rate, millis, messages) in [(3.0, 1000, 3), (0.5, 10_000, 5), (7.0, 500, 4), (1000.0, 1, 1), (0.1, 50, 1)]
        {
            let schedule = Schedule::new(rate, Duration::from_millis(millis), Pace::Open).unwrap();
            assert_eq!(schedule.messages(), messages, "{rate}/s for {millis} ms");
            assert!(schedule.due(messages - 1) < Duration::from_millis(millis));
        }
    }

    #[test]
    fn what_is_due_grows_with_time_alone() {
        let schedule = Schedule::new(10.0, Duration::from_secs(1), Pace::Open).unwrap();
        let due: Vec<_> = [0, 1, 100, 101, 950, 1000, 9000].map(|ms| schedule.due_by(Duration::from_millis(ms))).into();
        assert_eq!(due, [0, 1, 1, 2, 10, 10, 10]);
    }

    #[test]
    fn a_rate_is_a_positive_number() {
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Schedule::new(rate, Duration::from_secs(1), Pace::Open).is_none());
        }
    }
}
