//! `negaphone invert`: the same negatives from the command line, of files,
//! whole folders, or standard input. Originals are only ever read.
#![expect(clippy::print_stderr, reason = "a command tells the terminal what it did and what went wrong")]

mod output;
mod sources;
mod tally;

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use invert::{Effort, ErrorKind, Format, InvertError, Limits, Metadata, Options, Scratch, Summary};
use parking_lot::Mutex;
use thiserror::Error;

use crate::config::InvertArgs;
use output::{Output, WriteError, Writer};
use sources::{Found, Source};
use tally::Tally;

/// Names standard input and output.
const STANDARD: &str = "-";
/// So much of a file tells whether it is a picture.
const HEAD_BYTES: u64 = 64;

/// What the arguments ask for cannot be done.
#[derive(Debug, Error)]
enum UsageError {
    #[error("--output {0:?}: for several pictures it has to be a folder")]
    OutputIsNoFolder(PathBuf),
    #[error("{0:?} is a folder: say with --output where the negatives go")]
    FolderNeedsOutput(PathBuf),
    #[error("- is standard input, and there can be no other picture beside it")]
    StandardInputIsNotAlone,
    #[error("pictures are not for a terminal: redirect the output, or name a file with --output")]
    OutputIsTerminal,
}

/// Why there is no negative of a file.
#[derive(Debug, Error)]
enum FileError {
    #[error("cannot be read: {0}")]
    Read(#[source] io::Error),
    #[error(transparent)]
    Picture(#[from] InvertError),
    #[error("a codec failed on it")]
    Codec,
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl FileError {
    /// What stands in the summary.
    fn reason(&self) -> &'static str {
        match self {
            Self::Read(_) => "cannot be read",
            Self::Picture(error) => match error.kind() {
                ErrorKind::Empty => "empty",
                ErrorKind::NotAnImage => "no picture",
                ErrorKind::Unsupported => "unsupported",
                ErrorKind::Broken => "damaged",
                ErrorKind::TooLarge => "too large",
            },
            Self::Codec => "codec failed",
            Self::Write(error) => error.reason(),
        }
    }
}

/// What became of a file.
enum Outcome {
    Inverted {
        read_bytes: u64,
        written_bytes: u64,
    },
    /// In a folder there may be anything.
    NoPicture,
}

/// Inverts all that was asked for; fails when a picture failed.
#[must_use]
pub fn run(args: &InvertArgs) -> ExitCode {
    let done = if args.paths.iter().any(|path| path.as_os_str() == STANDARD) {
        invert_standard_input(args)
    } else {
        invert_paths(args)
    };
    done.unwrap_or_else(|error| {
        eprintln!("negaphone: {error}");
        ExitCode::FAILURE
    })
}

fn options(args: &InvertArgs) -> Options {
    // One's own files may be larger than what a stranger sends.
    const PIXELS_MAX: u64 = 1_000_000_000;
    let limits = Limits {
        file_max_bytes: 4 << 30,
        pixels_max: PIXELS_MAX,
        decode_pixels_max: PIXELS_MAX,
        rewrite_pixels_max: PIXELS_MAX,
        ..Limits::default()
    };
    Options {
        limits,
        metadata: if args.strip { Metadata::Strip } else { Metadata::Keep },
        effort: if args.png_small { Effort::Small } else { Effort::Fast },
    }
}

fn invert_standard_input(args: &InvertArgs) -> Result<ExitCode, UsageError> {
    if args.paths.len() > 1 {
        return Err(UsageError::StandardInputIsNotAlone);
    }
    let output = match &args.output {
        None => Output::Standard,
        Some(path) => match Output::for_one(path) {
            Output::Folder(folder) => return Err(UsageError::OutputIsNoFolder(folder)),
            output => output,
        },
    };
    output.check_terminal()?;
    let writer = Writer::new(output, args.force, &[]);
    let mut worker = Worker::new(options(args));
    let done = worker.read(io::stdin().lock()).and_then(|()| worker.invert()).and_then(|summary| {
        Ok(writer.write(STANDARD.as_ref(), STANDARD.as_ref(), summary.format.extension(), &worker.negative)?)
    });
    Ok(match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("negaphone: standard input: {error}");
            ExitCode::FAILURE
        }
    })
}

