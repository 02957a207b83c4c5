//! What a thousand half-open handshakes cost the others at a running server:
//! `half_open --address 127.0.0.1:8080`.
//!
//! Members send themselves messages at a steady pace and time them, in turns
//! without and with the half-open connections.
#![expect(clippy::print_stdout, reason = "figures are what this program is for")]

use std::net::SocketAddr;
use std::time::Duration;

use clap::Parser;
use futures_util::future::join_all;
use tests::{RawSocket, WsClient};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

/// Members that are timed.
const MEMBERS: usize = 50;
/// Between two messages of a member.
const PACE: Duration = Duration::from_millis(50);
/// Half of a handshake.
const HALF: &[u8] = b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgr";

#[derive(Debug, Parser)]
struct Arguments {
    /// Where the server listens
    #[arg(long)]
    address: SocketAddr,
    /// How many half-open handshakes
    #[arg(long, default_value_t = 1000)]
    connections: usize,
    /// Rounds without and with them
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long a round takes
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// How many times as long the p99 may be with them
    #[arg(long)]
    at_most: f64,
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let length = Duration::from_secs(arguments.seconds);
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..arguments.rounds {
        without.push(p99(arguments.address, length).await);
        let mut half_open = JoinSet::new();
        for socket in join_all((0..arguments.connections).map(|_| half(arguments.address))).await {
            half_open.spawn(keep_half_open(arguments.address, socket));
        }
        with.push(p99(arguments.address, length).await);
    }
    let (without, with) = (median(without), median(with));
    let ratio = with.as_secs_f64() / without.as_secs_f64();
    println!(
        "p99 of {MEMBERS} members: {without:?}; beside {} half-open handshakes: {with:?}, x{ratio:.2} (medians of {})",
        arguments.connections, arguments.rounds
    );
    assert!(ratio <= arguments.at_most, "more than x{}", arguments.at_most);
}

async fn half(address: SocketAddr) -> RawSocket {
    let mut socket = RawSocket::connect(address).await;
    socket.send(HALF).await;
    socket
}

/// Comes back whenever the server has closed.
async fn keep_half_open(address: SocketAddr, mut socket: RawSocket) {
    loop {
        socket.rest_or_reset().await;
        socket = half(address).await;
    }
}

/// The 99th percentile of what all members see in so long a time.
async fn p99(address: SocketAddr, length: Duration) -> Duration {
    let members = (0..MEMBERS).map(|member| async move {
        let mut ws = WsClient::connect(&format!("ws://{address}/ws/raw/~half-open-{member}")).await;
        let mut pace = interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut seen = Vec::new();
        let talking = async {
            loop {
                pace.tick().await;
                let sent = Instant::now();
                ws.send("hei").await;
                assert_eq!(ws.receive().await.text(), "hei");
                seen.push(sent.elapsed());
            }
        };
        timeout(length, talking).await.ok();
        seen
    });
    let mut seen = members.collect::<JoinSet<_>>().join_all().await.concat();
    seen.sort_unstable();
    seen[seen.len() * 99 / 100]
}

fn median(mut values: Vec<Duration>) -> Duration {
    values.sort_unstable();
    values[values.len() / 2]
}
