//! Messages that come at a steady rate; a latency counts from when a message
//! was due.

use std::io::{self, IoSlice};
use std::sync::Arc;
use std::time::Duration;

use hdrhistogram::Histogram;
use hub::{Formats, Hub, Reply, Room, Sink};
use negaphone::limits::Limits;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::cpu::{micros_each, used, used_by_redis};
use crate::mode::{Mode, dedup, draft, room};

const ROOMS: usize = 10;
/// Messages that are under way at a time, at most.
const UNDER_WAY: usize = 20_000;

/// Nobody listens.
struct NoSink;

impl Sink for NoSink {
    fn write_some(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(slices.iter().map(|slice| slice.len()).sum())
    }

    async fn writable(&self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) struct Figures {
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) writer_us: Option<f64>,
    pub(crate) all_us: f64,
}

pub(crate) async fn measure(mode: Mode, rate: u64, time: Duration) -> Figures {
    let folder = tempfile::tempdir().expect("a folder");
    let limits = Limits::new(1 << 20, 32 << 20);
    let opened = mode.open(folder.path()).await;
    let hub = Hub::<NoSink>::start(Arc::clone(&opened.store), Formats::new(Vec::new()), Arc::new(limits.hub));
    let mut rooms = Vec::new();
    for number in 0..ROOMS {
        rooms.push(hub.room(&room(number), || true).await.expect("a room"));
    }
    let writing = || used(Some("history-writer")) + used_by_redis(&opened);
    let all = || used(None) + used_by_redis(&opened);
    let (cpu, writer) = (all(), writing());
    let latencies = publish(&hub, &rooms, rate, time).await;
    let (cpu, writer) = (all() - cpu, writing() - writer);
    let ms = |quantile| latencies.value_at_quantile(quantile) as f64 / 1e3;
    let figures = Figures {
        p50_ms: ms(0.5),
        p99_ms: ms(0.99),
        writer_us: (mode != Mode::Memory).then(|| micros_each(writer, latencies.len())),
        all_us: micros_each(cpu, latencies.len()),
    };
    hub.close().await;
    figures
}

/// Latencies in microseconds.
async fn publish(hub: &Arc<Hub<NoSink>>, rooms: &[Arc<Room<NoSink>>], rate: u64, time: Duration) -> Histogram<u64> {
    let (tx, mut rx) = mpsc::channel(UNDER_WAY);
    let start = Instant::now();
    let mut ticks = interval(Duration::from_millis(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let total = rate * time.as_secs();
    let mut count = 0;
    while count < total {
        ticks.tick().await;
        while count < total
            && start.elapsed() >= Duration::from_secs(1) * u32::try_from(count).expect("few") / rate as u32
        {
            let due = start + Duration::from_secs(count) / rate as u32;
            let (hub, room, tx) = (Arc::clone(hub), Arc::clone(&rooms[count as usize % rooms.len()]), tx.clone());
            tokio::spawn(async move {
                let (reply, answer) = oneshot::channel();
                hub.publish(&room, draft(), Some(dedup(count)), Reply::Once(reply)).await;
                answer.await.expect("an answer").expect("it is stored");
                tx.send(due.elapsed()).await.ok();
            });
            count += 1;
        }
    }
    drop(tx);
    let mut latencies = Histogram::new(3).expect("three digits");
    while let Some(latency) = rx.recv().await {
        latencies.record(u64::try_from(latency.as_micros()).expect("not for ever")).expect("any number");
    }
    latencies
}
