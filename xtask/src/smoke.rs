//! A short load on the server as it is shipped: does every answer come, and
//! does the server end when it is told to?

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::server::Server;
use crate::{cargo, step};

/// What is asked of the server: arguments of loadgen, `{address}` being the
/// server's. The counts are exact: rate × duration × receivers of each message.
const LOADS: [&[&str]; 3] = [
    &[
        "chat",
        "--url=ws://{address}/ws?room={room}&name={client}",
        "--clients=50",
        "--rooms=2",
        "--rate=200",
        "--duration=5s",
        "--threshold=broadcast_latency: p(99)<2s",
        "--threshold=received==25000",
    ],
    &[
        "echo",
        "--url=ws://{address}/ws/raw/~smoke-{client}",
        "--clients=10",
        "--rate=100",
        "--duration=3s",
        "--threshold=received==300",
    ],
    &["image", "--url=ws://{address}/ws/image", "--clients=2", "--rate=5", "--duration=3s", "--threshold=received==15"],
];

/// What holds for every load. A machine that also does other things may wake
/// the generator late; what is asked here is whether the answers are right.
const ALWAYS: [&str; 3] = ["--max-lateness=2s", "--threshold=errors==0", "--threshold=disconnects==0"];

/// Builds server and load generator, and runs one against the other.
///
/// # Errors
///
/// When a load does not pass, or the server does not start, or not end with 0.
pub(crate) fn run(sh: &Shell) -> Result<()> {
    let build = cmd!(sh, "cargo build --release --package negaphone --package loadgen");
    let [negaphone, loadgen] = cargo::build(build, ["negaphone", "loadgen"])?;
    let server = Server::start(&negaphone, &[])?;
    for load in LOADS {
        let arguments = load.iter().chain(&ALWAYS).map(|argument| argument.replace("{address}", server.address()));
        step::run(sh.cmd(&loadgen).args(arguments))?;
    }
    server.stop(sh)
}
