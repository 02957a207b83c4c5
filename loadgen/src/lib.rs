//! The program `loadgen`: drives many clients against a WebSocket server,
//! measures honestly, and accounts for every delivery.
//!
//! *What* is sent ([`scenario`], [`payload`]) is apart from *when* ([`pace`]),
//! and both from what is written down ([`record`], [`verify`]) and told
//! ([`report`]). Knows no server from the inside.

pub mod access;
pub mod cli;
pub mod plan;
pub mod scenario_file;
pub mod share;

pub mod clock;
pub mod pace;
pub mod payload;
pub mod seed;

pub mod client;
pub mod scenario;

pub mod health;
pub mod ledger;
pub mod record;
pub mod timeline;
pub mod verify;

pub mod abort;
pub mod drift;
pub mod exit;
pub mod figures;
pub mod outcome;
pub mod tally;
pub mod threshold;
mod verdict;

pub mod capacity;
pub mod compare;
pub mod merge;
pub mod workers;

pub mod report;

pub mod selftest;

use std::sync::Arc;

use thiserror::Error;
use tokio_util::sync::CancellationToken;

use health::{DescriptorError, Heart, Usage};
use outcome::{Ending, Outcome};
use plan::Plan;
use record::Records;
use timeline::Borders;

/// A run that could not even begin.
#[derive(Debug, Error)]
pub enum StartError {
    /// Too few descriptors.
    #[error(transparent)]
    Descriptors(#[from] DescriptorError),
    /// No thread.
    #[error("cannot start: {0}")]
    Thread(#[from] std::io::Error),
}

/// Carries a plan out; `stop` interrupts it. `tell` is given the records as
/// soon as they exist, and what it returns is kept until the run is over.
///
/// # Errors
///
/// When it could not even begin.
pub async fn run<T>(
    plan: &Arc<Plan>,
    stop: CancellationToken,
    tell: impl FnOnce(Arc<Records>) -> T,
) -> Result<(Outcome, T), StartError> {
    health::raise_descriptors(plan.descriptors())?;
    // TLS needs a provider; a second run in one process has it already.
    rustls::crypto::ring::default_provider().install_default().ok();
    let started = format!("{:.3}", jiff::Timestamp::now());
    let records = Arc::new(Records::new(plan.clients, plan.messages_per_client_max()).with_warm_up(plan.warm_up));
    let told = tell(Arc::clone(&records));
    let load = plan.schedule.duration();
    let heart = Heart::start(Arc::clone(&records), Borders::of(load, load + plan.hold))?;
    let before = Usage::now();
    // A crossed threshold ends the load as a signal does, but is told as what it is.
    let halt = stop.child_token();
    let watch = tokio::spawn(abort::watch(Arc::clone(plan), Arc::clone(&records), halt.clone()));
    // A signal ends an unfinished connecting at once; a begun load ends by itself, with its books closed.
    let found = tokio::select! {
        found = scenario::run(plan, &records, halt.clone()) => Some(found),
        () = interrupted_before_start(&records, &stop) => None,
    };
    watch.abort();
    let usage = Usage::now().since(before);
    let pauses = heart.stop();
    let stalls = health::without_pauses(records.stalls(), &pauses);
    let aborted = watch.await.ok().flatten();
    let failure = found.as_ref().and_then(|found| found.as_ref().err()).map(ToString::to_string);
    let ending = Ending {
        plan,
        records: &records,
        finding: found.and_then(Result::ok),
        started,
        is_interrupted: stop.is_cancelled(),
        aborted,
        stalls,
        pauses,
        usage,
        failure,
    };
    Ok((Outcome::new(ending), told))
}

async fn interrupted_before_start(records: &Records, stop: &CancellationToken) {
    stop.cancelled().await;
    if records.is_started() {
        std::future::pending().await
    }
}
