//! Encoded image in, its colour-inverted negative out.
//!
//! The negative of a sample x is 255-x (65535-x at 16 bit); alpha stays. Pure:
//! no clock, no I/O, no threads, no async; the crate knows nothing of doors,
//! connections or file names.
//!
//! | format | how | samples | kept | not kept |
//! |---|---|---|---|---|
//! | JPEG | bits are flipped where they lie, in the entropy-coded data | within a few levels | everything but mean values and signs: tables, sampling, scans, restart intervals, EXIF with orientation, ICC, XMP, IPTC, comments, density, what follows the picture; thumbnails and further pictures as negatives | HDR gain maps, films and other parts that XMP announces behind the picture, C2PA and other JUMBF boxes but text |
//! | PNG, palette | in place | exact | everything else, pixel data untouched | chunks that must not outlive a change (`iDOT`, `caBX`, `dSIG`) |
//! | PNG, other | filtered bytes are mapped and packed again with the copies that they had | exact | size, colour type, depth, interlacing, frames of an animation, `tRNS`, `bKGD`, `sPLT`, colour space, EXIF, text, all chunks that are safe to copy | chunks as above |
//! | GIF | in place | exact | everything: frames, timing, transparency | – |
//! | BMP | in place | exact | everything: header, alpha or filler bits, row padding, profile | – |
//! | WebP, lossless | decoded and encoded again | exact | size, frames, timing, alpha, ICC, EXIF, XMP, unknown chunks, what follows the container | – |
//! | WebP, lossy | decoded and encoded again with loss, at the quality of the original | near | as above; alpha byte for byte | – |
//! | TIFF: palette, grey up to 8 bits | in place: colour map, or the tag that says which end is white | exact | everything, whatever the compression | – |
//! | TIFF: RGB and deep grey; raw, PackBits, LZW | in place | exact | everything | – |
//! | TIFF: Deflate, predictors, alpha within PackBits or LZW | strip by strip, decompressed and compressed again | exact | everything but the compressed bytes | – |
//! | PNM | in place, text between its spaces | exact | everything: comments, largest value, further pictures | – |
//! | QOI | decoded and encoded again | exact | channels, colour space | – |
//!
//! A picture inside a picture becomes a negative, too, so that nobody sees a
//! mix: thumbnails in JFIF, EXIF, XMP and Photoshop's resources, and the further
//! pictures of an index (MPF). One that cannot be inverted goes. In PNG and WebP
//! the link to EXIF's thumbnail is cut, so that readers make one from the
//! negative; all else in EXIF stays byte for byte. Previews in makers' notes are
//! not followed.
//!
//! Refused by name: JPEG with four components, 12 bits, arithmetic coding,
//! lossless or hierarchical coding; compressed BMP other than run-length; GIF
//! without any colour table (there is nothing to invert: it has the colours of
//! whatever was shown before); TIFF in CMYK, YCbCr or L*a*b*, with JPEG inside, with signed or
//! floating-point samples; what cameras store in TIFF (DNG, NEF, CR2, ARW).
//!
//! Colours that TIFF stores multiplied by their alpha a are taken from it: a-x.
//! Photoshop's layers in a TIFF (`ImageSourceData`) go, for they show the
//! original.
//!
//! For JPEG and for what is inverted in place, the negative of the negative is
//! the same file, byte for byte, unless something named above was dropped, or a
//! JPEG's Huffman table lacked a code that the negative needs: that code is
//! added, and then the pixels are the same.
//!
//! Every file is checked whole: lengths, checksums, trailer, and for JPEG
//! that each scan holds all its blocks; a file that was cut short is refused,
//! never half grey. The exception is pixel data that the negative shares with
//! the original (palette PNG, GIF): it is walked, not inflated. A progressive
//! JPEG that ends properly after some of its scans is a whole picture, only
//! less sharp.

mod bmp;
mod deflate;
mod error;
mod exif;
mod format;
mod gif;
mod jpeg;
mod limits;
mod nested;
mod options;
mod png;
mod pnm;
mod probe;
mod qoi;
mod reader;
mod tiff;
mod tiff_file;
mod vp8l;
mod webp;

pub use error::{ErrorKind, InvertError};
pub use format::Format;
pub use limits::Limits;
pub use options::{Effort, Metadata, Options};
pub use probe::{Method, Probe, probe};

