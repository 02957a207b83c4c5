//! What a run comes to: the figures, and the verdict.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::health::Usage;
use crate::plan::{Plan, Scenario};
use crate::record::{Fanout, Records, Stall};
use crate::scenario::Finding;
use crate::threshold::{Metric, Statistic, Times};

/// Version of the machine-readable result.
const VERSION: u32 = 1;
/// Once later than this, the generator was the limit.
const LATENESS_MAX: Duration = Duration::from_millis(500);

/// The machine-readable result of a run.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    version: u32,
    /// The scenario's name.
    pub scenario: &'static str,
    /// Where.
    pub url: String,
    /// When, UTC.
    pub started: String,
    /// For how long messages were due.
    pub duration_s: f64,
    seed: u64,
    run_id: String,
    clients: u32,
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
    /// First, median and last receiver of each message.
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
    /// What the generator used.
    pub generator: GeneratorUse,
    /// What had to hold.
    pub thresholds: Vec<Judged>,
    /// Why it could not be carried through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// How a run ended; the first that holds, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It was stopped by hand.
    Interrupted,
    /// It could not be carried through.
    Failed,
    /// The generator itself was the limit.
    GeneratorLimited,
    /// Something did not hold that had to.
    ThresholdsCrossed,
    /// All is well.
    Passed,
}

impl Verdict {
    /// The program's exit code.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Failed => 1,
            Self::GeneratorLimited => 98,
            Self::ThresholdsCrossed => 99,
            Self::Interrupted => 130,
        }
    }
}

/// Counts, each by its name.
#[derive(Debug, Clone, Copy, Default, Serialize)]
#[expect(missing_docs, reason = "docs/loadgen.md says what each count means")]
pub struct Tally {
    pub scheduled: u64,
    pub sent: u64,
    pub expected: u64,
    pub received: u64,
    pub refused: u64,
    pub errors: u64,
    pub lost: u64,
    pub duplicated: u64,
    pub reordered: u64,
    pub corrupted: u64,
    pub foreign: u64,
    pub connect_errors: u64,
    pub disconnects: u64,
}

impl Tally {
    fn count(&self, name: &str) -> u64 {
        match name {
            "scheduled" => self.scheduled,
            "sent" => self.sent,
            "expected" => self.expected,
            "received" => self.received,
            "refused" => self.refused,
            "errors" => self.errors,
            "lost" => self.lost,
            "duplicated" => self.duplicated,
            "reordered" => self.reordered,
            "corrupted" => self.corrupted,
            "foreign" => self.foreign,
            "connect_errors" => self.connect_errors,
            "disconnects" => self.disconnects,
            _ => unreachable!("thresholds name only counts that there are"),
        }
    }
}

/// A distribution of times, in milliseconds.
#[derive(Debug, Clone, Copy, Serialize)]
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
    fn of(histogram: &Histogram<u64>) -> Option<Self> {
        let at = |quantile| ms(histogram.value_at_quantile(quantile));
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

/// See [`Fanout`].
#[derive(Debug, Clone, Copy, Serialize)]
pub struct FanoutMs {
    /// Of the first receiver.
    pub first: Percentiles,
    /// Of the receiver in the middle.
    pub median: Percentiles,
    /// Of the last receiver.
    pub last: Percentiles,
}

/// A stall of the server.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct StallMs {
    /// From the start of the load, in seconds.
    pub at_s: f64,
    /// How long, in milliseconds.
    pub for_ms: f64,
}

/// What the generator itself used.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct GeneratorUse {
    /// Processor time.
    pub cpu_s: f64,
    /// Time that its threads were ready and had no core.
    pub run_queue_wait_s: f64,
    /// Pauses of 50 ms and more of the process itself.
    pub pauses: usize,
}

/// A threshold and what it came to.
#[derive(Debug, Clone, Serialize)]
pub struct Judged {
    /// As written.
    pub expression: String,
    /// Whether it holds.
    pub passed: bool,
    /// The count, or milliseconds; absent when nothing was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
}

/// What is known when a run is over.
#[derive(Debug)]
pub struct Ending<'a> {
    /// What was to be done.
    pub plan: &'a Plan,
    /// What happened.
    pub records: &'a Records,
    /// What the scenario found; `None` when it could not be carried through.
    pub finding: Option<Finding>,
    /// When it began, UTC.
    pub started: String,
    /// Whether it was stopped by hand.
    pub interrupted: bool,
    /// The server's stalls.
    pub stalls: Vec<Stall>,
    /// The generator's own pauses.
    pub pauses: Vec<Stall>,
    /// The generator's own use.
    pub usage: Usage,
    /// Why it could not be carried through.
    pub failure: Option<String>,
}

