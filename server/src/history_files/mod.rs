//! `negaphone history`: backups as lines of JSON, out and in.
#![expect(clippy::print_stderr, reason = "a command tells the terminal what it did and what went wrong")]

mod export;
mod import;
mod line;

use std::io;
use std::process::ExitCode;

use history::ArchiveError;
use indicatif::{ProgressBar, ProgressStyle};
use thiserror::Error;

use crate::config::HistoryCommand;

/// Names standard input and output.
const STANDARD: &str = "-";

/// Why a backup was not made, or not brought back.
#[derive(Debug, Error)]
enum FileError {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error("{name}: {source}")]
    File { name: String, source: io::Error },
    #[error("{0} exists already: choose another file, or say --force")]
    Exists(String),
    #[error("line {number}: {reason}")]
    Line { number: u64, reason: String },
    #[error("{rooms} rooms could be read in part only: what could be read is there")]
    Partial { rooms: usize },
}

impl FileError {
    fn of(name: &str) -> impl Fn(io::Error) -> Self {
        move |source| Self::File { name: name.to_owned(), source }
    }
}

/// What there was.
#[derive(Debug, Default)]
struct Count {
    rooms: u64,
    messages: u64,
    pictures: u64,
}

/// Does what was asked for; says what it did.
#[must_use]
pub fn run(command: &HistoryCommand) -> ExitCode {
    let done = match command {
        HistoryCommand::Export(args) => export::run(args),
        HistoryCommand::Import(args) => import::run(args),
    };
    match done {
        Ok(Count { rooms, messages, pictures }) => {
            eprintln!("{rooms} rooms, {messages} messages, {pictures} pictures");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("negaphone: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A bar that is seen on a terminal only.
fn progress(total: u64, unit: &str) -> ProgressBar {
    let template = match unit {
        "bytes" => "{wide_bar} {bytes}/{total_bytes} {eta}",
        _ => "{wide_bar} {pos}/{len} messages {eta}",
    };
    let bar = ProgressBar::new(total);
    bar.set_style(ProgressStyle::with_template(template).expect("a template that is right"));
    bar
}
