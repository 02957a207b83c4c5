//! The directories of a TIFF file and what their entries point to.

use std::cell::Cell;
use std::collections::HashSet;
use std::ops::Range;

use crate::error::InvertError;
use crate::format::Format;
use crate::limits::Limits;

use super::tag;

/// The order of the bytes of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

impl Order {
    pub(super) fn read(self, bytes: &[u8]) -> u64 {
        let digit = |sum: u64, byte: &u8| (sum << 8) | u64::from(*byte);
        match self {
            Self::Little => bytes.iter().rev().fold(0, digit),
            Self::Big => bytes.iter().fold(0, digit),
        }
    }

    /// Fills `bytes`; `None` when the number has more.
    pub(super) fn write(self, number: u64, bytes: &mut [u8]) -> Option<()> {
        let little = number.to_le_bytes();
        let (kept, rest) = little.split_at_checked(bytes.len())?;
        if rest.iter().any(|&byte| byte != 0) {
            return None;
        }
        bytes.copy_from_slice(kept);
        if self == Self::Big {
            bytes.reverse();
        }
        Some(())
    }
}

/// One entry: a tag and where its values are.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) tag: u16,
    pub(super) count: u64,
    /// Bytes of one value.
    pub(super) value_bytes: usize,
    /// All values, wherever they are.
    pub(super) values: Range<usize>,
    /// Whether the values are elsewhere than in the entry.
    pub(super) is_outside: bool,
}

impl Entry {
    /// Where value `index` is.
    pub(super) fn value(&self, index: usize) -> Range<usize> {
        let start = self.values.start + index * self.value_bytes;
        start..start + self.value_bytes
    }
}

/// A directory: one picture, or what belongs to it.
#[derive(Debug)]
pub(super) struct Directory {
    /// From the count of the entries to the link to the next directory.
    pub(super) span: Range<usize>,
    pub(super) entries: Vec<Entry>,
    /// Where the link to the next directory stands.
    next_at: usize,
}

impl Directory {
    pub(super) fn entry(&self, tag: u16) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.tag == tag)
    }
}

/// A file, and how its numbers are stored.
#[derive(Debug)]
pub(super) struct Tiff<'a> {
    pub(super) file: &'a [u8],
    pub(super) order: Order,
    /// Bytes of an offset: 4, or 8 in BigTIFF.
    pub(super) offset_bytes: usize,
    pub(super) header_bytes: usize,
    first: u64,
    /// Entries that may still be read. Directories that do not overlap cannot
    /// hold more than the file.
    entries_left: usize,
    /// Strips and tiles that may still be listed, for the same reason.
    segments_left: Cell<u64>,
}

impl<'a> Tiff<'a> {
    /// TIFF 6.0 §2, and the header of BigTIFF.
    pub(super) fn new(file: &'a [u8]) -> Result<Self, InvertError> {
        let order = if file.starts_with(b"II") { Order::Little } else { Order::Big };
        let offset_bytes = if matches!(file.get(2..4), Some([43, _] | [_, 43])) { 8 } else { 4 };
        let header_bytes = 2 * offset_bytes;
        let segments_left = Cell::new(file.len() as u64);
        let mut tiff = Self { file, order, offset_bytes, header_bytes, first: 0, entries_left: 0, segments_left };
        if offset_bytes == 8 && tiff.number(4, 2)? != 8 {
            return Err(damaged("offsets of an unknown size", 4));
        }
        tiff.first = tiff.number(offset_bytes, offset_bytes)?;
        tiff.entries_left = file.len() / tiff.entry_bytes();
        Ok(tiff)
    }

    /// Tag, type, count, value.
    pub(super) fn entry_bytes(&self) -> usize {
        4 + 2 * self.offset_bytes
    }

    /// Bytes of the count of entries.
    pub(super) fn count_bytes(&self) -> usize {
        if self.offset_bytes == 8 { 8 } else { 2 }
    }

    pub(super) fn truncated(&self) -> InvertError {
        InvertError::Truncated { format: Format::Tiff, file_bytes: self.file.len() }
    }

    pub(super) fn range(&self, start: u64, bytes: u64) -> Result<Range<usize>, InvertError> {
        let start = usize::try_from(start).map_err(|_| self.truncated())?;
        let bytes = usize::try_from(bytes).map_err(|_| self.truncated())?;
        let end = start.checked_add(bytes).filter(|&end| end <= self.file.len());
        Ok(start..end.ok_or_else(|| self.truncated())?)
    }

