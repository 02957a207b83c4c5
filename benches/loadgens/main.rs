//! How our load generator compares with others and with the floor beneath them
//! all: processor time, memory, honesty. `cargo xtask loadgens` installs what it
//! needs.
//!
//! The server has one processor, the generator another. What is sent is counted
//! by the server, what it costs by the system, so that all are measured alike.
#![expect(clippy::print_stdout, reason = "it says how far it is")]

mod case;
mod foreign;
mod generator;
mod measure;
mod page;
mod server;
mod stall;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use rustix::thread::{CpuSet, sched_setaffinity};

use case::{CASES, Case};
use foreign::Runtimes;
use generator::{Kind, Programs};
use measure::{Cost, median};

/// The processor of the server.
const SERVER_CPU: usize = 0;
/// A descriptor for each connection, and some.
const DESCRIPTORS_WANTED: u64 = 20_000;

/// Compares load generators and writes a page about it.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    programs: Programs,
    #[command(flatten)]
    runtimes: Runtimes,
    /// Runs of the floor and of loadgen in each case; the medians are shown
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Seconds of each run
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Cases whose names contain this (closed, open, broadcast, idle, stall, foreign); the page is not written then
    #[arg(long)]
    only: Option<String>,
    /// The page; what stands above its figures is kept
    #[arg(long, default_value = "docs/loadgen-figures.md")]
    page: PathBuf,
}

/// What is known of a generator in a case.
#[derive(Debug)]
pub(crate) struct Row {
    kind: Kind,
    costs: Vec<Cost>,
}

impl Row {
    fn median(&self, figure: impl Fn(&Cost) -> f64) -> f64 {
        median(self.costs.iter().map(figure))
    }
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    rlimit::increase_nofile_limit(DESCRIPTORS_WANTED).context("too few descriptors")?;
    let mut cpus = CpuSet::new();
    cpus.set(SERVER_CPU);
    sched_setaffinity(None, &cpus).context("a processor of its own is needed")?;
    let is_wanted = |name: &str| arguments.only.as_ref().is_none_or(|only| name.contains(only.as_str()));
    let mut page = page::Page::new(arguments.rounds);
    for case in CASES.iter().filter(|case| is_wanted(case.name)) {
        let rows = compare(case, &arguments)?;
        println!("{}", page.case(case, &rows));
    }
    if is_wanted("idle") {
        let weigh = |&(kind, clients): &(Kind, usize)| {
            let idle = measure::idle(kind, &case::idle(clients), &arguments.programs);
            Ok((kind, idle.with_context(|| format!("{}, idle", kind.name()))?))
        };
        let rows = case::IDLE.iter().map(weigh).collect::<Result<Vec<_>>>()?;
        println!("{}", page.idle(&rows));
    }
    if is_wanted("stall") {
        println!("{}", page.trial(&stall::hear(&arguments.programs)?));
    }
    if is_wanted("foreign") {
        println!("{}", page.foreign(&foreign::visit(&arguments.programs, &arguments.runtimes)?));
    }
    if arguments.only.is_none() {
        page.write(&arguments.page).context("the page cannot be written")?;
    }
    Ok(())
}

/// Runs all generators of a case, by turns.
fn compare(case: &Case, arguments: &Arguments) -> Result<Vec<Row>> {
    let mut rows: Vec<Row> = case.kinds.iter().map(|kind| Row { kind: *kind, costs: Vec::new() }).collect();
    let time = Duration::from_secs_f64(arguments.seconds);
    for round in 0..arguments.rounds {
        for row in rows.iter_mut().filter(|row| round == 0 || !case::is_far(row.kind)) {
            let cost = measure::messages(row.kind, &case.load, time, &arguments.programs);
            let cost = cost.with_context(|| format!("{}, {}", row.kind.name(), case.title))?;
            println!("{}: {} {:.2} µs, {:.0}/s", case.name, row.kind.name(), cost.cpu_us, cost.deliveries_per_sec);
            row.costs.push(cost);
        }
    }
    Ok(rows)
}
