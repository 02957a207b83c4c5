//! What a run proved: its thresholds, and how it ended.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::exit::Verdict;
use crate::outcome::{Ending, Judged, statistic_of};
use crate::plan::{Plan, Scenario};
use crate::record::Shard;
use crate::scenario::Finding;
use crate::tally::Tally;
use crate::threshold::{Count, Metric, Threshold, Times};

/// Once later than so many times the allowed 99th percentile, the generator was the limit.
const LATENESS_ONCE: u32 = 5;

/// Every threshold of a plan; `tally` is `None` when the load did not begin.
pub(crate) fn judge(plan: &Plan, tally: Option<&Tally>, measured: &Shard) -> Vec<Judged> {
    let value_of = |metric| match metric {
        Metric::Count(count) => tally.and_then(|tally| tally.count(count)).map(|count| count as f64),
        Metric::Time(Times::Latency, statistic) => statistic_of(&measured.latency, statistic),
        Metric::Time(Times::Fanout, statistic) => statistic_of(&measured.last, statistic),
        Metric::Time(Times::Connect, statistic) => statistic_of(&measured.connect, statistic),
    };
    let judge = |threshold: &Threshold| {
        let value = value_of(threshold.metric());
        // What was not measured is not known to hold.
        let passed = value.is_some_and(|value| threshold.holds(value));
        Judged { expression: threshold.to_string(), passed, value }
    };
    plan.thresholds.iter().map(judge).collect()
}

/// How a run ended, and why where a threshold does not say so.
pub(crate) fn verdict(
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
    if ending.plan.scenario == Scenario::Connect && tally.connect_errors > 0 && !asks(ending.plan, Count::ConnectErrors)
    {
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
    // Nothing can be lost of nothing: that must not pass for a server that holds what it promises.
    if tally.sent > 0 && tally.refused == tally.sent && !asks(ending.plan, Count::Refused) {
        return (Verdict::Failed, Some(format!("the server refused all of {} messages", tally.sent)));
    }
    if finding.unanswered > 0 {
        let reason = format!("{} messages were neither acknowledged nor refused", finding.unanswered);
        return (Verdict::Failed, Some(reason));
    }
    if let Some(reason) = own_fault {
        return (Verdict::GeneratorLimited, Some(reason));
    }
    if thresholds.iter().all(|threshold| threshold.passed) {
        return (Verdict::Passed, None);
    }
    // What was lost may have been lost with a connection.
    let reason = (tally.disconnects > 0).then(|| format!("{} connections were closed{because}", tally.disconnects));
    (Verdict::ThresholdsCrossed, reason)
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
