//! What keeping messages costs.

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::{cargo, install, step};

/// Where the figures stand: after what people wrote, to the end.
const PAGE: &str = "docs/history.md";
/// Begins them.
const HEADING: &str = "## Prices\n";

/// Measures, and puts the tables into the page.
///
/// # Errors
///
/// When it cannot be built or run.
pub(crate) fn run(sh: &Shell) -> Result<()> {
    install::programs(sh, &[("redis-server", "redis-server")])?;
    let build = cmd!(sh, "cargo build --release --package benches --example history");
    let [history] = cargo::build(build, ["history"])?;
    let tables = step::read(cmd!(sh, "{history}"))?;
    let page = sh.read_file(PAGE)?;
    let written = page.split(HEADING).next().unwrap_or_default().trim_end();
    sh.write_file(PAGE, format!("{written}\n\n{HEADING}\n{tables}\n"))?;
    Ok(())
}
