//! How the generator itself fares.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::Mutex;
use thiserror::Error;

use crate::record::{Records, STALL_MIN, Stall};
use crate::timeline::{Borders, Counted};

/// How often the heart beats.
const BEAT: Duration = Duration::from_millis(10);
/// A longer gap between beats is a pause of the machine or of this process.
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// Pauses that are listed.
const PAUSES_MAX: usize = 1000;
/// Descriptors that a run needs beside its connections.
const DESCRIPTORS_OTHER: u64 = 64;

/// A thread that sleeps and looks at how long it slept; it also closes the intervals.
#[derive(Debug)]
pub struct Heart {
    pauses: Arc<Mutex<Vec<Stall>>>,
    is_stopped: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Heart {
    /// Starts beating.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    pub fn start(records: Arc<Records>, borders: Borders) -> std::io::Result<Self> {
        let (pauses, is_stopped) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let thread = {
            let (pauses, is_stopped) = (Arc::clone(&pauses), Arc::clone(&is_stopped));
            thread::Builder::new().name("heart".into()).spawn(move || beat(&records, borders, &pauses, &is_stopped))?
        };
        Ok(Self { pauses, is_stopped, thread })
    }

    /// Stops; returns the generator's own pauses.
    #[must_use]
    pub fn stop(self) -> Vec<Stall> {
        self.is_stopped.store(true, Ordering::Relaxed);
        self.thread.thread().unpark();
        // It does nothing that could panic.
        self.thread.join().ok();
        Arc::try_unwrap(self.pauses).map(Mutex::into_inner).unwrap_or_default()
    }
}

fn beat(records: &Records, borders: Borders, pauses: &Mutex<Vec<Stall>>, is_stopped: &AtomicBool) {
    let mut before = records.elapsed();
    let (mut begin, mut counted, mut usage) = (Duration::ZERO, Counted::default(), Usage::now());
    let mut end = borders.after(begin);
    loop {
        // An interval is not to be longer than it says.
        thread::park_timeout(BEAT.min(end.saturating_sub(records.elapsed())));
        let now = records.elapsed();
        let length = now.saturating_sub(before);
        if length >= PAUSE_MIN {
            let mut pauses = pauses.lock();
            if pauses.len() < PAUSES_MAX {
                pauses.push(Stall { at: before, length });
            }
        }
        before = now;
        let is_last = is_stopped.load(Ordering::Relaxed);
        if records.is_started() && (now >= end || (is_last && now > begin)) {
            let used = Usage::now();
            counted = records.close_interval(begin, counted, used.since(usage));
            (begin, end, usage) = (now, borders.after(now), used);
        }
        if is_last {
            return;
        }
    }
}

/// Stalls without the time in which this process itself did not run; what is then too short is none.
#[must_use]
pub fn without_pauses(stalls: Vec<Stall>, pauses: &[Stall]) -> Vec<Stall> {
    let overlap = |a: &Stall, b: &Stall| {
        let end = (a.at + a.length).min(b.at + b.length);
        end.saturating_sub(a.at.max(b.at))
    };
    let without = |stall: Stall| {
        let own = pauses.iter().map(|pause| overlap(&stall, pause)).sum();
        Stall { length: stall.length.saturating_sub(own), ..stall }
    };
    stalls.into_iter().map(without).filter(|stall| stall.length >= STALL_MIN).collect()
}

/// Time that this process has used, and waited for a core.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// On a core.
    pub cpu: Duration,
    /// Ready, but without a core.
    pub run_queue: Duration,
}

impl Usage {
    /// Up to now, all threads together (proc(5), `schedstat`); zero where the
    /// system does not tell.
    #[must_use]
    pub fn now() -> Self {
        let mut usage = Self::default();
        let threads = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
        for text in threads.filter_map(|thread| fs::read_to_string(thread.path().join("schedstat")).ok()) {
            let mut fields = text.split_whitespace().filter_map(|field| field.parse().ok()).map(Duration::from_nanos);
            usage.cpu += fields.next().unwrap_or_default();
            usage.run_queue += fields.next().unwrap_or_default();
        }
        usage
    }
}

impl Usage {
    /// What came after an earlier look.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self { cpu: self.cpu.saturating_sub(before.cpu), run_queue: self.run_queue.saturating_sub(before.run_queue) }
    }
}

/// There are not enough descriptors for so many clients.
#[derive(Debug, Error)]
#[error(
    "so many clients need {needed} open files, and the limit is {limit}: raise it with `ulimit -n {needed}`, \
     or use fewer clients"
)]
pub struct DescriptorError {
    needed: u64,
    limit: u64,
}

/// Raises the limit of open descriptors as far as it goes.
///
/// # Errors
///
/// When that is not far enough.
pub fn raise_descriptors(of_clients: u64) -> Result<(), DescriptorError> {
    let needed = of_clients + DESCRIPTORS_OTHER;
    // Where the limit cannot be read, the connections themselves will tell.
    let limit = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(u64::MAX);
    if needed > limit { Err(DescriptorError { needed, limit }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stall_during_a_pause_of_our_own_is_not_the_servers() {
        let stall = |at, length| Stall { at: Duration::from_millis(at), length: Duration::from_millis(length) };
        let stalls = vec![stall(0, 100), stall(900, 300), stall(1900, 1000), stall(5000, 200)];
        let left = without_pauses(stalls, &[stall(1000, 1000)]);
        assert_eq!(left, [stall(0, 100), stall(900, 100), stall(1900, 900), stall(5000, 200)]);
    }
}
