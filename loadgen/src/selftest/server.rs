//! A server whose faults are known: it sends back what it gets, and counts each fault that it commits.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use parking_lot::Mutex;
use tokio::net::TcpStream;
use tokio::task::{JoinSet, yield_now};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_util::sync::CancellationToken;

use crate::seed::SplitMix;

/// One message in so many meets each fault.
const FAULT_ONE_IN: u64 = 100;
/// A message that waits for the next one of its client goes out after so much silence: the load is over.
const HELD_MAX: Duration = Duration::from_millis(200);

/// What the server does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Nothing,
    /// 1 % of the messages are not sent back.
    Drop,
    /// 1 % are sent back twice.
    Double,
    /// 1 % are sent back after the next one.
    Swap,
    /// 1 % are sent back with a changed letter.
    Corrupt,
    /// Each of these with 1 %.
    Mixed,
    /// Nothing happens for `length`, again and again.
    Stall {
        /// From the end of one to the begin of the next.
        every: Duration,
        length: Duration,
    },
}

/// What the server did.
#[derive(Debug, Default)]
pub(super) struct Committed {
    pub(super) dropped: AtomicU64,
    pub(super) doubled: AtomicU64,
    pub(super) swapped: AtomicU64,
    pub(super) corrupted: AtomicU64,
    /// Begin and end of each.
    pub(super) stalls: Mutex<Vec<(Instant, Instant)>>,
    /// A sum over all that each connection brought, in its order.
    pub(super) digest: AtomicU64,
}

/// A server on a thread of its own; it stops when it is dropped.
#[derive(Debug)]
pub(super) struct FaultyServer {
    address: SocketAddr,
    committed: Arc<Committed>,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl FaultyServer {
    /// Listens on a free port of this machine.
    pub(super) fn start(fault: Fault) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (committed, stop) = (Arc::new(Committed::default()), CancellationToken::new());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = {
            let (committed, stop) = (Arc::clone(&committed), stop.clone());
            thread::Builder::new().name("faulty-server".into()).spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        _ = serve(listener, fault, &committed) => {}
                    }
                });
            })?
        };
        Ok(Self { address, committed, stop, thread: Some(thread) })
    }

    pub(super) fn url(&self) -> String {
        format!("ws://{}/", self.address)
    }

    pub(super) fn committed(&self) -> &Committed {
        &self.committed
    }

    /// Ends, and says what it did.
    pub(super) fn finish(self) -> Arc<Committed> {
        // Dropping waits for the thread.
        Arc::clone(&self.committed)
    }
}

impl Drop for FaultyServer {
    fn drop(&mut self) {
        self.stop.cancel();
        // A server that panicked has told so on stderr.
        self.thread.take().map(JoinHandle::join);
    }
}

async fn serve(listener: TcpListener, fault: Fault, committed: &Arc<Committed>) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let mut tasks = JoinSet::new();
    if let Fault::Stall { every, length } = fault {
        tasks.spawn(stall(every, length, Arc::clone(committed)));
    }
    for number in 0.. {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let random = SplitMix::new(1, number);
        tasks.spawn(echo(stream, Echo { fault, committed: Arc::clone(committed), random, held: None }));
    }
    Ok(())
}

async fn stall(every: Duration, length: Duration, committed: Arc<Committed>) {
    loop {
        sleep(every).await;
        let begin = Instant::now();
        block(length);
        committed.stalls.lock().push((begin, Instant::now()));
    }
}

/// Keeps the whole thread from doing anything.
pub(super) fn block(length: Duration) {
    let end = Instant::now() + length;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        thread::park_timeout(left);
    }
}

async fn echo(stream: TcpStream, mut echo: Echo) {
    let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { return };
    let mut digest = 0_u64;
    loop {
        let next = match echo.held {
            Some(_) => timeout(HELD_MAX, socket.next()).await,
            None => Ok(socket.next().await),
        };
        let sent = match next {
            Ok(Some(Ok(Message::Text(text)))) => {
                digest = digest.rotate_left(1) ^ u64::from(crc32fast::hash(text.as_bytes()));
                echo.answer(&mut socket, text.as_str()).await
            }
            Ok(Some(Ok(_))) => Ok(()),
            Ok(Some(Err(_)) | None) => break,
            Err(_) => echo.let_go(&mut socket).await,
        };
        if sent.is_err() {
            break;
        }
        // The oldest message of each connection comes before the second one of any.
        yield_now().await;
    }
    echo.committed.digest.fetch_add(digest, Ordering::Relaxed);
}

type Socket = WebSocketStream<TcpStream>;

/// One connection.
#[derive(Debug)]
struct Echo {
    fault: Fault,
    committed: Arc<Committed>,
    random: SplitMix,
    /// Goes out after the next one.
    held: Option<String>,
}

impl Echo {
    async fn answer(&mut self, socket: &mut Socket, text: &str) -> Result<(), tungstenite::Error> {
        if let Some(held) = self.held.take() {
            socket.send(Message::text(text)).await?;
            count(&self.committed.swapped);
            return socket.send(Message::text(held)).await;
        }
        match self.draw() {
            Fault::Drop => count(&self.committed.dropped),
            Fault::Swap => self.held = Some(text.to_owned()),
            Fault::Double => {
                count(&self.committed.doubled);
                socket.send(Message::text(text)).await?;
                socket.send(Message::text(text)).await?;
            }
            Fault::Corrupt => {
                count(&self.committed.corrupted);
                socket.send(Message::text(changed(text))).await?;
            }
            Fault::Nothing | Fault::Stall { .. } | Fault::Mixed => socket.send(Message::text(text)).await?,
        }
        Ok(())
    }

    /// What happens to the next message.
    fn draw(&mut self) -> Fault {
        let lot = self.random.draw() % FAULT_ONE_IN;
        match (self.fault, lot) {
            (Fault::Mixed, 0) => Fault::Drop,
            (Fault::Mixed, 1) => Fault::Double,
            (Fault::Mixed, 2) => Fault::Swap,
            (Fault::Mixed, 3) => Fault::Corrupt,
            (fault, 0) => fault,
            _ => Fault::Nothing,
        }
    }

    /// No message came that it could have been swapped with.
    async fn let_go(&mut self, socket: &mut Socket) -> Result<(), tungstenite::Error> {
        match self.held.take() {
            Some(held) => socket.send(Message::text(held)).await,
            None => Ok(()),
        }
    }
}

fn count(fault: &AtomicU64) {
    fault.fetch_add(1, Ordering::Relaxed);
}

/// The last letter becomes one that no payload ends with.
fn changed(text: &str) -> String {
    let mut text = text.to_owned();
    text.pop();
    text + "!"
}
