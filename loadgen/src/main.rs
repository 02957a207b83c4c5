//! Arguments, then a run, then its report.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use loadgen::cli::Cli;
use loadgen::outcome::Outcome;
use loadgen::plan::Plan;
use loadgen::report::{self, Progress};
use tokio_util::sync::CancellationToken;

/// Could not run.
const FAILED: u8 = 1;
/// Wrong usage; clap uses the same.
const WRONG_USAGE: u8 = 2;

fn main() -> ExitCode {
    let plan = match Plan::new(Cli::parse().scenario) {
        Ok(plan) => Arc::new(plan),
        Err(error) => {
            report::complain(&error);
            return WRONG_USAGE.into();
        }
    };
    let outcome = match run(&plan) {
        Ok(outcome) => outcome,
        Err(error) => {
            report::complain(&format_args!("{error:#}"));
            return FAILED.into();
        }
    };
    report::summary(&outcome);
    if let Some(path) = &plan.json
        && let Err(error) = report::write_json(&outcome, path)
    {
        report::complain(&format_args!("{}: {error}", path.display()));
        return FAILED.into();
    }
    outcome.verdict.exit_code().into()
}

fn run(plan: &Arc<Plan>) -> anyhow::Result<Outcome> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let stop = CancellationToken::new();
        let on_interrupt = stop.clone();
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                on_interrupt.cancel();
            }
        });
        let tell = |records| Progress::start(Arc::clone(plan), records);
        let (outcome, progress) = loadgen::run(plan, stop, tell).await?;
        progress.finish();
        Ok(outcome)
    })
}
