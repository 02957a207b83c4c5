//! What must hold for a run to pass.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

/// Counts that must be 0 unless something else is asked of them.
const DEFAULT_ZEROS: [Count; 4] = [Count::Lost, Count::Duplicated, Count::Reordered, Count::Corrupted];
/// The same where nothing but connections is looked at.
const CONNECTION_ZEROS: [Count; 1] = [Count::Disconnects];

/// An expression such as `broadcast_latency: p(99)<50ms` or `lost==0`.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    text: String,
    metric: Metric,
    comparison: Comparison,
    bound: f64,
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Metric {
    /// A count, by its name in the result.
    Count(Count),
    /// A time in milliseconds.
    Time(Times, Statistic),
}

/// The counts of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the result explains each of them where it carries it")]
pub enum Count {
    Scheduled,
    Sent,
    Expected,
    Received,
    Refused,
    Errors,
    Lost,
    Duplicated,
    Reordered,
    Corrupted,
    Foreign,
    ConnectErrors,
    Disconnects,
}

impl Count {
    const ALL: [(&str, Self); 13] = [
        ("scheduled", Self::Scheduled),
        ("sent", Self::Sent),
        ("expected", Self::Expected),
        ("received", Self::Received),
        ("refused", Self::Refused),
        ("errors", Self::Errors),
        ("lost", Self::Lost),
        ("duplicated", Self::Duplicated),
        ("reordered", Self::Reordered),
        ("corrupted", Self::Corrupted),
        ("foreign", Self::Foreign),
        ("connect_errors", Self::ConnectErrors),
        ("disconnects", Self::Disconnects),
    ];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, count)| *count == self).map_or("", |(name, _)| name)
    }
}

/// Which times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// From the intended time to each arrival.
    Latency,
    /// From the intended time to the last receiver of a message.
    Fanout,
    /// To connect, upgrade included.
    Connect,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
}

/// An expression that cannot be read, and the place where reading ended.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("cannot read the threshold: {fault}\n    {text}\n    {caret:>width$}", caret = '^', width = .at + 1)]
pub struct ThresholdError {
    text: String,
    /// In characters.
    at: usize,
    fault: Fault,
}

/// What is wrong with an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Fault {
    /// Nothing is compared.
    #[error("a comparison is missing: <, <=, >, >=, == or !=")]
    NoComparison,
    /// No such time is measured.
    #[error("before a colon stands broadcast_latency, latency, fanout or connect")]
    Times,
    /// No such count.
    #[error("there is no such count; {hint}", hint = count_hint())]
    Count,
    /// A time without a statistic.
    #[error("a time needs a statistic, as in 'latency: p(99)<50ms'")]
    NoStatistic,
    /// Not a percentile, max or mean.
    #[error("write p(99), p99.9, med, mean or max")]
    Statistic,
    /// Not a time.
    #[error("a time needs a unit, such as 50ms or 1s")]
    Duration,
    /// Not a number.
    #[error("a count is compared with a whole number")]
    Number,
}

fn count_hint() -> String {
    format!("the counts are {}", Count::ALL.map(|(name, _)| name).join(", "))
}

impl Threshold {
    /// The asked ones, and those that hold by default unless one on the same count replaces them.
    #[must_use]
    pub fn with_defaults(asked: Vec<Self>) -> Vec<Self> {
        Self::with_zeros(asked, &DEFAULT_ZEROS)
    }

    /// The same for a run of connections alone.
    #[must_use]
    pub fn with_connection_defaults(asked: Vec<Self>) -> Vec<Self> {
        Self::with_zeros(asked, &CONNECTION_ZEROS)
    }

    fn with_zeros(mut asked: Vec<Self>, zeros: &[Count]) -> Vec<Self> {
        for &count in zeros {
            let metric = Metric::Count(count);
            if !asked.iter().any(|threshold| threshold.metric == metric) {
                let text = format!("{}==0", count.name());
                asked.push(Self { text, metric, comparison: Comparison::Equal, bound: 0.0 });
            }
        }
        asked
    }

    /// What it looks at.
    #[must_use]
    pub fn metric(&self) -> Metric {
        self.metric
    }

    /// Whether a count that only grows can never hold again, once it does not: it is bounded above.
    #[must_use]
    pub fn is_bound_above(&self) -> bool {
        match self.comparison {
            Comparison::Less | Comparison::LessOrEqual => true,
            Comparison::Equal => self.bound == 0.0,
            Comparison::Greater | Comparison::GreaterOrEqual | Comparison::NotEqual => false,
        }
    }

