//! Arguments, then a run, then its report.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use loadgen::cli::{Cli, Command, Scenario};
use loadgen::exit::{FAILED, INTERRUPTED, WRONG_USAGE};
use loadgen::outcome::Outcome;
use loadgen::plan::{self, Plan};
use loadgen::report::{self, Progress};
use loadgen::selftest;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Load(scenario) => load(*scenario),
        Command::Selftest => prove(),
    }
}

/// Puts a load on a server.
fn load(scenario: Scenario) -> ExitCode {
    let plan = match Plan::new(scenario) {
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
    let unwritten = report::write_all(&outcome, &plan.outputs);
    for (path, error) in &unwritten {
        report::complain(&format_args!("{}: {error}", path.display()));
    }
    if !unwritten.is_empty() {
        return FAILED.into();
    }
    outcome.verdict.exit_code().into()
}

/// Has the program prove itself.
fn prove() -> ExitCode {
    let proved = (|| -> Result<bool, selftest::SelftestError> {
        let program = std::env::current_exe()?;
        let runtime = Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(selftest::run(&program, report::proof))
    })();
    match proved {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => FAILED.into(),
        Err(error) => {
            report::complain(&error);
            FAILED.into()
        }
    }
}

fn run(plan: &Arc<Plan>) -> anyhow::Result<Outcome> {
    // Clients of messages are cheapest on one thread; pictures are looked at beside the load.
    let mut runtime = match plan.scenario {
        plan::Scenario::Talk(_) | plan::Scenario::Connect => Builder::new_current_thread(),
        plan::Scenario::Images { .. } => Builder::new_multi_thread(),
    };
    runtime.enable_all().build()?.block_on(async {
        let stop = CancellationToken::new();
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let on_signal = stop.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                if on_signal.is_cancelled() {
                    // Who asks twice does not want to wait for the report.
                    std::process::exit(INTERRUPTED.into());
                }
                on_signal.cancel();
            }
        });
        let tell = |records| Progress::start(Arc::clone(plan), records);
        let (outcome, progress) = loadgen::run(plan, stop, tell).await?;
        progress.finish();
        Ok(outcome)
    })
}
