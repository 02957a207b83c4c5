//! Two runs of the same load: is one worse than the other, or does it only look so?
//!
//! Each figure of a run is drawn anew many times from its intervals (bootstrap: Efron, Tibshirani,
//! "An Introduction to the Bootstrap", 1993). A change counts when its whole interval of confidence
//! lies beyond the tolerance. Intervals rather than deliveries are drawn, because deliveries that
//! are near in time are alike.

use std::path::{Path, PathBuf};

use hdrhistogram::Histogram;
use thiserror::Error;

use crate::exit::Verdict;
use crate::figures::IntervalFigures;
use crate::outcome::Outcome;
use crate::seed::SplitMix;
use crate::tally::Tally;

/// How often figures are drawn. Chosen: the ends of an interval of 95 % then rest on 25 each.
const DRAWS: usize = 1000;
/// Fewer intervals say nothing about how much a figure varies.
const INTERVALS_MIN: usize = 5;
/// Rates that differ by more are two loads.
const RATE_TOLERANCE: f64 = 0.01;
const PERCENTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];

/// Two runs that cannot be compared.
#[derive(Debug, Error)]
pub enum CompareError {
    /// A result cannot be read.
    #[error("{}: {reason}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The runs are not of the same load.
    #[error("not the same load: {what} {before} and {after}")]
    Different {
        /// What differs.
        what: &'static str,
        /// There.
        before: String,
        /// And here.
        after: String,
    },
    /// A run that says nothing about the server.
    #[error("{}: the verdict is {verdict}, so its figures cannot be compared", path.display())]
    Verdict {
        /// Which.
        path: PathBuf,
        /// How it ended.
        verdict: Verdict,
    },
    /// Too short.
    #[error("{}: {intervals} intervals with deliveries after the warm-up; at least {INTERVALS_MIN} are needed", path.display())]
    Short {
        /// Which.
        path: PathBuf,
        /// It has so many.
        intervals: usize,
    },
}

/// What became of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It rose, beyond the tolerance and beyond doubt.
    Worse,
    /// It fell likewise.
    Better,
    /// Neither.
    Same,
}

/// A figure of both runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Its name.
    pub name: String,
    /// In the first run: milliseconds, or a count.
    pub before: f64,
    /// In the second.
    pub after: f64,
    /// Its relative change with an interval of 95 %, where it is a time.
    pub change: Option<Interval>,
    /// What that means.
    pub judgement: Change,
}

/// A relative change: 0.1 is 10 % more.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// As measured.
    pub change: f64,
    /// 2.5 % of the draws are below.
    pub low: f64,
    /// 2.5 % are above.
    pub high: f64,
}

/// Two runs side by side.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// What was run.
    pub scenario: String,
    /// Where, before and after.
    pub urls: [String; 2],
    /// Every figure.
    pub figures: Vec<Figure>,
    /// A change up to this is let pass.
    pub tolerance: f64,
}

impl Comparison {
    /// Whether something got worse.
    #[must_use]
    pub fn is_regression(&self) -> bool {
        self.figures.iter().any(|figure| figure.judgement == Change::Worse)
    }
}

/// Reads a result.
///
/// # Errors
///
/// When it is none.
pub fn read(path: &Path) -> Result<Outcome, CompareError> {
    let failed = |reason: String| CompareError::Read { path: path.into(), reason };
    let text = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
    serde_json::from_slice(&text).map_err(|error| failed(format!("not a result of loadgen: {error}")))
}

/// Compares two results; `tolerance` 0.05 lets 5 % pass.
///
/// # Errors
///
/// When they are not of the same load, or say nothing about the server.
pub fn compare(paths: [&Path; 2], tolerance: f64) -> Result<Comparison, CompareError> {
    let [before, after] = [read(paths[0])?, read(paths[1])?];
    let rate = |outcome: &Outcome| outcome.tally.scheduled as f64 / outcome.duration_s.max(1e-9);
    let pairs = [
        ("scenario", before.scenario.clone(), after.scenario.clone(), before.scenario == after.scenario),
        ("clients", before.clients.to_string(), after.clients.to_string(), before.clients == after.clients),
        ("messages per second", format!("{:.1}", rate(&before)), format!("{:.1}", rate(&after)), {
            (rate(&before) - rate(&after)).abs() <= RATE_TOLERANCE * rate(&before)
        }),
    ];
    if let Some((what, before, after, _)) = pairs.into_iter().find(|(.., is_same)| !is_same) {
        return Err(CompareError::Different { what, before, after });
    }
    let samples = [samples(paths[0], &before)?, samples(paths[1], &after)?];
    let mut figures = times(&samples, tolerance);
    figures.extend(counts(&before.tally, &after.tally));
    Ok(Comparison { scenario: before.scenario, urls: [before.url, after.url], figures, tolerance })
}

/// Values and their counts, of one interval.
type Sample = Vec<(u64, u64)>;

fn samples(path: &Path, outcome: &Outcome) -> Result<Vec<Sample>, CompareError> {
    if !matches!(outcome.verdict, Verdict::Passed | Verdict::ThresholdsCrossed) {
        return Err(CompareError::Verdict { path: path.into(), verdict: outcome.verdict });
    }
    let measured = outcome.intervals.iter().filter(|interval| interval.at_s >= outcome.warm_up_s);
    let samples: Vec<Sample> = measured.filter(|interval| is_sample(interval)).map(sample).collect();
    if samples.len() < INTERVALS_MIN {
        return Err(CompareError::Short { path: path.into(), intervals: samples.len() });
    }
    Ok(samples)
}

