//! Arguments, then a run, then its report.

use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory, Parser};
use loadgen::capacity::{self, Capacity, CapacityError};
use loadgen::cli::{CapacityArgs, Cli, Command, CompareArgs, MergeArgs, OutputArgs, Scenario};
use loadgen::compare::{self, CompareError};
use loadgen::exit::{FAILED, INTERRUPTED, THRESHOLDS_CROSSED, WRONG_USAGE};
use loadgen::merge;
use loadgen::outcome::Outcome;
use loadgen::plan::{self, Plan};
use loadgen::report::{self, Progress};
use loadgen::scenario_file;
use loadgen::selftest;
use loadgen::workers;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Run(args) => match scenario_file::read(&args.file, &args.flags) {
            Ok(words) => command(Cli::parse_from(words).command),
            Err(error) => complain(&error, WRONG_USAGE),
        },
        other => command(other),
    }
}

fn command(command: Command) -> ExitCode {
    match command {
        Command::Load(scenario) => load(*scenario),
        Command::Run(_) => unreachable!("a scenario file does not name another"),
        Command::Capacity(args) => search(&args),
        Command::Compare(args) => compare(&args),
        Command::Merge(args) => merge(&args),
        Command::Selftest => prove(),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "loadgen", &mut std::io::stdout());
            ExitCode::SUCCESS
        }
    }
}

fn complain(error: &dyn std::fmt::Display, code: u8) -> ExitCode {
    report::complain(error);
    code.into()
}

/// Searches the highest rate that holds.
fn search(args: &CapacityArgs) -> ExitCode {
    let searched = (|| -> anyhow::Result<Capacity> {
        Builder::new_current_thread().enable_all().build()?.block_on(async {
            let stop = stop_on_signal()?;
            Ok(capacity::search(args, stop, report::probe).await?)
        })
    })();
    let capacity = match searched {
        Ok(capacity) => capacity,
        Err(error) if error.is::<CapacityError>() => return complain(&format_args!("{error:#}"), WRONG_USAGE),
        Err(error) => return complain(&format_args!("{error:#}"), FAILED),
    };
    report::capacity(&capacity);
    if let Some(path) = &args.talk.load.run.outputs.json
        && let Err(error) = report::write_capacity(&capacity, path)
    {
        return complain(&format_args!("{}: {error}", path.display()), FAILED);
    }
    capacity.exit_code().into()
}

/// Compares two results.
fn compare(args: &CompareArgs) -> ExitCode {
    let comparison = match compare::compare([&args.before, &args.after], args.tolerance / 100.0) {
        Ok(comparison) => comparison,
        Err(error @ CompareError::Verdict { .. }) => return complain(&error, FAILED),
        Err(error) => return complain(&error, WRONG_USAGE),
    };
    let markdown = report::markdown(&comparison);
    report::say(&markdown);
    if let Some(path) = &args.markdown
        && let Err(error) = std::fs::write(path, &markdown)
    {
        return complain(&format_args!("{}: {error}", path.display()), FAILED);
    }
    if comparison.is_regression() { THRESHOLDS_CROSSED.into() } else { ExitCode::SUCCESS }
}

/// Adds results up.
fn merge(args: &MergeArgs) -> ExitCode {
    let results = match args.results.iter().map(|path| compare::read(path)).collect() {
        Ok(results) => results,
        Err(error) => return complain(&error, WRONG_USAGE),
    };
    match merge::merge(results) {
        Ok(outcome) => finish(&outcome, &args.outputs),
        Err(error) => complain(&error, WRONG_USAGE),
    }
}

/// Puts a load on a server.
fn load(scenario: Scenario) -> ExitCode {
    let plan = match Plan::new(scenario) {
        Ok(plan) => Arc::new(plan),
        Err(error) => return complain(&error, WRONG_USAGE),
    };
    let done = if plan.processes > 1 { run_workers(&plan) } else { run(&plan) };
    match done {
        Ok(outcome) => finish(&outcome, &plan.outputs),
        Err(error) => complain(&format_args!("{error:#}"), FAILED),
    }
}

/// Prints the summary, writes what was asked for, and ends as the verdict says.
fn finish(outcome: &Outcome, outputs: &OutputArgs) -> ExitCode {
    report::summary(outcome);
    let unwritten = report::write_all(outcome, outputs);
    for (path, error) in &unwritten {
        report::complain(&format_args!("{}: {error}", path.display()));
    }
    if unwritten.is_empty() { outcome.verdict.exit_code().into() } else { FAILED.into() }
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
    let plan = Arc::clone(plan);
    runtime.enable_all().build()?.block_on(async {
        let stop = stop_on_signal()?;
        // A task, as all others are: the runtime makes a system call to wake what it blocks on.
        let running = tokio::spawn(async move {
            let tell = |records| Progress::start(Arc::clone(&plan), records);
            loadgen::run(&plan, stop, tell).await
        });
        let (outcome, progress) = running.await??;
        progress.finish().await;
        Ok(outcome)
    })
}

/// Has workers carry a plan out.
fn run_workers(plan: &Plan) -> anyhow::Result<Outcome> {
    let program = std::env::current_exe()?;
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let stop = stop_on_signal()?;
        Ok(workers::run(&program, &words, plan, stop).await?)
    })
}

/// Cancelled by SIGINT or SIGTERM; the second one ends the process.
fn stop_on_signal() -> std::io::Result<CancellationToken> {
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
    Ok(stop)
}
