//! Chunks beside the pixels: which of them hold colours, and which must go.

use super::chunks::{Chunk, write_chunk};
use super::header::{Colour, Header};
use crate::exif;

/// What happens to a chunk beside the pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It changes what is seen: it stays.
    Shown,
    /// It tells something about the picture: it stays unless it is not wanted.
    Told,
    /// It would be wrong in the negative.
    Dropped,
}

/// PNG §14.2: chunks that we know keep their meaning or are inverted; of the
/// others only those stay that say so by a small last letter. `iDOT` (places
/// in the pixel data), `caBX` and `dSIG` (signatures of the original) say no,
/// and so do the parts of an animation that was not announced.
pub(super) fn fate(name: [u8; 4]) -> Fate {
    match &name {
        b"bKGD" | b"cHRM" | b"cICP" | b"cLLI" | b"gAMA" | b"hIST" | b"iCCP" | b"mDCV" | b"pHYs" | b"sBIT" | b"sPLT"
        | b"sRGB" | b"tRNS" => Fate::Shown,
        b"eXIf" | b"iTXt" | b"tEXt" | b"tIME" | b"zTXt" => Fate::Told,
        _ if name[3].is_ascii_lowercase() => Fate::Told,
        _ => Fate::Dropped,
    }
}

/// All that stays of a chunk that is not wanted: the orientation in EXIF.
pub(super) fn write_orientation(out: &mut Vec<u8>, chunk: &Chunk<'_>) {
    let orientation = if &chunk.name == b"eXIf" { exif::orientation(chunk.data) } else { None };
    if let Some(turned @ 2..) = orientation {
        write_chunk(out, chunk.name, &exif::only_orientation(turned), |_| {});
    }
}

/// Inverts the colours in a chunk that has some.
pub(super) fn invert(name: [u8; 4], data: &mut [u8], header: Header) {
    match &name {
        // PNG §11.3.1.1, §11.3.4.1: samples of the picture's own depth, in two bytes each. A palette's
        // transparency is alpha, its background an index: both stay.
        b"tRNS" | b"bKGD" if header.colour != Colour::Palette => {
            for sample in data.as_chunks_mut::<2>().0 {
                *sample = (u16::from_be_bytes(*sample) ^ header.sample_max()).to_be_bytes();
            }
        }
        b"sPLT" => invert_suggested_palette(data),
        b"eXIf" => exif::unlink_thumbnail(data),
        _ => {}
    }
}

/// PNG §11.3.4.4: a name, zero, the depth, then entries of red, green, blue,
/// alpha and a frequency of two bytes.
fn invert_suggested_palette(data: &mut [u8]) {
    let Some(name_bytes) = data.iter().position(|&byte| byte == 0) else { return };
    let Some((depth, entries)) = data[name_bytes + 1..].split_first_mut() else { return };
    match depth {
        8 => crate::flip_masked(entries, &[0xFF, 0xFF, 0xFF, 0, 0, 0]),
        16 => crate::flip_masked(entries, &[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0]),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &[u8; 4], colour: Colour, depth: u8, before: &[u8], after: &[u8]) {
        let header = Header { width: 1, height: 1, depth, colour, interlaced: false };
        let mut data = before.to_vec();
        invert(*name, &mut data, header);
        assert_eq!(data, after);
    }

    #[test]
    fn colour_keys_and_backgrounds_are_inverted_within_their_depth() {
        check(b"tRNS", Colour::Grey, 1, &[0, 1], &[0, 0]);
        check(b"tRNS", Colour::Grey, 4, &[0, 3], &[0, 12]);
        check(b"bKGD", Colour::Rgb, 8, &[0, 1, 0, 0, 0, 255], &[0, 254, 0, 255, 0, 0]);
        check(b"tRNS", Colour::Rgb, 16, &[1, 2, 0, 0, 255, 255], &[254, 253, 255, 255, 0, 0]);
        check(b"bKGD", Colour::GreyAlpha, 8, &[0, 7], &[0, 248]);
    }

    #[test]
    fn alpha_and_indexes_of_a_palette_stay() {
        check(b"tRNS", Colour::Palette, 8, &[1, 2, 3, 4], &[1, 2, 3, 4]);
        check(b"bKGD", Colour::Palette, 8, &[7], &[7]);
    }

    #[test]
    fn suggested_palettes_are_inverted_but_for_alpha_and_frequency() {
        check(b"sPLT", Colour::Rgb, 8, b"a\0\x08\x01\x02\x03\x04\x05\x06", b"a\0\x08\xFE\xFD\xFC\x04\x05\x06");
        check(
            b"sPLT",
            Colour::Rgb,
            8,
            b"b\0\x10\0\x01\0\x02\0\x03\0\x04\0\x05",
            b"b\0\x10\xFF\xFE\xFF\xFD\xFF\xFC\0\x04\0\x05",
        );
        check(b"sPLT", Colour::Rgb, 8, b"no end", b"no end");
        check(b"sPLT", Colour::Rgb, 8, b"end\0", b"end\0");
    }

    #[test]
    fn unknown_chunks_stay_only_when_they_say_so() {
        assert_eq!(fate(*b"orNt"), Fate::Told);
        for name in [b"iDOT", b"caBX", b"dSIG", b"fcTL", b"fdAT", b"acTL"] {
            assert_eq!(fate(*name), Fate::Dropped, "{name:?}");
        }
    }
}
