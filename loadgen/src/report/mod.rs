//! What people and programs are told. The only files that print.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "telling the terminal is this module's job")]

mod json;
mod progress;
mod summary;

pub use json::write_json;
pub use progress::Progress;

use crate::outcome::Outcome;
use crate::selftest::Proof;

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
