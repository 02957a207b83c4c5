//! The container: length, name, data, checksum (PNG §5.3).

use crate::error::InvertError;
use crate::format::Format;
use crate::reader::Reader;

pub(super) const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1A\n";

/// One chunk, whose checksum fits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chunk<'a> {
    pub(super) name: [u8; 4],
    pub(super) data: &'a [u8],
    /// Where it begins, from the start of the file.
    offset: usize,
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
    reader: Reader<'a>,
}

impl<'a> Chunks<'a> {
    pub(super) fn new(file: &'a [u8]) -> Result<Self, InvertError> {
        let mut reader = Reader::new(file, Format::Png);
        reader.take(SIGNATURE.len())?;
        Ok(Self { reader })
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
        Ok(Chunk { name, data, offset })
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.reader.rest()
    }
}

/// # Panics
///
/// When `data` is longer than a chunk can say.
pub(super) fn write_chunk(out: &mut Vec<u8>, name: [u8; 4], data: &[u8]) {
    let data_bytes = u32::try_from(data.len()).expect("chunks are copies of chunks, or smaller");
    out.extend_from_slice(&data_bytes.to_be_bytes());
    out.extend_from_slice(&name);
    out.extend_from_slice(data);
    out.extend_from_slice(&checksum(name, data).to_be_bytes());
}

fn checksum(name: [u8; 4], data: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&name);
    hasher.update(data);
    hasher.finalize()
}
