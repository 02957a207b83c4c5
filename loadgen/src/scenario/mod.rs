//! One file per scenario; each is a plan carried out.

mod images;
mod messages;
mod pictures;
mod room;

use std::sync::Arc;
use std::time::Duration;

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
        clients: u32,
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

/// Carries a plan out, until its end or until `stop`.
///
/// # Errors
///
/// When it could not begin.
pub async fn run(plan: &Arc<Plan>, records: &Arc<Records>, stop: CancellationToken) -> Result<Finding, RunError> {
    match &plan.scenario {
        Scenario::Messages { protocol, audience, size_bytes, .. } => {
            messages::run(plan, records, stop, messages::Talk::new(plan, *protocol, *audience, *size_bytes)).await
        }
        Scenario::Images { files } => images::run(plan, records, stop, files).await,
    }
}

/// Receivers of a message at most: what the records must have room for.
#[must_use]
pub fn audience_max(plan: &Plan) -> u64 {
    match plan.scenario {
        Scenario::Messages { audience, .. } => room::audience_size(plan, audience, 0),
        Scenario::Images { .. } => 1,
    }
}
