//! Which files are meant by the paths that were named.

use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use super::FileError;
use super::output::Output;

/// A file that may be a picture.
#[derive(Debug)]
pub(super) struct Source {
    /// Where it is.
    pub(super) path: PathBuf,
    /// Its place below the folder that was named; else its name.
    pub(super) relative: PathBuf,
    /// How it came to be meant.
    pub(super) found: Found,
}

/// How a file came to be meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// It was named, so it has to be a picture.
    ByName,
    /// It lies in a folder that was named, among other things perhaps.
    InFolder,
}

/// All files, folders in the order of their names, and what could not be
/// looked into.
pub(super) fn find(paths: &[PathBuf], output: &Output) -> (Vec<Source>, Vec<(PathBuf, FileError)>) {
    let (mut sources, mut unread) = (Vec::new(), Vec::new());
    let negatives = match output {
        Output::Folder(folder) => folder.canonicalize().ok(),
        Output::Beside | Output::File(_) | Output::Standard => None,
    };
    for path in paths {
        if !path.is_dir() {
            let relative = path.file_name().unwrap_or(path.as_os_str()).into();
            sources.push(Source { path: path.clone(), relative, found: Found::ByName });
            continue;
        }
        for entry in walk(path, negatives.as_deref()) {
            match entry {
                // A link to a file is that file; one to a folder is not followed, so that no loop has to be feared.
                Ok(entry) if entry.path().is_file() => {
                    let relative = entry.path().strip_prefix(path).unwrap_or(entry.path()).to_owned();
                    sources.push(Source { relative, path: entry.into_path(), found: Found::InFolder });
                }
                Ok(_) => {}
                Err(error) => {
                    let at = error.path().unwrap_or(path).to_owned();
                    unread.push((at, FileError::Read(error.into())));
                }
            }
        }
    }
    (sources, unread)
}

fn walk(folder: &Path, negatives: Option<&Path>) -> impl Iterator<Item = walkdir::Result<DirEntry>> {
    WalkDir::new(folder).follow_links(false).sort_by_file_name().into_iter().filter_entry(move |entry| {
        // Negatives that lie among the pictures are not to be turned back.
        let is_output = entry.depth() > 0
            && entry.file_type().is_dir()
            && negatives.is_some_and(|negatives| entry.path().canonicalize().is_ok_and(|path| path == negatives));
        !is_output
    })
}
