//! Socket.IO as others write it: their clients against our server, and their
//! server as the judge of ours.

use std::path::Path;

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::server::Server;
use crate::{install, step, test};

/// Where these tests are.
const FOLDER: &str = "tests/socketio";

/// Runs all of them against `server`.
///
/// # Errors
///
/// When one fails.
pub(crate) fn run(sh: &Shell, server: &Path) -> Result<()> {
    let python = install::for_socketio(sh)?;
    let server = Server::start(server, &[])?;
    let url = format!("http://{}", server.address());
    step::run(cmd!(sh, "{python} {FOLDER}/clients.py {url}"))?;
    server.stop(sh)?;
    test::node(sh, FOLDER)
}
