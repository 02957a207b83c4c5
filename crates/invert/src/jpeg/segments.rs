//! The container: marker segments, and scans with their entropy-coded data
//! (T.81 B.1.1).

use memchr::memchr;

use super::marker::{EOI, RST0, RST7, SOI, SOS, TEM};
use crate::error::InvertError;
use crate::format::Format;
use crate::reader::Reader;

/// A part of a file.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part<'a> {
    /// Tables, a frame header, metadata: everything with a length but scans.
    Segment(Segment<'a>),
    /// A scan header and the data behind it, restart markers included.
    Scan { header: Segment<'a>, data: ScanData<'a> },
    /// The end of the picture; what follows is not part of it.
    End,
}

/// Entropy-coded data.
#[derive(Debug, Clone, Copy)]
pub(super) struct ScanData<'a> {
    pub(super) bytes: &'a [u8],
    /// Whether no markers or fill bytes are in it.
    pub(super) is_unbroken: bool,
}

/// A marker with its parameters, without marker and length.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment<'a> {
    pub(super) marker: u8,
    pub(super) payload: &'a [u8],
    /// All of it as it stands in the file, with fill bytes before the marker.
    pub(super) raw: &'a [u8],
    /// Where the payload begins, from the start of the file.
    pub(super) offset: usize,
}

impl<'a> Segment<'a> {
    pub(super) fn damaged(&self, fault: &'static str) -> InvertError {
        InvertError::Damaged { format: Format::Jpeg, fault, offset: self.offset }
    }

    /// The bytes that may fill the space before a marker (T.81 B.1.1.2).
    pub(super) fn filling(&self) -> &'a [u8] {
        let end = self.raw.len().saturating_sub(self.payload.len() + 4);
        &self.raw[..end]
    }

    /// Marker, length and parameters as in a file.
    ///
    /// # Panics
    ///
    /// When the payload is longer than 65,533 bytes.
    pub(super) fn write(marker: u8, payload: &[u8], out: &mut Vec<u8>) {
        let length = u16::try_from(payload.len() + 2).expect("segments are copies of segments, or shorter");
        out.extend_from_slice(&[0xFF, marker]);
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(payload);
    }
}

/// Walks the parts of a file.
#[derive(Debug, Clone)]
pub(super) struct Parts<'a> {
    reader: Reader<'a>,
}

impl<'a> Parts<'a> {
    pub(super) fn new(file: &'a [u8]) -> Result<Self, InvertError> {
        let mut reader = Reader::new(file, Format::Jpeg);
        match reader.array()? {
            [0xFF, SOI] => Ok(Self { reader }),
            _ => Err(reader.damaged("no start of image")),
        }
    }

    pub(super) fn damaged(&self, fault: &'static str) -> InvertError {
        self.reader.damaged(fault)
    }

    /// Bytes read or skipped up to here.
    pub(super) fn position(&self) -> usize {
        self.reader.position()
    }

    pub(super) fn next(&mut self) -> Result<Part<'a>, InvertError> {
        let from = self.reader.rest();
        if self.reader.u8()? != 0xFF {
            return Err(self.reader.damaged("bytes between segments"));
        }
        // B.1.1.2: any number of fill bytes may come before a marker.
        let mut marker = self.reader.u8()?;
        while marker == 0xFF {
            marker = self.reader.u8()?;
        }
        if marker == EOI {
            return Ok(Part::End);
        }
        if matches!(marker, 0 | TEM | RST0..=RST7 | SOI) {
            return Err(self.reader.damaged("a marker that has no place between segments"));
        }
        let length = usize::from(self.reader.u16_be()?);
        let offset = self.reader.position();
        let payload_bytes = length.checked_sub(2).ok_or_else(|| self.reader.damaged("a length below two"))?;
        let payload = self.reader.take(payload_bytes)?;
        let raw = &from[..from.len() - self.reader.rest().len()];
        let segment = Segment { marker, payload, raw, offset };
        if marker != SOS {
            return Ok(Part::Segment(segment));
        }
        let (data_bytes, is_unbroken) = scan_bytes(self.reader.rest());
        let data = ScanData { bytes: self.reader.take(data_bytes)?, is_unbroken };
        Ok(Part::Scan { header: segment, data })
    }
}

/// The length of entropy-coded data: up to a marker that is no restart marker,
/// or up to the end of the file. Also tells whether it is unbroken.
fn scan_bytes(data: &[u8]) -> (usize, bool) {
    let (mut position, mut is_unbroken) = (0, true);
    while let Some(found) = memchr(0xFF, &data[position..]) {
        position += found;
        match data.get(position + 1) {
            // B.1.1.5: 0xFF in the data is followed by a stuffed zero.
            Some(0) => position += 2,
            Some(RST0..=RST7) => {
                is_unbroken = false;
                position += 2;
            }
            Some(0xFF) => {
                is_unbroken = false;
                position += 1;
            }
            Some(_) => return (position, is_unbroken),
            None => break,
        }
    }
    (data.len(), false)
}
