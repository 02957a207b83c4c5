//! What a run comes to: the figures, and the verdict.

use std::sync::atomic::Ordering;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize, Serializer};

use crate::drift::{self, Drift};
use crate::exit::Verdict;
use crate::figures::{Histograms, IntervalFigures};
use crate::health::Usage;
use crate::plan::Plan;
use crate::record::{Records, Shard, Stall};
use crate::scenario::Finding;
use crate::tally::{RoomTally, Tally};
use crate::threshold::{Metric, Statistic, Times};
use crate::verdict::{judge, verdict};

/// Version of the machine-readable result.
const VERSION: u32 = 1;

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
    /// The counts of each room, where there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rooms: Vec<RoomTally>,
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
    /// Whether the server got slower, where that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<Drift>,
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
        let mut thresholds = judge(plan, ending.finding.as_ref().map(|_| &tally), &measured);
        let intervals: Vec<IntervalFigures> = records.intervals().iter().map(IntervalFigures::of).collect();
        let drift = plan.max_drift.and_then(|_| Drift::of(&intervals, plan.warm_up.as_secs_f64()));
        // A short run is asked nothing that its user did not ask.
        if let Some(max) = plan.max_drift.filter(|max| drift.is_some() || max.is_asked) {
            thresholds.push(drift::judge(drift, max.percent));
        }
        let (verdict, reason) = verdict(&ending, &finding, &tally, &measured.lateness, &thresholds);
        Self {
            version: VERSION,
            scenario: plan.name().to_owned(),
            url: plan.url.clone(),
            duration_s: round(finding.duration.as_secs_f64()),
            seed: plan.seed,
            verdict,
            rooms: RoomTally::all(plan, records, &finding),
            tally,
            latency_ms: Percentiles::of(&measured.latency),
            naive_latency_ms: Percentiles::of(&measured.naive),
            fanout_ms: fanout(plan, &measured),
            lateness_ms: Percentiles::of(&measured.lateness),
            connect_ms: Percentiles::of(&measured.connect),
            stalls: ending.stalls.iter().map(stall_ms).collect(),
            drift,
            thresholds,
            clients: plan.clients,
            run_id: plan.run_id.clone(),
            by_file: by_file(&finding),
            warm_up_s: round(plan.warm_up.as_secs_f64()),
            intervals,
            histograms: Histograms::of(&measured),
            generator: GeneratorUse {
                cpu_s: round(ending.usage.cpu.as_secs_f64()),
                run_queue_s: round(ending.usage.run_queue.as_secs_f64()),
                pauses: ending.pauses.len(),
                blocked: records.counters.blocked.load(Ordering::Relaxed),
            },
            started: ending.started,
            has_begun: ending.finding.is_some(),
            reason,
        }
    }

    /// Connections that were made: fewer than there are clients where some failed, or a signal came first.
    #[must_use]
    pub fn connected(&self) -> u64 {
        self.histograms.connect.0.len()
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
