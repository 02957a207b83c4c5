//! Arguments, then the server until a signal comes.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the terminal is where this program is started from")]

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use mimalloc::MiMalloc;
use negaphone::config::{Cli, Command, Config, ServeArgs};
use negaphone::{Running, history_files, invert_files};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// A message is made on one thread and freed on another: docs/decisions/0009.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        Some(Command::Invert(args)) => return invert_files::run(&args),
        Some(Command::History(command)) => return history_files::run(&command),
        Some(Command::Serve(args)) => serve(*args),
        None => serve(cli.serve),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("negaphone: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn serve(args: ServeArgs) -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_env("NEGAPHONE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // Else the thread that logs panics where stderr is a file on a full disk, just when it says that the disk is full.
        .log_internal_errors(false)
        .init();
    let config = Config::try_from(args)?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no async runtime")?.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be caught")?;
        let running = negaphone::start(config).await?;
        announce(&running);
        tokio::select! {
            _ = terminate.recv() => {}
            interrupted = tokio::signal::ctrl_c() => interrupted.context("Ctrl-C cannot be caught")?,
        }
        running.stop();
        running.stopped().await;
        Ok(())
    })
}

fn announce(running: &Running) {
    let (address, base_path) = (running.address(), running.base_path());
    println!("page       http://{address}{base_path}/");
    println!("websocket  ws://{address}{base_path}/ws (raw relay: /ws/raw/<room>, pictures: /ws/image)");
    if let Some(address) = running.tcp_pair_address() {
        println!("tcp pairs  {address} (talks of two, in turns)");
    }
    if let Some(address) = running.tcp_room_address() {
        println!("tcp room   {address} (line chat in {})", running.tcp_room_name());
    }
    println!("history    {}; stop with Ctrl-C", running.history());
}
