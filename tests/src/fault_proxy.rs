//! A bad network between clients and a server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

/// What a connection suffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Everything comes later.
    Delay(Duration),
    /// Every byte comes by itself, from the server after the handshake.
    OneByte,
    /// The connection ends in both directions after so many bytes from the
    /// server, wherever in a frame that is.
    CutAfter(usize),
    /// The client seems to have said its last word after so many bytes.
    HalfCloseAfter(usize),
    /// After so many bytes from the server nothing arrives any more, and
    /// nobody is told.
    BlackHoleAfter(usize),
    /// So many bytes a second.
    Narrow(usize),
}

/// Stands between clients and a server until it is dropped.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    accepting: AbortHandle,
}

impl FaultProxy {
    /// Every connection suffers the same.
    ///
    /// # Panics
    ///
    /// When there is no free port.
    pub async fn start(server: SocketAddr, fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        let accepting = tokio::spawn(async move {
            let mut suffering = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                suffering.spawn(suffer(client, server, fault));
            }
        });
        Self { address, connections, accepting: accepting.abort_handle() }
    }

    /// How many there have been.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// What clients connect to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn suffer(client: TcpStream, server: SocketAddr, fault: Fault) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    for stream in [&client, &server] {
        stream.set_nodelay(true).expect("a socket");
    }
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let up = pump(from_client, to_server, fault, Direction::Up);
    let down = pump(from_server, to_client, fault, Direction::Down);
    match fault {
        // What one direction suffers ends both.
        Fault::CutAfter(_) => tokio::select! { () = up => {} () = down => {} },
        _ => _ = tokio::join!(up, down),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    /// From the client.
    Up,
    /// From the server.
    Down,
}

/// Carries bytes until there are none, or as long as the fault lets it.
async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, fault: Fault, direction: Direction) {
    let mut buffer = vec![0; 16 << 10];
    let mut left = match (fault, direction) {
        (Fault::CutAfter(bytes) | Fault::BlackHoleAfter(bytes), Direction::Down) => bytes,
        (Fault::HalfCloseAfter(bytes), Direction::Up) => bytes,
        _ => usize::MAX,
    };
    let mut is_first = true;
    while left > 0 {
        let most = buffer.len().min(left);
        let Ok(count @ 1..) = from.read(&mut buffer[..most]).await else { break };
        // The clients' library takes a handshake of single bytes for an attack.
        let is_answer = std::mem::take(&mut is_first) && fault == Fault::OneByte && direction == Direction::Down;
        let carried = match is_answer {
            true => to.write_all(&buffer[..count]).await,
            false => carry(&mut to, &buffer[..count], fault).await,
        };
        if carried.is_err() {
            break;
        }
        left = if left == usize::MAX { left } else { left - count };
    }
    if left == 0 && matches!(fault, Fault::BlackHoleAfter(_)) {
        // Neither end is told: what comes is not even read. The client gives up first.
        std::future::pending::<()>().await;
    }
    // An end of stream for the other side; when there is none any more, it needs none.
    to.shutdown().await.ok();
}

async fn carry(to: &mut OwnedWriteHalf, bytes: &[u8], fault: Fault) -> std::io::Result<()> {
    match fault {
        Fault::Delay(time) => {
            tokio::time::sleep(time).await;
            to.write_all(bytes).await
        }
        Fault::OneByte => {
            for byte in bytes {
                to.write_all(&[*byte]).await?;
                tokio::task::yield_now().await;
            }
            Ok(())
        }
        Fault::Narrow(bytes_per_sec) => {
            const SLICES_PER_SEC: usize = 20;
            for slice in bytes.chunks((bytes_per_sec / SLICES_PER_SEC).max(1)) {
                to.write_all(slice).await?;
                tokio::time::sleep(Duration::from_secs(1) / SLICES_PER_SEC as u32).await;
            }
            Ok(())
        }
        Fault::CutAfter(_) | Fault::HalfCloseAfter(_) | Fault::BlackHoleAfter(_) => to.write_all(bytes).await,
    }
}
