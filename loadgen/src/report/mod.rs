//! What people and programs are told. The only files that print.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "telling the terminal is this module's job")]

mod progress;
mod summary;

use std::fs;
use std::path::Path;

pub use progress::Progress;

use crate::outcome::Outcome;

/// Prints the summary.
pub fn summary(outcome: &Outcome) {
    print!("{}", summary::table(outcome));
}

/// Writes the machine-readable result.
///
/// # Errors
///
/// When the file cannot be written.
pub fn write_json(outcome: &Outcome, path: &Path) -> std::io::Result<()> {
    let mut json = serde_json::to_string_pretty(outcome)?;
    json.push('\n');
    fs::write(path, json)
}

/// Says what went wrong.
pub fn complain(error: &dyn std::fmt::Display) {
    eprintln!("loadgen: {error}");
}
