//! Silence of the server: gaps between arrivals while messages were outstanding.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

/// A gap without arrivals that counts as a stall of the server.
pub const STALL_MIN: Duration = Duration::from_millis(100);
/// Stalls that are listed; more are the same news.
const STALLS_MAX: usize = 1000;

/// Gap between two arrivals while messages were outstanding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stall {
    /// From the start of the load to the begin of the gap.
    pub at: Duration,
    /// How long it was.
    pub length: Duration,
}

/// The gaps of a run that are long enough to be told. Times are microseconds from the start of the load.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    last_arrival_us: AtomicU64,
    stalls: Mutex<Vec<Stall>>,
}

impl Gaps {
    /// Something arrived: the server is not silent. Returns when something did before.
    pub(super) fn ends(&self, now_us: u64) -> u64 {
        self.last_arrival_us.fetch_max(now_us, Ordering::Relaxed)
    }

    /// When something arrived last.
    pub(super) fn last_arrival_us(&self) -> u64 {
        self.last_arrival_us.load(Ordering::Relaxed)
    }

    /// Lists what is long enough.
    pub(super) fn list(&self, begin_us: u64, end_us: u64) {
        let length = Duration::from_micros(end_us.saturating_sub(begin_us));
        if length >= STALL_MIN {
            let mut stalls = self.stalls.lock();
            if stalls.len() < STALLS_MAX {
                stalls.push(Stall { at: Duration::from_micros(begin_us), length });
            }
        }
    }

    /// What is listed, in its order.
    pub(super) fn stalls(&self) -> Vec<Stall> {
        let mut stalls = self.stalls.lock().clone();
        stalls.sort_by_key(|stall| stall.at);
        stalls
    }
}
