//! A real server in this process.

use std::net::SocketAddr;
use std::path::Path;

use history::Sync;
use negaphone::Running;
use negaphone::config::{Config, History, RateLimiting};
use negaphone::limits::Limits;

use crate::http::Http;
use crate::native::NativeClient;
use crate::raw_socket::RawSocket;
use crate::websocket::WsClient;

/// Descriptors that a test server may count on.
const DESCRIPTORS: u64 = 20_000;

/// Stops when it is dropped.
#[derive(Debug)]
pub struct TestServer {
    running: Option<Running>,
    address: SocketAddr,
    base_path: String,
}

impl TestServer {
    /// A server with its defaults, but without bounds on how often.
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// A server that is set differently.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub async fn with(set: impl FnOnce(&mut Config)) -> Self {
        let mut config = Self::config();
        set(&mut config);
        let limits = config.limits(DESCRIPTORS);
        Self::start_within(config, limits).await
    }

    /// A server that keeps its messages in a folder, as it does by default.
    pub async fn in_folder(folder: &Path) -> Self {
        let history = History::Sqlite { data_dir: folder.to_owned(), sync: Sync::Os };
        Self::with(|config| config.history = history).await
    }

    /// What test servers are set to, on a free port.
    #[must_use]
    pub fn config() -> Config {
        Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            history: History::Memory,
            base_path: String::new(),
            public_url: None,
            raw_message_max_bytes: 1 << 20,
            tape_tail_max_bytes: 32 << 20,
            rates: RateLimiting::Off,
            connections_max: None,
            connections_per_address_max: 256,
            trusted_proxies: Vec::new(),
        }
    }

    /// A server with other bounds than its own.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub async fn bounded(bound: impl FnOnce(&mut Limits)) -> Self {
        let config = Self::config();
        let mut limits = config.limits(DESCRIPTORS);
        bound(&mut limits);
        Self::start_within(config, limits).await
    }

    async fn start_within(config: Config, limits: Limits) -> Self {
        let base_path = config.base_path.clone();
        let running = negaphone::start_within(config, limits).await.expect("a free port");
        Self { address: running.address(), running: Some(running), base_path }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A WebSocket at a path, such as `/ws/image`.
    pub async fn ws(&self, path: &str) -> WsClient {
        WsClient::connect(&format!("ws://{}{}{path}", self.address, self.base_path)).await
    }

    /// A native client; returns once the server has welcomed it.
    pub async fn native(&self, query: &str) -> NativeClient {
        NativeClient::join(self.ws(&format!("/ws?{query}")).await).await
    }

    /// Plain HTTP.
    #[must_use]
    pub fn http(&self) -> Http {
        Http::new(format!("http://{}{}", self.address, self.base_path))
    }

    /// A TCP connection on which nothing was said yet.
    pub async fn socket(&self) -> RawSocket {
        RawSocket::connect(self.address).await
    }

    /// Asks it to stop, and goes on.
    pub fn stop(&self) {
        if let Some(running) = &self.running {
            running.stop();
        }
    }

    /// Waits until it has stopped.
    pub async fn stopped(mut self) {
        if let Some(running) = self.running.take() {
            crate::within_deadline("the end of the server", running.stopped()).await;
        }
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.stop();
    }
}
