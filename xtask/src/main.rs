//! Development commands: `cargo xtask test`, `check`, `smoke`, `corpus`,
//! `history`, `instructions`, `negatives`, `relays`, `loadgens`, `fuzz` and `long`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "showing what is run and how long it took is what this program is for"
)]

mod autobahn;
mod cargo;
mod check;
mod corpus;
mod endurance;
mod fuzz;
mod history;
mod install;
mod instructions;
mod loadgens;
mod long;
mod negatives;
mod relays;
mod server;
mod smoke;
mod socketio;
mod step;
mod test;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use xshell::Shell;

use crate::corpus::Part;
use crate::instructions::Then;

/// Development commands, the same at home and in CI.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Command {
    /// Install what the tests need, then run all of them: Rust and browser
    Test,
    /// Formatting, lints, docs, licences, unused dependencies; benches compile
    Check,
    /// Put a short load on a release build of the server, every answer counted
    Smoke,
    /// Search for bytes that break a promise of a decoder: pictures, frames, what doors read
    Fuzz(fuzz::Fuzz),
    /// Choose the kept corpus of each fuzz target anew
    FuzzCorpus,
    /// Fetch real pictures and derive some hundred variants, into target/corpus
    Corpus {
        /// Also make the negative of each and have other decoders judge it
        #[arg(long)]
        check: bool,
        /// Only what needs no download and no minutes, into target/corpus-small
        #[arg(long)]
        small: bool,
    },
    /// Count the instructions of negatives: none may take much more than was accepted
    Instructions {
        /// Accept what they take, into benches/instructions.json
        #[arg(long)]
        accept: bool,
    },
    /// Compare negatives with those of other libraries, into docs/negatives.md
    Negatives,
    /// Compare the relay with those of others, into docs/relays.md
    Relays {
        /// Only cases whose names contain this, on the terminal alone
        #[arg(long)]
        only: Option<String>,
    },
    /// Compare the load generator with those of others, into docs/loadgen-figures.md
    Loadgens {
        /// Only cases whose names contain this, on the terminal alone
        #[arg(long)]
        only: Option<String>,
    },
    /// Measure what keeping messages costs, into docs/history.md
    History,
    /// The runs that take too long for every change
    Long,
}

fn main() -> ExitCode {
    match run(&Command::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> Result<()> {
    let sh = Shell::new().context("no working directory")?;
    sh.change_dir(root());
    match command {
        Command::Test => test::run(&sh),
        Command::Check => check::run(&sh),
        Command::Smoke => smoke::run(&sh),
        Command::Fuzz(fuzz) => fuzz::run(&sh, fuzz),
        Command::FuzzCorpus => fuzz::choose_corpus(&sh),
        Command::Corpus { check, small } => {
            let part = if *small { Part::Small } else { Part::Whole };
            if *check { corpus::check(&sh, part) } else { corpus::make(&sh, part).map(|_| ()) }
        }
        Command::Instructions { accept } => instructions::run(&sh, if *accept { Then::Accept } else { Then::Compare }),
        Command::Negatives => negatives::run(&sh),
        Command::Relays { only } => relays::run(&sh, only.as_deref()),
        Command::Loadgens { only } => loadgens::run(&sh, only.as_deref()),
        Command::History => history::run(&sh),
        Command::Long => long::run(&sh),
    }
}

/// The folder of the workspace.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the workspace")
}