    fn number(&self, at: usize, bytes: usize) -> Result<u64, InvertError> {
        Ok(self.order.read(&self.file[self.range(at as u64, bytes as u64)?]))
    }

    /// Value `index` of an entry of whole numbers.
    pub(super) fn value(&self, entry: &Entry, index: usize) -> Result<u64, InvertError> {
        if !matches!(entry.value_bytes, 1 | 2 | 4 | 8) || entry.count <= index as u64 {
            return Err(damaged("an entry without the number that it should have", entry.values.start));
        }
        Ok(self.order.read(&self.file[entry.value(index)]))
    }

    /// Counts strips or tiles before they are read; each has an offset and a
    /// byte of its own.
    pub(super) fn count_segments(&self, count: u64) -> Result<(), InvertError> {
        let Some(left) = self.segments_left.get().checked_sub(count) else {
            return Err(damaged("more strips or tiles than the file has room for", self.header_bytes));
        };
        self.segments_left.set(left);
        Ok(())
    }

    /// All directories of pictures: the chain from the header, and the
    /// subdirectories of each (TIFF Technical Note 1).
    pub(super) fn directories(&mut self, limits: &Limits) -> Result<Vec<Directory>, InvertError> {
        let mut directories = Vec::new();
        let mut waiting = vec![self.first];
        let mut seen = HashSet::new();
        while let Some(at) = waiting.pop() {
            if at == 0 {
                continue;
            }
            if !seen.insert(at) {
                return Err(damaged("directories that go in a circle", self.header_bytes));
            }
            limits.check_frames(u32::try_from(directories.len() + 1).unwrap_or(u32::MAX))?;
            let directory = self.directory(at)?;
            // The last of the stack comes first: the subdirectories, then the next picture.
            waiting.push(self.number(directory.next_at, self.offset_bytes)?);
            if let Some(entry) = directory.entry(tag::SUB_DIRECTORIES) {
                let count = usize::try_from(entry.count).map_err(|_| self.truncated())?;
                limits.check_frames(u32::try_from(count).unwrap_or(u32::MAX))?;
                for index in (0..count).rev() {
                    waiting.push(self.value(entry, index)?);
                }
            }
            directories.push(directory);
        }
        Ok(directories)
    }

    /// The directory of the first picture.
    pub(super) fn first_directory(&mut self) -> Result<Directory, InvertError> {
        self.directory(self.first)
    }

    /// The directory at an offset.
    pub(super) fn directory(&mut self, at: u64) -> Result<Directory, InvertError> {
        let start = self.range(at, self.count_bytes() as u64)?.start;
        let count = self.number(start, self.count_bytes())?;
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let Some(left) = self.entries_left.checked_sub(count) else {
            return Err(damaged("more entries than the file has room for", start));
        };
        self.entries_left = left;
        let first = start + self.count_bytes();
        let next_at = first + count * self.entry_bytes();
        let span = self.range(at, (next_at + self.offset_bytes - start) as u64)?;
        let entries = (0..count).map(|index| self.read_entry(first + index * self.entry_bytes()));
        Ok(Directory { span, entries: entries.collect::<Result<_, _>>()?, next_at })
    }

    fn read_entry(&self, at: usize) -> Result<Entry, InvertError> {
        let tag = u16::try_from(self.number(at, 2)?).unwrap_or(u16::MAX);
        let kind = self.number(at + 2, 2)?;
        let count = self.number(at + 4, self.offset_bytes)?;
        let field_at = at + 4 + self.offset_bytes;
        // TIFF 6.0 §2, Technical Note 1 and BigTIFF; what is of no known type cannot be followed.
        let value_bytes: usize = match kind {
            1 | 2 | 6 | 7 => 1,
            3 | 8 => 2,
            4 | 9 | 11 | 13 => 4,
            5 | 10 | 12 | 16..=18 => 8,
            _ => 0,
        };
        let bytes = (value_bytes as u64).checked_mul(count).ok_or_else(|| self.truncated())?;
        let is_outside = bytes > self.offset_bytes as u64;
        let start = if is_outside { self.number(field_at, self.offset_bytes)? } else { field_at as u64 };
        Ok(Entry { tag, count, value_bytes, values: self.range(start, bytes)?, is_outside })
    }
}

pub(super) fn damaged(fault: &'static str, offset: usize) -> InvertError {
    InvertError::Damaged { format: Format::Tiff, fault, offset }
}