fn invert_paths(args: &InvertArgs) -> Result<ExitCode, UsageError> {
    let output = Output::of(args)?;
    output.check_terminal()?;
    let (sources, unread) = sources::find(&args.paths, &output);
    let writer = Writer::new(output, args.force, &sources);
    let progress = progress_bar(sources.len());
    let tally = Mutex::new(Tally::default());
    for (path, error) in unread {
        eprintln!("negaphone: {}: {error}", path.display());
        tally.lock().failed(error.reason());
    }
    let next = AtomicUsize::new(0);
    let begun = Instant::now();
    let work = || {
        let mut worker = Worker::new(options(args));
        while let Some(source) = sources.get(next.fetch_add(1, Ordering::Relaxed)) {
            progress.set_message(source.path.display().to_string());
            let outcome = worker.invert_file(source, &writer);
            if let Err(error) = &outcome {
                progress.suspend(|| eprintln!("negaphone: {}: {error}", source.path.display()));
            }
            tally.lock().add(&outcome);
            progress.inc(1);
        }
    };
    let jobs = args.jobs.map_or_else(|| thread::available_parallelism().map_or(1, usize::from), usize::from);
    thread::scope(|scope| {
        for _ in 1..jobs.min(sources.len()) {
            scope.spawn(work);
        }
        work();
    });
    progress.finish_and_clear();
    let tally = tally.into_inner();
    if sources.len() > 1 || args.paths.iter().any(|path| path.is_dir()) {
        eprintln!("{}", tally.summary(begun.elapsed()));
    }
    Ok(if tally.has_failures() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn progress_bar(files: usize) -> ProgressBar {
    if files < 2 || !io::stderr().is_terminal() {
        return ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    }
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {per_sec:.dim} {eta} {wide_msg}");
    ProgressBar::new(files as u64).with_style(style.expect("a valid template"))
}

/// What one thread keeps from picture to picture.
struct Worker {
    options: Options,
    scratch: Scratch,
    file: Vec<u8>,
    negative: Vec<u8>,
}

impl Worker {
    fn new(options: Options) -> Self {
        Self { options, scratch: Scratch::default(), file: Vec::new(), negative: Vec::new() }
    }

    fn invert_file(&mut self, source: &Source, writer: &Writer) -> Result<Outcome, FileError> {
        let mut file = File::open(&source.path).map_err(FileError::Read)?;
        if source.found == Found::InFolder && !self.is_picture(&mut file)? {
            return Ok(Outcome::NoPicture);
        }
        // A picture whose place is taken costs no work.
        writer.check(&source.path, &source.relative)?;
        let size = file.metadata().map_err(FileError::Read)?.len();
        self.check_size(usize::try_from(size).unwrap_or(usize::MAX))?;
        self.read(file)?;
        let summary = self.invert()?;
        writer.write(&source.path, &source.relative, summary.format.extension(), &self.negative)?;
        Ok(Outcome::Inverted { read_bytes: self.file.len() as u64, written_bytes: self.negative.len() as u64 })
    }

    /// Looks at the first bytes, and goes back to the start.
    fn is_picture(&mut self, file: &mut File) -> Result<bool, FileError> {
        self.file.clear();
        file.take(HEAD_BYTES).read_to_end(&mut self.file).map_err(FileError::Read)?;
        io::Seek::rewind(file).map_err(FileError::Read)?;
        Ok(!matches!(Format::of(&self.file), Err(InvertError::Empty | InvertError::NotAnImage)))
    }

    fn check_size(&self, file_bytes: usize) -> Result<(), InvertError> {
        let file_max_bytes = self.options.limits.file_max_bytes;
        if file_bytes > file_max_bytes {
            return Err(InvertError::FileTooLarge { file_bytes, file_max_bytes });
        }
        Ok(())
    }

    fn read(&mut self, from: impl Read) -> Result<(), FileError> {
        self.file.clear();
        // One byte more than allowed is enough to be refused for.
        let max = self.options.limits.file_max_bytes as u64 + 1;
        from.take(max).read_to_end(&mut self.file).map_err(FileError::Read)?;
        Ok(())
    }

    fn invert(&mut self) -> Result<Summary, FileError> {
        let Self { options, scratch, file, negative } = self;
        // A codec that panics on one strange file shall not end the others.
        match catch_unwind(AssertUnwindSafe(|| invert::invert_into(file, options, scratch, negative))) {
            Ok(result) => Ok(result?),
            Err(_) => {
                self.scratch = Scratch::default();
                Err(FileError::Codec)
            }
        }
    }
}

/// Writes a picture to standard output, whole.
fn write_standard_output(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}
