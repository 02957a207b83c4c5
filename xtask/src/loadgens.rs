//! How our load generator compares with those of others.

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::install::Loadgens;
use crate::{cargo, install, step};

/// Installs the others and measures all of them into `docs/loadgen-figures.md`;
/// with `only`, some cases alone, on the terminal.
///
/// # Errors
///
/// When something cannot be installed, built or run, or a message is lost.
pub(crate) fn run(sh: &Shell, only: Option<&str>) -> Result<()> {
    let Loadgens { k6, artillery, bun, python } = install::for_loadgens(sh)?;
    let [loadgen] = cargo::build(cmd!(sh, "cargo build --release --package loadgen"), ["loadgen"])?;
    let peers = cmd!(sh, "cargo build --release --package benches --features loadgens --examples");
    let [loadgens, floor] = cargo::build(peers, ["loadgens", "floor"])?;
    let measure = cmd!(
        sh,
        "{loadgens} --loadgen {loadgen} --floor {floor} --k6 {k6} --artillery {artillery} --bun {bun} --python {python}"
    );
    step::run(measure.args(only.map(|only| ["--only", only]).iter().flatten()))
}
