//! When message k is due: pure functions of its number and of elapsed time. Owns no clock.

use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use crate::cli::Pace;

/// The times of all messages of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// In closed loop an upper bound, and none when empty.
    stages: Vec<Stage>,
    duration: Duration,
    pace: Pace,
}

/// A part of a run in which the rate is constant, or grows or falls steadily.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stage {
    /// How long it is.
    pub duration: Duration,
    /// Messages per second at its begin.
    pub from: f64,
    /// Messages per second at its end.
    pub to: f64,
}

/// A stage that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("cannot read the stage {0:?}: write DURATION:RATE, such as 30s:500, or DURATION:FROM..TO, such as 10s:0..500")]
pub struct StageError(String);

impl FromStr for Stage {
    type Err = StageError;

    fn from_str(text: &str) -> Result<Self, StageError> {
        let error = || StageError(text.to_owned());
        let (duration, rates) = text.split_once(':').ok_or_else(error)?;
        let duration: Duration = humantime::parse_duration(duration.trim()).map_err(|_| error())?;
        let (from, to) = rates.split_once("..").unwrap_or((rates, rates));
        let rate = |text: &str| text.trim().parse::<f64>().map_err(|_| error());
        let stage = Self { duration, from: rate(from)?, to: rate(to)? };
        let is_rate = |rate: f64| rate.is_finite() && rate >= 0.0;
        if stage.duration.is_zero() || !is_rate(stage.from) || !is_rate(stage.to) {
            return Err(error());
        }
        Ok(stage)
    }
}

impl Stage {
    /// Messages that are due in the first `elapsed` of it.
    fn count(&self, elapsed: Duration) -> f64 {
        let t = elapsed.min(self.duration).as_secs_f64();
        t * (self.from + self.growth() * t / 2.0)
    }

    /// When so many messages are due: where [`Self::count`] reaches it.
    fn when(&self, count: f64) -> Duration {
        let from = self.from;
        // The root of a quadratic in the form that also holds without growth.
        let root = (from * from + 2.0 * self.growth() * count).max(0.0).sqrt();
        let seconds = if count > 0.0 { 2.0 * count / (from + root) } else { 0.0 };
        Duration::try_from_secs_f64(seconds).map_or(self.duration, |time| time.min(self.duration))
    }

    /// Per second and second.
    fn growth(&self) -> f64 {
        (self.to - self.from) / self.duration.as_secs_f64()
    }
}

impl Schedule {
    /// Messages that leave at their time, whatever the server does; `None` when that is not a rate.
    #[must_use]
    pub fn open(rate_per_sec: f64, duration: Duration) -> Option<Self> {
        Self::staged(vec![constant(rate_per_sec, duration)?])
    }

    /// The same with a rate that changes; `None` when nothing is due.
    #[must_use]
    pub fn staged(stages: Vec<Stage>) -> Option<Self> {
        let duration = stages.iter().map(|stage| stage.duration).sum();
        let schedule = Self { stages, duration, pace: Pace::Open };
        (schedule.messages() > Some(0)).then_some(schedule)
    }

    /// Messages that wait for the answer to the one before, and for their time where there is a rate.
    #[must_use]
    pub fn closed(rate_per_sec: Option<f64>, duration: Duration) -> Option<Self> {
        let stages = match rate_per_sec {
            Some(rate) => vec![constant(rate, duration)?],
            None => Vec::new(),
        };
        (!duration.is_zero()).then_some(Self { stages, duration, pace: Pace::Closed })
    }

    /// The same times for another pace: in closed loop a message waits for its time and for the answer
    /// to the one before.
    #[must_use]
    pub fn paced(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    /// How many messages are due in all; `None` where the server sets the pace.
    #[must_use]
    pub fn messages(&self) -> Option<u64> {
        self.due_by(self.duration)
    }

    /// How many messages are due before `elapsed`; `None` where the server sets the pace.
    #[must_use]
    pub fn due_by(&self, elapsed: Duration) -> Option<u64> {
        if self.stages.is_empty() {
            return None;
        }
        let (mut exact, mut left) = (0.0, elapsed);
        for stage in &self.stages {
            exact += stage.count(left);
            left = left.saturating_sub(stage.duration);
        }
        // The sum may miss a whole number by a rounding error.
        Some((exact - 1e-6).ceil().max(0.0) as u64)
    }

    /// When message `k`, counted from 0, is due after the start of the load: at the earliest, where
    /// the server sets the pace.
    #[must_use]
    pub fn due(&self, k: u64) -> Duration {
        let (mut begin, mut left) = (Duration::ZERO, k as f64);
        for stage in &self.stages {
            let count = stage.count(stage.duration);
            // As for `due_by`.
            if left < count - 1e-6 {
                return begin + stage.when(left);
            }
            left = (left - count).max(0.0);
            begin += stage.duration;
        }
        begin
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

fn constant(rate: f64, duration: Duration) -> Option<Stage> {
    let is_rate = rate.is_finite() && rate > 0.0 && !duration.is_zero();
    is_rate.then_some(Stage { duration, from: rate, to: rate })
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
    fn stages_follow_each_other() {
        let stages = ["10s:0..100", "5s:100", "5s:400", "10s:100..0"].map(|text| text.parse().unwrap());
        let schedule = Schedule::staged(stages.to_vec()).unwrap();
        let counts = [5, 10, 15, 20, 30].map(|s| schedule.due_by(Duration::from_secs(s)).unwrap());
        assert_eq!(counts, [125, 500, 1000, 3000, 3500]);
        assert_eq!(schedule.due(500), Duration::from_secs(10));
        assert_eq!(schedule.due(1000), Duration::from_secs(15));
        // Half the slope's messages are due after 1/√2 of its time.
        assert!((schedule.due(250).as_secs_f64() - 50_f64.sqrt()).abs() < 1e-6);
        let mut before = Duration::ZERO;
        for k in 0..3500 {
            let due = schedule.due(k);
            assert!(due >= before && schedule.due_by(due + Duration::from_millis(1)).unwrap() > k, "{k}");
            before = due;
        }
    }

    #[test]
    fn what_is_no_stage_is_refused() {
        for text in ["", "10s", "10:5", "10s:x", "10s:-1", "10s:1..", "0s:5", "10s:inf"] {
            assert!(text.parse::<Stage>().is_err(), "{text}");
        }
        assert!(Schedule::staged(vec!["10s:0".parse().unwrap()]).is_none(), "nothing is due");
    }

    #[test]
    fn a_rate_is_a_positive_number() {
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Schedule::open(rate, Duration::from_secs(1)).is_none());
        }
        assert!(Schedule::open(1.0, Duration::ZERO).is_none());
    }
}
