//! Processor time of this process, thread by thread.

use std::fs;
use std::time::Duration;

/// Of the threads of that name; of all without one.
pub(crate) fn used(name: Option<&str>) -> Duration {
    let tasks = fs::read_dir("/proc/self/task").expect("Linux").flatten();
    let of_task = |path: std::path::PathBuf| {
        // A thread may end while it is looked at.
        let is_meant =
            name.is_none_or(|name| fs::read_to_string(path.join("comm")).is_ok_and(|comm| comm.trim() == name));
        let used = fs::read_to_string(path.join("schedstat")).unwrap_or_default();
        let nanos = used.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0);
        if is_meant { nanos } else { 0 }
    };
    Duration::from_nanos(tasks.map(|task| of_task(task.path())).sum())
}

pub(crate) fn micros_each(used: Duration, count: u64) -> f64 {
    used.as_secs_f64() * 1e6 / count as f64
}
