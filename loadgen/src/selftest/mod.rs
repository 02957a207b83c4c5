//! Proves on the user's own machine that this program counts and measures what it says: runs against
//! a built-in server that knows what it did wrong.

mod server;
mod stopped;
mod theory;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::Parser;
use hdrhistogram::Histogram;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use crate::StartError;
use crate::cli::Cli;
use crate::exit::{GENERATOR_LIMITED, Verdict};
use crate::outcome::Outcome;
use crate::plan::{Plan, PlanError};
use crate::record::Records;
use server::{Fault, FaultyServer};
use theory::Check;

/// Rate and length of the runs that are counted: some 30 faults of each kind.
const COUNTED: &str = "--clients 4 --rate 1000 --duration 3s --drain 1500ms --seed 1";
/// The run against a server that stalls.
const TIMED: &str = "--clients 10 --rate 1000 --duration 8s --seed 1";
/// Chosen: three stalls in the run, so that two in ten messages meet one.
const STALL: Fault = Fault::Stall { every: Duration::from_secs(2), length: Duration::from_millis(600) };
/// How exact percentiles must be.
const CHECKS: [Check; 2] =
    [Check { name: "p99", quantile: 0.99, tolerance: 0.05 }, Check { name: "p99.9", quantile: 0.999, tolerance: 0.03 }];

/// One thing that was looked at.
#[derive(Debug, Clone)]
pub struct Proof {
    /// What should be so.
    pub claim: &'static str,
    /// Whether it is.
    pub holds: bool,
    /// The figures.
    pub figures: String,
}

