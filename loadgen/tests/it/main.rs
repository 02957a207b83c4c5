//! Runs against small servers whose faults are known, so that every count can be asserted exactly.
#![expect(clippy::unwrap_used, reason = "a fixture that fails is a test that fails")]

mod delivery;
mod images;
mod misbehaving;
mod native;
mod posts;
mod program;
mod selftest;
mod server;
mod tls;
mod verdicts;

use std::sync::Arc;

use clap::Parser;
use loadgen::cli::Cli;
use loadgen::outcome::Outcome;
use loadgen::plan::Plan;
use tokio_util::sync::CancellationToken;

/// The plan that a command line means. A test is about counts, not about how busy the machine is.
fn plan(command: &str, url: &str) -> Arc<Plan> {
    let words = ["loadgen"].into_iter().chain(command.split_whitespace());
    // Connections alone are never late.
    let patience: &[&str] = if command.starts_with("connect") { &[] } else { &["--max-lateness", "1m"] };
    let words = words.chain(["--url", url, "--seed", "1"]).chain(patience.iter().copied());
    Arc::new(Plan::new(Cli::try_parse_from(words).unwrap().into_load().unwrap()).unwrap())
}

/// Runs to its end.
async fn run(command: &str, url: &str) -> Outcome {
    run_until(command, url, CancellationToken::new()).await
}

/// Runs to its end or until `stop`.
async fn run_until(command: &str, url: &str, stop: CancellationToken) -> Outcome {
    loadgen::run(&plan(command, url), stop, |_| ()).await.unwrap().0
}
