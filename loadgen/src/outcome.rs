//! What a run comes to: the figures, and the verdict.

use std::sync::atomic::Ordering;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize, Serializer};

use crate::exit::Verdict;
use crate::figures::{Histograms, IntervalFigures};
use crate::health::Usage;
use crate::plan::{Plan, Scenario};
use crate::record::{Records, Shard, Stall};
use crate::scenario::Finding;
use crate::threshold::{Count, Metric, Statistic, Times};

/// Version of the machine-readable result.
const VERSION: u32 = 1;
/// Once later than so many times the allowed 99th percentile, the generator was the limit.
const LATENESS_ONCE: u32 = 5;

/// The result of a run. Its JSON is a contract: fields are added, never renamed, and a figure that
/// a scenario does not have is absent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Outcome {
    version: u32,
    /// The scenario's name.
    pub scenario: String,
    /// Where, with its places for names.
    pub url: String,
    /// When, UTC.
    pub started: String,
    /// For how long messages were due.
    pub duration_s: f64,
    /// Where its random bytes began.
    pub seed: u64,
    /// How it ended.
    pub verdict: Verdict,
    /// The counts.
    #[serde(flatten)]
    pub tally: Tally,
    /// From the intended time to each arrival.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<Percentiles>,
    /// From the actual send.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub naive_latency_ms: Option<Percentiles>,
    /// From the intended time to the first, median and last receiver of each message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fanout_ms: Option<FanoutMs>,
    /// Of the generator itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lateness_ms: Option<Percentiles>,
    /// To connect, upgrade included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_ms: Option<Percentiles>,
    /// Of the server.
    pub stalls: Vec<StallMs>,
    /// What had to hold.
    pub thresholds: Vec<Judged>,
    /// How many took part.
    pub clients: u32,
    /// Its name in messages and rooms.
    pub run_id: String,
    /// The first part, whose times are left out.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub warm_up_s: f64,
    /// The run over time.
    pub intervals: Vec<IntervalFigures>,
    /// All times, in microseconds: HdrHistogram, V2 deflated, base64.
    pub histograms: Histograms,
    /// From the intended time to the answer, for each picture.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_file: Vec<(String, Percentiles)>,
    /// What the generator used.
    pub generator: GeneratorUse,
    /// Whether the load began.
    #[serde(skip, default = "yes")]
    pub has_begun: bool,
    /// Why the verdict is what it is, where a threshold does not say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Counts, each by its name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// Messages that were due.
    pub scheduled: u64,
    /// Messages that left.
    pub sent: u64,
    /// Deliveries that should have been.
    pub expected: u64,
    /// Deliveries that were, those that came twice included.
    pub received: u64,
    /// Messages that the server did not take.
    pub refused: u64,
    /// Complaints of the server about anything else, and messages that it neither took nor refused.
    pub errors: u64,
    /// Deliveries of which nothing came.
    pub lost: u64,
    /// Deliveries that came again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicated: Option<u64>,
    /// Deliveries that came after a later one of their sender.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reordered: Option<u64>,
    /// Deliveries that came damaged; pictures that are not the negative.
    pub corrupted: u64,
    /// Frames that are not of this run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub foreign: Option<u64>,
    /// Connections that were not made.
    pub connect_errors: u64,
    /// Connections that the server or the network closed.
    pub disconnects: u64,
}

impl Tally {
    fn new(plan: &Plan, records: &Records, finding: &Finding) -> Self {
        let has = |count| plan.scenario.measures(Metric::Count(count));
        let counts = finding.counts;
        // A damaged message is not lost as well.
        let lost = finding.missing.saturating_sub(counts.corrupted);
        Self {
            scheduled: finding.scheduled,
            sent: records.ledger().sent(),
            expected: finding.expected,
            received: finding.expected.saturating_sub(lost) + counts.duplicated,
            refused: records.refused.load(Ordering::Relaxed),
            errors: records.errors.load(Ordering::Relaxed),
            lost,
            duplicated: has(Count::Duplicated).then_some(counts.duplicated),
            reordered: has(Count::Reordered).then_some(counts.reordered),
            corrupted: counts.corrupted,
            foreign: has(Count::Foreign).then_some(counts.foreign),
            connect_errors: records.connect_errors.load(Ordering::Relaxed),
            disconnects: records.disconnects.load(Ordering::Relaxed),
        }
    }

    /// One of them.
    #[must_use]
    pub fn count(&self, count: Count) -> Option<u64> {
        match count {
            Count::Scheduled => Some(self.scheduled),
            Count::Sent => Some(self.sent),
            Count::Expected => Some(self.expected),
            Count::Received => Some(self.received),
            Count::Refused => Some(self.refused),
            Count::Errors => Some(self.errors),
            Count::Lost => Some(self.lost),
            Count::Duplicated => self.duplicated,
            Count::Reordered => self.reordered,
            Count::Corrupted => Some(self.corrupted),
            Count::Foreign => self.foreign,
            Count::ConnectErrors => Some(self.connect_errors),
            Count::Disconnects => Some(self.disconnects),
        }
    }
}