/// A negative, encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inverted {
    /// The file, in the format of the original.
    pub bytes: Vec<u8>,
    /// What `bytes` are.
    pub format: Format,
    /// Pixels in a row, as stored (before any EXIF orientation).
    pub width: u32,
    /// Rows, as stored.
    pub height: u32,
    /// Pictures in the file: 1, or more for an animation.
    pub frames: u32,
}

/// What [`invert_into`] wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// That of the original.
    pub format: Format,
    /// Pixels in a row, as stored (before any EXIF orientation).
    pub width: u32,
    /// Rows, as stored.
    pub height: u32,
    /// Pictures in the file: 1, or more for an animation.
    pub frames: u32,
}

/// Working memory that calls hand on to each other, so that a worker touches
/// the same warm pages for each picture. It holds nothing that a caller needs
/// and grows to what the largest picture asked for, see
/// [`Limits`].
#[derive(Debug, Default)]
pub struct Scratch {
    jpeg: jpeg::Scratch,
    png: png::Scratch,
}

impl Scratch {
    /// As the default, but sequential JPEGs are walked symbol by symbol: much
    /// slower, with the same result. The fast walk is tested against it.
    #[must_use]
    pub fn with_reference_walk() -> Self {
        Self { jpeg: jpeg::Scratch::by_reference(), ..Self::default() }
    }
}

/// Makes the negative of an image file; its format is told by its content.
///
/// # Errors
///
/// When the file is no image of ours, is damaged or cut short, or asks for
/// more than `limits` allow; see [`InvertError::kind`]. Whatever the header
/// tells is judged before anything is decoded.
pub fn invert(file: &[u8], limits: &Limits) -> Result<Inverted, InvertError> {
    let mut bytes = Vec::new();
    let Summary { format, width, height, frames } =
        invert_into(file, &Options::from(*limits), &mut Scratch::default(), &mut bytes)?;
    Ok(Inverted { bytes, format, width, height, frames })
}

/// As [`invert`], with everything that a caller may choose, into `out`, whose
/// former content is dropped.
///
/// # Errors
///
/// As for [`invert`]; `out` then holds nothing of use.
pub fn invert_into(
    file: &[u8],
    options: &Options,
    scratch: &mut Scratch,
    out: &mut Vec<u8>,
) -> Result<Summary, InvertError> {
    options.limits.check_file(file.len())?;
    out.clear();
    match Format::of(file)? {
        Format::Jpeg => jpeg::invert(file, options, &mut scratch.jpeg, out),
        Format::Png => png::invert(file, options, &mut scratch.png, out),
        Format::Gif => gif::invert(file, options, out),
        Format::WebP => webp::invert(file, options, out),
        Format::Bmp => bmp::invert(file, options, out),
        Format::Tiff => tiff_file::invert(file, options, out),
        Format::Pnm => pnm::invert(file, options, out),
        Format::Qoi => qoi::invert(file, options, out),
    }
}

/// Inverts every byte: 255-x for 8-bit samples, and 65535-x for pairs.
fn flip(samples: &mut [u8]) {
    for sample in samples {
        *sample = !*sample;
    }
}

/// Inverts the bits of each pixel that `mask` has set; one pixel is as long as
/// `mask`, at most 256 bytes.
fn flip_masked(pixels: &mut [u8], mask: &[u8]) {
    // Many pixels at a time: a loop over the few bytes of one is not vectorised.
    let mut pattern = [0; 256];
    let whole = pattern.len() / mask.len() * mask.len();
    for (bits, &mask) in pattern[..whole].iter_mut().zip(mask.iter().cycle()) {
        *bits = mask;
    }
    for pixels in pixels.chunks_mut(whole) {
        for (byte, bits) in pixels.iter_mut().zip(&pattern) {
            *byte ^= bits;
        }
    }
}

/// Appends `samples`, changed by `change`, which is given whole groups of
/// `group_bytes`.
///
/// A block that was just copied is changed in the cache: two passes over a
/// large picture would wait for memory twice.
fn append_changed(samples: &[u8], group_bytes: usize, out: &mut Vec<u8>, mut change: impl FnMut(&mut [u8])) {
    // Chosen: half of the first-level cache of common processors.
    const BLOCK_BYTES: usize = 16 << 10;
    for block in samples.chunks((BLOCK_BYTES / group_bytes).max(1) * group_bytes) {
        let start = out.len();
        out.extend_from_slice(block);
        change(&mut out[start..]);
    }
}
