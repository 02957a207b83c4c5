//! What people and programs are told. The only files that print.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "telling the terminal is this module's job")]

mod charts;
mod comparison;
mod csv;
mod hdr;
mod html;
mod json;
mod junit;
mod live;
mod plot;

mod progress;
mod summary;

pub use progress::Progress;

use std::path::{Path, PathBuf};

use crate::capacity::{Capacity, Probe};
use crate::cli::OutputArgs;
use crate::compare::Comparison;
use crate::outcome::Outcome;
use crate::selftest::Proof;

/// Writes every file that was asked for; returns those that could not be written.
#[must_use]
pub fn write_all<'a>(outcome: &Outcome, outputs: &'a OutputArgs) -> Vec<(&'a Path, std::io::Error)> {
    type Make = fn(&Outcome) -> std::io::Result<Vec<u8>>;
    let files: [(&Option<PathBuf>, Make); 6] = [
        (&outputs.json, json::make),
        (&outputs.html, html::make),
        (&outputs.csv, csv::make),
        (&outputs.junit, junit::make),
        (&outputs.hlog, hdr::log),
        (&outputs.hgrm, hdr::percentiles),
    ];
    let write = |(path, make): (&'a Option<PathBuf>, Make)| {
        let path = path.as_deref()?;
        let written = make(outcome).and_then(|bytes| std::fs::write(path, bytes));
        written.err().map(|error| (path, error))
    };
    files.into_iter().filter_map(write).collect()
}

/// Writes what a search came to.
///
/// # Errors
///
/// When the file cannot be written.
pub fn write_capacity(capacity: &Capacity, path: &Path) -> std::io::Result<()> {
    let mut json = serde_json::to_vec_pretty(capacity)?;
    json.push(b'\n');
    std::fs::write(path, json)
}

/// Prints the summary.
pub fn summary(outcome: &Outcome) {
    print!("{}", summary::table(outcome));
}

/// The comparison as Markdown.
#[must_use]
pub fn markdown(comparison: &Comparison) -> String {
    comparison::markdown(comparison)
}

/// Prints a text as it is.
pub fn say(text: &str) {
    print!("{text}");
}

/// Tells of a rate that was tried.
pub fn probe(probe: &Probe) {
    let p99 = probe.latency_p99_ms.map_or(String::new(), |ms| format!("  p99 {ms:.1} ms"));
    let reason = probe.reason.as_ref().map_or(String::new(), |reason| format!("  ({reason})"));
    eprintln!("{:>12.1}/s  {}{p99}{reason}", probe.rate, probe.verdict);
}

/// Prints what the searches came to.
pub fn capacity(capacity: &Capacity) {
    let found: Vec<_> = capacity.found.iter().map(|rate| format!("{rate:.0}")).collect();
    println!("\n  {}\n  {}\n", capacity.url, capacity.thresholds.join(", "));
    if capacity.is_interrupted {
        return println!("  interrupted\n");
    }
    println!("  capacity     {:.0} to {:.0} messages/s  (searches: {})", capacity.low, capacity.high, found.join(", "));
    if capacity.is_generator_limited {
        println!("  The generator was the limit: the server holds at least so much. Use a larger machine.");
    }
    println!();
}

/// Prints one proof of the selftest.
pub fn proof(proof: &Proof) {
    let sign = if proof.holds { "✓" } else { "✗" };
    println!("  {sign} {}\n      {}", proof.claim, proof.figures);
}

/// Says what went wrong.
pub fn complain(error: &dyn std::fmt::Display) {
    eprintln!("loadgen: {error}");
}
