//! loadgen at servers of others: what they are sent, what comes back, and what
//! it makes of that.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use benches::program::Program;
use serde_json::Value;

use crate::generator::{Generator, Kind, Load, Pace, Programs};

/// With what the servers of others run.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Runtimes {
    /// Bun
    #[arg(long)]
    bun: PathBuf,
    /// Node
    #[arg(long, default_value = "node")]
    node: PathBuf,
    /// A Python with websockets
    #[arg(long)]
    python: PathBuf,
}

/// A server of others.
#[derive(Debug, Clone, Copy)]
struct Server {
    name: &'static str,
    runtime: fn(&Runtimes) -> &PathBuf,
    /// Its file, below `benches/peers`, and what it is told behind its port.
    echo: (&'static str, Option<&'static str>),
    broadcast: (&'static str, Option<&'static str>),
}

const SERVERS: [Server; 3] = [
    Server {
        name: "Bun",
        runtime: |runtimes| &runtimes.bun,
        echo: ("loadgens/echo_bun.js", None),
        broadcast: ("relays/bun_raw.js", None),
    },
    Server {
        name: "Node ws",
        runtime: |runtimes| &runtimes.node,
        echo: ("loadgens/echo_node.mjs", None),
        broadcast: ("relays/node_ws.mjs", None),
    },
    Server {
        name: "Python websockets",
        runtime: |runtimes| &runtimes.python,
        echo: ("loadgens/python_websockets.py", Some("echo")),
        broadcast: ("loadgens/python_websockets.py", Some("broadcast")),
    },
];

/// A light load: what is shown is that the books are right.
const ECHO: Load = Load {
    pace: Pace::Timer,
    clients: 50,
    rate: 500.0,
    length: std::time::Duration::from_secs(3),
    is_broadcast: false,
};
const BROADCAST: Load = Load { clients: 20, rate: 100.0, is_broadcast: true, ..ECHO };

/// A run at a server of others: loadgen's result.
#[derive(Debug)]
pub(crate) struct Visit {
    pub(crate) name: String,
    pub(crate) result: Value,
}

/// Runs at all of them, one after another.
pub(crate) fn visit(programs: &Programs, runtimes: &Runtimes) -> Result<Vec<Visit>> {
    let mut visits = Vec::new();
    for server in SERVERS {
        for (what, load, script) in [("echo", ECHO, server.echo), ("broadcast", BROADCAST, server.broadcast)] {
            let name = format!("{}, {what}", server.name);
            let (_server, address) = start((server.runtime)(runtimes), script).with_context(|| name.clone())?;
            let generator = Generator::start(Kind::Loadgen, &load, address, programs)?;
            let result = generator.finish().with_context(|| name.clone())?;
            let expected =
                load.rate * load.length.as_secs_f64() * if load.is_broadcast { load.clients as f64 } else { 1.0 };
            ensure!(
                result["received"].as_f64() == Some(expected),
                "{name}: {expected} were due, {}",
                result["received"]
            );
            visits.push(Visit { name, result });
        }
    }
    Ok(visits)
}

/// Starts a server; it is ended with what is returned.
fn start(runtime: &Path, (script, more): (&str, Option<&str>)) -> io::Result<(Program, SocketAddr)> {
    Program::start(Command::new(runtime).arg(format!("benches/peers/{script}")).arg("0").args(more))
}
