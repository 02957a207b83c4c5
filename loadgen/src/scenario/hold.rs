//! Connections that are made at a rate and held: `connect`.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{CONNECTING_MAX, Finding, RunError, gate, open};
use crate::client::connection::Connection;
use crate::client::gate::Gate;
use crate::plan::Plan;
use crate::record::{Records, note, us};

pub(super) async fn run(
    plan: &Arc<Plan>,
    records: &Arc<Records>,
    stop: CancellationToken,
) -> Result<Finding, RunError> {
    let gate = Arc::new(gate(plan).await?);
    let start = records.start();
    let (over, room) = (CancellationToken::new(), Arc::new(Semaphore::new(CONNECTING_MAX)));
    let mut clients = JoinSet::new();
    for number in 0..plan.clients {
        let due = plan.schedule.due(number.into());
        tokio::select! {
            () = stop.cancelled() => break,
            () = sleep_until(start + due) => {}
        }
        let permit = tokio::select! {
            () = stop.cancelled() => break,
            permit = Arc::clone(&room).acquire_owned() => permit.expect("never closed"),
        };
        let (plan, records, gate, over) = (Arc::clone(plan), Arc::clone(records), Arc::clone(&gate), over.clone());
        clients.spawn(async move {
            let connection = connect(&plan, &records, &gate, number).await;
            drop(permit);
            match connection {
                Ok(connection) => {
                    hold(connection, &records, over).await;
                    None
                }
                Err(error) => Some(error),
            }
        });
    }
    // All permits back: every connection was made, or was not.
    let all = u32::try_from(CONNECTING_MAX).expect("a small number");
    let settled = room.acquire_many(all).await;
    tokio::select! {
        () = stop.cancelled() => {}
        // To hold the connections for so long is what was asked for.
        () = tokio::time::sleep(plan.hold) => {}
    }
    drop(settled);
    let duration = records.elapsed();
    over.cancel();
    let mut first = None;
    while let Some(ended) = clients.join_next().await {
        first = first.or(ended.ok().flatten());
    }
    Ok(Finding { duration, first_end: first, ..Finding::default() })
}

async fn connect(plan: &Plan, records: &Records, gate: &Gate, number: u32) -> Result<Connection, String> {
    let begin = Instant::now();
    match open(plan, gate, number).await {
        Ok(connection) => {
            note(&mut records.shard(number).lock().connect, us(begin.elapsed()));
            records.counters.connected.fetch_add(1, Ordering::Relaxed);
            Ok(connection)
        }
        Err(error) => {
            records.counters.connect_errors.fetch_add(1, Ordering::Relaxed);
            Err(error.to_string())
        }
    }
}

/// Reads, so that pings are answered, until all is over or the server closes.
async fn hold(mut connection: Connection, records: &Records, over: CancellationToken) {
    let reading = async { while std::future::poll_fn(|cx| connection.poll_read(cx, |_| ())).await.is_ok() {} };
    tokio::select! {
        () = over.cancelled() => {}
        () = reading => {
            records.counters.disconnects.fetch_add(1, Ordering::Relaxed);
            return;
        }
    }
    // A server that is gone needs no good-bye.
    tokio::time::timeout(Duration::from_secs(1), connection.close()).await.ok();
}
