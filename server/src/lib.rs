//! The program `negaphone`: an image-inverting WebSocket relay.
//!
//! [`start`] makes it run; the modules below are in suggested reading order.

pub mod config;
pub mod limits;

mod address;
mod app;
mod router;

mod connections;
mod linger;
mod listen;
mod peer;
mod proxies;

mod doors;
mod session;

mod body;
mod error;
mod formats;
mod history_metrics;
mod images;
mod input;
mod metrics;
mod native_message;
mod pieces;
mod pipe;
mod plain_text;
mod query;
mod rate;
mod sink;
mod store;
mod tcp;
mod time;
mod urls;

pub mod history_files;
pub mod invert_files;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use config::{Config, History, TcpDoor};
use history::Sync;
use hub::Durability;
use limits::Limits;
use thiserror::Error;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;

use app::App;
pub use store::StoreOpenError;

/// Descriptors that the program would like to have: one per connection.
const DESCRIPTORS_WANTED: u64 = 1 << 20;
/// What it takes for granted where the system does not say: what most give.
const DESCRIPTORS_FEWEST: u64 = 1024;

/// Why the server did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// Somebody else listens there.
    #[error("cannot listen on {address}: another program does already; end it, or choose another port with {flag} {}:PORT", address.ip())]
    PortTaken {
        /// What says where to listen.
        flag: &'static str,
        /// Where.
        address: SocketAddr,
    },
    /// The system does not let us listen there.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// What was said before cannot be read.
    #[error(transparent)]
    History(#[from] StoreOpenError),
    /// The system gives no threads.
    #[error("cannot start the image pool: {0}")]
    Threads(io::Error),
}

/// A running server; it goes on when this is dropped.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    tcp_pair_address: Option<SocketAddr>,
    tcp_room_address: Option<SocketAddr>,
    app: Arc<App>,
    serving: JoinHandle<()>,
}

/// Starts the server.
///
/// # Errors
///
/// When it cannot listen or start its threads.
pub async fn start(config: Config) -> Result<Running, StartError> {
    let limits = config.limits(descriptors());
    start_within(config, limits).await
}

/// Starts the server with other bounds than those that `config` gives it.
///
/// # Errors
///
/// As for [`start`].
pub async fn start_within(config: Config, limits: Limits) -> Result<Running, StartError> {
    let waiting_max = limits.connections.waiting_max;
    let (listener, address) = bind("--listen", config.listen, waiting_max)?;
    let tcp_pair = bind_tcp_door("--tcp-pair", config.tcp_pair, waiting_max)?;
    let tcp_room = bind_tcp_door("--tcp-room", config.tcp_room, waiting_max)?;
    let store = store::open(&config.history, &limits).await?;
    let app = App::start(config, limits, store, address).map_err(StartError::Threads)?;
    let router = router::router(&app);
    let tcp_pair_address = tcp_pair.map(|(listener, address)| {
        app.sessions.spawn(doors::tcp_pair::serve(listener, Arc::clone(&app)));
        address
    });
    let tcp_room_address = tcp_room.map(|(listener, address)| {
        app.sessions.spawn(doors::tcp_room::serve(listener, Arc::clone(&app)));
        address
    });
    let serving = tokio::spawn(listen::serve(listener, Arc::clone(&app), router));
    Ok(Running { address, tcp_pair_address, tcp_room_address, app, serving })
}

fn bind(flag: &'static str, address: SocketAddr, waiting_max: u32) -> Result<(TcpListener, SocketAddr), StartError> {
    listen_at(address, waiting_max).map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => StartError::PortTaken { flag, address },
        _ => StartError::Listen { address, source },
    })
}

fn listen_at(address: SocketAddr, waiting_max: u32) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A server that was just ended has left connections behind at this address.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let listener = socket.listen(waiting_max)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

fn bind_tcp_door(
    flag: &'static str,
    door: TcpDoor,
    waiting_max: u32,
) -> Result<Option<(TcpListener, SocketAddr)>, StartError> {
    match door {
        TcpDoor::Off => Ok(None),
        TcpDoor::At(address) => bind(flag, address, waiting_max).map(Some),
    }
}

/// Descriptors that the system gives us.
fn descriptors() -> u64 {
    rlimit::increase_nofile_limit(DESCRIPTORS_WANTED).unwrap_or_else(|error| {
        tracing::warn!(%error, "the limit of open descriptors stays as it is");
        DESCRIPTORS_FEWEST
    })
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where TCP pairs are, if that door is open.
    #[must_use]
    pub fn tcp_pair_address(&self) -> Option<SocketAddr> {
        self.tcp_pair_address
    }

    /// Where the TCP room is, if that door is open.
    #[must_use]
    pub fn tcp_room_address(&self) -> Option<SocketAddr> {
        self.tcp_room_address
    }

    /// The room into which the TCP room leads.
    #[must_use]
    pub fn tcp_room_name(&self) -> &str {
        self.app.config.tcp_room_name.as_str()
    }

    /// The path under which everything lies.
    #[must_use]
    pub fn base_path(&self) -> &str {
        &self.app.config.base_path
    }

    /// Where messages are kept and what they survive, for people to read.
    #[must_use]
    pub fn history(&self) -> String {
        match &self.app.config.history {
            History::Memory => "in memory: gone with the process".to_owned(),
            History::Sqlite { data_dir, sync: Sync::Os } => format!("in {}, survives a kill", data_dir.display()),
            History::Sqlite { data_dir, sync: Sync::Disk } => {
                format!("in {}, survives the loss of power", data_dir.display())
            }
            History::Redis { url } => {
                let survives = match store::durability(self.app.hub.store().as_ref()) {
                    Durability::Memory => "gone with its process: appendonly is off",
                    Durability::Seconds => "survives its end but for the last seconds: appendfsync everysec",
                    Durability::Os => "survives a kill: appendfsync no",
                    Durability::Disk => "survives the loss of power: appendfsync always",
                    Durability::Unknown => "what it survives is unknown: CONFIG GET is refused",
                };
                format!("in Redis at {}, {survives}", url.address())
            }
        }
    }

    /// Rooms that are in memory.
    #[must_use]
    pub fn rooms_in_memory(&self) -> usize {
        self.app.hub.rooms_in_memory()
    }

    /// Asks it to stop: nobody is let in any more, and everybody is told
    /// good-bye.
    pub fn stop(&self) {
        self.app.stop.cancel();
    }

    /// Waits until it has stopped.
    pub async fn stopped(self) {
        // A panic of the accept loop has been reported where it happened.
        self.serving.await.ok();
    }
}
