//! A real server and a room full of clients, in one process.
//!
//! The server has a runtime of its own, as large as the program's; all clients
//! share one thread.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::time::Duration;

use clap::Parser;
use futures_util::future::{join, join_all, try_join_all};
use hdrhistogram::Histogram;
use negaphone::Running;
use negaphone::config::{Cli, Config};
use tokio::io::AsyncWriteExt;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::runtime::{Builder, Runtime};
use tokio::task::unconstrained;
use tokio::time::{Instant, sleep_until, timeout};

use crate::client::{self, Reader};
use crate::frame::{Burst, Opcode, masked_frame};
use crate::window::Window;

/// What the readers read into. Chosen: as much as the server writes at once.
const SCRATCH_BYTES: usize = 64 << 10;

/// Longer takes only a relay that has lost something.
const RUN_MAX: Duration = Duration::from_secs(120);

/// The largest latency that is told from larger ones.
const LATENCY_MAX: Duration = Duration::from_secs(60);

/// A server, and clients that are all in one room; the first of them speaks.
#[derive(Debug)]
pub struct Relay {
    _running: Running,
    _server: Runtime,
    clients: Runtime,
    readers: Vec<Reader>,
    writers: Vec<OwnedWriteHalf>,
    scratch: RefCell<Vec<u8>>,
}

/// What the speaker says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Talk {
    /// How many messages.
    pub messages: u64,
    /// Bytes of each.
    pub payload_bytes: usize,
}

/// Starts a server on a free port, its history in memory and without the
/// bounds on how often a peer may speak, on threads of this name.
///
/// # Panics
///
/// When that fails: there is nothing to measure then.
#[must_use]
pub fn start(threads: &str) -> (Running, Runtime) {
    let cli = Cli::parse_from([
        "negaphone",
        "--listen=127.0.0.1:0",
        "--history=memory",
        "--tcp-pair=off",
        "--tcp-room=off",
        "--no-rate-limit",
    ]);
    let config = Config::try_from(cli.serve).expect("the settings are right");
    let runtime =
        Builder::new_multi_thread().enable_all().thread_name(threads).build().expect("the system gives threads");
    let running = runtime.block_on(negaphone::start(config)).expect("the server starts");
    (running, runtime)
}

impl Relay {
    /// Starts a server on a free port, its history in memory and without the
    /// bounds on how often a peer may speak, and lets `clients` join a room.
    ///
    /// # Panics
    ///
    /// When something of that fails: there is nothing to measure then.
    #[must_use]
    pub fn start(clients: usize) -> Self {
        let (running, server) = start("relay");
        let runtime = Builder::new_current_thread().enable_all().build().expect("the system gives a runtime");
        let address = running.address();
        let joined = runtime.block_on(async {
            let mut joined = Vec::with_capacity(clients);
            // One after the other: the queue of connections to be accepted is short.
            for _ in 0..clients {
                joined.push(client::join(address, "bench").await.expect("the server lets a client in"));
            }
            joined
        });
        let (readers, writers) = joined.into_iter().unzip();
        let scratch = RefCell::new(vec![0; SCRATCH_BYTES]);
        Self { _running: running, _server: server, clients: runtime, readers, writers, scratch }
    }

    /// Has everybody hear `talk`, of which at most `window` messages are under
    /// way: sent, and not yet heard by all. Returns how long that took.
    ///
    /// # Panics
    ///
    /// When a message is lost, doubled or out of order.
    pub fn flood(&mut self, talk: Talk, window: usize) -> Duration {
        let bursts = 2.min(window);
        let burst = Burst::new(window / bursts, talk.payload_bytes);
        self.run(talk.messages, burst, &Window::new(self.readers.len(), bursts), async |_| {}, || {})
    }

    /// Says one message at a time, one each `interval` (or later, when the one
    /// before is still on its way), and measures for each listener the
    /// microseconds from the moment before the message is written.
    ///
    /// # Panics
    ///
    /// As [`flood`](Self::flood).
    #[must_use]
    pub fn latencies(&mut self, talk: Talk, interval: Duration) -> Histogram<u64> {
        let latency_max_us = LATENCY_MAX.as_micros() as u64;
        let histogram = Histogram::new_with_bounds(1, latency_max_us, 3).expect("the bounds are right");
        let histogram = RefCell::new(histogram);
        let begin = Instant::now();
        let sent = Cell::new(begin);
        let pace = async |message: u64| {
            sleep_until(begin + interval.mul_f64(message as f64)).await;
            sent.set(Instant::now());
        };
        let heard = || {
            let latency_us = sent.get().elapsed().as_micros() as u64;
            histogram.borrow_mut().saturating_record(latency_us);
        };
        let window = Window::new(self.readers.len(), 1);
        self.run(talk.messages, Burst::new(1, talk.payload_bytes), &window, pace, heard);
        histogram.into_inner()
    }

    /// `pace` is waited for before each burst, `heard` called for each
    /// delivery.
    fn run(
        &mut self,
        messages: u64,
        mut burst: Burst,
        window: &Window,
        pace: impl AsyncFn(u64),
        heard: impl Fn(),
    ) -> Duration {
        let (readers, writers, scratch) = (&mut self.readers, &mut self.writers, &self.scratch);
        let burst_messages = burst.messages_max() as u64;
        let first = readers[0].received();
        self.clients.block_on(async {
            show_life(writers).await;
            let listening = readers.iter_mut().map(|reader| {
                listen(reader, messages, scratch, |count| {
                    heard();
                    if count % burst_messages == 0 || count == messages {
                        window.heard((count - 1) / burst_messages);
                    }
                })
            });
            let speaking = async {
                for (index, start) in (0..messages).step_by(burst.messages_max()).enumerate() {
                    window.open().await;
                    pace(index as u64).await;
                    let count = burst_messages.min(messages - start);
                    let frames = burst.numbered(first + start, count as usize);
                    writers[0].write_all(frames).await.expect("the server reads");
                }
            };
            let begin = Instant::now();
            // Hundreds of sockets in one task: its share of work at a time would be spent on the first of them.
            let run = unconstrained(join(speaking, join_all(listening)));
            timeout(RUN_MAX, run).await.expect("every message reaches everybody");
            begin.elapsed()
        })
    }
}

/// The server drops who has not said anything for two of its pings.
async fn show_life(writers: &mut [OwnedWriteHalf]) {
    let pong = masked_frame(Opcode::Pong, b"");
    let signs = writers.iter_mut().map(|writer| writer.write_all(&pong));
    try_join_all(signs).await.expect("the server reads");
}

/// Reads `messages` messages; `heard` is told how many it has been so far.
async fn listen(reader: &mut Reader, messages: u64, scratch: &RefCell<Vec<u8>>, heard: impl Fn(u64)) {
    let mut count = 0;
    while count < messages {
        let mut one_more = || {
            count += 1;
            heard(count);
        };
        poll_fn(|cx| reader.poll_frames(cx, &mut scratch.borrow_mut(), &mut one_more))
            .await
            .expect("what was said comes, in order");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_hears_everything_of_a_flood_and_of_a_quiet_talk() {
        let mut relay = Relay::start(5);
        relay.flood(Talk { messages: 1001, payload_bytes: 100 }, 64);
        relay.flood(Talk { messages: 3, payload_bytes: 500 }, 1);
        let latencies = relay.latencies(Talk { messages: 20, payload_bytes: 100 }, Duration::from_millis(1));
        assert_eq!(latencies.len(), 20 * 5);
        assert!(relay.readers.iter().all(|reader| reader.received() == 1024));
    }
}
