//! How our negatives compare with those of others: time, size, error, and what
//! each of them loses. `cargo xtask negatives` installs what it needs.
#![expect(clippy::print_stdout, reason = "it says how far it is")]

mod case;
mod table;
mod tool;
mod worker;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Parser;
use rustix::time::{ClockId, clock_gettime};
use serde::Deserialize;
use serde_json::json;

use case::Case;
use tool::{Kept, Tool};
use worker::Worker;

/// Compares negatives on files of the corpus and writes a page about it.
#[derive(Debug, Parser)]
struct Arguments {
    /// The corpus, as `cargo xtask corpus` makes it
    #[arg(long, default_value = "target/corpus")]
    corpus: PathBuf,
    /// A Python with Pillow, OpenCV, pyvips
    #[arg(long)]
    python: PathBuf,
    /// A program that runs sharp
    #[arg(long, default_value = "node")]
    node: PathBuf,
    /// Runs of each tool for each file; the median is shown
    #[arg(long, default_value_t = 7)]
    runs: usize,
    /// Where everybody's negatives are put
    #[arg(long, default_value = "target/negatives")]
    folder: PathBuf,
    /// The page; what stands above its first heading of a file is kept
    #[arg(long, default_value = "docs/negatives.md")]
    page: PathBuf,
}

/// What is known of a tool and a file.
#[derive(Debug)]
struct Row {
    tool: String,
    /// Median milliseconds of processor time.
    ms: Option<f64>,
    /// Of the file, all frames.
    megapixels: f64,
    /// Or why there is no negative.
    outcome: Result<Measured, String>,
}

/// What the files themselves say, by decoders of others.
#[derive(Debug, Deserialize)]
struct Measured {
    /// Times that of the original.
    size: f64,
    /// Against 255-x of the decoded original, in dB; 99 is no difference.
    psnr: f64,
    /// The same in levels, at worst.
    largest: u8,
    /// The negative of the negative against the original.
    psnr_twice: f64,
    /// It is the same file.
    same_twice: bool,
    lost: Vec<String>,
}

/// All tools: those in this process, those in the workers.
struct Tools {
    kept: Kept,
    /// The first one has Python's eyes.
    workers: Vec<Worker>,
}

/// One of [`Tools`].
#[derive(Debug, Clone)]
enum Which {
    Here(Tool),
    /// Number of the worker, name of its tool.
    There(usize, String),
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    fs::create_dir_all(&arguments.folder).context("no place for the negatives")?;
    let workers = vec![
        Worker::start(&arguments.python, "benches/peers/worker.py")?,
        Worker::start(&arguments.node, "benches/peers/worker.mjs")?,
    ];
    let mut tools = Tools { kept: Kept::default(), workers };
    let mut results = Vec::new();
    for (cases, runs) in [(&case::TIMED, arguments.runs), (&case::LOSSES, 0)] {
        for case in cases {
            println!("{}", case.title);
            results.push((*case, tools.compare(&arguments, case, runs)?));
        }
    }
    let (timed, losses) = results.split_at(case::TIMED.len());
    table::write(&arguments.page, arguments.runs, timed, losses).context("the page cannot be written")
}

impl Tools {
    /// Runs all tools on one file, by turns, so that all meet the same noise.
    fn compare(&mut self, arguments: &Arguments, case: &Case, runs: usize) -> Result<Vec<Row>> {
        let input = arguments.corpus.join(case.file);
        let file = fs::read(&input).with_context(|| format!("{}: run `cargo xtask corpus`", input.display()))?;
        let all = self.all(case, runs);
        let output = |number: usize, times: &str| {
            let name = format!("{}.{number}.{times}.{}", file_stem(case.file), ending(case.file));
            arguments.folder.join(name)
        };
        let probe = invert::probe(&file).with_context(|| format!("{} is no picture", input.display()))?;
        let pixels = f64::from(probe.width) * f64::from(probe.height) * f64::from(probe.frames.unwrap_or(1));
        let mut rows = Vec::new();
        for (number, which) in all.iter().enumerate() {
            let (once, twice) = (output(number, "once"), output(number, "twice"));
            let outcome = self.measure(which, case, [&input, &once, &twice])?;
            rows.push(Row { tool: name(which), ms: None, megapixels: pixels / 1e6, outcome });
        }
        let mut times = vec![Vec::new(); all.len()];
        for _ in 0..runs {
            for (number, which) in all.iter().enumerate() {
                let decodes_only = matches!(which, Which::Here(tool) if !tool.encodes());
                if rows[number].outcome.is_ok() || decodes_only {
                    let once = output(number, "once");
                    times[number].extend(self.run(which, case, &file, &input, &once)?.ok());
                }
            }
        }
        for (row, times) in rows.iter_mut().zip(times) {
            row.ms = median(times);
        }
        Ok(rows)
    }

    /// Who is asked for such a file.
    fn all(&self, case: &Case, runs: usize) -> Vec<Which> {
        let here = Tool::ALL.into_iter().filter(|tool| tool.takes(case.file) && (tool.encodes() || runs > 0));
        let there = self.workers.iter().enumerate();
        let there = there.flat_map(|(worker, tools)| tools.tools.iter().map(move |tool| (worker, tool.clone())));
        here.map(Which::Here).chain(there.map(|(worker, tool)| Which::There(worker, tool))).collect()
    }

    /// A negative and the negative of that, looked at.
    fn measure(&mut self, which: &Which, case: &Case, paths: [&Path; 3]) -> Result<Result<Measured, String>> {
        if matches!(which, Which::Here(tool) if !tool.encodes()) {
            return Ok(Err("no negative".to_owned()));
        }
        let [input, once, twice] = paths;
        for (from, to) in [(input, once), (once, twice)] {
            let file = fs::read(from)?;
            if let Err(error) = self.run(which, case, &file, from, to)? {
                return Ok(Err(error));
            }
            if matches!(which, Which::Here(_)) {
                fs::write(to, &self.kept.out)?;
            }
        }
        let measured = self.workers[0].ask(&json!({ "input": input, "output": once, "twice": twice }))?;
        Ok(Ok(serde_json::from_value(measured)?))
    }

    /// One run; milliseconds of processor time.
    fn run(
        &mut self,
        which: &Which,
        case: &Case,
        file: &[u8],
        input: &Path,
        output: &Path,
    ) -> Result<Result<f64, String>> {
        match which {
            Which::Here(tool) => {
                let begin = thread_ms();
                let result = tool::run(*tool, file, case.quality, &mut self.kept);
                let end = thread_ms();
                Ok(result.map(|()| end - begin).map_err(|error| error.to_string()))
            }
            Which::There(worker, tool) => self.workers[*worker].run(tool, input, output, case.quality),
        }
    }
}

fn name(which: &Which) -> String {
    match which {
        Which::Here(tool) => tool.name().to_owned(),
        Which::There(_, tool) => tool.clone(),
    }
}

/// Processor time of this thread.
fn thread_ms() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

fn median(mut times: Vec<f64>) -> Option<f64> {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied()
}

fn file_stem(file: &str) -> String {
    let name = file.rsplit_once('.').map_or(file, |(name, _)| name);
    name.replace('/', "_")
}

fn ending(file: &str) -> &str {
    file.rsplit_once('.').map_or("", |(_, ending)| ending)
}
