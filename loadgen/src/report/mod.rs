//! What people and programs are told. The only files that print.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "telling the terminal is this module's job")]

mod charts;
mod csv;
mod hdr;
mod html;
mod json;
mod junit;
mod plot;

mod progress;
mod summary;

pub use progress::Progress;

use std::path::{Path, PathBuf};

use crate::cli::OutputArgs;
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

/// Prints the summary.
pub fn summary(outcome: &Outcome) {
    print!("{}", summary::table(outcome));
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
