//! Reads a file front to back; whatever is missing is an error, never a panic.

use crate::error::InvertError;
use crate::format::Format;

/// A position in a file of a format.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    file: &'a [u8],
    position: usize,
    format: Format,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(file: &'a [u8], format: Format) -> Self {
        Self { file, position: 0, format }
    }

    /// Bytes read or skipped up to here.
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        &self.file[self.position..]
    }

    /// Goes back to a position that was read or skipped.
    pub(crate) fn rewind(&mut self, position: usize) {
        self.position = self.position.min(position);
    }

    pub(crate) fn take(&mut self, bytes: usize) -> Result<&'a [u8], InvertError> {
        let taken = self.rest().get(..bytes).ok_or_else(|| self.truncated())?;
        self.position += bytes;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], InvertError> {
        let taken = *self.rest().first_chunk().ok_or_else(|| self.truncated())?;
        self.position += N;
        Ok(taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, InvertError> {
        self.array().map(|[byte]| byte)
    }

    pub(crate) fn u16_be(&mut self) -> Result<u16, InvertError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u16_le(&mut self) -> Result<u16, InvertError> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32_be(&mut self) -> Result<u32, InvertError> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u32_le(&mut self) -> Result<u32, InvertError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn truncated(&self) -> InvertError {
        InvertError::Truncated { format: self.format, file_bytes: self.file.len() }
    }

    pub(crate) fn damaged(&self, fault: &'static str) -> InvertError {
        InvertError::Damaged { format: self.format, fault, offset: self.position }
    }
}
