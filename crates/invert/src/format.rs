//! Tells formats by their content.

use std::fmt;

use crate::error::InvertError;
use crate::pnm;

/// An image format that has negatives here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// JPEG (JFIF, EXIF).
    Jpeg,
    /// Portable Network Graphics.
    Png,
    /// GIF, animated or not.
    Gif,
    /// WebP, lossless or lossy.
    WebP,
    /// Windows or OS/2 bitmap.
    Bmp,
    /// TIFF and BigTIFF.
    Tiff,
    /// Netpbm: PBM, PGM, PPM, PAM.
    Pnm,
    /// Quite OK Image.
    Qoi,
}

/// Sizes of the headers that follow a bitmap's file header: OS/2 1.x and 2.x,
/// Windows 3, its two undocumented extensions, versions 4 and 5.
pub(crate) const BMP_HEADER_BYTES: [u32; 8] = [12, 16, 40, 52, 56, 64, 108, 124];

impl Format {
    /// The format of a file, from its first bytes alone: names and content
    /// types lie.
    ///
    /// # Errors
    ///
    /// [`InvertError::Empty`], [`InvertError::UnsupportedFormat`] with its
    /// name, or [`InvertError::NotAnImage`].
    pub fn of(file: &[u8]) -> Result<Self, InvertError> {
        match file {
            [] => Err(InvertError::Empty),
            [0xFF, 0xD8, 0xFF, ..] => Ok(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Ok(Self::Png),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Ok(Self::Gif),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Ok(Self::WebP),
            _ if is_bmp(file) => Ok(Self::Bmp),
            // Canon's raw files are TIFF outside and say so in the next two bytes.
            [b'I', b'I', b'*', 0, _, _, _, _, b'C', b'R', ..] => Err(InvertError::UnsupportedFormat { format: "CR2" }),
            [b'I', b'I', b'*' | b'+', 0, ..] | [b'M', b'M', 0, b'*' | b'+', ..] => Ok(Self::Tiff),
            [b'q', b'o', b'i', b'f', ..] => Ok(Self::Qoi),
            _ if pnm::is_magic(file) => Ok(Self::Pnm),
            _ => match foreign(file) {
                Some(format) => Err(InvertError::UnsupportedFormat { format }),
                None => Err(InvertError::NotAnImage),
            },
        }
    }

    /// The short name that APIs use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::Gif => "gif",
            Self::WebP => "webp",
            Self::Bmp => "bmp",
            Self::Tiff => "tiff",
            Self::Pnm => "pnm",
            Self::Qoi => "qoi",
        }
    }

    /// The media type for `Content-Type`.
    pub fn mime_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::WebP => "image/webp",
            Self::Bmp => "image/bmp",
            Self::Tiff => "image/tiff",
            Self::Pnm => "image/x-portable-anymap",
            Self::Qoi => "image/qoi",
        }
    }

    /// How file names end, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Gif => "gif",
            Self::WebP => "webp",
            Self::Bmp => "bmp",
            Self::Tiff => "tif",
            Self::Pnm => "pnm",
            Self::Qoi => "qoi",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::Gif => "GIF",
            Self::WebP => "WebP",
            Self::Bmp => "BMP",
            Self::Tiff => "TIFF",
            Self::Pnm => "PNM",
            Self::Qoi => "QOI",
        })
    }
}

/// Two letters prove little: many a text begins with "BM". The size of the
/// second header must be a known one.
fn is_bmp(file: &[u8]) -> bool {
    let header_bytes = file.get(14..18).and_then(|bytes| bytes.first_chunk().copied()).map(u32::from_le_bytes);
    file.starts_with(b"BM") && header_bytes.is_some_and(|bytes| BMP_HEADER_BYTES.contains(&bytes))
}

/// The name of an image format that we recognise only to say that we do not
/// invert it.
fn foreign(file: &[u8]) -> Option<&'static str> {
    const MAGICS: [(&[u8], &str); 29] = [
        (b"8BPS", "PSD"),
        (b"\xFF\x0A", "JPEG XL"),
        (b"\0\0\0\x0CJXL \r\n\x87\n", "JPEG XL"),
        (b"\0\0\0\x0CjP  \r\n\x87\n", "JPEG 2000"),
        (b"\xFF\x4F\xFF\x51", "JPEG 2000"),
        (b"II\xBC\x01", "JPEG XR"),
        (b"\x8AMNG\r\n\x1A\n", "MNG"),
        (b"\x8BJNG\r\n\x1A\n", "JNG"),
        (b"\0\0\x01\0", "ICO"),
        (b"\0\0\x02\0", "CUR"),
        (b"farbfeld", "farbfeld"),
        (b"\x76\x2F\x31\x01", "OpenEXR"),
        (b"#?R", "Radiance HDR"),
        (b"DDS ", "DDS"),
        (b"gimp xcf ", "XCF"),
        (b"%PDF-", "PDF"),
        (b"%!PS", "PostScript"),
        (b"PF\n", "PFM"),
        (b"Pf\n", "PFM"),
        (b"P7 332", "XV thumbnail"),
        (b"FUJIFILMCCD-RAW", "RAF"),
        (b"IIRO", "ORF"),
        (b"IIRS", "ORF"),
        (b"MMOR", "ORF"),
        (b"IIU\0", "RW2"),
        (b"FOVb", "X3F"),
        (b"\xABKTX 1", "KTX"),
        (b"\xABKTX 2", "KTX"),
        (b"BPG\xFB", "BPG"),
    ];
    let by_magic = MAGICS.iter().find(|(magic, _)| file.starts_with(magic)).map(|&(_, name)| name);
    by_magic.or_else(|| heif(file)).or_else(|| is_svg(file).then_some("SVG"))
}

