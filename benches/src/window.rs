//! How far a speaker may be ahead of the slowest listener.

use std::cell::Cell;

use tokio::sync::{Semaphore, SemaphorePermit};

/// Bursts that may be under way at once.
const BURSTS_MAX: usize = 2;

/// Lets a speaker send a burst when all listeners have heard the burst before
/// the last one.
#[derive(Debug)]
pub(crate) struct Window {
    listeners: usize,
    permits: Semaphore,
    /// Listeners that have heard all of a burst, by its number modulo
    /// [`BURSTS_MAX`]: nobody can be further ahead.
    done: [Cell<usize>; BURSTS_MAX],
}

impl Window {
    /// With room for `bursts` at once.
    ///
    /// # Panics
    ///
    /// When that is more than two.
    pub(crate) fn new(listeners: usize, bursts: usize) -> Self {
        assert!((1..=BURSTS_MAX).contains(&bursts), "{bursts} bursts are not counted apart");
        Self { listeners, permits: Semaphore::new(bursts), done: [const { Cell::new(0) }; BURSTS_MAX] }
    }

    /// Waits until a burst may be sent.
    pub(crate) async fn open(&self) {
        self.permits.acquire().await.map(SemaphorePermit::forget).expect("the window is never closed");
    }

    /// One listener has heard all of a burst.
    pub(crate) fn heard(&self, burst: u64) {
        let done = &self.done[(burst % BURSTS_MAX as u64) as usize];
        done.set(done.get() + 1);
        if done.get() == self.listeners {
            done.set(0);
            self.permits.add_permits(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_burst_may_be_sent_when_the_slowest_has_heard_the_one_before_the_last() {
        let window = Window::new(2, 2);
        assert_eq!(window.open().now_or_never(), Some(()));
        assert_eq!(window.open().now_or_never(), Some(()));
        window.heard(0);
        window.heard(1);
        assert_eq!(window.open().now_or_never(), None);
        window.heard(0);
        assert_eq!(window.open().now_or_never(), Some(()));
        assert_eq!(window.open().now_or_never(), None);
        window.heard(1);
        assert_eq!(window.open().now_or_never(), Some(()));
    }
}