impl Outcome {
    /// Works the figures out.
    #[must_use]
    pub fn new(ending: Ending<'_>) -> Self {
        let Ending { plan, records, .. } = ending;
        let mut measured = records.merged();
        let tally = tally(&ending);
        let fanout = Fanout::new(std::mem::take(&mut measured.arrivals));
        let thresholds: Vec<_> = plan
            .thresholds
            .iter()
            .map(|threshold| {
                let value = match threshold.metric() {
                    Metric::Count(name) => Some(as_f64(tally.count(name))),
                    Metric::Time(Times::Latency, statistic) => statistic_of(&measured.latency, *statistic),
                    Metric::Time(Times::Fanout, statistic) => statistic_of(&fanout.last, *statistic),
                };
                let passed = value.is_some_and(|value| threshold.holds(value));
                Judged { expression: threshold.to_string(), passed, value }
            })
            .collect();
        let is_broadcast = matches!(plan.scenario, Scenario::Messages { name: "chat", .. });
        let fanout_ms = Percentiles::of(&fanout.first)
            .zip(Percentiles::of(&fanout.median))
            .zip(Percentiles::of(&fanout.last))
            .filter(|_| is_broadcast)
            .map(|((first, median), last)| FanoutMs { first, median, last });
        let duration = ending.finding.as_ref().map_or(Duration::ZERO, |finding| finding.duration);
        Self {
            version: VERSION,
            scenario: plan.name(),
            url: plan.url.clone(),
            duration_s: duration.as_secs_f64(),
            seed: plan.seed,
            run_id: plan.run_id.clone(),
            clients: plan.clients,
            verdict: verdict(&ending, &tally, &measured.lateness, &thresholds),
            tally,
            latency_ms: Percentiles::of(&measured.latency),
            naive_latency_ms: Percentiles::of(&measured.naive),
            fanout_ms,
            lateness_ms: Percentiles::of(&measured.lateness),
            connect_ms: Percentiles::of(&measured.connect),
            stalls: ending.stalls.iter().map(stall_ms).collect(),
            generator: GeneratorUse {
                cpu_s: round(ending.usage.cpu.as_secs_f64()),
                run_queue_wait_s: round(ending.usage.run_queue.as_secs_f64()),
                pauses: ending.pauses.len(),
            },
            thresholds,
            started: ending.started,
            failure: ending.failure,
        }
    }
}

fn tally(ending: &Ending<'_>) -> Tally {
    use std::sync::atomic::Ordering::Relaxed;
    let records = ending.records;
    let Finding { counts, expected, missing, scheduled, .. } = ending.finding.clone().unwrap_or_default();
    // A damaged message is not lost as well.
    let lost = missing.saturating_sub(counts.corrupted);
    Tally {
        scheduled,
        sent: records.sent(),
        expected,
        received: expected - lost.min(expected) + counts.duplicated,
        refused: records.refused.load(Relaxed),
        errors: records.errors.load(Relaxed),
        lost,
        duplicated: counts.duplicated,
        reordered: counts.reordered,
        corrupted: counts.corrupted,
        foreign: counts.foreign,
        connect_errors: records.connect_errors.load(Relaxed),
        disconnects: records.disconnects.load(Relaxed),
    }
}

fn verdict(ending: &Ending<'_>, tally: &Tally, lateness: &Histogram<u64>, thresholds: &[Judged]) -> Verdict {
    if ending.interrupted {
        return Verdict::Interrupted;
    }
    if ending.finding.is_none() {
        return Verdict::Failed;
    }
    let was_late = Duration::from_micros(lateness.max()) > LATENESS_MAX
        || Duration::from_micros(lateness.value_at_quantile(0.99)) > ending.plan.max_lateness;
    match (tally.sent < tally.scheduled, was_late) {
        // The generator was on time with all that the server let it send.
        (true, false) => Verdict::Failed,
        (_, true) => Verdict::GeneratorLimited,
        (false, false) if thresholds.iter().all(|threshold| threshold.passed) => Verdict::Passed,
        (false, false) => Verdict::ThresholdsCrossed,
    }
}

fn statistic_of(histogram: &Histogram<u64>, statistic: Statistic) -> Option<f64> {
    (!histogram.is_empty()).then(|| match statistic {
        Statistic::Percentile(percentile) => ms(histogram.value_at_percentile(percentile)),
        Statistic::Max => ms(histogram.max()),
        Statistic::Mean => round(histogram.mean() / 1e3),
    })
}

fn stall_ms(stall: &Stall) -> StallMs {
    StallMs { at_s: round(stall.at.as_secs_f64()), for_ms: round(stall.length.as_secs_f64() * 1e3) }
}

fn ms(us: u64) -> f64 {
    as_f64(us) / 1e3
}

/// To thousandths: more digits would only look precise.
fn round(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

#[expect(clippy::cast_precision_loss, reason = "counts and microseconds stay far below 2^53")]
fn as_f64(count: u64) -> f64 {
    count as f64
}
