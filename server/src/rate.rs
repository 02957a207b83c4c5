//! How often a peer may do something.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until};

use crate::address::block;
use crate::limits::{Rate, SessionLimits};
use crate::proxies::Proxies;

/// A token bucket: `burst` at once, then `per_sec`.
#[derive(Debug)]
pub(crate) struct Bucket {
    rate: Option<Rate>,
    tokens: f64,
    filled_at: Instant,
}

impl Bucket {
    /// A full bucket; without a rate it never empties.
    #[must_use]
    pub(crate) fn new(rate: Option<Rate>) -> Self {
        Self { rate, tokens: rate.map_or(0.0, |rate| rate.burst), filled_at: Instant::now() }
    }

    /// For messages of a connection that make no sense.
    #[must_use]
    pub(crate) fn of_nonsense(limits: &SessionLimits) -> Self {
        Self::new(Some(Rate::per_minute(limits.nonsense_max_per_minute)))
    }

    /// Takes one, if there is one.
    pub(crate) fn take(&mut self) -> bool {
        let Some(rate) = self.rate else { return true };
        self.fill(rate);
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }

    /// Takes one on credit.
    pub(crate) fn charge(&mut self) {
        if let Some(rate) = self.rate {
            self.fill(rate);
            self.tokens -= 1.0;
        }
    }

    /// When there will be one; `None` where there was one when it was last
    /// looked at.
    #[must_use]
    pub(crate) fn next_at(&self) -> Option<Instant> {
        let rate = self.rate.filter(|_| self.tokens < 1.0)?;
        Some(self.filled_at + Duration::from_secs_f64((1.0 - self.tokens) / rate.per_sec))
    }

    /// Waits until there is one.
    pub(crate) async fn filled(&self) {
        if let Some(at) = self.next_at() {
            sleep_until(at).await;
        }
    }

    fn fill(&mut self, rate: Rate) {
        let now = Instant::now();
        let elapsed = now.duration_since(self.filled_at).as_secs_f64();
        self.tokens = (self.tokens + elapsed * rate.per_sec).min(rate.burst);
        self.filled_at = now;
    }

    fn is_full(&mut self) -> bool {
        self.rate.is_none_or(|rate| {
            self.fill(rate);
            self.tokens >= rate.burst
        })
    }
}

/// A bucket per address.
#[derive(Debug)]
pub(crate) struct AddressRates {
    rate: Option<Rate>,
    addresses_max: usize,
    proxies: Proxies,
    buckets: Mutex<HashMap<IpAddr, Bucket>>,
}

impl AddressRates {
    /// Everybody has a full bucket.
    #[must_use]
    pub(crate) fn new(rate: Option<Rate>, addresses_max: usize, proxies: Proxies) -> Self {
        Self { rate, addresses_max, proxies, buckets: Mutex::default() }
    }

    /// Takes one of the address's, if there is one. Loopback and proxies are
    /// not counted: many share their addresses.
    pub(crate) fn take(&self, address: IpAddr) -> bool {
        if self.rate.is_none() || self.proxies.contains(address) {
            return true;
        }
        let mut buckets = self.buckets.lock();
        if buckets.len() >= self.addresses_max {
            // A full bucket says nothing that a new one does not; if none is full, who is new waits.
            buckets.retain(|_, bucket| !bucket.is_full());
            if buckets.len() >= self.addresses_max {
                return false;
            }
        }
        buckets.entry(block(address)).or_insert_with(|| Bucket::new(self.rate)).take()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_bucket_gives_its_burst_and_then_its_rate() {
        let mut bucket = Bucket::new(Some(Rate { burst: 3.0, per_sec: 2.0 }));
        assert_eq!([bucket.take(), bucket.take(), bucket.take(), bucket.take()], [true, true, true, false]);
        tokio::time::advance(Duration::from_millis(499)).await;
        assert!(!bucket.take());
        tokio::time::advance(Duration::from_millis(2)).await;
        assert!(bucket.take());
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!([bucket.take(), bucket.take(), bucket.take(), bucket.take()], [true, true, true, false]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_camera_of_thirty_frames_a_second_is_never_held_up_by_the_default() {
        let mut bucket = Bucket::new(crate::limits::Limits::new(1 << 20, 32 << 20).rates.messages);
        for frame in 0..30 * 60 {
            assert!(bucket.next_at().is_none_or(|at| at <= Instant::now()), "frame {frame}");
            bucket.charge();
            tokio::time::advance(Duration::from_secs(1) / 30).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn addresses_are_counted_apart_and_loopback_is_not() {
        let rates = AddressRates::new(Some(Rate { burst: 1.0, per_sec: 1.0 }), 2, Proxies::new(&[]));
        let [one, two, three] = [[192, 0, 2, 1], [192, 0, 2, 2], [192, 0, 2, 3]].map(IpAddr::from);
        assert!(rates.take(one) && rates.take(two));
        assert!(!rates.take(one));
        assert!(!rates.take(three), "more addresses are remembered than the bound allows");
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(rates.take(three), "full buckets are not forgotten");
        let loopback = IpAddr::from([127, 0, 0, 1]);
        assert!((0..10).all(|_| rates.take(loopback)));
    }
}
