//! How our negatives compare with those of others.

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::corpus::{self, Part};
use crate::{install, step};

/// Runs of each tool for each file (chosen: an odd number, for the median).
const RUNS: &str = "7";

/// Installs the others and measures all of them into `docs/negatives.md`.
///
/// # Errors
///
/// When something cannot be installed, built or run.
pub(crate) fn run(sh: &Shell) -> Result<()> {
    corpus::make(sh, Part::Whole)?;
    let python = install::for_negatives(sh)?;
    let measure = cmd!(sh, "cargo run --release --package benches --features peers --example negatives");
    step::run(measure.args(["--", "--runs", RUNS, "--python"]).arg(python))
}
