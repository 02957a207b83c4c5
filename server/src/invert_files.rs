//! `negaphone invert`: the same negatives from the command line.
#![expect(clippy::print_stderr, reason = "a command tells the terminal what went wrong")]

use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use invert::{InvertError, Limits};
use thiserror::Error;

use crate::config::InvertArgs;

/// Why there is no negative of a file.
#[derive(Debug, Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Read(io::Error),
    /// It is no picture that we can invert.
    #[error(transparent)]
    Picture(#[from] InvertError),
    /// The negative cannot be written.
    #[error("{path}: cannot be written: {source}")]
    Write {
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Several pictures would go into one file.
    #[error("for several pictures --output has to be a folder")]
    OutputIsNoFolder,
}

/// One's own files may be larger than what a stranger sends.
fn local_limits() -> Limits {
    const PIXELS_MAX: u64 = 1_000_000_000;
    Limits {
        file_max_bytes: 4 << 30,
        pixels_max: PIXELS_MAX,
        decode_pixels_max: PIXELS_MAX,
        rewrite_pixels_max: PIXELS_MAX,
        ..Limits::default()
    }
}

/// Inverts the files one after another; fails when one of them failed.
#[must_use]
pub fn run(args: &InvertArgs) -> ExitCode {
    let output = match Output::parse(args) {
        Ok(output) => output,
        Err(error) => {
            eprintln!("negaphone: {error}");
            return ExitCode::FAILURE;
        }
    };
    let progress = progress_bar(args.files.len());
    let limits = local_limits();
    let mut failed = false;
    for file in &args.files {
        progress.set_message(file.display().to_string());
        if let Err(error) = invert_file(file, &output, &limits) {
            failed = true;
            progress.suspend(|| eprintln!("negaphone: {}: {error}", file.display()));
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Where negatives go.
#[derive(Debug)]
enum Output {
    Beside,
    Folder(PathBuf),
    File(PathBuf),
}

impl Output {
    fn parse(args: &InvertArgs) -> Result<Self, FileError> {
        match &args.output {
            None => Ok(Self::Beside),
            Some(path) if path.is_dir() => Ok(Self::Folder(path.clone())),
            Some(path) if args.files.len() == 1 => Ok(Self::File(path.clone())),
            Some(path) if path.exists() => Err(FileError::OutputIsNoFolder),
            Some(path) => {
                fs::create_dir_all(path).map_err(|source| FileError::Write { path: path.clone(), source })?;
                Ok(Self::Folder(path.clone()))
            }
        }
    }

    fn path_for(&self, file: &Path, extension: &str) -> PathBuf {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        // Its own extension where it has one: `photo.JPG` becomes `photo-negative.JPG`.
        let extension = file.extension().map_or(extension.into(), |extension| extension.to_string_lossy());
        let name = format!("{stem}-negative.{extension}");
        match self {
            Self::Beside => file.with_file_name(name),
            Self::Folder(folder) => folder.join(name),
            Self::File(path) => path.clone(),
        }
    }
}

fn invert_file(file: &Path, output: &Output, limits: &Limits) -> Result<(), FileError> {
    let bytes = fs::read(file).map_err(FileError::Read)?;
    let inverted = invert::invert(&bytes, limits)?;
    let path = output.path_for(file, inverted.format.extension());
    fs::write(&path, inverted.bytes).map_err(|source| FileError::Write { path, source })
}

fn progress_bar(files: usize) -> ProgressBar {
    if files < 2 || !io::stderr().is_terminal() {
        return ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    }
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {wide_msg}").expect("a valid template");
    ProgressBar::new(files as u64).with_style(style)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negatives_are_named_after_their_pictures() {
        let check = |output: &Output, file: &str, expected: &str| {
            assert_eq!(output.path_for(Path::new(file), "png"), Path::new(expected));
        };
        check(&Output::Beside, "a/photo.JPG", "a/photo-negative.JPG");
        check(&Output::Beside, "scan", "scan-negative.png");
        check(&Output::Folder("out".into()), "a/photo.jpeg", "out/photo-negative.jpeg");
        check(&Output::File("x.jpeg".into()), "a/photo.jpeg", "x.jpeg");
    }
}
