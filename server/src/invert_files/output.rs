//! Where negatives go, and how they get there: whole or not at all, and never
//! over an original.

use std::collections::HashSet;
use std::fs::{self, Permissions};
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use thiserror::Error;

use super::sources::Source;
use super::{STANDARD, UsageError, write_standard_output};
use crate::config::InvertArgs;

/// Where negatives go.
#[derive(Debug)]
pub(super) enum Output {
    /// To the picture's folder, under a name of its own.
    Beside,
    /// Into a folder, under the picture's name and in its sub-folders.
    Folder(PathBuf),
    /// Into this file.
    File(PathBuf),
    /// To standard output.
    Standard,
}

/// Why a negative was not written.
#[derive(Debug, Error)]
pub(super) enum WriteError {
    #[error("{0:?} exists already (--force replaces it)")]
    Exists(PathBuf),
    #[error("the negative would replace an original, {0:?}")]
    Original(PathBuf),
    #[error("the negative of another picture is in {0:?} already")]
    Claimed(PathBuf),
    #[error("{path:?} cannot be written: {source}")]
    Io { path: PathBuf, source: io::Error },
}

impl WriteError {
    /// What stands in the summary.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Exists(_) => "negative exists",
            Self::Original(_) => "original in the way",
            Self::Claimed(_) => "same name",
            Self::Io { .. } => "cannot be written",
        }
    }
}

impl Output {
    /// As the arguments say.
    pub(super) fn of(args: &InvertArgs) -> Result<Self, UsageError> {
        let folder = args.paths.iter().find(|path| path.is_dir());
        let Some(path) = &args.output else {
            return folder.map_or(Ok(Self::Beside), |folder| Err(UsageError::FolderNeedsOutput(folder.clone())));
        };
        match Self::for_one(path) {
            Self::Folder(path) => Ok(Self::Folder(path)),
            one if args.paths.len() == 1 && folder.is_none() => Ok(one),
            Self::File(path) if !path.exists() => Ok(Self::Folder(path)),
            _ => Err(UsageError::OutputIsNoFolder(path.clone())),
        }
    }

    /// For a single picture: what is no folder, and is not written like one,
    /// is a file.
    pub(super) fn for_one(path: &Path) -> Self {
        if path.as_os_str() == STANDARD {
            Self::Standard
        } else if path.is_dir() || path.as_os_str().as_encoded_bytes().ends_with(b"/") {
            Self::Folder(path.to_owned())
        } else {
            Self::File(path.to_owned())
        }
    }

    /// Nobody wants the bytes of a picture on their terminal.
    pub(super) fn check_terminal(&self) -> Result<(), UsageError> {
        let is_terminal = matches!(self, Self::Standard) && io::stdout().is_terminal();
        if is_terminal { Err(UsageError::OutputIsTerminal) } else { Ok(()) }
    }

    /// `None` is standard output; `extension` is for pictures without one.
    fn path_for(&self, source: &Path, relative: &Path, extension: &str) -> Option<PathBuf> {
        match self {
            Self::Standard => None,
            Self::File(path) => Some(path.clone()),
            Self::Folder(folder) => Some(folder.join(relative)),
            Self::Beside => {
                // Names need not be UTF-8, so nothing is formatted.
                let mut name = source.file_stem().unwrap_or_default().to_owned();
                name.push("-negative.");
                // Its own extension where it has one: `photo.JPG` becomes `photo-negative.JPG`.
                name.push(source.extension().unwrap_or(extension.as_ref()));
                Some(source.with_file_name(name))
            }
        }
    }
}

/// Puts negatives in their places.
#[derive(Debug)]
pub(super) struct Writer {
    output: Output,
    overwrites: bool,
    /// Whole paths, without links. Where nothing may be overwritten, no
    /// original can be.
    originals: HashSet<PathBuf>,
    /// What this run has written.
    claimed: Mutex<HashSet<PathBuf>>,
}

impl Writer {
    pub(super) fn new(output: Output, overwrites: bool, sources: &[Source]) -> Self {
        let originals = sources.iter().filter(|_| overwrites).filter_map(|source| source.path.canonicalize().ok());
        Self { originals: originals.collect(), output, overwrites, claimed: Mutex::default() }
    }

    /// Refuses where it is clear beforehand that nothing will be written.
    pub(super) fn check(&self, source: &Path, relative: &Path) -> Result<(), WriteError> {
        // Without an extension of its own the place is known with the format only.
        let Some(path) = self.output.path_for(source, relative, "") else { return Ok(()) };
        self.check_place(&path)
    }

    fn check_place(&self, path: &Path) -> Result<(), WriteError> {
        if self.claimed.lock().contains(path) {
            return Err(WriteError::Claimed(path.to_owned()));
        }
        // A link without an aim is in the way too.
        if path.symlink_metadata().is_err() {
            return Ok(());
        }
        if !self.overwrites {
            return Err(WriteError::Exists(path.to_owned()));
        }
        if path.canonicalize().is_ok_and(|path| self.originals.contains(&path)) {
            return Err(WriteError::Original(path.to_owned()));
        }
        Ok(())
    }

    /// Writes the negative of `source`.
    pub(super) fn write(
        &self,
        source: &Path,
        relative: &Path,
        extension: &str,
        bytes: &[u8],
    ) -> Result<(), WriteError> {
        let Some(path) = self.output.path_for(source, relative, extension) else {
            return write_standard_output(bytes)
                .map_err(|source| WriteError::Io { path: "standard output".into(), source });
        };
        self.check_place(&path)?;
        if !self.claimed.lock().insert(path.clone()) {
            return Err(WriteError::Claimed(path));
        }
        self.write_file(&path, bytes).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists if !self.overwrites => WriteError::Exists(path.clone()),
            _ => WriteError::Io { path: path.clone(), source },
        })
    }

    /// A file with another name is renamed once it is whole, so that nobody
    /// ever sees half a negative.
    fn write_file(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        /// What a new file is given; the user's mask takes its part away.
        const MODE: u32 = 0o666;
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        fs::create_dir_all(folder)?;
        let mut builder = tempfile::Builder::new();
        let mut file = builder.prefix(".negaphone-").permissions(Permissions::from_mode(MODE)).tempfile_in(folder)?;
        file.write_all(bytes)?;
        if self.overwrites { file.persist(path) } else { file.persist_noclobber(path) }?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negatives_are_named_after_their_pictures() {
        let check = |output: &Output, file: &str, relative: &str, expected: &str| {
            let path = output.path_for(Path::new(file), Path::new(relative), "png");
            assert_eq!(path.as_deref(), Some(Path::new(expected)));
        };
        check(&Output::Beside, "a/photo.JPG", "photo.JPG", "a/photo-negative.JPG");
        check(&Output::Beside, "scan", "scan", "scan-negative.png");
        check(&Output::Folder("out".into()), "a/b/photo.jpeg", "b/photo.jpeg", "out/b/photo.jpeg");
        check(&Output::File("x.jpeg".into()), "a/photo.jpeg", "photo.jpeg", "x.jpeg");
    }
}
