//! What another process has used, by the system's own count.

use std::fs;
use std::io;
use std::time::Duration;

/// Processor time of all its threads so far.
///
/// # Errors
///
/// When there is no such process.
pub fn processor_time(pid: u32) -> io::Result<Duration> {
    let mut nanos = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        // The first figure of proc(5)'s schedstat: nanoseconds spent on a processor. A thread may end meanwhile.
        let Ok(figures) = fs::read_to_string(thread?.path().join("schedstat")) else { continue };
        nanos += number(figures.split_whitespace().next())?;
    }
    Ok(Duration::from_nanos(nanos))
}

/// A figure of memory, in KiB: `VmRSS` is what it has, `VmHWM` the most that
/// it has had.
///
/// # Errors
///
/// When there is no such process, or no such figure.
pub fn memory_kib(pid: u32, figure: &str) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(figure)?.strip_prefix(':'));
    number(line.and_then(|line| line.split_whitespace().next()))
}

fn number(word: Option<&str>) -> io::Result<u64> {
    word.and_then(|word| word.parse().ok()).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no such figure"))
}
