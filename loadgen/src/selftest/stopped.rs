//! The generator as a process of its own that is stopped for a second in the middle of its load.

use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::server::block;

/// How long it is stopped: twice what a generator may be late once.
const STOPPED: Duration = Duration::from_secs(1);

/// Runs `program` against `url`, stops it in the middle, and returns its exit code and its result.
pub(super) fn run(program: &Path, url: &str, result: &Path) -> io::Result<(Option<i32>, Value)> {
    let mut child = Command::new(program)
        .args(["echo", "--clients", "2", "--rate", "200", "--duration", "3s", "--url", url, "--json"])
        .arg(result)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let pid = Pid::from_child(&child);
    let stderr = child.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let mut lines = BufReader::new(stderr);
    let mut line = String::new();
    // The first line that tells of messages comes when the load is under way.
    while !line.contains("sent") {
        line.clear();
        if lines.read_line(&mut line)? == 0 {
            break;
        }
    }
    kill_process(pid, Signal::STOP)?;
    block(STOPPED);
    kill_process(pid, Signal::CONT)?;
    lines.read_to_end(&mut Vec::new())?;
    let code = child.wait()?.code();
    Ok((code, serde_json::from_slice(&std::fs::read(result)?)?))
}
