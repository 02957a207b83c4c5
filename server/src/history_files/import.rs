//! Back into the files; no server may have them open.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

use history::Restore;
use hub::{Offset, RoomName, Timestamp};
use indicatif::ProgressBar;

use super::line::{self, Line};
use super::{Count, FileError, STANDARD, progress};
use crate::config::ImportArgs;

/// Longest line: the largest picture that is kept, in base64, and its names.
const LINE_MAX_BYTES: u64 = 400 << 20;

/// Brings the backup back, whole or not at all.
pub(super) fn run(args: &ImportArgs) -> Result<Count, FileError> {
    let name = args.input.display().to_string();
    let mut restore = Restore::open(&args.data_dir)?;
    let count = if name == STANDARD {
        restore_lines(&mut restore, &name, io::stdin().lock(), &ProgressBar::hidden())?
    } else {
        let file = File::open(&args.input).map_err(FileError::of(&name))?;
        let bar = progress(file.metadata().map_or(0, |metadata| metadata.len()), "bytes");
        let count = restore_lines(&mut restore, &name, BufReader::new(file), &bar)?;
        bar.finish_and_clear();
        count
    };
    restore.finish()?;
    Ok(count)
}

fn restore_lines(
    restore: &mut Restore,
    name: &str,
    mut input: impl BufRead,
    bar: &ProgressBar,
) -> Result<Count, FileError> {
    let mut count = Count::default();
    let mut text = Vec::new();
    for number in 1.. {
        text.clear();
        let read = input.by_ref().take(LINE_MAX_BYTES).read_until(b'\n', &mut text).map_err(FileError::of(name))?;
        if read == 0 {
            break;
        }
        let wrong = |reason: String| FileError::Line { number, reason };
        if read as u64 == LINE_MAX_BYTES {
            return Err(wrong(format!("more than {LINE_MAX_BYTES} bytes")));
        }
        let line: Line<'_> = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
        restore_line(restore, line, &mut count, wrong)?;
        bar.inc(read as u64);
    }
    Ok(count)
}

fn restore_line(
    restore: &mut Restore,
    line: Line<'_>,
    count: &mut Count,
    wrong: impl Fn(String) -> FileError,
) -> Result<(), FileError> {
    match line {
        Line::Room { name, epoch: _, head, first_held } => {
            let name = RoomName::parse(&name).map_err(|error| wrong(error.to_string()))?;
            let now = Timestamp(jiff::Timestamp::now().as_millisecond());
            restore.room(name, Offset(head), Offset(first_held), now)?;
            count.rooms += 1;
        }
        Line::Message(message) => {
            restore.message(&message.into_message().map_err(wrong)?)?;
            count.messages += 1;
        }
        Line::Picture { id, time, mime_type, bytes } => {
            restore.picture(&line::picture(&id, &time, &mime_type, &bytes).map_err(wrong)?)?;
            count.pictures += 1;
        }
    }
    Ok(())
}
