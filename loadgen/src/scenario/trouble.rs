//! Clients that make trouble beside the load: slow readers, half-open ones, abrupt ones. Nothing is
//! expected of them; the others must not suffer.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::{gate, path};
use crate::client::connection::Stream;
use crate::client::gate::{ConnectError, Gate, Request};
use crate::plan::Plan;

/// A slow reader takes so much …
const SLOW_BYTES: usize = 1024;
/// … in each of these. Chosen: an eighth of what servers commonly demand.
const SLOW_EVERY: Duration = Duration::from_secs(1);
/// An abrupt client stays so long, and comes again.
const ABRUPT_AFTER: Duration = Duration::from_secs(1);

/// How one makes trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    Slow,
    HalfOpen,
    Abrupt,
}

/// Lets them in; they go when what is returned is dropped. One that does not get in tries again.
pub(super) async fn start(plan: &Arc<Plan>) -> Result<JoinSet<()>, super::RunError> {
    let mut tasks = JoinSet::new();
    let wanted = plan.trouble;
    let kinds = [(Trouble::Slow, wanted.slow), (Trouble::HalfOpen, wanted.half_open), (Trouble::Abrupt, wanted.abrupt)];
    // Numbers behind those of the load, so that names and rooms are spread alike.
    let mut number = plan.clients;
    for (trouble, count) in kinds {
        for _ in 0..count {
            let (plan, gate, client) = (Arc::clone(plan), gate(plan).await?, number);
            tasks.spawn(async move {
                loop {
                    make(trouble, &plan, &gate, client).await.ok();
                    sleep(ABRUPT_AFTER).await;
                }
            });
            number += 1;
        }
    }
    Ok(tasks)
}

/// Until the server has had enough.
async fn make(trouble: Trouble, plan: &Plan, gate: &Gate, client: u32) -> Result<Infallible, ConnectError> {
    let (room, path) = (plan.room_name(client), path(plan, client));
    let request = Request { client, room: &room, path: &path, seed: plan.seed };
    let opening = timeout(plan.connect_timeout, gate.open_stream(&request)).await;
    let (mut stream, ..) = opening.map_err(|_| ConnectError::Timeout(plan.connect_timeout))??;
    match trouble {
        Trouble::Slow => {
            let mut buffer = [0; SLOW_BYTES];
            loop {
                if stream.read(&mut buffer).await? == 0 {
                    return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
                }
                sleep(SLOW_EVERY).await;
            }
        }
        // Neither reads nor writes, not even a pong: as a peer whose cable was pulled.
        Trouble::HalfOpen => std::future::pending().await,
        Trouble::Abrupt => {
            sleep(ABRUPT_AFTER).await;
            if let Stream::Tcp(stream) = &stream {
                // Dropped with a reset, without a good-bye.
                stream.set_zero_linger()?;
            }
            Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset).into())
        }
    }
}
