//! A load spread over several processes of this program, whose results are merged.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use futures_util::future::try_join_all;
use rustix::process::{Pid, Signal, kill_process};
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use crate::compare::{self, CompareError};
use crate::merge::{self, MergeError};
use crate::outcome::Outcome;
use crate::plan::Plan;
use crate::share::Share;

/// A load that the workers did not carry through.
#[derive(Debug, Error)]
pub enum WorkersError {
    /// A worker cannot be started or waited for.
    #[error("a worker process: {0}")]
    Io(#[from] io::Error),
    /// A worker left no result.
    #[error("worker {} of {} ended without a result ({status})", share.index + 1, share.of)]
    NoResult {
        /// Which.
        share: Share,
        /// How it ended.
        status: ExitStatus,
        /// What was found instead.
        source: CompareError,
    },
    /// Results that do not belong together.
    #[error(transparent)]
    Merge(#[from] MergeError),
}

/// Runs `program` with the arguments `words`, once for each part of the plan; `stop` interrupts all.
///
/// # Errors
///
/// When a worker leaves no result.
pub async fn run(
    program: &Path,
    words: &[OsString],
    plan: &Plan,
    stop: CancellationToken,
) -> Result<Outcome, WorkersError> {
    let folder = tempfile::tempdir()?;
    let path = |share: Share| folder.path().join(format!("{}.json", share.index));
    let mut workers = Vec::new();
    for share in Share::all(plan.processes) {
        let mut command = Command::new(program);
        // Behind all others, so that they win.
        command.args(words).arg(format!("--share={}/{}", share.index, share.of));
        command.arg(format!("--seed={}", plan.seed)).arg("--json").arg(path(share));
        command.stdin(Stdio::null()).stdout(Stdio::null());
        // A Ctrl-C on the terminal is this process's, which passes it on once.
        command.process_group(0);
        workers.push((share, command.spawn()?));
    }
    let ended = workers.into_iter().map(|(share, child)| {
        let stop = stop.clone();
        async move { Ok::<_, io::Error>((share, wait(child, stop).await?)) }
    });
    let mut outcomes = Vec::new();
    for (share, status) in try_join_all(ended).await? {
        let outcome = compare::read(&path(share));
        outcomes.push(outcome.map_err(|source| WorkersError::NoResult { share, status, source })?);
    }
    let mut sum = merge::merge(outcomes)?;
    (sum.seed, sum.run_id) = (plan.seed, plan.run_id.clone());
    Ok(sum)
}

/// Waits for a worker's end; passes an interruption on.
async fn wait(mut child: Child, stop: CancellationToken) -> io::Result<ExitStatus> {
    let pid = Pid::from_child(&child);
    let mut ended = tokio::task::spawn_blocking(move || child.wait());
    tokio::select! {
        ended = &mut ended => return ended?,
        () = stop.cancelled() => {}
    }
    // One that has just ended is a zombie until it is waited for, and takes no harm.
    kill_process(pid, Signal::INT).ok();
    ended.await?
}
