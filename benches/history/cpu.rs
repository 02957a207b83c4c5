//! Processor time of this process and of Redis, thread by thread.

use std::fs;
use std::time::Duration;

use crate::mode::Opened;

/// Of the threads of that name; of all without one.
pub(crate) fn used(name: Option<&str>) -> Duration {
    of_process("self", name)
}

/// Of Redis, if there is one.
pub(crate) fn used_by_redis(opened: &Opened) -> Duration {
    let redis = opened.redis.as_ref();
    redis.map_or(Duration::ZERO, |redis| of_process(&redis.child().id().to_string(), None))
}

fn of_process(process: &str, name: Option<&str>) -> Duration {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).expect("Linux").flatten();
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
