//! The server as a process of its own: started, asked for its address, ended.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use xshell::{Shell, cmd};

use crate::step;

/// How long the server may take to start, and to end (chosen: far more than
/// both need on a busy machine).
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server; killed when dropped before it was stopped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// Every line that it prints; disconnected when it has ended.
    lines: Receiver<String>,
    address: String,
}

impl Server {
    /// Starts `program` on a free port, with `more` arguments than a test
    /// always needs.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub(crate) fn start(program: &Path, more: &[&str]) -> Result<Self> {
        let mut command = Command::new(program);
        command.args(["serve", "--listen", "127.0.0.1:0", "--history", "memory", "--no-rate-limit"]).args(more);
        // The doors of plain TCP have fixed ports, which something else on this machine may have.
        command.env("NEGAPHONE_TCP_PAIR", "off").env("NEGAPHONE_TCP_ROOM", "off");
        println!("$ {command:?} &");
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("the server does not run")?;
        let lines = lines(child.stdout.take().expect("stdout was asked for as a pipe"));
        let mut server = Self { child, lines, address: String::new() };
        let deadline = Instant::now() + PATIENCE;
        while server.address.is_empty() {
            let line = server.lines.recv_timeout(deadline.saturating_duration_since(Instant::now()));
            let line = line.context("the server ended or fell silent before it printed its address")?;
            server.address = address(&line).unwrap_or_default().to_owned();
        }
        Ok(server)
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Host and port.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Host and port on the next line that begins so.
    ///
    /// # Errors
    ///
    /// When it prints no such line.
    pub(crate) fn next_address(&self, beginning: &str) -> Result<String> {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).with_context(|| format!("no line begins with {beginning}"))?;
            if let Some(rest) = line.strip_prefix(beginning) {
                return Ok(rest.split_whitespace().next().unwrap_or_default().to_owned());
            }
        }
    }

    /// Ends it as a service manager does.
    ///
    /// # Errors
    ///
    /// When it does not end in time with 0.
    pub(crate) fn stop(mut self, sh: &Shell) -> Result<()> {
        let pid = self.child.id().to_string();
        // A shell's own kill is there even where the program of that name is not.
        step::run(cmd!(sh, "sh -c").arg(format!("kill -TERM {pid}")))?;
        let begin = Instant::now();
        loop {
            match self.lines.recv_timeout(PATIENCE.saturating_sub(begin.elapsed())) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => bail!("the server runs on {PATIENCE:?} after SIGTERM"),
            }
        }
        let status = self.child.wait().context("the server's end cannot be seen")?;
        if !status.success() {
            bail!("the server ended with {status} after SIGTERM");
        }
        println!("  the server ended with 0 after {:.1} s", begin.elapsed().as_secs_f64());
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only for a server that has ended, which is what they are for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads on to the end, so that the server never waits for its reader.
fn lines(stdout: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = sync_channel(64);
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            // A line beyond the channel's bound is of no use to anybody.
            let _ = sender.try_send(line);
        }
    });
    receiver
}

/// Host and port of the first `http` address in `line`.
fn address(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("http://")?;
    rest.split(['/', ' ']).next().filter(|address| !address.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_what_stands_between_scheme_and_path() {
        assert_eq!(address("page       http://127.0.0.1:41234/"), Some("127.0.0.1:41234"));
        assert_eq!(address("open http://[::1]:8080/chat/ in a browser"), Some("[::1]:8080"));
        assert_eq!(address("http://127.0.0.1:80"), Some("127.0.0.1:80"));
        assert_eq!(address("websocket  ws://127.0.0.1:41234/ws"), None);
        assert_eq!(address("http://"), None);
    }
}