/// The proofs could not be made.
#[derive(Debug, Error)]
pub enum SelftestError {
    /// No port, no thread, no process.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A run did not begin.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A run of our own makes no sense.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A run of our own cannot be read.
    #[error(transparent)]
    Arguments(#[from] clap::Error),
}

/// Makes all proofs and tells each of them. `program` is this program, to be started once more.
///
/// # Errors
///
/// When a proof could not be made.
pub async fn run(program: &Path, mut tell: impl FnMut(&Proof)) -> Result<bool, SelftestError> {
    let mut all_hold = true;
    let mut take = |proof: Proof| {
        all_hold &= proof.holds;
        tell(&proof);
    };
    let (nothing, drop, double, swap, corrupt, mixed, stopped) = tokio::join!(
        same_bytes(),
        counted("drops 1 %: exactly these are lost", Fault::Drop),
        counted("doubles 1 %: exactly these are duplicated", Fault::Double),
        counted("swaps 1 %: exactly these are reordered", Fault::Swap),
        counted("corrupts 1 %: exactly these are corrupted", Fault::Corrupt),
        counted("all of that at once: each counted exactly", Fault::Mixed),
        stopped(program),
    );
    nothing?.into_iter().for_each(&mut take);
    [drop, double, swap, corrupt, mixed].into_iter().try_for_each(|proof| proof.map(&mut take))?;
    take(stopped?);
    // Alone, so that its times are not those of a busy machine.
    timed().await?.into_iter().for_each(&mut take);
    Ok(all_hold)
}

/// Runs an echo against `server`; also returns its records.
async fn echo(arguments: &str, server: &FaultyServer) -> Result<(Arc<Plan>, Outcome, Arc<Records>), SelftestError> {
    let url = server.url();
    let words = ["loadgen", "echo", "--url", &url].into_iter().chain(arguments.split_whitespace());
    let scenario = Cli::try_parse_from(words)?.into_load().expect("an echo is a load");
    let plan = Arc::new(Plan::new(scenario)?);
    let (outcome, records) = crate::run(&plan, CancellationToken::new(), |records| records).await?;
    Ok((plan, outcome, records))
}

async fn same_bytes() -> Result<[Proof; 2], SelftestError> {
    let (first, second) = (FaultyServer::start(Fault::Nothing)?, FaultyServer::start(Fault::Nothing)?);
    let (one, two) = tokio::join!(echo(COUNTED, &first), echo(COUNTED, &second));
    let ((_, outcome, _), _) = (one?, two?);
    let tally = outcome.tally;
    let is_whole = tally.sent == tally.scheduled && tally.received == tally.expected && tally.expected == tally.sent;
    let is_clean = (tally.lost, tally.duplicated, tally.reordered, tally.corrupted) == (0, Some(0), Some(0), Some(0));
    let [a, b] = [first, second].map(|server| server.finish().digest.load(Ordering::Relaxed));
    Ok([
        Proof {
            claim: "a faultless server: all that was scheduled was sent, and all came back once",
            holds: is_whole && is_clean,
            figures: format!("scheduled {}, sent {}, received {}", tally.scheduled, tally.sent, tally.received),
        },
        Proof { claim: "same seed, same bytes", holds: a == b && a != 0, figures: format!("{a:016x}, {b:016x}") },
    ])
}

async fn counted(claim: &'static str, fault: Fault) -> Result<Proof, SelftestError> {
    let server = FaultyServer::start(fault)?;
    let (_, outcome, _) = echo(COUNTED, &server).await?;
    let committed = server.committed();
    let pairs = [
        ("lost", outcome.tally.lost, &committed.dropped),
        ("duplicated", outcome.tally.duplicated.unwrap_or(0), &committed.doubled),
        ("reordered", outcome.tally.reordered.unwrap_or(0), &committed.swapped),
        ("corrupted", outcome.tally.corrupted.unwrap_or(0), &committed.corrupted),
    ]
    .map(|(name, counted, done)| (name, counted, done.load(Ordering::Relaxed)));
    let has_some = pairs.iter().any(|(.., done)| *done > 0);
    let told = pairs.iter().filter(|(_, counted, done)| counted + done > 0);
    let told: Vec<_> = told.map(|(name, counted, done)| format!("{name} {counted} of {done}")).collect();
    Ok(Proof {
        claim,
        holds: has_some && pairs.iter().all(|(_, counted, done)| counted == done),
        figures: format!("{} among {} messages", told.join(", "), outcome.tally.sent),
    })
}

async fn timed() -> Result<Vec<Proof>, SelftestError> {
    let server = FaultyServer::start(STALL)?;
    let (plan, outcome, records) = echo(TIMED, &server).await?;
    let stalls = server.committed().stalls.lock().clone();
    let start = records.started().unwrap_or_else(std::time::Instant::now);
    let expected = theory::latencies(&plan.schedule, start, &stalls);
    let measured = records.merged();
    let ms = |times: &Histogram<u64>, check: &Check| times.value_at_quantile(check.quantile) as f64 / 1e3;
    let mut proofs: Vec<Proof> = CHECKS
        .iter()
        .map(|check| {
            let late = Duration::from_micros(measured.lateness.value_at_quantile(check.quantile));
            let (found, wanted) = (ms(&measured.latency, check), ms(&expected, check));
            Proof {
                claim: "a server that stalls: the percentiles are those of theory",
                holds: theory::agrees(&measured.latency, &expected, check, late),
                figures: format!("{} {found:.1} ms, theory {wanted:.1} ms, own lateness {late:.1?}", check.name),
            }
        })
        .collect();
    let end = start + plan.schedule.duration();
    let during = stalls.iter().filter(|(begin, _)| *begin > start && *begin < end).count();
    let is_whole = outcome.tally.sent == outcome.tally.scheduled;
    proofs.push(Proof {
        claim: "its stalls are listed, and nothing was held back because of them",
        // A machine that stalls as well adds its own; none may be missing.
        holds: outcome.stalls.len() >= during && during > 0 && (is_whole || outcome.verdict != Verdict::Passed),
        figures: format!("{} listed, {during} made, sent {}", outcome.stalls.len(), outcome.tally.sent),
    });
    Ok(proofs)
}

async fn stopped(program: &Path) -> Result<Proof, SelftestError> {
    let server = FaultyServer::start(Fault::Nothing)?;
    let result = std::env::temp_dir().join(format!("loadgen-selftest-{}.json", std::process::id()));
    let (program, url, path) = (program.to_owned(), server.url(), result.clone());
    let stopped = tokio::task::spawn_blocking(move || stopped::run(&program, &url, &path)).await;
    std::fs::remove_file(&result).ok();
    let (code, result) = stopped.map_err(io::Error::other)??;
    let stalls = result["stalls"].as_array().map_or(usize::MAX, Vec::len);
    let verdict = result["verdict"].as_str().unwrap_or_default();
    Ok(Proof {
        claim: "the generator itself, stopped for a second: it blames itself and not the server",
        holds: code == Some(GENERATOR_LIMITED.into()) && verdict == "generator_limited" && stalls == 0,
        figures: format!("verdict {verdict}, exit code {}, stalls {stalls}", code.unwrap_or(-1)),
    })
}
