//! Makes the negatives of a folder of files, for judges that are not ours.
//!
//! `negate [--strip] FROM INTO` writes the negative of each file of FROM, and
//! of its folders, into INTO by the same name. The negative of the negative
//! stands beside it with `.twice` behind its name, if it is another file than
//! the original. Each file is a line of fields between tabs: `negative`, the
//! name, the format and `same` or `other`; or `refused`, the name and the
//! reason.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use invert::{InvertError, Limits, Metadata, Options, Scratch, invert_into};

fn main() -> ExitCode {
    let mut arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let metadata = match arguments.first() {
        Some(first) if first.as_os_str() == "--strip" => {
            arguments.remove(0);
            Metadata::Strip
        }
        _ => Metadata::Keep,
    };
    let [from, into] = arguments.as_slice() else { return failed("usage: negate [--strip] FROM INTO") };
    match negate_all(from, into, &Options { limits: limits(), metadata, ..Options::default() }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error.to_string()),
    }
}

fn failed(reason: &str) -> ExitCode {
    // There is nobody left to be told when standard error is closed.
    let _ = writeln!(io::stderr(), "{reason}");
    ExitCode::FAILURE
}

/// As much as large photographs need (chosen).
fn limits() -> Limits {
    Limits { file_max_bytes: 128 << 20, decode_pixels_max: 64_000_000, ..Limits::default() }
}

fn negate_all(from: &Path, into: &Path, options: &Options) -> io::Result<()> {
    let mut scratch = Scratch::default();
    let mut out = io::stdout().lock();
    for name in files(from, Path::new(""))? {
        let file = fs::read(from.join(&name))?;
        let shown = name.display();
        match negate(&file, options, &mut scratch) {
            Ok(Negatives { format, once, twice }) => {
                let path = into.join(&name);
                fs::create_dir_all(path.parent().unwrap_or(into))?;
                fs::write(&path, once)?;
                let is_same = twice == file;
                writeln!(out, "negative\t{shown}\t{format}\t{}", if is_same { "same" } else { "other" })?;
                if !is_same {
                    let mut beside = path.into_os_string();
                    beside.push(".twice");
                    fs::write(beside, twice)?;
                }
            }
            Err(error) => writeln!(out, "refused\t{shown}\t{error}")?,
        }
    }
    out.flush()
}

/// All files below a folder, by their names from there, in order.
fn files(root: &Path, folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let name = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            names.extend(files(root, &name)?);
        } else {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

struct Negatives {
    format: &'static str,
    once: Vec<u8>,
    twice: Vec<u8>,
}

fn negate(file: &[u8], options: &Options, scratch: &mut Scratch) -> Result<Negatives, InvertError> {
    let (mut once, mut twice) = (Vec::new(), Vec::new());
    let summary = invert_into(file, options, scratch, &mut once)?;
    invert_into(&once, options, scratch, &mut twice)?;
    Ok(Negatives { format: summary.format.name(), once, twice })
}
