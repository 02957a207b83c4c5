//! The arguments of a load.

use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use clap::{Args, Subcommand, ValueEnum};

use crate::pace::Stage;
use crate::share::Share;

const CHAT_EXAMPLES: &str = "\
Thresholds: a count (lost==0, errors<5) or a time:
  broadcast_latency: p(99)<50ms   from the moment a message was due to each arrival (also: latency)
  fanout: p(99)<80ms              from that moment to the last receiver
lost==0, duplicated==0, reordered==0 and corrupted==0 hold by default; one of yours on the same count replaces it.

Example: loadgen chat --clients 200 --rate 500 --duration 20s --threshold 'broadcast_latency: p(99)<50ms'";

/// What is sent, and what is expected back.
#[derive(Debug, Subcommand)]
pub enum Scenario {
    /// Everybody in a room hears what anybody says.
    #[command(after_help = CHAT_EXAMPLES)]
    Chat(TalkArgs),
    /// The server sends each message back to its sender.
    #[command(after_help = "Example: loadgen echo --url ws://127.0.0.1:9000/ --clients 100 --rate 10000 --size 64")]
    Echo(TalkArgs),
    /// As chat, for hours: by default one.
    #[command(after_help = "Example: loadgen soak --clients 100 --rate 200 --duration 8h --abort-on-fail=1m")]
    Soak(TalkArgs),
    /// Connects and does nothing more, as fast as --rate allows, and holds the connections.
    #[command(after_help = "Example: loadgen connect --clients 10000 --rate 1000 --hold 1m")]
    Connect(ConnectArgs),
    /// The server sends the negative of each picture back.
    #[command(after_help = "Example: loadgen image --url http://127.0.0.1:8080/invert --file photo.jpg --rate 20")]
    Image(ImageArgs),
}

/// `loadgen chat` and `loadgen echo`.
#[derive(Debug, Clone, Args)]
pub struct TalkArgs {
    /// The whole address; {room} becomes the room's name, {client} the client's number
    /// [default: the door of a negaphone at ws://127.0.0.1:8080 that speaks the protocol]
    #[arg(long)]
    pub url: Option<String>,
    /// What the server speaks [default: native for chat, echo for echo].
    #[arg(long, value_enum)]
    pub protocol: Option<Protocol>,
    /// Rooms over which the clients are spread; named after the run id: RUN-0, RUN-1, …
    #[arg(long, default_value_t = 1)]
    pub rooms: u32,
    /// The server does not send a message back to its sender.
    #[arg(long)]
    pub others_only: bool,
    /// Beside the load, clients that read 1 KiB a second.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub slow: u32,
    /// Beside the load, clients that neither read nor answer.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub half_open: u32,
    /// Beside the load, clients that come, vanish with a reset after a second, and come again.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub abrupt: u32,
    /// A client that is closed comes back with its position and says again what was not acked (native).
    #[arg(long)]
    pub resume: bool,
    /// So often a second one of the clients, in turn, drops its connection and comes back as with --resume (native).
    #[arg(long, value_name = "PER SECOND")]
    pub churn: Option<f64>,
    /// Worker processes over which clients, rooms and rate are spread; their results are merged.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub processes: u32,
    /// Which of them this one is.
    #[arg(long, hide = true, value_name = "PART")]
    pub share: Option<Share>,
    /// By how many per cent p99 may grow from the first third of the run to its last [default: soak 20, else any]
    #[arg(long, value_name = "PERCENT")]
    pub max_drift: Option<f64>,
    /// Send binary messages instead of text, where the protocol allows it.
    #[arg(long)]
    pub binary: bool,
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
    /// Pictures to send in turn; without any, PNG and JPEG pictures are made from the seed.
    #[arg(long = "file", value_name = "PATH", num_args = 1..)]
    pub files: Vec<PathBuf>,
    /// How the load is made.
    #[command(flatten)]
    pub load: LoadArgs,
}

/// `loadgen connect`.
#[derive(Debug, Args)]
pub struct ConnectArgs {
    /// The whole address; {room} becomes the room's name, {client} the client's number.
    #[arg(long, default_value = "ws://127.0.0.1:8080/ws?room={room}&name=client-{client}")]
    pub url: String,
    /// Connections.
    #[arg(long, default_value_t = 10)]
    pub clients: u32,
    /// Connections per second [default: 64 under way at any time]
    #[arg(long)]
    pub rate: Option<f64>,
    /// How long they are held when all are made.
    #[arg(long, default_value = "10s", value_parser = humantime::parse_duration)]
    pub hold: Duration,
    /// What every run has.
    #[command(flatten)]
    pub run: RunArgs,
}

