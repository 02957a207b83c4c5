//! The runs that take too long for every change.

use anyhow::Result;
use xshell::Shell;

use crate::corpus::{self, Part};
use crate::fuzz::{self, Fuzz};
use crate::{endurance, install, step};

/// How long each fuzz target runs.
const FUZZ_SECONDS: u32 = 600;

/// Each as a command line, its words apart.
const RUNS: &[&[&str]] = &[
    &["cargo", "test", "--release", "--workspace"],
    &["env", "MONKEY_SECONDS=60", "cargo", "test", "--release", "-p", "tests", "--test", "it", "kill_monkey"],
    &[
        "env",
        "PROPTEST_CASES=10000",
        "cargo",
        "test",
        "--release",
        "-p",
        "invert",
        "-p",
        "wire",
        "-p",
        "hub",
        "--lib",
        "--tests",
    ],
    &["env", "PROPTEST_CASES=10000", "cargo", "test", "--release", "-p", "tests", "--test", "it", "any_bytes"],
];

/// Does all of them.
///
/// # Errors
///
/// With the first one that fails.
pub(crate) fn run(sh: &Shell) -> Result<()> {
    install::for_tests(sh)?;
    for run in RUNS {
        let (program, arguments) = run.split_first().expect("a command line begins with its program");
        step::run(sh.cmd(program).args(arguments))?;
    }
    endurance::run_long(sh)?;
    corpus::check(sh, Part::Whole)?;
    fuzz::run(sh, &Fuzz::all(FUZZ_SECONDS))
}
