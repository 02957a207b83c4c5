//! Connections that are made at a rate and held: `connect`.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{CONNECTING_MAX, Finding, RunError, gate, open};
use crate::client::connection::Connection;
use crate::client::gate::Gate;
use crate::plan::Plan;
use crate::record::{Records, note, us};

/// How long a good-bye may take.
const CLOSE_MAX: Duration = Duration::from_secs(1);

/// What all clients share.
#[derive(Debug)]
struct Shared {
    plan: Arc<Plan>,
    records: Arc<Records>,
    gate: Gate,
    over: CancellationToken,
    tasks: TaskTracker,
    /// Why the first client was not let in.
    first_end: Mutex<Option<String>>,
}

pub(super) async fn run(
    plan: &Arc<Plan>,
    records: &Arc<Records>,
    stop: CancellationToken,
) -> Result<Finding, RunError> {
    let shared = Arc::new(Shared {
        plan: Arc::clone(plan),
        records: Arc::clone(records),
        gate: gate(plan).await?,
        over: CancellationToken::new(),
        tasks: TaskTracker::new(),
        first_end: Mutex::default(),
    });
    let start = records.start();
    let mut connecting = JoinSet::new();
    let mut next = 0;
    while next < plan.clients || !connecting.is_empty() {
        let due = plan.schedule.due(next.into());
        tokio::select! {
            // Who is still connecting then is dropped with the set.
            () = stop.cancelled() => break,
            Some(connected) = connecting.join_next() => {
                if let Ok(Some(connection)) = connected {
                    // In a task of its own: one that has connected is several times as large as one that waits.
                    shared.tasks.spawn(hold(connection, Arc::clone(&shared)));
                }
            }
            () = sleep_until(start + due), if next < plan.clients && connecting.len() < CONNECTING_MAX => {
                connecting.spawn(connect(Arc::clone(&shared), next));
                next += 1;
            }
        }
    }
    drop(connecting);
    let hold = if shared.tasks.is_empty() { Duration::ZERO } else { plan.hold };
    tokio::select! {
        () = stop.cancelled() => {}
        // To hold them for so long is what was asked for.
        () = tokio::time::sleep(hold) => {}
    }
    let duration = records.elapsed();
    shared.over.cancel();
    shared.tasks.close();
    shared.tasks.wait().await;
    let first_end = shared.first_end.lock().take();
    Ok(Finding { duration, first_end, ..Finding::default() })
}

async fn connect(shared: Arc<Shared>, number: u32) -> Option<Connection> {
    let (begin, records) = (Instant::now(), &shared.records);
    match open(&shared.plan, &shared.gate, number).await {
        Ok(connection) => {
            note(&mut records.shard(number).lock().connect, us(begin.elapsed()));
            records.counters.connected.fetch_add(1, Ordering::Relaxed);
            Some(connection)
        }
        Err(error) => {
            records.counters.connect_errors.fetch_add(1, Ordering::Relaxed);
            shared.first_end.lock().get_or_insert_with(|| error.to_string());
            None
        }
    }
}

/// Reads, so that pings are answered, until all is over or the server closes.
async fn hold(mut connection: Connection, shared: Arc<Shared>) {
    let reading = async { while std::future::poll_fn(|cx| connection.poll_read(cx, |_| ())).await.is_ok() {} };
    tokio::select! {
        () = shared.over.cancelled() => {}
        () = reading => {
            shared.records.counters.disconnects.fetch_add(1, Ordering::Relaxed);
            return;
        }
    }
    // A server that is gone needs no good-bye. Boxed: who is held has no room for it.
    Box::pin(tokio::time::timeout(CLOSE_MAX, connection.close())).await.ok();
}
