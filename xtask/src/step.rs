//! One command line after another, each shown with the time it took.

use std::env;
use std::time::Instant;

use anyhow::Result;
use xshell::Cmd;

/// Runs `cmd`; its output goes to the terminal.
///
/// # Errors
///
/// When it cannot be started or does not exit with 0.
pub(crate) fn run(cmd: Cmd<'_>) -> Result<()> {
    timed(cmd, Cmd::run)
}

/// Runs `cmd` and returns what it printed; its errors go to the terminal.
///
/// # Errors
///
/// When it cannot be started or does not exit with 0.
pub(crate) fn read(cmd: Cmd<'_>) -> Result<String> {
    timed(cmd, Cmd::read)
}

fn timed<'sh, T>(cmd: Cmd<'sh>, run: impl FnOnce(&Cmd<'sh>) -> xshell::Result<T>) -> Result<T> {
    println!("$ {cmd}");
    let begin = Instant::now();
    let result = run(&without_own_package(cmd.quiet()));
    println!("  {} after {:.1} s", if result.is_ok() { "done" } else { "failed" }, begin.elapsed().as_secs_f64());
    Ok(result?)
}

/// `cargo run` describes the package xtask to us in variables that build
/// scripts watch; handed on, they would make an inner cargo build again what
/// one called by hand has built.
fn without_own_package(cmd: Cmd<'_>) -> Cmd<'_> {
    env::vars_os()
        .map(|(name, _)| name)
        .filter(|name| {
            name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
        })
        .fold(cmd, |cmd, name| cmd.env_remove(name))
}