    /// Whether it holds.
    #[must_use]
    pub fn holds(&self, value: f64) -> bool {
        match self.comparison {
            Comparison::Less => value < self.bound,
            Comparison::LessOrEqual => value <= self.bound,
            Comparison::Greater => value > self.bound,
            Comparison::GreaterOrEqual => value >= self.bound,
            Comparison::Equal => value == self.bound,
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
        let (metric, comparison, bound) = parse(text).map_err(|(rest, fault)| {
            // Every part is a slice of the text, up to its end or before it.
            let byte = (rest.as_ptr() as usize).saturating_sub(text.as_ptr() as usize).min(text.len());
            ThresholdError { text: text.to_owned(), at: text[..byte].chars().count(), fault }
        })?;
        Ok(Self { text: text.to_owned(), metric, comparison, bound })
    }
}

/// An error is the part of the text that cannot be read, and why.
fn parse(text: &str) -> Result<(Metric, Comparison, f64), (&str, Fault)> {
    let end = &text[text.len()..];
    let at = text.find(['<', '>', '=', '!']).ok_or((end, Fault::NoComparison))?;
    let (left, right) = (text[..at].trim(), &text[at..]);
    let (comparison, bound) = parse_comparison(right).ok_or((right, Fault::NoComparison))?;
    let Some((times, statistic)) = left.split_once(':') else {
        if parse_times(left).is_some() {
            return Err((right, Fault::NoStatistic));
        }
        let count = Count::ALL.iter().find(|(name, _)| *name == left).ok_or((left, Fault::Count))?.1;
        let bound = bound.parse::<u32>().map_err(|_| (bound, Fault::Number))?;
        return Ok((Metric::Count(count), comparison, bound.into()));
    };
    let times = parse_times(times.trim()).ok_or((times, Fault::Times))?;
    let statistic = statistic.trim();
    let statistic = parse_statistic(statistic).ok_or((statistic, Fault::Statistic))?;
    let bound: Duration = humantime::parse_duration(bound).map_err(|_| (bound, Fault::Duration))?;
    Ok((Metric::Time(times, statistic), comparison, bound.as_secs_f64() * 1e3))
}

fn parse_comparison(text: &str) -> Option<(Comparison, &str)> {
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

fn parse_times(name: &str) -> Option<Times> {
    match name {
        "latency" | "broadcast_latency" => Some(Times::Latency),
        "fanout" => Some(Times::Fanout),
        "connect" => Some(Times::Connect),
        _ => None,
    }
}

fn parse_statistic(text: &str) -> Option<Statistic> {
    match text {
        "max" => return Some(Statistic::Max),
        "mean" | "avg" => return Some(Statistic::Mean),
        "med" => return Some(Statistic::Percentile(50.0)),
        // The name that this percentile has in the result.
        "p999" => return Some(Statistic::Percentile(99.9)),
        _ => {}
    }
    let digits = text.strip_prefix('p')?;
    let digits = digits.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(digits);
    let percentile: f64 = digits.parse().ok()?;
    (0.0..=100.0).contains(&percentile).then_some(Statistic::Percentile(percentile))
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

    fn refuse(text: &str, at: usize, fault: Fault) {
        let expected = ThresholdError { text: text.to_owned(), at, fault };
        assert_eq!(text.parse::<Threshold>(), Err(expected), "{text}");
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_place() {
        refuse("", 0, Fault::NoComparison);
        refuse("lost", 4, Fault::NoComparison);
        refuse("lost=0", 4, Fault::NoComparison);
        refuse("lost==x", 6, Fault::Number);
        refuse("lost==-1", 6, Fault::Number);
        refuse("happiness==1", 0, Fault::Count);
        refuse("glück: p99<1ms", 0, Fault::Times);
        refuse("latency<50ms", 7, Fault::NoStatistic);
        refuse("latency: q9<1ms", 9, Fault::Statistic);
        refuse("latency: p(101)<1ms", 9, Fault::Statistic);
        refuse("latency: p(9) < 1", 16, Fault::Duration);
    }

    #[test]
    fn an_error_points_at_its_place() {
        let error = "latency: q9<1ms".parse::<Threshold>().unwrap_err().to_string();
        let lines: Vec<_> = error.lines().skip(1).collect();
        assert_eq!(lines, ["    latency: q9<1ms", "             ^"]);
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
