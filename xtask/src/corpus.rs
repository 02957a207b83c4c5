//! Pictures of others, and their tools as judges of our negatives.

use std::path::{Path, PathBuf};

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::{cargo, install, step};

/// How much of the corpus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// A few dozen small files, made in seconds of a picture that needs no
    /// download.
    Small,
    /// Some hundred photographs, wallpapers and variants of them, 200 MB; what
    /// they are fetched from takes as much again.
    Whole,
}

impl Part {
    /// Where it is put: never committed, gone with `cargo clean`.
    fn folder(self) -> &'static str {
        match self {
            Self::Small => "target/corpus-small",
            Self::Whole => "target/corpus",
        }
    }
}

/// Makes the corpus, as far as it is not there, and returns its Python.
///
/// # Errors
///
/// When something cannot be installed, downloaded or made.
pub(crate) fn make(sh: &Shell, part: Part) -> Result<PathBuf> {
    let python = install::for_corpus(sh)?;
    let folder = part.folder();
    let small = (part == Part::Small).then_some("--small");
    step::run(cmd!(sh, "{python} tests/corpus/build.py {small...} {folder}"))?;
    Ok(python)
}

/// Makes the corpus and its negatives, and has other decoders judge them.
///
/// # Errors
///
/// As for [`make`], and when any negative is not right.
pub(crate) fn check(sh: &Shell, part: Part) -> Result<()> {
    let build = cmd!(sh, "cargo build --release --package invert --example negate");
    let [negate] = cargo::build(build, ["negate"])?;
    judge(sh, part, &negate)
}

/// As [`check`], with the example `negate` of the crate invert as it is built.
///
/// # Errors
///
/// As for [`check`].
pub(crate) fn judge(sh: &Shell, part: Part, negate: &Path) -> Result<()> {
    let python = make(sh, part)?;
    let folder = part.folder();
    step::run(cmd!(sh, "{python} tests/corpus/check.py {folder} --negate {negate}"))
}
