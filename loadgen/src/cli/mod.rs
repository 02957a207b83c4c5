//! The arguments, as they are typed.

mod load;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use load::{AccessArgs, ConnectArgs, ImageArgs, LoadArgs, OutputArgs, Pace, Protocol, RunArgs, Scenario, TalkArgs};

/// A load generator for WebSocket servers that tells the truth.
///
/// Messages leave when they are due, not when the server is ready for them; latency counts from
/// that moment; every delivery is accounted for; and when the generator itself was the limit, it
/// says so and does not pass.
#[derive(Debug, Parser)]
#[command(name = "loadgen", version, after_help = EXAMPLES, args_override_self = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// The load, where that is what is to be done.
    #[must_use]
    pub fn into_load(self) -> Option<Scenario> {
        match self.command {
            Command::Load(scenario) => Some(*scenario),
            Command::Run(_)
            | Command::Capacity(_)
            | Command::Compare(_)
            | Command::Merge(_)
            | Command::Selftest
            | Command::Completions { .. } => None,
        }
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Put a load on a server.
    #[command(flatten)]
    Load(Box<Scenario>),
    /// Carry out a scenario file, whose keys are the flags of a command; flags behind its name win over it.
    #[command(
        after_help = "Example: loadgen run loadgen/examples/ci.toml --url ws://127.0.0.1:9000/ --json result.json"
    )]
    Run(FileArgs),
    /// Search the highest rate at which the thresholds hold: bisection, repeated, given as an interval.
    #[command(after_help = CAPACITY_EXAMPLE)]
    Capacity(Box<CapacityArgs>),
    /// Compare two results of the same load: Markdown for a pull request, exit code 99 when one is worse.
    #[command(after_help = "Example: loadgen compare main.json branch.json --tolerance 10 --markdown comment.md")]
    Compare(CompareArgs),
    /// Add up the results of several processes or machines.
    #[command(after_help = "Example: loadgen merge one.json two.json --json both.json --html both.html")]
    Merge(MergeArgs),
    /// Prove in some seconds, against a built-in server, that this program counts and measures rightly on this machine.
    Selftest,
    /// Print what makes a shell complete this program's commands and flags.
    #[command(after_help = "Example: loadgen completions bash > ~/.local/share/bash-completion/completions/loadgen")]
    Completions {
        /// For which shell.
        shell: clap_complete::Shell,
    },
}

const EXAMPLES: &str = "\
Examples:
  A chat of 200 people in one room of a negaphone on this machine:
    loadgen chat --clients 200 --rate 500 --duration 20s
  Ten rooms, and a promise that CI can hold the server to:
    loadgen chat --clients 100 --rooms 10 --rate 1000 --threshold 'broadcast_latency: p(99)<50ms'
  Any server that sends each message to everybody:
    loadgen chat --protocol raw --url ws://127.0.0.1:9000/ --clients 50 --rate 100
  Any echo server, as fast as it answers:
    loadgen echo --url ws://127.0.0.1:9000/ --clients 100 --pace closed --json echo.json
  Pictures whose negatives are checked:
    loadgen image --file photo.jpg scan.png --clients 4 --rate 20
    loadgen image --url http://127.0.0.1:8080/invert --rate 20
  A load that grows, with a report to look at:
    loadgen chat --clients 50 --stage 10s:0..500 --stage 30s:500 --stage 5s:2000 --html report.html

  The same from a file, in CI:
    loadgen run loadgen/examples/ci.toml
  How much can it take, and is the new version worse?
    loadgen capacity --clients 100 --threshold 'broadcast_latency: p(99)<50ms'
    loadgen compare main.json branch.json

`loadgen chat --help` explains every option; `loadgen selftest` shows that the figures can be believed.

Exit codes:
    0  passed                        98  the generator itself was the limit
    1  could not be carried through  99  a threshold was crossed
    2  wrong usage                  130  interrupted; the report is written all the same";

const CAPACITY_EXAMPLE: &str = "\
Without a threshold: latency: p(99)<100ms, and nothing lost, duplicated, reordered or corrupted.
--rate is where the search begins, --duration how long a rate is tried [default: 5s].

Example: loadgen capacity --clients 100 --rooms 10 --threshold 'broadcast_latency: p(99)<50ms' --json capacity.json";

/// `loadgen run`.
#[derive(Debug, Args)]
pub struct FileArgs {
    /// TOML; see docs/loadgen-scenarios.md.
    pub file: PathBuf,
    /// Flags of the command that the file names.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "FLAGS")]
    pub flags: Vec<String>,
}

/// `loadgen capacity`.
#[derive(Debug, Args)]
pub struct CapacityArgs {
    /// How near the found rate must be to one that does not hold, in per cent.
    #[arg(long, default_value_t = 5.0)]
    pub precision: f64,
    /// Searches, each with an answer of its own.
    #[arg(long, default_value_t = 3)]
    pub repeat: u32,
    /// What is tried: `chat`, or `echo` with --protocol echo.
    #[command(flatten)]
    pub talk: TalkArgs,
}

/// `loadgen compare`.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// A result that --json wrote.
    pub before: PathBuf,
    /// Another one of the same load.
    pub after: PathBuf,
    /// By how much a time may grow, in per cent.
    #[arg(long, default_value_t = 5.0)]
    pub tolerance: f64,
    /// Write the table here too.
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,
}

/// `loadgen merge`.
#[derive(Debug, Args)]
pub struct MergeArgs {
    /// Results that --json wrote.
    #[arg(required = true)]
    pub results: Vec<PathBuf>,
    /// Where the sum goes.
    #[command(flatten)]
    pub outputs: OutputArgs,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn arguments_are_consistent() {
        Cli::command().debug_assert();
    }
}
