//! One file per scenario; each is a plan carried out.

mod account;
mod images;
mod member;
mod pictures;
mod rooms;
mod talk;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hdrhistogram::Histogram;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use crate::plan::{Plan, Scenario};
use crate::record::Records;
use crate::verify::Counts;

/// What a scenario found out beside the records.
#[derive(Debug, Clone, Default)]
pub struct Finding {
    /// Arrivals, all receivers together.
    pub counts: Counts,
    /// Deliveries that should have been.
    pub expected: u64,
    /// Expected deliveries of which nothing arrived intact.
    pub missing: u64,
    /// Messages that the server neither acknowledged nor refused.
    pub unanswered: u64,
    /// Latencies of each picture, in microseconds.
    pub by_file: Vec<(String, Histogram<u64>)>,
    /// For how long messages were due: less than planned when interrupted.
    pub duration: Duration,
    /// What was due in that time.
    pub scheduled: u64,
}

/// A run could not be carried through.
#[derive(Debug, Error)]
pub enum RunError {
    /// Clients could not connect.
    #[error("{failed} of {clients} clients could not connect; the first: {first}")]
    Connect {
        /// That many.
        failed: u64,
        /// Of so many.
        clients: usize,
        /// What the first one ran into.
        first: String,
    },
    /// A picture to send cannot be read.
    #[error("{path}: {reason}")]
    Picture {
        /// Which.
        path: String,
        /// Why not.
        reason: String,
    },
    /// The address is none.
    #[error("{url}: {reason}")]
    Url {
        /// As given.
        url: String,
        /// Why not.
        reason: String,
    },
}

/// Connections made at the same time. Chosen: below the backlog of a
/// listening socket.
const CONNECTING_MAX: usize = 64;

/// Carries a plan out, until its end or until `stop`.
///
/// # Errors
///
/// When it could not begin.
pub async fn run(plan: &Arc<Plan>, records: &Arc<Records>, stop: CancellationToken) -> Result<Finding, RunError> {
    match &plan.scenario {
        Scenario::Talk(talk) => talk::run(plan, records, stop, *talk).await,
        Scenario::Images { files } => images::run(plan, records, stop, files).await,
    }
}

/// All connections, or an account of those that failed: a load with fewer clients is another load.
fn connected<T>(records: &Records, results: Vec<Result<T, String>>) -> Result<Vec<T>, RunError> {
    let clients = results.len();
    let failed = results.iter().filter(|result| result.is_err()).count() as u64;
    records.connect_errors.store(failed, Ordering::Relaxed);
    let all: Result<Vec<T>, String> = results.into_iter().collect();
    all.map_err(|first| RunError::Connect { failed, clients, first })
}
