//! Fuzzing: targets, seeds and the kept corpus are in `fuzz/`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use xshell::{Cmd, Shell, cmd};

use crate::{cargo, install, step};

/// Every target.
const TARGETS: [&str; 8] = ["jpeg", "jpeg_paths", "png", "gif", "bmp", "dispatch", "frames", "codecs"];

/// What holds for every input. Chosen: 4 KiB have room for some pieces of each
/// format, and longer inputs are slower; a process holds a corpus and ends when
/// a stranger's number makes it allocate much more; ten seconds for one input
/// are long also on a busy machine.
const BOUNDS: [&str; 3] = ["-max_len=4096", "-rss_limit_mb=768", "-timeout=10"];

/// How many files of a target are kept: some hundred KiB in all targets.
const KEPT_MAX_FILES: usize = 40;

/// What to fuzz, and for how long.
#[derive(Debug, Args)]
pub(crate) struct Fuzz {
    /// One target; all of them if none is named
    #[arg(value_parser = TARGETS)]
    target: Option<String>,
    /// How long each target runs
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Where chance begins; 0 is somewhere else each time
    #[arg(long, default_value_t = 0)]
    seed: u32,
}

impl Fuzz {
    /// Every target, for so long.
    pub(crate) fn all(seconds: u32) -> Self {
        Self { target: None, seconds, seed: 0 }
    }
}

/// Searches for inputs that break a promise, beginning with the kept corpus and
/// what earlier runs found.
///
/// # Errors
///
/// With the first target that finds one; it is then in `fuzz/artifacts`.
pub(crate) fn run(sh: &Shell, fuzz: &Fuzz) -> Result<()> {
    let programs = build(sh)?;
    let _folder = sh.push_dir("fuzz");
    for (target, program) in TARGETS.into_iter().zip(programs) {
        if fuzz.target.as_ref().is_none_or(|wanted| wanted == target) {
            let artifacts = format!("artifacts/{target}/");
            // libFuzzer adds to the first folder and only reads the others.
            let folders = [format!("found/{target}"), format!("corpus/{target}")];
            sh.create_dir(&artifacts)?;
            sh.create_dir(&folders[0])?;
            let Fuzz { seconds, seed, .. } = fuzz;
            let search = bounded(sh, &program)
                .arg(format!("-max_total_time={seconds}"))
                .arg(format!("-seed={seed}"))
                .arg(format!("-artifact_prefix={artifacts}"))
                .arg("-print_final_stats=1");
            step::run(search.args(folders)).with_context(|| {
                format!("target {target} found something, see above; the input is in fuzz/{artifacts}")
            })?;
        }
    }
    Ok(())
}

/// Chooses the kept corpus anew: from what is kept, whole files of every kind,
/// and what runs on this machine have found.
///
/// # Errors
///
/// When an input breaks a promise, or the folders cannot be written.
pub(crate) fn choose_corpus(sh: &Shell) -> Result<()> {
    // Not from within the folder, whose settings ask for libFuzzer.
    step::run(cmd!(
        sh,
        "cargo run --quiet --manifest-path fuzz/Cargo.toml --no-default-features --example seeds -- fuzz/seeds"
    ))?;
    let programs = build(sh)?;
    let _folder = sh.push_dir("fuzz");
    for (target, program) in TARGETS.into_iter().zip(programs) {
        let [kept, seeds, found, chosen] =
            ["corpus", "seeds", "found", "chosen"].map(|folder| PathBuf::from(folder).join(target));
        for folder in [&kept, &found, &chosen] {
            sh.create_dir(folder)?;
        }
        // The fewest files that reach the same code; how often they reach it would make many more.
        let choose = bounded(sh, &program).args(["-set_cover_merge=1", "-use_counters=0"]);
        step::run(choose.arg(&chosen).args([&kept, &seeds, &found]))?;
        sh.remove_path(&kept)?;
        sh.create_dir(&kept)?;
        for file in oldest(sh, &chosen)? {
            sh.copy_file(file, &kept)?;
        }
    }
    sh.remove_path("chosen")?;
    Ok(())
}

/// The files of a folder that were written first: libFuzzer writes those first
/// that reach the most.
fn oldest(sh: &Shell, folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = sh.read_dir(folder)?;
    files.sort_by_cached_key(|file| file.metadata().and_then(|file| file.modified()).ok());
    files.truncate(KEPT_MAX_FILES);
    Ok(files)
}

fn bounded<'sh>(sh: &'sh Shell, program: &Path) -> Cmd<'sh> {
    sh.cmd(program).args(BOUNDS).arg("-verbosity=0")
}

/// Builds all targets; returns the programs in the same order.
fn build(sh: &Shell) -> Result<[PathBuf; TARGETS.len()]> {
    // libFuzzer is C++.
    install::programs(sh, &[("c++", "g++")])?;
    let _folder = sh.push_dir("fuzz");
    cargo::build(cmd!(sh, "cargo build --locked --release --bins"), TARGETS)
}
