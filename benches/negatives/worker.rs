//! Tools that live in another process: asked in a line, answered in a line.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};

/// A program that stays until its input ends.
#[derive(Debug)]
pub(crate) struct Worker {
    child: Child,
    /// Taken away to end it.
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    /// Its tools, by name and with their versions.
    pub(crate) tools: Vec<String>,
}

/// How one run went.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Answer {
    /// The processor time of all its threads, in milliseconds.
    Ms(f64),
    /// It has no negative of such a file.
    Error(String),
}

impl Worker {
    /// Starts it; it first tells what it has.
    pub(crate) fn start(program: &Path, script: &str) -> Result<Self> {
        let mut child = Command::new(program)
            .arg(script)
            // One core for everybody.
            .envs([("OMP_NUM_THREADS", "1"), ("VIPS_CONCURRENCY", "1"), ("UV_THREADPOOL_SIZE", "1")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} {script} does not run", program.display()))?;
        let requests = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().context("stdout was asked for as a pipe")?);
        let mut worker = Self { child, requests, answers, tools: Vec::new() };
        worker.tools = serde_json::from_str(&worker.line()?).context("the worker does not tell its tools")?;
        Ok(worker)
    }

    /// Has `tool` make one negative; milliseconds, or why there is none.
    pub(crate) fn run(&mut self, tool: &str, input: &Path, output: &Path, quality: u8) -> Result<Result<f64, String>> {
        let request = json!({ "tool": tool, "input": input, "output": output, "quality": quality });
        match serde_json::from_value(self.ask(&request)?)? {
            Answer::Ms(ms) => Ok(Ok(ms)),
            Answer::Error(error) => Ok(Err(error)),
        }
    }

    /// One question, one answer.
    pub(crate) fn ask(&mut self, request: &Value) -> Result<Value> {
        let requests = self.requests.as_mut().context("the worker has been ended")?;
        writeln!(requests, "{request}").context("the worker is gone")?;
        serde_json::from_str(&self.line()?).context("the worker answers no JSON")
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.answers.read_line(&mut line).context("the worker is gone")? == 0 {
            bail!("the worker ended; what it said stands above");
        }
        Ok(line)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.requests.take()); // which ends it
        // It fails only for a worker that is gone already.
        let _ = self.child.wait();
    }
}
