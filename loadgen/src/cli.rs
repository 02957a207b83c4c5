//! The arguments, as they are typed.

use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::threshold::Threshold;

/// A load generator for WebSocket servers that tells the truth: open loop,
/// latency from the intended time, every delivery accounted for.
#[derive(Debug, Parser)]
#[command(name = "loadgen", version, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub scenario: Scenario,
}

const EXAMPLES: &str = "\
Examples:
  loadgen chat --clients 200 --rate 500 --duration 20s
  loadgen chat --clients 100 --rooms 10 --rate 1000 --threshold 'broadcast_latency: p(99)<50ms'
  loadgen chat --protocol raw --url 'ws://127.0.0.1:8080/ws/raw/{room}' --clients 50 --rate 1000
  loadgen echo --url ws://127.0.0.1:9000/ --clients 100 --rate 10000 --duration 30s --json echo.json
  loadgen image --file photo.jpg --clients 4 --rate 20 --duration 10s
  loadgen image --url http://127.0.0.1:8080/invert --rate 20

Exit codes: 0 passed, 1 could not run, 2 wrong usage, 98 the generator itself was the limit,
99 a threshold was crossed, 130 interrupted (the report is written).";

/// What is sent, and what is expected back.
#[derive(Debug, Subcommand)]
pub enum Scenario {
    /// Everybody in a room hears what anybody says.
    Chat(ChatArgs),
    /// The server sends each message back to its sender.
    Echo(EchoArgs),
    /// The server sends the negative of each picture back.
    Image(ImageArgs),
}

/// `loadgen chat`.
#[derive(Debug, Args)]
pub struct ChatArgs {
    /// Where; {room} becomes the room's name, {client} the client's number.
    #[arg(long, default_value = "ws://127.0.0.1:8080/ws?room={room}&name=client-{client}")]
    pub url: String,
    /// What the server speaks.
    #[arg(long, value_enum, default_value_t = Protocol::Native)]
    pub protocol: Protocol,
    /// Rooms over which the clients are spread.
    #[arg(long, default_value_t = 1)]
    pub rooms: u32,
    /// The server does not send a message back to its sender.
    #[arg(long)]
    pub others_only: bool,
    /// Bytes of a message, such as 100 or 64KiB.
    #[arg(long, default_value = "100", value_name = "SIZE")]
    pub size: ByteSize,
    /// How the load is made.
    #[command(flatten)]
    pub load: LoadArgs,
}

/// `loadgen echo`.
#[derive(Debug, Args)]
pub struct EchoArgs {
    /// Where; {client} becomes the client's number. The default is a raw room
    /// of each client's own.
    #[arg(long, default_value = "ws://127.0.0.1:8080/ws/raw/~{room}-{client}")]
    pub url: String,
    /// Bytes of a message, such as 100 or 64KiB.
    #[arg(long, default_value = "100", value_name = "SIZE")]
    pub size: ByteSize,
    /// How the load is made.
    #[command(flatten)]
    pub load: LoadArgs,
}

/// `loadgen image`.
#[derive(Debug, Args)]
pub struct ImageArgs {
    /// Where: ws(s)://…/ws/image, or http(s)://…/invert to POST.
    #[arg(long, default_value = "ws://127.0.0.1:8080/ws/image")]
    pub url: String,
    /// Pictures to send in turn; else some are made.
    #[arg(long = "file", value_name = "PATH", num_args = 1..)]
    pub files: Vec<PathBuf>,
    /// How the load is made.
    #[command(flatten)]
    pub load: LoadArgs,
}

/// How any load is made.
#[derive(Debug, Args)]
pub struct LoadArgs {
    /// Clients, all connected before the first message.
    #[arg(long, default_value_t = 10)]
    pub clients: u32,
    /// Messages per second, all clients together.
    #[arg(long, default_value_t = 10.0)]
    pub rate: f64,
    /// How long messages are due, such as 20s, 500ms or 2m.
    #[arg(long, default_value = "10s", value_parser = humantime::parse_duration)]
    pub duration: Duration,
    /// When a message is due.
    #[arg(long, value_enum, default_value_t = Pace::Open)]
    pub pace: Pace,
    /// Where random bytes begin: same seed, same bytes.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Names this run in its messages and rooms; made from the seed otherwise.
    #[arg(long, value_name = "NAME")]
    pub run_id: Option<String>,
    /// What must hold, such as 'broadcast_latency: p(99)<50ms' or 'lost==0';
    /// may be given several times.
    #[arg(long = "threshold", value_name = "EXPR")]
    pub thresholds: Vec<Threshold>,
    /// Write the result as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// The 99th percentile by which the generator may be late.
    #[arg(long, default_value = "100ms", value_parser = humantime::parse_duration)]
    pub max_lateness: Duration,
    /// A connection that takes longer has failed.
    #[arg(long, default_value = "10s", value_parser = humantime::parse_duration)]
    pub connect_timeout: Duration,
    /// How long to wait for stragglers after the last message was due.
    #[arg(long, default_value = "5s", value_parser = humantime::parse_duration)]
    pub drain: Duration,
}

/// What a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    /// negaphone's own JSON, with acks.
    Native,
    /// Whatever is sent goes to everybody in the room.
    Raw,
    /// Whatever is sent comes back.
    Echo,
}

/// When a message is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Pace {
    /// At its time, whatever the server does.
    Open,
    /// When the answer to the client's message before it has come.
    Closed,
}
