//! The Autobahn test suite's cases: is what we call a WebSocket one?

use std::path::Path;

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::server::Server;
use crate::{install, step};

/// Sections 12 and 13 are about compression, which is not offered.
const LEFT_OUT: [&str; 2] = ["12.*", "13.*"];

/// Where each case's frames can be read afterwards.
const REPORTS: &str = "target/autobahn";

/// Runs all cases of sections 1 to 10, one at a time, against `server`.
///
/// # Errors
///
/// When any case does not pass.
pub(crate) fn run(sh: &Shell, server: &Path) -> Result<()> {
    let kosoku = install::for_autobahn(sh)?;
    // Section 9 has messages of 16 MiB; a raw room with one member is an echo.
    let server = Server::start(server, &["--raw-message-max", "17MiB"])?;
    let url = format!("ws://{}/ws/raw/~autobahn", server.address());
    let left_out = LEFT_OUT.into_iter().flat_map(|section| ["--exclude", section]);
    step::run(cmd!(sh, "{kosoku} --outdir {REPORTS} {left_out...} {url}"))?;
    server.stop(sh)
}
