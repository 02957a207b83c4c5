//! Results of several processes or machines as one: counts and histograms add up.

use hdrhistogram::Histogram;
use thiserror::Error;

use crate::drift::{self, Drift};
use crate::exit::Verdict;
use crate::figures::{Histograms, IntervalFigures};
use crate::outcome::{FanoutMs, Outcome, Percentiles, statistic_of};
use crate::tally::Tally;
use crate::threshold::{Metric, Threshold, Times};

/// Results that do not belong together.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MergeError {
    /// There are none.
    #[error("no results to merge")]
    Nothing,
    /// They are of different scenarios.
    #[error("results of `{0}` and of `{1}` do not add up")]
    Scenarios(String, String),
}

/// Adds results up. The verdict is the worst of them; thresholds are judged anew.
///
/// # Errors
///
/// When they do not belong together.
pub fn merge(outcomes: Vec<Outcome>) -> Result<Outcome, MergeError> {
    let mut outcomes = outcomes.into_iter();
    let mut sum = outcomes.next().ok_or(MergeError::Nothing)?;
    for outcome in outcomes {
        if outcome.scenario != sum.scenario {
            return Err(MergeError::Scenarios(sum.scenario, outcome.scenario));
        }
        add(&mut sum, outcome);
    }
    let histograms = &sum.histograms;
    let of = |histogram: &Histogram<u64>| Percentiles::of(histogram);
    sum.latency_ms = of(&histograms.latency.0);
    sum.naive_latency_ms = of(&histograms.naive_latency.0);
    sum.lateness_ms = of(&histograms.lateness.0);
    sum.connect_ms = of(&histograms.connect.0);
    sum.fanout_ms = fanout(histograms).filter(|_| sum.fanout_ms.is_some());
    sum.drift = sum.drift.and_then(|_| Drift::of(&sum.intervals, sum.warm_up_s));
    judge(&mut sum);
    Ok(sum)
}

fn fanout(histograms: &Histograms) -> Option<FanoutMs> {
    let of = |histogram: &Histogram<u64>| Percentiles::of(histogram);
    Some(FanoutMs { first: of(&histograms.first.0)?, median: of(&histograms.median.0)?, last: of(&histograms.last.0)? })
}

fn add(sum: &mut Outcome, other: Outcome) {
    add_tally(&mut sum.tally, &other.tally);
    sum.rooms.extend(other.rooms);
    let (to, from) = (&mut sum.histograms, &other.histograms);
    let pairs = [
        (&mut to.latency, &from.latency),
        (&mut to.naive_latency, &from.naive_latency),
        (&mut to.lateness, &from.lateness),
        (&mut to.connect, &from.connect),
        (&mut to.first, &from.first),
        (&mut to.median, &from.median),
        (&mut to.last, &from.last),
    ];
    for (to, from) in pairs {
        add_times(&mut to.0, &from.0);
    }
    for (place, interval) in other.intervals.into_iter().enumerate() {
        match sum.intervals.get_mut(place) {
            Some(to) => add_interval(to, &interval),
            None => sum.intervals.push(interval),
        }
    }
    sum.clients += other.clients;
    sum.duration_s = sum.duration_s.max(other.duration_s);
    sum.run_id = format!("{}+{}", sum.run_id, other.run_id);
    sum.stalls.extend(other.stalls);
    sum.stalls.sort_by(|a, b| a.at_s.total_cmp(&b.at_s));
    sum.generator.cpu_s += other.generator.cpu_s;
    sum.generator.run_queue_s += other.generator.run_queue_s;
    sum.generator.pauses += other.generator.pauses;
    sum.generator.blocked += other.generator.blocked;
    for threshold in other.thresholds {
        if !sum.thresholds.iter().any(|known| known.expression == threshold.expression) {
            sum.thresholds.push(threshold);
        }
    }
    if rank(other.verdict) > rank(sum.verdict) {
        (sum.verdict, sum.reason) = (other.verdict, other.reason);
    }
}

fn add_times(to: &mut Histogram<u64>, from: &Histogram<u64>) {
    // What comes from a file may be fixed in its range.
    to.auto(true);
    to.add(from).expect("histograms grow by themselves");
}

fn add_tally(sum: &mut Tally, other: &Tally) {
    sum.scheduled += other.scheduled;
    sum.sent += other.sent;
    sum.expected += other.expected;
    sum.received += other.received;
    sum.refused += other.refused;
    sum.errors += other.errors;
    sum.lost += other.lost;
    sum.connect_errors += other.connect_errors;
    sum.disconnects += other.disconnects;
    let optional = [
        (&mut sum.duplicated, other.duplicated),
        (&mut sum.reordered, other.reordered),
        (&mut sum.corrupted, other.corrupted),
        (&mut sum.foreign, other.foreign),
        (&mut sum.resumed, other.resumed),
    ];
    for (sum, other) in optional {
        *sum = sum.zip(other).map(|(a, b)| a + b);
    }
}

fn add_interval(to: &mut IntervalFigures, from: &IntervalFigures) {
    add_times(&mut to.histogram.0, &from.histogram.0);
    to.latency_ms = Percentiles::of(&to.histogram.0);
    to.for_s = to.for_s.max(from.for_s);
    to.sent += from.sent;
    to.received += from.received;
    to.errors += from.errors;
    to.connected += from.connected;
    to.fanout_p99_ms = to.fanout_p99_ms.max(from.fanout_p99_ms);
    to.lateness_max_ms = to.lateness_max_ms.max(from.lateness_max_ms);
    to.cpu_s += from.cpu_s;
    to.run_queue_s += from.run_queue_s;
}

/// A stronger reason to doubt goes before a weaker one.
fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Passed => 0,
        Verdict::ThresholdsCrossed => 1,
        Verdict::GeneratorLimited => 2,
        Verdict::Failed => 3,
        Verdict::Interrupted => 4,
    }
}

fn judge(sum: &mut Outcome) {
    let drift = sum.drift;
    for judged in &mut sum.thresholds {
        if let Some(max_percent) = drift::bound_in(&judged.expression) {
            *judged = drift::judge(drift, max_percent);
            continue;
        }
        // One that a newer version wrote is left as it was judged.
        let Ok(threshold) = judged.expression.parse::<Threshold>() else { continue };
        let histograms = &sum.histograms;
        judged.value = match threshold.metric() {
            Metric::Count(count) => sum.tally.count(count).map(|count| count as f64),
            Metric::Time(Times::Latency, statistic) => statistic_of(&histograms.latency.0, statistic),
            Metric::Time(Times::Fanout, statistic) => statistic_of(&histograms.last.0, statistic),
            Metric::Time(Times::Connect, statistic) => statistic_of(&histograms.connect.0, statistic),
        };
        judged.passed = judged.value.is_some_and(|value| threshold.holds(value));
    }
    let all_hold = sum.thresholds.iter().all(|judged| judged.passed);
    sum.verdict = match sum.verdict {
        Verdict::Passed | Verdict::ThresholdsCrossed if all_hold => Verdict::Passed,
        Verdict::Passed | Verdict::ThresholdsCrossed => Verdict::ThresholdsCrossed,
        other => other,
    };
}
