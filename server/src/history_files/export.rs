//! Out of the files, also while a server has them open.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use history::Archive;
use hub::{Head, Offset, RoomName};
use indicatif::ProgressBar;
use tempfile::NamedTempFile;

use super::line::Line;
use super::{Count, FileError, STANDARD, progress};
use crate::config::ExportArgs;

/// Writes the backup, whole or not at all.
pub(super) fn run(args: &ExportArgs) -> Result<Count, FileError> {
    let name = args.output.display().to_string();
    let archive = Archive::open(&args.data_dir)?;
    if name == STANDARD {
        return save(&archive, &name, &mut io::stdout().lock());
    }
    if args.output.exists() && !args.force {
        return Err(FileError::Exists(name));
    }
    let folder = args.output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = NamedTempFile::new_in(folder).map_err(FileError::of(&name))?;
    let saved = save(&archive, &name, file.as_file());
    // What could be read of a damaged file is worth keeping.
    if matches!(saved, Ok(_) | Err(FileError::Partial { .. })) {
        file.as_file().sync_all().map_err(FileError::of(&name))?;
        file.persist(&args.output).map_err(|error| FileError::of(&name)(error.error))?;
    }
    saved
}

fn save(archive: &Archive, name: &str, out: impl Write) -> Result<Count, FileError> {
    let mut out = BufWriter::new(out);
    let mut count = Count::default();
    let bar = progress(archive.messages().unwrap_or(0), "messages");
    let mut partial = 0;
    for (room, head) in archive.rooms()? {
        count.rooms += 1;
        write(&mut out, name, &Line::room(&room, &head))?;
        match save_room(archive, name, &mut out, (&room, &head), &bar) {
            Ok(messages) => count.messages += messages,
            Err(FileError::Archive(error)) => {
                bar.println(format!("{room}: {error}"));
                partial += 1;
            }
            Err(error) => return Err(error),
        }
    }
    bar.finish_and_clear();
    let mut last = 0;
    while let Some((number, picture)) = archive.picture(last)? {
        last = number;
        count.pictures += 1;
        write(&mut out, name, &Line::picture(&picture))?;
    }
    out.flush().map_err(FileError::of(name))?;
    if partial > 0 { Err(FileError::Partial { rooms: partial }) } else { Ok(count) }
}

fn save_room(
    archive: &Archive,
    name: &str,
    out: &mut impl Write,
    (room, head): (&RoomName, &Head),
    bar: &ProgressBar,
) -> Result<u64, FileError> {
    let mut last: Offset = head.first_held.back(1);
    let mut count = 0;
    loop {
        let page = archive.page(room, last)?;
        let Some(newest) = page.last() else { return Ok(count) };
        last = newest.offset;
        for message in &page {
            write(out, name, &Line::message(message))?;
        }
        count += page.len() as u64;
        bar.inc(page.len() as u64);
    }
}

fn write(out: &mut impl Write, name: &str, line: &Line<'_>) -> Result<(), FileError> {
    let written = serde_json::to_writer(&mut *out, line).map_err(io::Error::from);
    written.and_then(|()| out.write_all(b"\n")).map_err(FileError::of(name))
}
