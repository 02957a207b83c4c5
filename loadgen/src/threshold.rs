//! What must hold for a run to pass.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

/// Counts that must be 0 unless something else is asked of them.
const DEFAULT_ZEROS: [&str; 4] = ["lost", "duplicated", "reordered", "corrupted"];

/// An expression such as `broadcast_latency: p(99)<50ms` or `lost==0`.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    text: String,
    metric: Metric,
    comparison: Comparison,
    bound: f64,
}

/// What is compared.
#[derive(Debug, Clone, PartialEq)]
pub enum Metric {
    /// A count, by its name in the result.
    Count(&'static str),
    /// A time in milliseconds.
    Time(Times, Statistic),
}

/// Which times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// From the intended time to each arrival.
    Latency,
    /// From the intended time to the last arrival of a message.
    Fanout,
}

/// What of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Statistic {
    /// A percentile, 0 to 100.
    Percentile(f64),
    /// The largest.
    Max,
    /// The mean.
    Mean,
}

/// How it is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
}

/// The counts of a result by name.
pub const COUNTS: [&str; 13] = [
    "scheduled",
    "sent",
    "expected",
    "received",
    "refused",
    "errors",
    "lost",
    "duplicated",
    "reordered",
    "corrupted",
    "foreign",
    "connect_errors",
    "disconnects",
];

/// Why an expression cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ThresholdError {
    /// Nothing is compared.
    #[error("a comparison is missing: <, <=, >, >=, == or !=")]
    NoComparison,
    /// No such thing is measured.
    #[error("{0:?} is not measured; there are broadcast_latency, latency, fanout and the counts {counts}", counts = COUNTS.join(", "))]
    Metric(String),
    /// Not a percentile, max or mean.
    #[error("{0:?}: write p(99), p99, max, med or mean")]
    Statistic(String),
    /// Not a number, or not a time.
    #[error("{0:?}: write a number for a count, and a time such as 50ms for a latency")]
    Bound(String),
}

impl Threshold {
    /// The asked ones, and those that hold by default unless replaced.
    #[must_use]
    pub fn with_defaults(mut asked: Vec<Self>) -> Vec<Self> {
        for name in DEFAULT_ZEROS {
            if !asked.iter().any(|threshold| threshold.metric == Metric::Count(name)) {
                let (text, metric) = (format!("{name}==0"), Metric::Count(name));
                asked.push(Self { text, metric, comparison: Comparison::Equal, bound: 0.0 });
            }
        }
        asked
    }

    /// What it looks at.
    #[must_use]
    pub fn metric(&self) -> &Metric {
        &self.metric
    }

    /// Whether it holds.
    #[must_use]
    pub fn holds(&self, value: f64) -> bool {
        match self.comparison {
            Comparison::Less => value < self.bound,
            Comparison::LessOrEqual => value <= self.bound,
            Comparison::Greater => value > self.bound,
            Comparison::GreaterOrEqual => value >= self.bound,
            #[expect(clippy::float_cmp, reason = "counts are whole numbers")]
            Comparison::Equal => value == self.bound,
            #[expect(clippy::float_cmp, reason = "counts are whole numbers")]
            Comparison::NotEqual => value != self.bound,
        }
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Threshold {
    type Err = ThresholdError;

    fn from_str(text: &str) -> Result<Self, ThresholdError> {
        let at = text.find(['<', '>', '=', '!']).ok_or(ThresholdError::NoComparison)?;
        let (left, right) = text.split_at(at);
        let (comparison, bound) = comparison(right).ok_or(ThresholdError::NoComparison)?;
        let (metric, bound) = match left.split_once(':') {
            Some((times, statistic)) => (time_metric(times.trim(), statistic.trim())?, milliseconds(bound)?),
            None => (count_metric(left.trim())?, number(bound)?),
        };
        Ok(Self { text: text.to_owned(), metric, comparison, bound })
    }
}

fn comparison(text: &str) -> Option<(Comparison, &str)> {
    let signs = [
        ("<=", Comparison::LessOrEqual),
        (">=", Comparison::GreaterOrEqual),
        ("==", Comparison::Equal),
        ("!=", Comparison::NotEqual),
        ("<", Comparison::Less),
        (">", Comparison::Greater),
    ];
    signs.iter().find_map(|&(sign, comparison)| Some((comparison, text.strip_prefix(sign)?.trim())))
}

fn count_metric(name: &str) -> Result<Metric, ThresholdError> {
    let count = COUNTS.into_iter().find(|&count| count == name);
    count.map(Metric::Count).ok_or_else(|| ThresholdError::Metric(name.to_owned()))
}

fn time_metric(times: &str, statistic: &str) -> Result<Metric, ThresholdError> {
    let times = match times {
        "latency" | "broadcast_latency" => Times::Latency,
        "fanout" => Times::Fanout,
        _ => return Err(ThresholdError::Metric(times.to_owned())),
    };
    let unknown = || ThresholdError::Statistic(statistic.to_owned());
    let statistic = match statistic {
        "max" => Statistic::Max,
        "mean" | "avg" => Statistic::Mean,
        "med" => Statistic::Percentile(50.0),
        _ => {
            let digits = statistic.strip_prefix('p').ok_or_else(unknown)?;
            let digits = digits.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(digits);
            let percentile: f64 = digits.parse().map_err(|_| unknown())?;
            if !(0.0..=100.0).contains(&percentile) {
                return Err(unknown());
            }
            Statistic::Percentile(percentile)
        }
    };
    Ok(Metric::Time(times, statistic))
}

fn milliseconds(text: &str) -> Result<f64, ThresholdError> {
    let duration: Result<Duration, _> = humantime::parse_duration(text);
    duration.map(|duration| duration.as_secs_f64() * 1e3).map_err(|_| ThresholdError::Bound(text.to_owned()))
}

fn number(text: &str) -> Result<f64, ThresholdError> {
    text.parse::<u64>()
        .ok()
        .map(|number| {
            #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
            let number = number as f64;
            number
        })
        .ok_or_else(|| ThresholdError::Bound(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, value: f64, holds: bool) {
        assert_eq!(text.parse::<Threshold>().unwrap().holds(value), holds, "{text} at {value}");
    }

    #[test]
    fn expressions_are_compared() {
        check("lost==0", 0.0, true);
        check("lost==0", 1.0, false);
        check("errors < 5", 4.0, true);
        check("received>=100", 99.0, false);
        check("broadcast_latency: p(99)<50ms", 49.9, true);
        check("latency: p99.9 <= 1s", 1000.0, true);
        check("fanout: max<2s", 2000.0, false);
        check("latency: mean!=1ms", 2.0, true);
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_a_hint() {
        for bad in [
            "",
            "lost",
            "lost==x",
            "lost==-1",
            "happiness==1",
            "latency: q9<1ms",
            "latency: p(101)<1ms",
            "latency: p(9)<1",
            "lost=0",
        ] {
            assert!(bad.parse::<Threshold>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_asked_one_replaces_the_default_of_the_same_count() {
        let texts = |asked: &[&str]| -> Vec<String> {
            let asked = asked.iter().map(|text| text.parse().unwrap()).collect();
            Threshold::with_defaults(asked).iter().map(ToString::to_string).collect()
        };
        assert_eq!(texts(&[]), ["lost==0", "duplicated==0", "reordered==0", "corrupted==0"]);
        assert_eq!(texts(&["lost<10"]), ["lost<10", "duplicated==0", "reordered==0", "corrupted==0"]);
    }
}
