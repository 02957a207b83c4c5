//! What goes from a file: layers that show the original, and on request all
//! that is not needed to show the picture.

use std::ops::Range;

use crate::error::InvertError;
use crate::options::Metadata;

use super::directory::{Directory, Entry, Tiff, damaged};
use super::page::Page;
use super::tag;

/// What goes from one directory.
#[derive(Debug, Default)]
pub(super) struct Removal {
    tags: Vec<u16>,
    /// Values outside the directory.
    values: Vec<Range<usize>>,
    /// Directories of EXIF that hang on it, and their values.
    pub(super) nested: Vec<Range<usize>>,
}

impl Removal {
    pub(super) fn read(tiff: &mut Tiff<'_>, directory: &Directory, metadata: Metadata) -> Result<Self, InvertError> {
        let goes = |entry: &&Entry| match metadata {
            Metadata::Keep => entry.tag == tag::IMAGE_SOURCE_DATA,
            Metadata::Strip => !tag::is_needed(entry.tag),
        };
        let mut removal = Self::default();
        for entry in directory.entries.iter().filter(goes) {
            removal.tags.push(entry.tag);
            if entry.is_outside {
                removal.values.push(entry.values.clone());
            }
            if is_directory(entry) {
                removal.read_nested(tiff, entry)?;
            }
        }
        Ok(removal)
    }

    /// EXIF holds directories down to one level.
    fn read_nested(&mut self, tiff: &mut Tiff<'_>, entry: &Entry) -> Result<(), InvertError> {
        let nested = tiff.directory(tiff.value(entry, 0)?)?;
        self.nested.push(nested.span.clone());
        for entry in &nested.entries {
            if entry.is_outside {
                self.nested.push(entry.values.clone());
            }
            if entry.tag == tag::INTEROPERABILITY {
                let inner = tiff.directory(tiff.value(entry, 0)?)?;
                self.nested.push(inner.span.clone());
                self.nested
                    .extend(inner.entries.iter().filter(|entry| entry.is_outside).map(|entry| entry.values.clone()));
            }
        }
        Ok(())
    }

    /// What goes must not be what something that stays is read from.
    pub(super) fn check(&self, directories: &[Directory], pages: &[Page]) -> Result<(), InvertError> {
        let mut gone: Vec<_> = self.values.iter().chain(&self.nested).filter(|range| !range.is_empty()).collect();
        if gone.is_empty() {
            return Ok(());
        }
        gone.sort_by_key(|range| range.start);
        // The furthest end of this range and all before it, since they may overlap each other.
        let mut ends: Vec<usize> = gone.iter().map(|range| range.end).collect();
        for at in 1..ends.len() {
            ends[at] = ends[at].max(ends[at - 1]);
        }
        let entries = directories.iter().flat_map(|directory| &directory.entries);
        let kept = entries.filter(|entry| entry.is_outside && tag::is_needed(entry.tag)).map(|entry| &entry.values);
        let segments = pages.iter().flat_map(|page| &page.segments).map(|segment| &segment.range);
        for range in kept.chain(segments).filter(|range| !range.is_empty()) {
            let before = gone.partition_point(|gone| gone.start < range.end);
            if before > 0 && range.start < ends[before - 1] {
                return Err(damaged("parts that overlap", range.start));
            }
        }
        Ok(())
    }

    /// Zeros what goes and closes the gaps among the entries.
    pub(super) fn apply(&self, tiff: &Tiff<'_>, directory: &Directory, out: &mut [u8]) {
        if self.tags.is_empty() {
            return;
        }
        for range in self.values.iter().chain(&self.nested) {
            out[range.clone()].fill(0);
        }
        let (count_bytes, entry_bytes) = (tiff.count_bytes(), tiff.entry_bytes());
        let mut span = out[directory.span.clone()].to_vec();
        let next = span.split_off(span.len() - tiff.offset_bytes);
        let mut kept: Vec<u8> = span[..count_bytes].to_vec();
        for (entry, bytes) in directory.entries.iter().zip(span[count_bytes..].chunks_exact(entry_bytes)) {
            if !self.tags.contains(&entry.tag) {
                kept.extend_from_slice(bytes);
            }
        }
        let count = (kept.len() - count_bytes) / entry_bytes;
        tiff.order.write(count as u64, &mut kept[..count_bytes]).expect("there are fewer entries than before");
        kept.extend(next);
        kept.resize(directory.span.len(), 0);
        out[directory.span.clone()].copy_from_slice(&kept);
    }
}

fn is_directory(entry: &Entry) -> bool {
    matches!(entry.tag, tag::EXIF | tag::GPS | tag::INTEROPERABILITY)
        && entry.count == 1
        && matches!(entry.value_bytes, 4 | 8)
}
