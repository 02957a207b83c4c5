//! What must hold of the code beside its tests.

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::{install, step};

/// Versions of the checkers: pinned, so that a check passes tomorrow if it
/// passes today.
const CARGO_DENY: &str = "0.20.2";
const CARGO_MACHETE: &str = "0.9.2";

/// Runs every check.
///
/// # Errors
///
/// With the first one that fails.
pub(crate) fn run(sh: &Shell) -> Result<()> {
    step::run(cmd!(sh, "cargo fmt --all --check"))?;
    // The feature peers builds a library in C and is checked where it is used.
    let features = "benches/instructions,benches/loadgens,benches/relays";
    step::run(cmd!(sh, "cargo clippy --locked --workspace --all-targets --features {features} -- -D warnings"))?;
    // A workspace of its own, see fuzz/Cargo.toml.
    step::run(cmd!(sh, "cargo fmt --manifest-path fuzz/Cargo.toml --check"))?;
    step::run(cmd!(
        sh,
        "cargo clippy --locked --manifest-path fuzz/Cargo.toml --all-targets --no-default-features -- -D warnings"
    ))?;
    step::run(cmd!(sh, "env RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps --document-private-items"))?;

    let machete = install::from_crates_io(sh, "cargo-machete", CARGO_MACHETE)?;
    step::run(cmd!(sh, "{machete} --skip-target-dir"))?;
    // Advisories are left out: they need the network and change from day to day.
    let deny = install::from_crates_io(sh, "cargo-deny", CARGO_DENY)?;
    step::run(cmd!(sh, "{deny} check bans licenses sources"))?;

    // All benches are in one package; without it, the tests of every crate
    // would be compiled a second time, optimised.
    step::run(cmd!(sh, "cargo bench --package benches --no-run"))
}
