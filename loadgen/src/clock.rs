//! A timer that is exact to some microseconds; the runtime's own is to a millisecond.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// timerfd_create(2).
#[derive(Debug)]
pub struct Alarm(AsyncFd<OwnedFd>);

impl Alarm {
    /// An alarm that is not set.
    ///
    /// # Errors
    ///
    /// When the system gives no descriptor.
    pub fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let fd = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        #[expect(deprecated, reason = "its replacement is unsafe code; an `OwnedFd` is open as long as it is owned")]
        let fd = AsyncFd::with_interest(fd, Interest::READABLE)?;
        Ok(Self(fd))
    }

    /// Waits so long. May be dropped half-way and used again.
    ///
    /// # Errors
    ///
    /// When the system does not take the time.
    pub async fn wait(&self, length: Duration) -> io::Result<()> {
        let Ok(seconds) = i64::try_from(length.as_secs()) else { return std::future::pending().await };
        // A time of zero would switch the alarm off.
        let nanos = if length.is_zero() { 1 } else { length.subsec_nanos() };
        let setting = Itimerspec {
            it_interval: Timespec { tv_sec: 0, tv_nsec: 0 },
            it_value: Timespec { tv_sec: seconds, tv_nsec: nanos.into() },
        };
        timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::empty(), &setting)?;
        loop {
            let mut ready = self.0.readable().await?;
            let mut expirations = [0; 8];
            let read = ready.try_io(|fd| Ok(rustix::io::read(fd.get_ref(), &mut expirations)?));
            if let Ok(read) = read {
                return read.map(drop);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[tokio::test]
    async fn an_alarm_does_not_ring_early_and_can_be_set_again() {
        let alarm = Alarm::new().unwrap();
        let begin = Instant::now();
        // Dropped before it rings.
        tokio::select! {
            biased;
            _ = alarm.wait(Duration::from_secs(3600)) => panic!("it rang an hour early"),
            () = std::future::ready(()) => {}
        }
        for turn in 1..=3 {
            alarm.wait(Duration::from_millis(5)).await.unwrap();
            assert!(begin.elapsed() >= Duration::from_millis(5) * turn);
        }
    }
}