/// How any load is made.
#[derive(Debug, Clone, Args)]
pub struct LoadArgs {
    /// Clients, all connected before the first message is due.
    #[arg(long, default_value_t = 10)]
    pub clients: u32,
    /// Messages per second, all clients together [default: 10; with --pace closed no limit]
    #[arg(long)]
    pub rate: Option<f64>,
    /// How long messages are due, such as 20s, 500ms or 2m [default: 10s; soak: 1h]
    #[arg(long, value_parser = humantime::parse_duration)]
    pub duration: Option<Duration>,
    /// A stage of a changing rate: DURATION:RATE holds it, DURATION:FROM..TO ramps; may be given several times.
    #[arg(long = "stage", value_name = "STAGE", conflicts_with_all = ["rate", "duration"])]
    pub stages: Vec<Stage>,
    /// The first part of the duration, whose times are left out of the figures (its deliveries are not).
    #[arg(long, default_value = "0s", value_parser = humantime::parse_duration)]
    pub warm_up: Duration,
    /// End the run as soon as a threshold is crossed for good, but not before DELAY has passed.
    #[arg(long, value_name = "DELAY", num_args = 0..=1, require_equals = true, default_missing_value = "0s",
          value_parser = humantime::parse_duration)]
    pub abort_on_fail: Option<Duration>,
    /// When a message is due.
    #[arg(long, value_enum, default_value_t = Pace::Open)]
    pub pace: Pace,
    /// How late the generator may send: the 99th percentile; five times that once. Beyond, exit 98.
    #[arg(long, default_value = "100ms", value_parser = humantime::parse_duration)]
    pub max_lateness: Duration,
    /// How long to wait for stragglers after the last message was sent.
    #[arg(long, default_value = "5s", value_parser = humantime::parse_duration)]
    pub drain: Duration,
    /// What every run has.
    #[command(flatten)]
    pub run: RunArgs,
}

/// What every run has.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// Same seed, same bytes [default: a new one each time, told in the report]
    #[arg(long)]
    pub seed: Option<u64>,
    /// Names this run in its messages and rooms [default: made from the seed]
    #[arg(long, value_name = "NAME")]
    pub run_id: Option<String>,
    /// What must hold, such as 'latency: p(99)<50ms' or 'errors==0'; may be given several times.
    #[arg(long = "threshold", value_name = "EXPR")]
    pub thresholds: Vec<String>,
    /// How long a connection may take.
    #[arg(long, default_value = "10s", value_parser = humantime::parse_duration)]
    pub connect_timeout: Duration,
    /// Where results go.
    #[command(flatten)]
    pub outputs: OutputArgs,
    /// How clients come in.
    #[command(flatten)]
    pub access: AccessArgs,
}

/// Where results go.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Results")]
pub struct OutputArgs {
    /// Write the machine-readable result here; `compare` and `merge` read it.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write a report with plots here: one file, nothing loaded from elsewhere.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Write a line for each interval here.
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Write the thresholds as test cases here, for CI.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Write the latencies of each interval here, as an HdrHistogram log.
    #[arg(long, value_name = "FILE")]
    pub hlog: Option<PathBuf>,
    /// Write the percentiles of the latency here, as HdrHistogram's plotter reads them.
    #[arg(long, value_name = "FILE")]
    pub hgrm: Option<PathBuf>,
}

/// How clients come in.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Access")]
pub struct AccessArgs {
    /// A header field of every upgrade, 'Name: value', {room} and {client} as in the address; may be given several times.
    #[arg(long = "header", value_name = "FIELD")]
    pub headers: Vec<String>,
    /// Sent as Authorization: Bearer TOKEN.
    #[arg(long, env = "LOADGEN_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// A cookie, NAME=VALUE; may be given several times.
    #[arg(long = "cookie", value_name = "COOKIE")]
    pub cookies: Vec<String>,
    /// A subprotocol to offer; may be given several times.
    #[arg(long = "subprotocol", value_name = "NAME")]
    pub subprotocols: Vec<String>,
    /// Source addresses, used in turn: 127.0.0.2-127.0.0.9, or several with commas.
    #[arg(long, value_name = "ADDRESSES")]
    pub bind: Option<String>,
    /// Trust the certificates in this PEM file instead of the public ones.
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// The clients' own certificate chain, PEM.
    #[arg(long, value_name = "FILE", requires = "key")]
    pub cert: Option<PathBuf>,
    /// Its key, PEM.
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub key: Option<PathBuf>,
    /// Take any certificate: for staging with one that nobody signed.
    #[arg(long, conflicts_with = "ca")]
    pub insecure: bool,
}

/// What a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    /// negaphone's own JSON, with acks.
    Native,
    /// Whatever is sent goes to everybody in the room.
    Raw,
    /// Whatever is sent comes back to its sender.
    Echo,
    /// {"message": …}, as the chat of the Django Channels tutorial.
    Channels,
    /// Socket.IO by WebSocket: newMessage {name, text}, heard as messages [{name, text}].
    Socketio,
    /// A negaphone's room by HTTP: read as server-sent events, spoken to by POST, with acks.
    Sse,
    /// POST alone, {"name", "text"} as JSON: nothing is heard, the answer to a message is its arrival.
    Http,
}

/// When a message is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Pace {
    /// At its time, whatever the server does.
    Open,
    /// When the answer to the client's message before has come.
    Closed,
}