/// A distribution of times, in milliseconds.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Percentiles {
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub p999: f64,
    pub max: f64,
    pub mean: f64,
}

impl Percentiles {
    /// Those of a histogram of microseconds; `None` when it is empty.
    #[must_use]
    pub fn of(histogram: &Histogram<u64>) -> Option<Self> {
        let at = |quantile| ms(histogram.value_at_quantile(quantile).min(histogram.max()));
        (!histogram.is_empty()).then(|| Self {
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: ms(histogram.max()),
            mean: round(histogram.mean() / 1e3),
        })
    }
}

/// Times to the receivers of a message.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct FanoutMs {
    /// To the first receiver.
    pub first: Percentiles,
    /// To the receiver in the middle.
    pub median: Percentiles,
    /// To the last receiver; a message that did not reach all has none.
    pub last: Percentiles,
}

/// A stall of the server.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct StallMs {
    /// From the start of the load, in seconds.
    pub at_s: f64,
    /// How long, in milliseconds.
    pub for_ms: u64,
}

/// What the generator itself used.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct GeneratorUse {
    /// Processor time.
    pub cpu_s: f64,
    /// Time that its threads were ready and had no core.
    pub run_queue_s: f64,
    /// Pauses of 50 ms and more of the process itself.
    pub pauses: usize,
    /// Messages that the kernel did not take whole, its buffer being full.
    pub blocked: u64,
}

/// Who wrote a result had begun.
fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

/// A threshold and what it came to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Judged {
    /// As written.
    pub expression: String,
    /// Whether it holds.
    pub passed: bool,
    /// The count, or milliseconds; null when nothing was measured.
    #[serde(serialize_with = "whole_if_possible")]
    pub value: Option<f64>,
}

/// Counts are written as whole numbers.
#[expect(clippy::ref_option, reason = "the signature is serde's")]
fn whole_if_possible<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    match *value {
        Some(value) if value.fract() == 0.0 => serializer.serialize_u64(value as u64),
        Some(value) => serializer.serialize_f64(value),
        None => serializer.serialize_none(),
    }
}

/// What is known when a run is over.
#[derive(Debug)]
pub struct Ending<'a> {
    /// What was to be done.
    pub plan: &'a Plan,
    /// What happened.
    pub records: &'a Records,
    /// What the scenario found; `None` when it did not begin.
    pub finding: Option<Finding>,
    /// When it began, UTC.
    pub started: String,
    /// Whether a signal stopped it.
    pub is_interrupted: bool,
    /// The threshold that was crossed for good, and ended it.
    pub aborted: Option<String>,
    /// The server's stalls.
    pub stalls: Vec<Stall>,
    /// The generator's own pauses.
    pub pauses: Vec<Stall>,
    /// The generator's own use.
    pub usage: Usage,
    /// Why it did not begin.
    pub failure: Option<String>,
}

impl Outcome {
    /// Works the figures out.
    #[must_use]
    pub fn new(ending: Ending<'_>) -> Self {
        let Ending { plan, records, .. } = ending;
        let measured = records.merged();
        // What did not begin has still been scheduled, and none of it was sent.
        let unbegun = || Finding { scheduled: plan.schedule.messages().unwrap_or(0), ..Finding::default() };
        let finding = ending.finding.clone().unwrap_or_else(unbegun);
        let tally = Tally::new(plan, records, &finding);
        let thresholds = judge(plan, ending.finding.as_ref().map(|_| &tally), &measured);
        let (verdict, reason) = verdict(&ending, &finding, &tally, &measured.lateness, &thresholds);
        Self {
            version: VERSION,
            scenario: plan.name().to_owned(),
            url: plan.url.clone(),
            duration_s: round(finding.duration.as_secs_f64()),
            seed: plan.seed,
            verdict,
            tally,
            latency_ms: Percentiles::of(&measured.latency),
            naive_latency_ms: Percentiles::of(&measured.naive),
            fanout_ms: fanout(plan, &measured),
            lateness_ms: Percentiles::of(&measured.lateness),
            connect_ms: Percentiles::of(&measured.connect),
            stalls: ending.stalls.iter().map(stall_ms).collect(),
            thresholds,
            clients: plan.clients,
            run_id: plan.run_id.clone(),
            by_file: by_file(&finding),
            warm_up_s: round(plan.warm_up.as_secs_f64()),
            intervals: records.intervals().iter().map(IntervalFigures::of).collect(),
            histograms: Histograms::of(&measured),
            generator: GeneratorUse {
                cpu_s: round(ending.usage.cpu.as_secs_f64()),
                run_queue_s: round(ending.usage.run_queue.as_secs_f64()),
                pauses: ending.pauses.len(),
                blocked: records.blocked.load(Ordering::Relaxed),
            },
            started: ending.started,
            has_begun: ending.finding.is_some(),
            reason,
        }
    }
}

