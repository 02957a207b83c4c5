//! Tells how far a run is: a live view on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::live::{Counted, Live, Snapshot};
use crate::outcome::Percentiles;
use crate::plan::{Plan, Scenario};
use crate::record::Records;
use crate::share::Share;

/// The view is drawn so often; plain lines come each second. Chosen: smooth enough, and cheap.
const LIVE_TICK: Duration = Duration::from_millis(250);
/// See [`LIVE_TICK`].
const PLAIN_TICK: Duration = Duration::from_secs(1);

/// Tells until it is finished.
#[derive(Debug)]
pub struct Progress {
    task: JoinHandle<()>,
    finish: oneshot::Sender<()>,
}

impl Progress {
    /// Begins to tell.
    #[must_use]
    pub fn start(plan: Arc<Plan>, records: Arc<Records>) -> Self {
        // Several processes on one terminal would draw over each other.
        let live = if plan.share.is_none() && std::io::stderr().is_terminal() { Live::new() } else { None };
        let (finish, finished) = oneshot::channel();
        let task = tokio::spawn(tell(Teller { plan, records, before: (Vec::new(), Duration::ZERO) }, live, finished));
        Self { task, finish }
    }

    /// Takes the view away.
    pub async fn finish(self) {
        self.finish.send(()).ok();
        self.task.await.ok();
    }
}

async fn tell(mut teller: Teller, mut live: Option<Live>, mut finished: oneshot::Receiver<()>) {
    let period = if live.is_some() { LIVE_TICK } else { PLAIN_TICK };
    if live.is_none() {
        connecting(&teller.plan);
    }
    let mut tick = interval_at(Instant::now() + period, period);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            _ = &mut finished => break,
        }
        let snapshot = teller.look();
        match &mut live {
            Some(live) => live.show(&snapshot),
            None if snapshot.elapsed.is_zero() => connecting(&teller.plan),
            None => plain(&snapshot, teller.plan.share),
        }
    }
    if let Some(live) = live {
        live.clear();
    }
}

struct Teller {
    plan: Arc<Plan>,
    records: Arc<Records>,
    /// What was counted at the look before, and when that was.
    before: (Vec<Counted>, Duration),
}

impl Teller {
    fn look(&mut self) -> Snapshot {
        let (plan, records) = (&self.plan, &self.records);
        let (elapsed, counted, measured) = (records.elapsed(), records.counted(), records.merged());
        let seconds = elapsed.saturating_sub(self.before.1).as_secs_f64().max(1e-3);
        let counts = match plan.scenario {
            Scenario::Connect => vec![("connected", counted.connected)],
            Scenario::Talk(_) | Scenario::Images { .. } => vec![("sent", counted.sent), ("received", counted.received)],
        };
        let earlier = self.before.0.iter().map(|before| before.count).chain(std::iter::repeat(0));
        let counts: Vec<_> = counts
            .into_iter()
            .zip(earlier)
            .map(|((name, count), before)| Counted {
                name,
                count,
                per_sec: count.saturating_sub(before) as f64 / seconds,
            })
            .collect();
        let of = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed);
        let snapshot = Snapshot {
            title: plan.name().to_owned(),
            url: plan.url.clone(),
            elapsed,
            duration: plan.schedule.duration() + plan.hold,
            clients: (counted.connected, plan.clients),
            counts: counts.clone(),
            latency: Percentiles::of(&measured.latency),
            lateness_p99_ms: Percentiles::of(&measured.lateness).map(|ms| ms.p99),
            troubles: vec![
                ("refused", of(&records.counters.refused)),
                ("errors", of(&records.counters.errors)),
                ("disconnects", of(&records.counters.disconnects)),
                ("connect errors", of(&records.counters.connect_errors)),
                ("duplicated", of(&records.counters.duplicated)),
                ("reordered", of(&records.counters.reordered)),
                ("corrupted", of(&records.counters.corrupted)),
                ("foreign", of(&records.counters.foreign)),
            ],
            intervals: records.intervals(),
        };
        self.before = (counts, elapsed);
        snapshot
    }
}

fn connecting(plan: &Plan) {
    eprintln!("{}connecting {} clients to {}", who(plan.share), plan.clients, plan.url);
}

/// Which of several processes speaks.
fn who(share: Option<Share>) -> String {
    share.map(|share| format!("[{}/{}] ", share.index + 1, share.of)).unwrap_or_default()
}

/// Without escape codes and carriage returns.
fn plain(snapshot: &Snapshot, share: Option<Share>) {
    let counts: String = snapshot
        .counts
        .iter()
        .map(|counted| format!("  {} {} ({:.0}/s)", counted.name, counted.count, counted.per_sec))
        .collect();
    let p99 = snapshot.latency.map_or(String::new(), |ms| format!("  p99 {:.1} ms", ms.p99));
    let troubles = snapshot.troubles.iter().filter(|(_, count)| *count > 0);
    let troubles: String = troubles.map(|(name, count)| format!("  {name} {count}")).collect();
    eprintln!("{}{:>6.1} s{counts}{p99}{troubles}", who(share), snapshot.elapsed.as_secs_f64());
}
