//! How a run ends: the verdict, and the exit code that CI sees.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The command line, a file or a combination of options cannot be used; nothing was sent.
pub const WRONG_USAGE: u8 = 2;
/// The run could not be carried through.
pub const FAILED: u8 = 1;
/// The generator was the limit. Chosen: free, and beside 99.
pub const GENERATOR_LIMITED: u8 = 98;
/// A threshold was crossed. The same as k6, so that pipelines need not learn another number.
pub const THRESHOLDS_CROSSED: u8 = 99;
/// A signal ended the run. Shell convention: 128 + SIGINT.
pub const INTERRUPTED: u8 = 130;

/// What a run proved, from the strongest reason to doubt it to none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// All was sent and every threshold held.
    Passed,
    /// The load was carried through, and a threshold was crossed.
    ThresholdsCrossed,
    /// The generator was the limit, so the figures say nothing about the server.
    GeneratorLimited,
    /// The run could not be carried through.
    Failed,
    /// A signal ended the run early.
    Interrupted,
}

impl Verdict {
    /// The exit code of the process.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Failed => FAILED,
            Self::GeneratorLimited => GENERATOR_LIMITED,
            Self::ThresholdsCrossed => THRESHOLDS_CROSSED,
            Self::Interrupted => INTERRUPTED,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passed => "passed",
            Self::ThresholdsCrossed => "thresholds crossed",
            Self::GeneratorLimited => "generator-limited",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        })
    }
}