fn by_file(finding: &Finding) -> Vec<(String, Percentiles)> {
    let percentiles = |(name, histogram): &(String, Histogram<u64>)| Some((name.clone(), Percentiles::of(histogram)?));
    finding.by_file.iter().filter_map(percentiles).collect()
}

fn fanout(plan: &Plan, measured: &Shard) -> Option<FanoutMs> {
    if !plan.scenario.measures(Metric::Time(Times::Fanout, Statistic::Max)) {
        return None;
    }
    let of = Percentiles::of;
    Some(FanoutMs { first: of(&measured.first)?, median: of(&measured.median)?, last: of(&measured.last)? })
}

fn judge(plan: &Plan, tally: Option<&Tally>, measured: &Shard) -> Vec<Judged> {
    let value_of = |metric| match metric {
        Metric::Count(count) => tally.and_then(|tally| tally.count(count)).map(|count| count as f64),
        Metric::Time(Times::Latency, statistic) => statistic_of(&measured.latency, statistic),
        Metric::Time(Times::Fanout, statistic) => statistic_of(&measured.last, statistic),
        Metric::Time(Times::Connect, statistic) => statistic_of(&measured.connect, statistic),
    };
    let judge = |threshold: &crate::threshold::Threshold| {
        let value = value_of(threshold.metric());
        // What was not measured is not known to hold.
        let passed = value.is_some_and(|value| threshold.holds(value));
        Judged { expression: threshold.to_string(), passed, value }
    };
    plan.thresholds.iter().map(judge).collect()
}

fn verdict(
    ending: &Ending<'_>,
    finding: &Finding,
    tally: &Tally,
    lateness: &Histogram<u64>,
    thresholds: &[Judged],
) -> (Verdict, Option<String>) {
    if ending.is_interrupted {
        return (Verdict::Interrupted, None);
    }
    if ending.failure.is_some() {
        return (Verdict::Failed, ending.failure.clone());
    }
    if let Some(expression) = &ending.aborted {
        return (Verdict::ThresholdsCrossed, Some(format!("ended early: {expression} did not hold")));
    }
    let because = finding.first_end.as_ref().map(|end| format!(" (the first: {end})")).unwrap_or_default();
    if plan_is_connect(ending.plan) && tally.connect_errors > 0 && !asks(ending.plan, Count::ConnectErrors) {
        let reason = format!("{} of {} clients could not connect{because}", tally.connect_errors, ending.plan.clients);
        return (Verdict::Failed, Some(reason));
    }
    let unsent = tally.scheduled.saturating_sub(tally.sent);
    let own_fault = own_fault(ending.plan, lateness);
    // The generator was on time with all that the server let it send.
    if unsent > 0 && (own_fault.is_none() || tally.disconnects > 0) {
        return (
            Verdict::Failed,
            Some(format!("{unsent} messages could not be sent: the server did not take them{because}")),
        );
    }
    if finding.unanswered > 0 {
        let reason = format!("{} messages were neither acknowledged nor refused", finding.unanswered);
        return (Verdict::Failed, Some(reason));
    }
    if let Some(reason) = own_fault {
        return (Verdict::GeneratorLimited, Some(reason));
    }
    if thresholds.iter().all(|threshold| threshold.passed) {
        (Verdict::Passed, None)
    } else {
        (Verdict::ThresholdsCrossed, None)
    }
}

fn plan_is_connect(plan: &Plan) -> bool {
    plan.scenario == Scenario::Connect
}

/// Whether there is a threshold on this count.
fn asks(plan: &Plan, count: Count) -> bool {
    plan.thresholds.iter().any(|threshold| threshold.metric() == Metric::Count(count))
}

fn own_fault(plan: &Plan, lateness: &Histogram<u64>) -> Option<String> {
    let (p99, max) = (Duration::from_micros(lateness.value_at_quantile(0.99)), Duration::from_micros(lateness.max()));
    let (p99_max, once_max) = (plan.max_lateness, plan.max_lateness * LATENESS_ONCE);
    if max > once_max {
        return Some(format!("once a message left {max:.0?} late, over {once_max:?}"));
    }
    (p99 > p99_max).then(|| format!("one in a hundred messages left {p99:.0?} late or more, over {p99_max:?}"))
}

/// A statistic of times, in milliseconds; `None` when there are none.
#[must_use]
pub fn statistic_of(histogram: &Histogram<u64>, statistic: Statistic) -> Option<f64> {
    (!histogram.is_empty()).then(|| match statistic {
        Statistic::Percentile(percentile) => ms(histogram.value_at_percentile(percentile).min(histogram.max())),
        Statistic::Max => ms(histogram.max()),
        Statistic::Mean => round(histogram.mean() / 1e3),
    })
}

fn stall_ms(stall: &Stall) -> StallMs {
    StallMs { at_s: round(stall.at.as_secs_f64()), for_ms: (stall.length.as_secs_f64() * 1e3).round() as u64 }
}

pub(crate) fn ms(micros: u64) -> f64 {
    micros as f64 / 1e3
}

/// To thousandths: more digits would only look precise.
pub(crate) fn round(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}
