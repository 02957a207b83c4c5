//! A small Python program in a process of its own, such as a class writes.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use crate::DEADLINE;

/// The program; killed when it is dropped.
#[derive(Debug)]
pub struct PythonClient {
    child: Child,
    input: Option<ChildStdin>,
    output: Receiver<Vec<u8>>,
    /// What it has printed and no test has looked for.
    unseen: Vec<u8>,
}

impl PythonClient {
    /// Runs the first Python example of a page of documentation, with parts of
    /// it replaced.
    ///
    /// # Panics
    ///
    /// When there is no example, no such part in it, or no Python.
    #[must_use]
    pub fn example(page: &str, replaced: &[(&str, &str)]) -> Self {
        let (_, rest) = page.split_once("```python\n").expect("an example");
        let (code, _) = rest.split_once("```").expect("its end");
        let code = replaced.iter().fold(code.to_owned(), |code, (from, to)| {
            assert!(code.contains(from), "there is no {from} in the example");
            code.replace(from, to)
        });
        Self::run(&code)
    }

    fn run(code: &str) -> Self {
        let mut child = Command::new("python3")
            .args(["-u", "-X", "utf8", "-c", code])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 runs");
        let (sender, output) = sync_channel(1024);
        let mut stdout = child.stdout.take().expect("stdout was asked for as a pipe");
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = stdout.read(&mut bytes) {
                if sender.send(bytes[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        let input = child.stdin.take();
        Self { child, input, output, unseen: Vec::new() }
    }

    /// Types a line.
    ///
    /// # Panics
    ///
    /// When it has ended.
    pub fn types(&mut self, line: &str) {
        let input = self.input.as_mut().expect("it is taken at the end only");
        input.write_all(format!("{line}\n").as_bytes()).expect("it reads");
    }

    /// Waits until it has printed this, behind all that was looked for before.
    ///
    /// # Panics
    ///
    /// When it does not.
    pub fn shows(&mut self, expected: &str) {
        let until = Instant::now() + DEADLINE;
        loop {
            let found = self.unseen.windows(expected.len()).position(|part| part == expected.as_bytes());
            if let Some(position) = found {
                self.unseen.drain(..position + expected.len());
                return;
            }
            match self.output.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.unseen.extend(bytes),
                Err(_) => panic!("{expected:?} was not shown, but {:?}", String::from_utf8_lossy(&self.unseen)),
            }
        }
    }

    /// Sends a signal.
    ///
    /// # Panics
    ///
    /// When it has ended by itself.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the program runs");
    }

    /// Waits until it ends by itself.
    ///
    /// # Panics
    ///
    /// When it does not.
    pub fn ends(&mut self) -> ExitStatus {
        let until = Instant::now() + DEADLINE;
        // Its end closes its output.
        while self.output.recv_timeout(until.saturating_duration_since(Instant::now())).is_ok() {}
        assert!(Instant::now() < until, "it goes on");
        self.child.wait().expect("a child")
    }
}

impl Drop for PythonClient {
    fn drop(&mut self) {
        // Both fail only for a process that has ended, which is what they are for.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
