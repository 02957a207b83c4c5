//! Clients that come and go, and clients that only half come: is the server
//! afterwards what it was, and are the others served as well?

use std::path::Path;

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::server::Server;
use crate::{cargo, step};

/// How much of it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Length {
    /// For every change.
    Short,
    /// With figures that mean something.
    Long,
}

/// Programs that play the clients: examples of the package `tests`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clients<'a> {
    pub(crate) soak: &'a Path,
    pub(crate) half_open: &'a Path,
}

/// As [`run`], with optimised programs and for a long time.
///
/// # Errors
///
/// As for [`run`].
pub(crate) fn run_long(sh: &Shell) -> Result<()> {
    let build = cmd!(sh, "cargo build --release --package negaphone --package tests --bins --examples");
    let [server, soak, half_open] = cargo::build(build, ["negaphone", "soak", "half_open"])?;
    run(sh, &server, Clients { soak: &soak, half_open: &half_open }, Length::Long)
}

/// Lets clients come and go at `server`.
///
/// # Errors
///
/// When it does not come back to what it was, or others were served far worse.
pub(crate) fn run(sh: &Shell, server: &Path, clients: Clients<'_>, length: Length) -> Result<()> {
    let (seconds, rounds, round_seconds) = match length {
        Length::Short => ("30", "3", "2"),
        Length::Long => ("600", "7", "8"),
    };
    let Clients { soak, half_open } = clients;
    let every_door = ["--tcp-pair=127.0.0.1:0", "--tcp-room=127.0.0.1:0", "--tcp-room-name=~soak-0"];
    let running = Server::start(server, &every_door)?;
    let tcp = ["--tcp-pair", &running.next_address("tcp pairs")?, "--tcp-room", &running.next_address("tcp room")?];
    let (address, pid) = (running.address(), running.pid().to_string());
    step::run(cmd!(sh, "{soak} --address {address} {tcp...} --pid {pid} --seconds {seconds}"))?;
    running.stop(sh)?;

    let running = Server::start(server, &[])?;
    let address = running.address();
    // The aim is 1.2; what is asserted leaves room for a machine that also does other things.
    let bounds = ["--rounds", rounds, "--seconds", round_seconds, "--at-most", "12"];
    step::run(cmd!(sh, "{half_open} --address {address} {bounds...}"))?;
    running.stop(sh)
}