/// Whether something arrived in it.
pub(crate) fn is_sample(interval: &IntervalFigures) -> bool {
    !interval.histogram.0.is_empty()
}

fn sample(interval: &IntervalFigures) -> Sample {
    let steps = interval.histogram.0.iter_recorded();
    steps.map(|step| (step.value_iterated_to(), step.count_at_value())).collect()
}

/// The times of two parts of a run, side by side.
pub(crate) fn figures_over(parts: [&[&IntervalFigures]; 2]) -> Vec<Figure> {
    times(&parts.map(|part| part.iter().copied().map(sample).collect()), 0.0)
}

/// p50, p90, p99, p99.9 and the mean, in milliseconds.
fn figures_of<'a>(samples: impl Iterator<Item = &'a Sample>) -> [f64; 5] {
    let mut pooled = Histogram::<u64>::new(2).expect("two digits are allowed");
    for &(value, count) in samples.flatten() {
        pooled.record_n(value, count).expect("histograms grow by themselves");
    }
    let [a, b, c, d] = PERCENTILES.map(|(_, quantile)| pooled.value_at_quantile(quantile) as f64 / 1e3);
    [a, b, c, d, pooled.mean() / 1e3]
}

fn times(samples: &[Vec<Sample>; 2], tolerance: f64) -> Vec<Figure> {
    let measured = samples.each_ref().map(|samples| figures_of(samples.iter()));
    let mut random = SplitMix::new(1, 0);
    let mut changes: [Vec<f64>; 5] = Default::default();
    for _ in 0..DRAWS {
        let [before, after] = samples.each_ref().map(|samples| {
            let drawn: Vec<&Sample> =
                samples.iter().map(|_| &samples[(random.draw() % samples.len() as u64) as usize]).collect();
            figures_of(drawn.into_iter())
        });
        for (changes, (before, after)) in changes.iter_mut().zip(before.into_iter().zip(after)) {
            changes.push(relative(before, after));
        }
    }
    let names = PERCENTILES.iter().map(|(name, _)| format!("latency {name}")).chain(["latency mean".to_owned()]);
    let all = names.zip(changes).zip(measured[0].into_iter().zip(measured[1]));
    all.map(|((name, mut changes), (before, after))| {
        changes.sort_by(f64::total_cmp);
        let (low, high) = (changes[DRAWS / 40], changes[DRAWS - 1 - DRAWS / 40]);
        let judgement = match () {
            () if low > tolerance => Change::Worse,
            () if high < -tolerance => Change::Better,
            () => Change::Same,
        };
        let change = Some(Interval { change: relative(before, after), low, high });
        Figure { name, before, after, change, judgement }
    })
    .collect()
}

fn relative(before: f64, after: f64) -> f64 {
    if before > 0.0 { after / before - 1.0 } else { 0.0 }
}

/// What should not be there at all: one more is worse.
fn counts(before: &Tally, after: &Tally) -> Vec<Figure> {
    let of = |tally: &Tally| {
        [
            ("lost", tally.lost),
            ("duplicated", tally.duplicated.unwrap_or(0)),
            ("reordered", tally.reordered.unwrap_or(0)),
            ("corrupted", tally.corrupted.unwrap_or(0)),
            ("refused", tally.refused),
            ("errors", tally.errors),
            ("disconnects", tally.disconnects),
        ]
    };
    let pairs = of(before).into_iter().zip(of(after));
    let figure = |((name, before), (_, after)): ((&str, u64), (_, u64))| {
        let judgement = match after.cmp(&before) {
            std::cmp::Ordering::Greater => Change::Worse,
            std::cmp::Ordering::Less => Change::Better,
            std::cmp::Ordering::Equal => Change::Same,
        };
        Figure { name: name.to_owned(), before: before as f64, after: after as f64, change: None, judgement }
    };
    pairs.map(figure).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 20 intervals of 100 deliveries, in which every latency is `micros` give or take a tenth.
    fn run(micros: u64, seed: u64) -> Vec<Sample> {
        let mut random = SplitMix::new(seed, 0);
        let mut value = || micros * 9 / 10 + random.draw() % (micros / 5);
        (0..20).map(|_| (0..100).map(|_| (value(), 1)).collect()).collect()
    }

    fn judge(before: u64, after: u64, tolerance: f64) -> Vec<Change> {
        let figures = times(&[run(before, 1), run(after, 2)], tolerance);
        figures.iter().map(|figure| figure.judgement).collect()
    }

    #[test]
    fn a_change_counts_when_it_is_beyond_tolerance_and_doubt() {
        assert_eq!(judge(10_000, 10_000, 0.05), [Change::Same; 5]);
        assert_eq!(judge(10_000, 15_000, 0.05), [Change::Worse; 5]);
        assert_eq!(judge(10_000, 7_000, 0.05), [Change::Better; 5]);
        assert_eq!(judge(10_000, 15_000, 0.6), [Change::Same; 5]);
    }

    #[test]
    fn an_interval_holds_the_measured_change() {
        for figure in times(&[run(10_000, 1), run(11_000, 2)], 0.05) {
            let Interval { change, low, high } = figure.change.unwrap();
            assert!(low <= change && change <= high, "{figure:?}");
        }
    }

    #[test]
    fn one_more_loss_is_worse() {
        let with = |lost| Tally { lost, ..Tally::default() };
        assert_eq!(counts(&with(0), &with(1))[0].judgement, Change::Worse);
        assert_eq!(counts(&with(1), &with(0))[0].judgement, Change::Better);
    }
}
