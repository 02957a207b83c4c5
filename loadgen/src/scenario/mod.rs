//! One file per scenario; each is a plan carried out.

mod account;
mod hold;
mod images;
mod pictures;
mod resume;
mod rooms;
mod seat;
mod stage;
mod talk;
mod trouble;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hdrhistogram::Histogram;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use crate::client::connection::Connection;
use crate::client::gate::{ConnectError, Gate, GateError, Request};
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
    /// The same of each room, where there are several.
    pub by_room: Vec<RoomFinding>,
    /// Messages that the server neither acknowledged nor refused.
    pub unanswered: u64,
    /// Latencies of each picture, in microseconds.
    pub by_file: Vec<(String, Histogram<u64>)>,
    /// For how long messages were due: less than planned when interrupted.
    pub duration: Duration,
    /// What was due in that time.
    pub scheduled: u64,
    /// Why the first client was closed, or did not get in.
    pub first_end: Option<String>,
}

/// What the receivers of one room found.
#[derive(Debug, Clone, Copy, Default)]
pub struct RoomFinding {
    /// See [`Finding`].
    pub counts: Counts,
    /// See [`Finding`].
    pub expected: u64,
    /// See [`Finding`].
    pub missing: u64,
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
    /// The server cannot be reached like this.
    #[error(transparent)]
    Gate(#[from] GateError),
    /// No clock that is exact enough.
    #[error("no timer: {0}")]
    Clock(std::io::Error),
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
        Scenario::Connect => hold::run(plan, records, stop).await,
        Scenario::Images { files } => images::run(plan, records, stop, files).await,
    }
}

/// The server of a plan.
async fn gate(plan: &Plan) -> Result<Gate, RunError> {
    Ok(Gate::new(&uri(plan, 0)?, &plan.access).await?)
}

fn uri(plan: &Plan, client: u32) -> Result<hyper::Uri, RunError> {
    let url = plan.url_of(client);
    url.parse().map_err(|error: hyper::http::uri::InvalidUri| RunError::Url { url, reason: error.to_string() })
}

/// Connects a client and upgrades.
async fn open(plan: &Plan, gate: &Gate, client: u32) -> Result<Connection, ConnectError> {
    open_at(plan, gate, client, &path(plan, client)).await
}

/// The same at another path than that of its address.
async fn open_at(plan: &Plan, gate: &Gate, client: u32, path: &str) -> Result<Connection, ConnectError> {
    let request = Request { client, room: &plan.room_name(client), path, seed: plan.seed };
    gate.open(&request, plan.connect_timeout).await
}

/// Path and query of a client's address.
fn path(plan: &Plan, client: u32) -> String {
    let url = plan.url_of(client);
    let behind_scheme = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
    match behind_scheme.find(['/', '?']) {
        Some(at) if behind_scheme[at..].starts_with('/') => behind_scheme[at..].to_owned(),
        Some(at) => format!("/{}", &behind_scheme[at..]),
        None => "/".to_owned(),
    }
}

/// All connections, or an account of those that failed: a load with fewer clients is another load.
fn connected<T>(records: &Records, results: Vec<Result<T, String>>) -> Result<Vec<T>, RunError> {
    let clients = results.len();
    let failed = results.iter().filter(|result| result.is_err()).count() as u64;
    records.counters.connect_errors.store(failed, Ordering::Relaxed);
    records.counters.connected.store(clients as u64 - failed, Ordering::Relaxed);
    let all: Result<Vec<T>, String> = results.into_iter().collect();
    all.map_err(|first| RunError::Connect { failed, clients, first })
}
