//! Ends a run whose verdict is known: a threshold was crossed, and cannot hold again.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use crate::outcome::statistic_of;
use crate::plan::Plan;
use crate::record::{Records, Shard};
use crate::threshold::{Count, Metric, Threshold, Times};

/// How often thresholds are looked at.
const TICK: Duration = Duration::from_secs(1);

/// Looks until `halt`, or until it cancels that itself: returns the threshold that was crossed.
/// A plan that does not ask for it is left alone.
pub async fn watch(plan: Arc<Plan>, records: Arc<Records>, halt: CancellationToken) -> Option<String> {
    let delay = plan.abort_after?;
    let mut tick = interval(TICK);
    loop {
        tokio::select! {
            () = halt.cancelled() => return None,
            _ = tick.tick() => {}
        }
        if !records.is_started() || records.elapsed() < delay.max(plan.warm_up) {
            continue;
        }
        let measured = records.merged();
        let crossed = plan.thresholds.iter().find(|threshold| is_crossed(threshold, &records, &measured));
        if let Some(threshold) = crossed {
            halt.cancel();
            return Some(threshold.to_string());
        }
    }
}

fn is_crossed(threshold: &Threshold, records: &Records, measured: &Shard) -> bool {
    let value = match threshold.metric() {
        Metric::Count(count) if threshold.is_bound_above() => count_of(records, count),
        // A count that may still grow to where it holds.
        Metric::Count(_) => None,
        Metric::Time(Times::Latency, statistic) => statistic_of(&measured.latency, statistic),
        Metric::Time(Times::Fanout, statistic) => statistic_of(&measured.last, statistic),
        Metric::Time(Times::Connect, statistic) => statistic_of(&measured.connect, statistic),
    };
    value.is_some_and(|value| !threshold.holds(value))
}

/// What is known before the end; losses are not.
fn count_of(records: &Records, count: Count) -> Option<f64> {
    let count = match count {
        Count::Refused => &records.counters.refused,
        Count::Errors => &records.counters.errors,
        Count::Duplicated => &records.counters.duplicated,
        Count::Reordered => &records.counters.reordered,
        Count::Corrupted => &records.counters.corrupted,
        Count::ConnectErrors => &records.counters.connect_errors,
        Count::Disconnects => &records.counters.disconnects,
        Count::Scheduled | Count::Sent | Count::Expected | Count::Received | Count::Lost | Count::Foreign => {
            return None;
        }
    };
    Some(count.load(Ordering::Relaxed) as f64)
}
