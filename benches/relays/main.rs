//! How our relay compares with those of others: deliveries, processor time,
//! latency, memory. `cargo xtask relays` installs what it needs.
//!
//! The relay has one processor, this program another. All relays run by turns,
//! so that they meet the same noise, and every delivery is compared with what
//! was said.
#![expect(clippy::print_stdout, reason = "it says how far it is")]

mod case;
mod crowd;
mod dialect;
mod held;
mod measure;
mod member;
mod message;
mod page;
mod relay;
mod stream;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use rustix::thread::{CpuSet, sched_setaffinity};

use case::{CASES, Case};
use measure::{Run, median};
use relay::{Kind, Programs};

/// The processor of the load.
const LOAD_CPU: usize = 1;
/// A descriptor for each connection, and some.
const DESCRIPTORS_WANTED: u64 = 20_000;

/// Compares relays and writes a page about it.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    programs: Programs,
    /// Runs of each relay in each case; the medians are shown
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of each run
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// Cases whose names contain this; the page is not written then
    #[arg(long)]
    only: Option<String>,
    /// Relays whose names contain this; the page is not written then
    #[arg(long)]
    relay: Option<String>,
    /// The page; what stands above its figures is kept
    #[arg(long, default_value = "docs/relays.md")]
    page: PathBuf,
}

impl Arguments {
    fn is_wanted(&self, kind: Kind) -> bool {
        self.relay.as_ref().is_none_or(|relay| kind.name().contains(relay.as_str()))
    }
}

/// What is known of a relay in a case.
#[derive(Debug)]
pub(crate) struct Row {
    kind: Kind,
    runs: Vec<Run>,
    /// Why it is not measured: some members were not given what others were.
    fault: Option<String>,
}

impl Row {
    fn median(&self, figure: impl Fn(&Run) -> f64) -> f64 {
        median(self.runs.iter().map(figure))
    }
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    rlimit::increase_nofile_limit(DESCRIPTORS_WANTED).context("too few descriptors")?;
    let mut cpus = CpuSet::new();
    cpus.set(LOAD_CPU);
    sched_setaffinity(None, &cpus).context("a second processor is needed")?;
    let is_wanted = |name: &str| arguments.only.as_ref().is_none_or(|only| name.contains(only.as_str()));
    let mut page = page::Page::new(arguments.rounds);
    for case in CASES.iter().filter(|case| is_wanted(case.name)) {
        println!("{}", case.title);
        let rows = compare(case, &arguments)?;
        println!("{}", page.case(case, &rows));
    }
    if is_wanted("idle") {
        let mut weights = Vec::new();
        for kind in case::IDLE.iter().filter(|kind| arguments.is_wanted(**kind)) {
            weights.push((*kind, measure::idle_kib(*kind, &arguments.programs, case::IDLE_CONNECTIONS)?));
        }
        println!("{}", page.idle(&weights));
    }
    if is_wanted("held") {
        let quiet = held::quiet_room_beside_a_flood(&arguments.programs)?;
        let stalled = held::stalled_reader(&arguments.programs)?;
        let opened_secs = held::opened(&arguments.programs, case::OPENED)?;
        let rooms_mib = held::rooms_touched(&arguments.programs, case::ROOMS)?;
        println!("{}", page.held(quiet, stalled, opened_secs, rooms_mib));
    }
    if arguments.only.is_none() && arguments.relay.is_none() {
        page.write(&arguments.page).context("the page cannot be written")?;
    }
    Ok(())
}

/// Runs all relays of a case, by turns.
fn compare(case: &Case, arguments: &Arguments) -> Result<Vec<Row>> {
    let wanted = case.relays.iter().filter(|kind| arguments.is_wanted(**kind));
    let mut rows: Vec<Row> = wanted.map(|kind| Row { kind: *kind, runs: Vec::new(), fault: None }).collect();
    let time = Duration::from_secs_f64(arguments.seconds);
    for _ in 0..arguments.rounds {
        for row in rows.iter_mut().filter(|row| row.fault.is_none()) {
            let run = measure::run(case, row.kind, &arguments.programs, time);
            match run.with_context(|| format!("{}, {}", row.kind.name(), case.title)) {
                Ok(run) => row.runs.push(run),
                Err(error) if !row.kind.is_ours() => {
                    println!("{error:#}");
                    // What stood behind the colon is the message itself.
                    row.fault = error.root_cause().to_string().split(':').next().map(str::to_owned);
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(rows)
}
