//! A relay as a process of its own, on a processor of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use benches::process;
use benches::program::Program;
use tempfile::TempDir;

use crate::dialect::Dialect;

/// The processor of the relay; the load has another.
const RELAY_CPU: &str = "0";

const LISTEN: &str = "--listen=127.0.0.1:0";
const NO_RATE_LIMIT: &str = "--no-rate-limit";
const NO_PAIR: &str = "--tcp-pair=off";
const NO_ROOM: &str = "--tcp-room=off";

/// Where the programs are.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Programs {
    /// Our server, a release build
    #[arg(long)]
    negaphone: PathBuf,
    /// The relay of the tutorials, a release build of the example `broadcast`
    #[arg(long)]
    broadcast: PathBuf,
    /// Bun
    #[arg(long)]
    bun: PathBuf,
    /// Node
    #[arg(long, default_value = "node")]
    node: PathBuf,
    /// A Python with Flask-SocketIO
    #[arg(long)]
    python: PathBuf,
}

/// A relay that is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    NegaphoneRaw,
    NegaphoneNative,
    /// Keeps every message in a file before it is heard.
    NegaphoneStored,
    BunRaw,
    BunJson,
    Broadcast,
    NodeWs,
    NodeSocketIo,
    FlaskSocketIo,
}

impl Kind {
    /// Whether a fault of it fails the comparison.
    pub(crate) fn is_ours(self) -> bool {
        matches!(self, Self::NegaphoneRaw | Self::NegaphoneNative | Self::NegaphoneStored)
    }

    /// As it is called on the page.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NegaphoneRaw => "**negaphone**, raw",
            Self::NegaphoneNative => "**negaphone**, JSON",
            Self::NegaphoneStored => "**negaphone**, JSON, stored in SQLite",
            Self::BunRaw => "Bun, raw",
            Self::BunJson => "Bun, JSON",
            Self::Broadcast => "tokio broadcast",
            Self::NodeWs => "Node ws",
            Self::NodeSocketIo => "socket.io",
            Self::FlaskSocketIo => "Flask-SocketIO",
        }
    }

    fn dialect(self) -> Dialect {
        match self {
            Self::NegaphoneRaw | Self::BunRaw | Self::Broadcast | Self::NodeWs => Dialect::Raw,
            Self::NegaphoneNative | Self::NegaphoneStored | Self::BunJson => Dialect::Native,
            Self::NodeSocketIo | Self::FlaskSocketIo => Dialect::SocketIo,
        }
    }

    fn command(self, programs: &Programs) -> (&PathBuf, &'static [&'static str]) {
        match self {
            Self::NegaphoneRaw | Self::NegaphoneNative => {
                (&programs.negaphone, &["--history=memory", LISTEN, NO_RATE_LIMIT, NO_PAIR, NO_ROOM])
            }
            Self::NegaphoneStored => {
                (&programs.negaphone, &["--history=sqlite", LISTEN, NO_RATE_LIMIT, NO_PAIR, NO_ROOM])
            }
            Self::BunRaw => (&programs.bun, &["benches/peers/relays/bun_raw.js", "0"]),
            Self::BunJson => (&programs.bun, &["benches/peers/relays/bun_json.js", "0"]),
            Self::Broadcast => (&programs.broadcast, &["0"]),
            Self::NodeWs => (&programs.node, &["benches/peers/relays/node_ws.mjs", "0"]),
            Self::NodeSocketIo => (&programs.node, &["benches/peers/relays/socketio.mjs", "0"]),
            Self::FlaskSocketIo => (&programs.python, &["benches/peers/relays/flask_server.py", "0"]),
        }
    }
}

/// A running relay.
#[derive(Debug)]
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    pub(crate) dialect: Dialect,
    kind: Kind,
    program: Program,
    /// What it stores goes with it.
    _folder: TempDir,
}

impl Relay {
    /// Starts it, on its processor alone.
    pub(crate) fn start(kind: Kind, programs: &Programs) -> Result<Self> {
        let (program, arguments) = kind.command(programs);
        let mut command = Command::new("taskset");
        command.args(["--cpu-list", RELAY_CPU]).arg(program).args(arguments).env("NEGAPHONE_LOG", "warn");
        let folder = tempfile::tempdir().context("a folder for what it stores")?;
        command.env("NEGAPHONE_DATA_DIR", folder.path());
        let (program, address) = Program::start(&mut command).with_context(|| kind.name())?;
        let relay = Self { address, dialect: kind.dialect(), kind, program, _folder: folder };
        relay.wait_until_it_listens()?;
        Ok(relay)
    }

    /// One says where it listens before it does.
    fn wait_until_it_listens(&self) -> Result<()> {
        let end = std::time::Instant::now() + Duration::from_secs(30);
        while std::net::TcpStream::connect(self.address).is_err() {
            anyhow::ensure!(std::time::Instant::now() < end, "{} does not listen", self.kind.name());
            std::thread::yield_now();
        }
        Ok(())
    }

    /// The address of a room, for a member.
    pub(crate) fn path(&self, room: &str, member: usize) -> String {
        match self.kind {
            Kind::NegaphoneRaw => format!("/ws/raw/{room}"),
            Kind::NegaphoneNative | Kind::NegaphoneStored => format!("/ws?room={room}&name=member{member}"),
            Kind::BunRaw | Kind::BunJson | Kind::Broadcast | Kind::NodeWs => {
                format!("/?room={room}&name=member{member}")
            }
            Kind::NodeSocketIo | Kind::FlaskSocketIo => "/socket.io/?EIO=4&transport=websocket".to_owned(),
        }
    }

    /// Processor time of all its threads so far.
    pub(crate) fn processor_time(&self) -> Result<Duration> {
        Ok(process::processor_time(self.program.id())?)
    }

    /// Bytes of memory that it has.
    pub(crate) fn resident_bytes(&self) -> Result<u64> {
        Ok(process::memory_kib(self.program.id(), "VmRSS")? * 1024)
    }
}
