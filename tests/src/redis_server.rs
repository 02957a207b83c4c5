//! A real Redis in a process of its own, to be killed.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// It answers within this time, or never.
const START_MAX: Duration = Duration::from_secs(30);

/// Keeps what it is given in a folder, always at the same address; killed when
/// it is dropped.
#[derive(Debug)]
pub struct RedisServer {
    folder: PathBuf,
    address: SocketAddr,
    options: Vec<String>,
    child: Child,
}

impl RedisServer {
    /// Starts one that writes to the disk before it answers, and waits until
    /// it does; `options` as on its command line.
    ///
    /// # Panics
    ///
    /// When it does not start.
    #[must_use]
    pub fn start(folder: &Path, address: SocketAddr, options: &[&str]) -> Self {
        let options: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
        let child = spawn(folder, address, &options);
        Self { folder: folder.to_owned(), address, options, child }
    }

    /// Where it listens, before and after a restart.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How a server is told to use it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Its process.
    #[must_use]
    pub fn child(&self) -> &Child {
        &self.child
    }

    /// Kills it, and starts it again on what it had written.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub fn kill_and_restart(&mut self) {
        self.kill();
        self.start_again();
    }

    /// Kills it.
    ///
    /// # Panics
    ///
    /// When it cannot be waited for.
    pub fn kill(&mut self) {
        // Fails only for a process that has ended.
        self.child.kill().ok();
        self.child.wait().expect("a child");
    }

    /// After it was killed.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub fn start_again(&mut self) {
        self.child = spawn(&self.folder, self.address, &self.options);
    }

    /// Asks it one thing, as on a command line; the first bytes of its answer.
    ///
    /// # Panics
    ///
    /// When it does not answer.
    #[must_use]
    pub fn ask(&self, command: &str) -> String {
        ask(self.address, command).expect("Redis answers")
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn spawn(folder: &Path, address: SocketAddr, options: &[String]) -> Child {
    let mut child = Command::new("redis-server")
        .current_dir(folder)
        .args(["--bind", &address.ip().to_string(), "--port", &address.port().to_string(), "--dir"])
        .arg(folder)
        .args(["--appendonly", "yes", "--appendfsync", "always", "--save", ""])
        .args(options)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("redis-server runs: it is in Debian's package of the same name");
    let begin = Instant::now();
    // It listens before it has read its files, and says LOADING.
    while !ask(address, "PING").is_ok_and(|answer| answer.starts_with("+PONG") || answer.starts_with("-NOAUTH")) {
        let ended = child.try_wait().expect("a child");
        assert!(ended.is_none(), "redis-server ended: {ended:?}");
        assert!(begin.elapsed() < START_MAX, "redis-server does not answer");
        std::thread::park_timeout(Duration::from_millis(5));
    }
    child
}

fn ask(address: SocketAddr, command: &str) -> std::io::Result<String> {
    let mut socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(START_MAX))?;
    socket.write_all(format!("{command}\r\n").as_bytes())?;
    let mut answer = vec![0; 16 << 10];
    let count = socket.read(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer[..count]).into_owned())
}
