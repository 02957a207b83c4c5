//! Every test there is.

use std::path::PathBuf;

use anyhow::{Result, bail};
use xshell::{Shell, cmd};

use crate::corpus::{self, Part};
use crate::endurance::{self, Clients, Length};
use crate::{autobahn, cargo, install, socketio, step};

/// Where the browser tests are.
const BROWSER: &str = "tests/browser";

/// Installs what the tests need and runs all of them.
///
/// # Errors
///
/// With the first part that fails.
pub(crate) fn run(sh: &Shell) -> Result<()> {
    install::for_tests(sh)?;
    // Asking for the tests too gives the program the same crate features as
    // `cargo test`, so that both share what is built.
    let build = cmd!(sh, "cargo build --workspace --bins --tests --examples");
    let [server, negate, soak, half_open] = cargo::build(build, ["negaphone", "negate", "soak", "half_open"])?;
    let _server = sh.push_env("NEGAPHONE_BIN", &server);
    step::run(cmd!(sh, "cargo test --workspace"))?;
    step::run(cmd!(sh, "cargo test --manifest-path fuzz/Cargo.toml --no-default-features --lib"))?;
    autobahn::run(sh, &server)?;
    endurance::run(sh, &server, Clients { soak: &soak, half_open: &half_open }, Length::Short)?;
    corpus::judge(sh, Part::Small, &negate)?;
    socketio::run(sh, &server)?;
    node(sh, BROWSER)
}

/// Runs the tests of Node's test runner in a folder.
///
/// # Errors
///
/// When there are none, or one fails.
pub(crate) fn node(sh: &Shell, folder: &str) -> Result<()> {
    let _folder = sh.push_dir(folder);
    let mut files: Vec<PathBuf> = sh.read_dir(sh.current_dir())?;
    files.retain(|file| file.to_str().is_some_and(|name| name.ends_with(".test.mjs")));
    if files.is_empty() {
        bail!("no *.test.mjs in {folder}");
    }
    // Browsers mostly wait: two files at a time, although Node would take one on a machine with two processors.
    step::run(cmd!(sh, "node --test --test-concurrency=2 {files...}"))
}
