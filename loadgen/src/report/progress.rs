//! The line that tells how far a run is.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::plan::Plan;
use crate::record::Records;

/// On a terminal the line is alive; elsewhere a plain one comes each second.
const LIVE_TICK: Duration = Duration::from_millis(200);
/// See [`LIVE_TICK`].
const PLAIN_TICK: Duration = Duration::from_secs(1);
/// How often the percentiles are worked out anew, in live ticks.
const PERCENTILE_TICKS: u32 = 5;

/// Tells until it is finished.
#[derive(Debug)]
pub struct Progress {
    task: JoinHandle<()>,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Begins to tell.
    #[must_use]
    pub fn start(plan: Arc<Plan>, records: Arc<Records>) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let template = "{spinner} {elapsed_precise} [{wide_bar}] {percent:>3}%  {msg}";
            let style = ProgressStyle::with_template(template).expect("a valid template").progress_chars("━━─");
            ProgressBar::new(u64::try_from(plan.schedule.duration().as_millis()).unwrap_or(u64::MAX)).with_style(style)
        });
        let task = tokio::spawn(tell(plan, records, bar.clone()));
        Self { task, bar }
    }

    /// Takes the live line away.
    pub fn finish(self) {
        self.task.abort();
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

async fn tell(plan: Arc<Plan>, records: Arc<Records>, bar: Option<ProgressBar>) {
    let mut tick = interval(if bar.is_some() { LIVE_TICK } else { PLAIN_TICK });
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let (mut before, mut p99, mut ticks) = ((0, 0, Duration::ZERO), String::new(), 0);
    loop {
        tick.tick().await;
        let elapsed = records.elapsed();
        let (sent, delivered) = (records.ledger().sent(), records.deliveries.load(Ordering::Relaxed));
        if bar.is_none() || ticks % PERCENTILE_TICKS == 0 {
            p99 = p99_of(&records);
        }
        ticks += 1;
        let seconds = (elapsed.saturating_sub(before.2)).as_secs_f64().max(1e-3);
        let rate = |now: u64, before: u64| (now - before) as f64 / seconds;
        let line = format!(
            "sent {sent} ({:.0}/s)  delivered {delivered} ({:.0}/s){p99}{}",
            rate(sent, before.0),
            rate(delivered, before.1),
            troubles(&records),
        );
        before = (sent, delivered, elapsed);
        match &bar {
            Some(bar) => {
                bar.set_position(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX));
                bar.set_message(line);
            }
            None if elapsed.is_zero() => eprintln!("connecting {} clients to {}", plan.clients, plan.url),
            None => eprintln!("{:>6.1} s  {line}", elapsed.as_secs_f64()),
        }
    }
}

fn p99_of(records: &Records) -> String {
    let latency = records.merged().latency;
    if latency.is_empty() {
        return String::new();
    }
    format!("  p99 {:.1} ms", latency.value_at_quantile(0.99) as f64 / 1e3)
}

fn troubles(records: &Records) -> String {
    let counts = [("refused", &records.refused), ("errors", &records.errors), ("disconnects", &records.disconnects)];
    counts
        .iter()
        .map(|(name, count)| (name, count.load(Ordering::Relaxed)))
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("  {name} {count}"))
        .collect()
}
