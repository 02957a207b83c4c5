//! A real server in this process.

use std::net::SocketAddr;
use std::path::Path;

use clap::Parser;
use history::Sync;
use negaphone::Running;
use negaphone::config::{Cli, Config, History};
use negaphone::limits::Limits;

use crate::http::Http;
use crate::native::NativeClient;
use crate::polling::Polling;
use crate::port::lasting_address;
use crate::raw_socket::RawSocket;
use crate::sse::SseClient;
use crate::tcp::TcpClient;
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

    /// A node that keeps its messages in Redis.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub async fn over(redis_url: &str) -> Self {
        let mut config = Self::config();
        config.history = History::Redis { url: redis_url.parse().expect("an address of Redis") };
        let mut limits = config.limits(DESCRIPTORS);
        // A member that comes or goes, a node or a Redis that is gone: all is noticed within a test's patience.
        limits.redis.answer_max = std::time::Duration::from_secs(2);
        limits.redis.presence_age_max = std::time::Duration::from_secs(3);
        limits.hub.compare_interval = std::time::Duration::from_secs(1);
        // A page comes through before the network fails again.
        limits.hub.catch_up_page_messages = 50;
        Self::start_within(config, limits).await
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

    /// The same, with its messages in a folder.
    pub async fn bounded_in_folder(folder: &Path, bound: impl FnOnce(&mut Limits)) -> Self {
        let history = History::Sqlite { data_dir: folder.to_owned(), sync: Sync::Os };
        let config = Config { history, ..Self::config() };
        let mut limits = config.limits(DESCRIPTORS);
        bound(&mut limits);
        Self::start_within(config, limits).await
    }

    async fn start_within(config: Config, limits: Limits) -> Self {
        let base_path = config.base_path.clone();
        let running = negaphone::start_within(config, limits).await.expect("a free port");
        Self { address: running.address(), running: Some(running), base_path }
    }

    /// What test servers are set to: free ports, and no bounds on how often.
    ///
    /// # Panics
    ///
    /// When the program has other options.
    #[must_use]
    pub fn config() -> Config {
        const OPTIONS: [&str; 6] = [
            "negaphone",
            "--listen=127.0.0.1:0",
            "--tcp-pair=127.0.0.1:0",
            "--tcp-room=127.0.0.1:0",
            "--history=memory",
            "--no-rate-limit",
        ];
        let cli = Cli::try_parse_from(OPTIONS).expect("options that there are");
        let config = Config::try_from(cli.serve).expect("settings that make sense");
        Config { listen: lasting_address(), ..config }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The path under which everything lies.
    #[must_use]
    pub fn base_path(&self) -> &str {
        &self.base_path
    }

    /// A WebSocket at a path, such as `/ws/image`.
    pub async fn ws(&self, path: &str) -> WsClient {
        WsClient::connect(&format!("ws://{}{}{path}", self.address, self.base_path)).await
    }

    /// A native client; returns once the server has welcomed it.
    pub async fn native(&self, query: &str) -> NativeClient {
        NativeClient::join(self.ws(&format!("/ws?{query}")).await).await
    }

    /// Server-sent events at a path, after an earlier one.
    pub async fn sse(&self, path: &str, last_event_id: Option<&str>) -> SseClient {
        SseClient::connect(self.address, &format!("{}{path}", self.base_path), last_event_id).await
    }

    /// An Engine.IO session that is polled.
    pub async fn polling(&self) -> Polling {
        Polling::begin(self.http()).await
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

    /// The running server.
    ///
    /// # Panics
    ///
    /// Never, as long as there is a fixture.
    #[must_use]
    pub fn running(&self) -> &Running {
        self.running.as_ref().expect("it is taken with the fixture")
    }

    /// Where TCP pairs are.
    ///
    /// # Panics
    ///
    /// When that door is closed.
    #[must_use]
    pub fn tcp_pair_address(&self) -> SocketAddr {
        self.running().tcp_pair_address().expect("an open door")
    }

    /// A connection to TCP pairs.
    pub async fn tcp_pair(&self) -> TcpClient {
        TcpClient::connect(self.tcp_pair_address()).await
    }

    /// Waits until somebody who comes in by a door that has no welcome is
    /// seated.
    pub async fn until_joined<T>(&self, room: &str, entering: impl Future<Output = T>) -> T {
        let mut watcher = self.native(&format!("room={room}&name=watcher")).await;
        let entered = entering.await;
        watcher.next(&["join"]).await;
        entered
    }

    /// A member of the TCP room.
    ///
    /// # Panics
    ///
    /// When that door is closed.
    pub async fn tcp_room(&self) -> TcpClient {
        TcpClient::connect(self.tcp_room_address()).await
    }

    /// Where the TCP room is.
    ///
    /// # Panics
    ///
    /// When that door is closed.
    #[must_use]
    pub fn tcp_room_address(&self) -> SocketAddr {
        self.running().tcp_room_address().expect("an open door")
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
