//! How our relay compares with those of others.

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::{cargo, install, step};

/// Installs the others and measures all of them into `docs/relays.md`; with
/// `only`, some cases alone, on the terminal.
///
/// # Errors
///
/// When something cannot be installed, built or run, or a relay loses a
/// message.
pub(crate) fn run(sh: &Shell, only: Option<&str>) -> Result<()> {
    let (bun, python) = install::for_relays(sh)?;
    let [negaphone] = cargo::build(cmd!(sh, "cargo build --release --package negaphone"), ["negaphone"])?;
    let peers = cmd!(sh, "cargo build --release --package benches --features relays --examples");
    let [relays, broadcast] = cargo::build(peers, ["relays", "broadcast"])?;
    let measure = cmd!(sh, "{relays} --negaphone {negaphone} --broadcast {broadcast} --bun {bun} --python {python}");
    step::run(measure.args(only.map(|only| ["--only", only]).iter().flatten()))
}
