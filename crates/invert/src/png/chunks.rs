//! The container: length, name, data, checksum (PNG §5.3).

use crate::error::InvertError;
use crate::format::Format;
use crate::reader::Reader;

pub(super) const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1A\n";

/// Length and name.
const CHUNK_HEAD_BYTES: usize = 8;

/// One chunk, whose checksum fits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chunk<'a> {
    pub(super) name: [u8; 4],
    pub(super) data: &'a [u8],
    /// Where it begins, from the start of the file.
    pub(super) offset: usize,
    /// All of it, as it is in the file.
    pub(super) whole: &'a [u8],
}

impl Chunk<'_> {
    pub(super) fn damaged(&self, fault: &'static str) -> InvertError {
        InvertError::Damaged { format: Format::Png, fault, offset: self.offset }
    }

    /// PNG §5.4: a name with a capital first letter must be understood.
    pub(super) fn check_critical(&self) -> Result<(), InvertError> {
        let is_critical = self.name[0].is_ascii_uppercase();
        if is_critical && !matches!(&self.name, b"IHDR" | b"PLTE" | b"IDAT" | b"IEND") {
            return Err(InvertError::UnsupportedFeature { feature: "PNG with private critical chunks" });
        }
        Ok(())
    }
}

/// Walks the chunks of a file.
#[derive(Debug, Clone)]
pub(super) struct Chunks<'a> {
    file: &'a [u8],
    reader: Reader<'a>,
}

impl<'a> Chunks<'a> {
    pub(super) fn new(file: &'a [u8]) -> Result<Self, InvertError> {
        let mut reader = Reader::new(file, Format::Png);
        reader.take(SIGNATURE.len())?;
        Ok(Self { file, reader })
    }

    pub(super) fn next(&mut self) -> Result<Chunk<'a>, InvertError> {
        let offset = self.reader.position();
        let data_bytes = self.reader.u32_be()?;
        let name = self.reader.array()?;
        if !name.iter().all(u8::is_ascii_alphabetic) {
            return Err(self.reader.damaged("a chunk whose name is not of letters"));
        }
        let data = self.reader.take(data_bytes as usize)?;
        let stored = self.reader.u32_be()?;
        let computed = checksum(name, data);
        if stored != computed {
            return Err(InvertError::Checksum { format: Format::Png, offset, stored, computed });
        }
        Ok(Chunk { name, data, offset, whole: &self.file[offset..self.reader.position()] })
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.reader.rest()
    }
}

/// Begins a chunk whose data is then written behind `out`; [`end_chunk`] wants
/// to know where it began.
pub(super) fn begin_chunk(out: &mut Vec<u8>, name: [u8; 4]) -> usize {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&name);
    start
}

/// Writes the length and the checksum of what stands behind the chunk's name.
///
/// # Panics
///
/// When it is longer than a chunk can say.
pub(super) fn end_chunk(out: &mut Vec<u8>, start: usize) {
    let data_bytes = out.len() - start - CHUNK_HEAD_BYTES;
    let length = u32::try_from(data_bytes).expect("a chunk is a copy of a chunk, or about a megabyte");
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    let checksum = crc32fast::hash(&out[start + 4..]);
    out.extend_from_slice(&checksum.to_be_bytes());
}

/// Writes a chunk whose data may be changed on the way.
pub(super) fn write_chunk(out: &mut Vec<u8>, name: [u8; 4], data: &[u8], change: impl FnOnce(&mut [u8])) {
    let start = begin_chunk(out, name);
    out.extend_from_slice(data);
    change(&mut out[start + CHUNK_HEAD_BYTES..]);
    end_chunk(out, start);
}

fn checksum(name: [u8; 4], data: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&name);
    hasher.update(data);
    hasher.finalize()
}
