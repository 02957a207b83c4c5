//! The real program in a process of its own, to be killed.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};

use crate::port::lasting_address;

/// A server with its history in a folder, always at the same address; killed
/// when it is dropped.
#[derive(Debug)]
pub struct ServerProcess {
    how: How,
    address: SocketAddr,
    child: Child,
}

/// How it is started, again and again.
#[derive(Debug)]
struct How {
    folder: PathBuf,
    history: String,
    log: Log,
    disk: Disk,
}

impl How {
    fn sqlite(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), history: "sqlite".to_owned(), log: Log::Beside, disk: Disk::Any }
    }
}

/// Where a server writes what it has to say.
#[derive(Debug, Clone, Copy)]
enum Log {
    /// Where the tests write.
    Beside,
    /// Into a file in its folder.
    File,
}

/// What its folder lies on.
#[derive(Debug, Clone, Copy)]
enum Disk {
    /// What it lies on anyway.
    Any,
    /// A file system of its own that holds so many bytes, in memory, which the
    /// process alone sees and which ends with it.
    OfItsOwn(u64),
}

impl ServerProcess {
    /// Starts it and waits until it listens.
    ///
    /// # Panics
    ///
    /// When it does not start.
    #[must_use]
    pub fn start(folder: &Path) -> Self {
        Self::start_as(How::sqlite(folder))
    }

    /// Starts a node over a Redis.
    ///
    /// # Panics
    ///
    /// When it does not start.
    #[must_use]
    pub fn start_over(redis_url: &str) -> Self {
        Self::start_as(How { history: redis_url.to_owned(), ..How::sqlite(Path::new(".")) })
    }

    /// Starts a node over a Redis that is reached by TLS, its certificate
    /// being in the folder as `cert.pem`.
    ///
    /// # Panics
    ///
    /// When it does not start.
    #[must_use]
    pub fn start_trusting(folder: &Path, redis_url: &str) -> Self {
        Self::start_as(How { history: redis_url.to_owned(), ..How::sqlite(folder) })
    }

    /// Starts it with its log in the same folder, so that it fails with the
    /// disk.
    ///
    /// # Panics
    ///
    /// When it does not start.
    #[must_use]
    pub fn start_with_log_file(folder: &Path) -> Self {
        Self::start_as(How { log: Log::File, ..How::sqlite(folder) })
    }

    /// Starts it with its folder on a disk of its own that holds so many bytes,
    /// and is soon full.
    ///
    /// # Panics
    ///
    /// When it does not start, or the system lets nobody but its administrator
    /// mount anything in a namespace of one's own.
    #[must_use]
    pub fn start_on_small_disk(folder: &Path, bytes: u64) -> Self {
        Self::start_as(How { disk: Disk::OfItsOwn(bytes), ..How::sqlite(folder) })
    }

    fn start_as(how: How) -> Self {
        let (child, address) = spawn(&how, lasting_address());
        Self { how, address, child }
    }

    /// A path in its folder as the process sees it, also on a disk of its own.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        let root = format!("/proc/{}/root", self.child.id());
        let folder = self.how.folder.strip_prefix("/").unwrap_or(&self.how.folder);
        Path::new(&root).join(folder).join(name)
    }

    /// Where it listens, before and after a restart.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets it write files up to this size only, so that every further write
    /// fails; `None`: of any size.
    ///
    /// # Panics
    ///
    /// When it has ended by itself.
    pub fn limit_files(&self, max_bytes: Option<u64>) {
        let limit = Rlimit { current: max_bytes, maximum: None };
        prlimit(Some(self.pid()), Resource::Fsize, limit).expect("the server runs");
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Sends a signal.
    ///
    /// # Panics
    ///
    /// When it has ended by itself.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("the server runs");
    }

    /// Ends it with that signal and starts it again.
    ///
    /// # Panics
    ///
    /// When it does not end or not start.
    pub fn restart(&mut self, signal: Signal) {
        self.signal(signal);
        self.child.wait().expect("a child");
        (self.child, _) = spawn(&self.how, self.address);
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // Both fail only for a process that has ended, which is what they are for.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The server's program: what `NEGAPHONE_BIN` names, or what was built beside
/// this test.
fn program() -> PathBuf {
    let beside = || {
        let test = std::env::current_exe().expect("this program");
        test.parent().and_then(Path::parent).expect("a folder of targets").join("negaphone")
    };
    let program = std::env::var_os("NEGAPHONE_BIN").map_or_else(beside, PathBuf::from);
    assert!(program.exists(), "{} is not there: run `cargo build -p negaphone`", program.display());
    program
}

/// Mounts a disk of `$1` bytes at `$2`, and goes on with the rest.
const ON_ITS_OWN_DISK: &str = r#"
mount -t tmpfs -o size="$1" tmpfs "$2" || { echo "a full disk cannot be tested: nothing may be mounted" >&2; exit 1; }
shift 2
exec "$@"
"#;

fn spawn(how: &How, listen: SocketAddr) -> (Child, SocketAddr) {
    let How { folder, history, log, disk } = how;
    let mut command = match disk {
        Disk::Any => Command::new("env"),
        Disk::OfItsOwn(bytes) => {
            let mut command = Command::new("unshare");
            command.args(["--map-root-user", "--mount", "sh", "-c", ON_ITS_OWN_DISK, "sh", &bytes.to_string()]);
            command.arg(folder);
            command
        }
    };
    command
        // A write past the limit of a file's size is an error then, not the end of the process.
        .args(["sh", "-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
        .arg(program())
        .args(["serve", "--no-rate-limit", "--history", history, "--listen", &listen.to_string(), "--data-dir"])
        .arg(folder)
        // The raw TCP doors have fixed ports, and several servers run at a time.
        .envs([("NEGAPHONE_TCP_PAIR", "off"), ("NEGAPHONE_TCP_ROOM", "off")])
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let certificate = folder.join("cert.pem");
    if certificate.exists() {
        command.env("SSL_CERT_FILE", certificate);
    }
    if let Log::File = log {
        let file = File::options().create(true).append(true).open(folder.join("server.log"));
        command.stderr(file.expect("a folder of the test's own"));
    }
    let mut child = command.spawn().expect("the server's program runs");
    let address = first_address(child.stdout.take().expect("stdout was asked for as a pipe"));
    (child, address)
}

/// Reads until the server says where it listens, and then on, so that it never
/// writes in vain.
fn first_address(stdout: ChildStdout) -> SocketAddr {
    let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
    let address = lines.find_map(|line| {
        let (_, rest) = line.split_once("http://")?;
        rest.split('/').next()?.parse().ok()
    });
    std::thread::spawn(move || lines.for_each(drop));
    address.expect("the server ended before it listened: its reason stands above")
}
