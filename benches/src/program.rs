//! A server as a program of its own, which says first where it listens.

use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};

/// The running program; it is ended when this is dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    /// Kept: it may write more.
    output: BufReader<ChildStdout>,
}

impl Program {
    /// Starts it; returns the address in its first line, too.
    ///
    /// # Errors
    ///
    /// When it cannot be started, or does not say `http://` and an address.
    pub fn start(command: &mut Command) -> io::Result<(Self, SocketAddr)> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        // From here on it is ended with this.
        let mut program = Self { child, output: BufReader::new(output) };
        let mut line = String::new();
        program.output.read_line(&mut line)?;
        let address = line.split_once("http://").map_or("", |(_, address)| address).trim().trim_end_matches('/');
        let address = address.parse().map_err(|_| io::Error::other("it does not say where it listens"))?;
        Ok((program, address))
    }

    /// What the system calls it.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
