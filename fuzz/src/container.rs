//! Files as lists of pieces that can be taken out, doubled, swapped, changed.
//!
//! Nothing is refused: what cannot be understood is part of the last piece.

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags};

/// Formats that consist of pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Container {
    Jpeg,
    Png,
    Gif,
    WebP,
}

impl Container {
    pub(crate) fn of(file: &[u8]) -> Option<Self> {
        match file {
            [0xFF, 0xD8, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', ..] => Some(Self::Png),
            [b'G', b'I', b'F', ..] => Some(Self::Gif),
            [b'R', b'I', b'F', b'F', ..] => Some(Self::WebP),
            _ => None,
        }
    }

    /// What every file of the format begins with, up to its first piece.
    pub(crate) fn head_bytes(self, file: &[u8]) -> usize {
        let bytes = match self {
            Self::Jpeg => 2,
            Self::Png => 8,
            Self::WebP => 12,
            Self::Gif => match file.get(10) {
                Some(flags) if flags & 0x80 != 0 => 13 + (3 << ((flags & 7) + 1)),
                _ => 13,
            },
        };
        bytes.min(file.len())
    }

    /// The pieces behind the head.
    pub(crate) fn split(self, file: &[u8]) -> Vec<Vec<u8>> {
        let mut rest = &file[self.head_bytes(file)..];
        let mut pieces = Vec::new();
        while !rest.is_empty() {
            let bytes = match self {
                Self::Jpeg => jpeg_piece(rest),
                Self::Png => {
                    number(rest, 0).map(|length| usize::try_from(length).unwrap_or(usize::MAX).saturating_add(12))
                }
                Self::WebP => number(rest, 4).map(|length| {
                    let length = usize::try_from(length.swap_bytes()).unwrap_or(usize::MAX);
                    length.saturating_add(length % 2).saturating_add(8)
                }),
                Self::Gif => gif_piece(rest),
            };
            let (piece, after) = rest.split_at(bytes.unwrap_or(rest.len()).clamp(1, rest.len()));
            pieces.push(piece.to_vec());
            rest = after;
        }
        pieces
    }

    /// Where the content of a piece is that may get longer or shorter.
    pub(crate) fn content(self, piece: &[u8]) -> std::ops::Range<usize> {
        let (before, after) = match self {
            Self::Jpeg => (4, 0),
            Self::Png => (8, 4),
            Self::WebP => (8, 0),
            Self::Gif => (1, 0),
        };
        let start = piece.len().min(before);
        start..piece.len().saturating_sub(after).max(start)
    }

    /// Mends length and checksums of a piece whose content has changed.
    pub(crate) fn close(self, piece: &mut Vec<u8>) {
        let content = self.content(piece);
        let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
        match self {
            // The data of a scan has no length.
            Self::Jpeg if piece.len() >= 4 && !matches!(piece[1], 0xD0..=0xDA) => {
                let length = u16::try_from(length.saturating_add(2)).unwrap_or(u16::MAX);
                piece[2..4].copy_from_slice(&length.to_be_bytes());
            }
            Self::Png if piece.len() >= 12 => {
                piece[..4].copy_from_slice(&length.to_be_bytes());
                match &piece[4..8] {
                    b"IDAT" => mend_zlib(&mut piece[content.clone()]),
                    b"fdAT" if content.len() > 4 => mend_zlib(&mut piece[content.start + 4..content.end]),
                    _ => {}
                }
                let checksum = crc32fast::hash(&piece[4..content.end]);
                piece[content.end..].copy_from_slice(&checksum.to_be_bytes());
            }
            Self::WebP if piece.len() >= 8 => {
                piece[4..8].copy_from_slice(&length.to_le_bytes());
                if !length.is_multiple_of(2) {
                    piece.push(0);
                }
            }
            Self::Jpeg | Self::Png | Self::WebP | Self::Gif => {}
        }
    }

    /// A file of a head and pieces.
    pub(crate) fn join(self, head: &[u8], pieces: &[Vec<u8>]) -> Vec<u8> {
        let mut file = [head, &pieces.concat()].concat();
        if self == Self::WebP && file.len() >= 12 {
            let riff_bytes = u32::try_from(file.len() - 8).unwrap_or(u32::MAX);
            file[4..8].copy_from_slice(&riff_bytes.to_le_bytes());
        }
        file
    }
}

/// A big-endian number.
fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_be_bytes)
}