/// ISO/IEC 14496-12 §4.3: a file type box names the brands; the image ones are
/// in ISO/IEC 23008-12 annex B and the AVIF specification §9.
fn heif(file: &[u8]) -> Option<&'static str> {
    match file {
        [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] => match brand.first_chunk()? {
            b"avif" | b"avis" => Some("AVIF"),
            b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" => Some("HEIC"),
            b"crx " => Some("CR3"),
            b"jxl " => Some("JPEG XL"),
            b"jp2 " | b"jpx " => Some("JPEG 2000"),
            b"mif1" | b"mif2" | b"msf1" => {
                // The major brand says only that it is some HEIF; AVIF files say more among the compatible ones.
                let is_avif = brand.chunks_exact(4).take(16).any(|brand| brand == b"avif");
                Some(if is_avif { "AVIF" } else { "HEIC" })
            }
            _ => None,
        },
        _ => None,
    }
}

/// Markup whose first element is `svg`, after any declaration, comment and
/// white space within the first KiB.
fn is_svg(file: &[u8]) -> bool {
    let mut rest = file[..file.len().min(1024)].trim_ascii_start();
    rest = rest.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(rest).trim_ascii_start();
    loop {
        if let Some(after) = rest.strip_prefix(b"<svg") {
            return after.first().is_none_or(|next| !next.is_ascii_alphanumeric());
        }
        let end: &[u8] = if rest.starts_with(b"<!--") {
            b"-->"
        } else if rest.starts_with(b"<?xml") {
            b"?>"
        } else if rest.starts_with(b"<!DOCTYPE svg") {
            // The internal subset of a document type is in brackets and has its own angle brackets.
            return true;
        } else {
            return false;
        };
        let Some(at) = rest.windows(end.len()).position(|window| window == end) else { return false };
        rest = rest[at + end.len()..].trim_ascii_start();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(file: &[u8], expected: &str) {
        let found = match Format::of(file) {
            Ok(format) => format.name().to_owned(),
            Err(error) => error.to_string(),
        };
        assert_eq!(found, expected, "{file:?}");
    }

    #[test]
    fn formats_are_told_by_their_first_bytes() {
        check(b"\xFF\xD8\xFF\xE0", "jpeg");
        check(b"\x89PNG\r\n\x1A\n", "png");
        check(b"GIF87a", "gif");
        check(b"GIF89a", "gif");
        check(b"RIFF\0\0\0\0WEBPVP8L", "webp");
        check(b"BM\0\0\0\0\0\0\0\0\0\0\0\0\x28\0\0\0", "bmp");
        check(b"II*\0\x08\0\0\0", "tiff");
        check(b"MM\0+\0\x08\0\0", "tiff");
        check(b"P6\n2 2\n255\n", "pnm");
        check(b"P7\nWIDTH 2\n", "pnm");
        check(b"qoif\0\0\0\x01", "qoi");
    }

    #[test]
    fn foreign_formats_are_named() {
        check(b"\0\0\0\x1Cftypavif\0\0\0\0", "AVIF is not supported");
        check(b"\0\0\0\x1Cftypmif1\0\0\0\0mif1avif", "AVIF is not supported");
        check(b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC is not supported");
        check(b"\xFF\x0A\x00", "JPEG XL is not supported");
        check(b"II*\0\x10\0\0\0CR\x02\0", "CR2 is not supported");
        check(b"%PDF-1.7", "PDF is not supported");
        check(b"\0\0\0\x18ftypcrx \0\0\0\0", "CR3 is not supported");
        check(b"8BPS\0\x01", "PSD is not supported");
        check(b"PF\n2 2\n-1\n", "PFM is not supported");
        check(b"\n<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG is not supported");
        check(b"\xEF\xBB\xBF<?xml version='1.0'?>\n<!-- hei -->\n<svg>", "SVG is not supported");
    }

    #[test]
    fn what_only_looks_like_an_image_is_none() {
        let nothing = "this is not an image of a known format";
        check(b"", "the file is empty");
        check(b"BMW builds cars and motorcycles", nothing);
        check(b"P2 is a vitamin", nothing);
        check(b"RIFF\0\0\0\0WAVEfmt ", nothing);
        check(b"\0\0\0\x18ftypisom\0\0\0\0", nothing);
        check(b"<html><svg></svg></html>", nothing);
        check(b"<svgfoo>", nothing);
        check(b"<!--", nothing);
        check(b"\x89PNG", nothing);
    }
}