/// A segment; the data of a scan belongs to its header.
fn jpeg_piece(rest: &[u8]) -> Option<usize> {
    let [0xFF, marker, ..] = *rest else { return None };
    if matches!(marker, 0xD0..=0xD9) {
        return Some(2);
    }
    let &[high, low] = rest.get(2..4)? else { return None };
    let header_bytes = 2 + usize::from(u16::from_be_bytes([high, low]));
    if marker != 0xDA {
        return Some(header_bytes);
    }
    let data = rest.get(header_bytes..)?;
    let end = data.windows(2).position(|pair| pair[0] == 0xFF && !matches!(pair[1], 0 | 0xD0..=0xD7 | 0xFF));
    end.map(|end| header_bytes + end)
}

/// A frame or an extension, with its sub-blocks.
fn gif_piece(rest: &[u8]) -> Option<usize> {
    let mut at = match rest.first()? {
        0x21 => 2,
        0x2C => {
            let flags = rest.get(9)?;
            let table_bytes = if flags & 0x80 != 0 { 3 << ((flags & 7) + 1) } else { 0 };
            10 + table_bytes + 1
        }
        _ => return Some(1),
    };
    loop {
        let block_bytes = usize::from(*rest.get(at)?);
        at += 1 + block_bytes;
        if block_bytes == 0 {
            return Some(at);
        }
    }
}

/// Mends the checksum at the end of a zlib stream, where it has an end.
fn mend_zlib(stream: &mut [u8]) {
    const RAW_MAX_BYTES: usize = 1 << 18;
    let mut inflater = DecompressorOxide::new();
    let mut raw = vec![0; RAW_MAX_BYTES];
    let flags = inflate_flags::TINFL_FLAG_PARSE_ZLIB_HEADER
        | inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF
        | inflate_flags::TINFL_FLAG_IGNORE_ADLER32;
    let (status, read_bytes, raw_bytes) = decompress(&mut inflater, stream, &mut raw, 0, flags);
    if let (TINFLStatus::Done, Some(start)) = (status, read_bytes.checked_sub(4)) {
        let checksum = adler2::adler32_slice(&raw[..raw_bytes]);
        stream[start..read_bytes].copy_from_slice(&checksum.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_pieces(file: &[u8], bytes: &[usize]) {
        let container = Container::of(file).expect("a format of pieces");
        let pieces = container.split(file);
        assert_eq!(pieces.iter().map(Vec::len).collect::<Vec<_>>(), bytes);
        assert_eq!(container.join(&file[..container.head_bytes(file)], &pieces), file);
    }

    #[test]
    fn pieces_are_what_the_formats_say() {
        check_pieces(b"\xFF\xD8\xFF\xFE\0\x03c\xFF\xDA\0\x02ab\xFF\0c\xFF\xD0d\xFF\xD9", &[5, 12, 2]);
        check_pieces(b"\x89PNG\r\n\x1A\n\0\0\0\x01abcdx1234\0\0\0\0IEND1234tail", &[13, 12, 4]);
        check_pieces(b"GIF89a\x01\0\x01\0\0\0\0\x21\xFE\x02ab\0\x2C\0\0\0\0\x01\0\x01\0\0\x02\x01a\0\x3B", &[6, 14, 1]);
        check_pieces(b"RIFF\x0E\0\0\0WEBPVP8L\x01\0\0\0ab", &[10]);
    }

    #[test]
    fn a_closed_piece_is_whole_again() {
        let mut chunk = b"\0\0\0\0tEXtabc0000".to_vec();
        Container::Png.close(&mut chunk);
        assert_eq!(chunk, [b"\0\0\0\x03tEXtabc".as_slice(), &crc32fast::hash(b"tEXtabc").to_be_bytes()].concat());
    }

    #[test]
    fn a_stream_gets_the_checksum_of_what_is_in_it() {
        let whole = miniz_oxide::deflate::compress_to_vec_zlib(b"what is in it", 6);
        let mut stream = [whole.as_slice(), b"tail"].concat();
        stream[whole.len() - 1] ^= 1;
        mend_zlib(&mut stream);
        assert_eq!(stream, [whole.as_slice(), b"tail"].concat());
    }
}
