//! What in EXIF concerns a negative: how the picture is turned, and the
//! thumbnail.

mod thumbnail;

use crate::tiff::Tiff;
pub(crate) use thumbnail::invert_thumbnail;

/// What JPEG, and some writers elsewhere, put before the TIFF header (EXIF 2.32
/// §4.7.2.1).
pub(crate) const PREFIX: &[u8] = b"Exif\0\0";

const ORIENTATION: u16 = 0x0112;

/// How the picture is to be turned and mirrored (EXIF 2.32 §4.6.4 A, tag 0x0112):
/// 1 for not at all, at most 8. `None` when it is not told.
pub(crate) fn orientation(exif: &[u8]) -> Option<u16> {
    let tiff = Tiff::new(without_prefix(exif))?;
    let orientation = tiff.number(tiff.first_directory()?, ORIENTATION)?;
    u16::try_from(orientation).ok().filter(|orientation| (1..=8).contains(orientation))
}

/// EXIF data that tell the orientation and nothing else, without [`PREFIX`].
pub(crate) fn only_orientation(orientation: u16) -> [u8; 26] {
    let [high, low] = orientation.to_be_bytes();
    let [tag_high, tag_low] = ORIENTATION.to_be_bytes();
    [
        b'M', b'M', 0, b'*', 0, 0, 0, 8, // header, and where the directory is
        0, 1, tag_high, tag_low, 0, 3, 0, 0, 0, 1, high, low, 0, 0, // one field: one SHORT
        0, 0, 0, 0, // no further directory
    ]
}

/// Unlinks the thumbnail of EXIF data; all else stays as it is.
///
/// EXIF 2.32 §4.5.7: the thumbnail is described by the second directory of the
/// file, which the first one points to. Without that link readers make one
/// from the picture itself, so that nobody sees a mix of positive and
/// negative. Data that cannot be followed is left alone.
pub(crate) fn unlink_thumbnail(exif: &mut [u8]) {
    let start = exif.len() - without_prefix(exif).len();
    let tiff = Tiff::new(&exif[start..]);
    let link = tiff.and_then(|tiff| tiff.link(tiff.first_directory()?));
    if let Some(link) = link {
        exif[start + link..][..4].fill(0);
    }
}

fn without_prefix(exif: &[u8]) -> &[u8] {
    exif.strip_prefix(PREFIX).unwrap_or(exif)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory with one entry (orientation 6), then a link to byte 26.
    const LITTLE: &[u8] = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\x1A\0\0\0thumbnail";
    const BIG: &[u8] = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\x1Athumbnail";

    fn check(before: &[u8], changed: &[usize]) {
        let mut after = before.to_vec();
        unlink_thumbnail(&mut after);
        let found: Vec<_> = (0..before.len()).filter(|&at| before[at] != after[at]).collect();
        assert_eq!(found, changed, "{before:?}");
    }

    #[test]
    fn only_the_link_is_cleared() {
        check(LITTLE, &[22]);
        check(BIG, &[25]);
        check(&[PREFIX, LITTLE].concat(), &[28]);
    }

    #[test]
    fn what_cannot_be_followed_is_left_alone() {
        check(b"", &[]);
        check(&LITTLE[..24], &[]);
        check(b"II*\0\xFF\xFF\xFF\xFF\x01\0", &[]);
        check(b"not exif at all", &[]);
    }

    #[test]
    fn orientation_is_found_in_both_byte_orders() {
        for exif in [LITTLE, BIG, &[PREFIX, BIG].concat()] {
            assert_eq!(orientation(exif), Some(6));
        }
        for exif in [b"".as_slice(), &LITTLE[..18], b"not exif at all", b"II*\0\0\0\0\0\x01\0"] {
            assert_eq!(orientation(exif), None);
        }
    }

    #[test]
    fn an_orientation_that_does_not_exist_is_none() {
        for (value, expected) in [(0, None), (1, Some(1)), (8, Some(8)), (9, None)] {
            let mut exif = LITTLE.to_vec();
            exif[18] = value;
            assert_eq!(orientation(&exif), expected);
        }
    }

    #[test]
    fn orientation_alone_is_read_back_and_has_no_thumbnail() {
        for value in 1..=8 {
            let exif = only_orientation(value);
            assert_eq!(orientation(&exif), Some(value));
            check(&exif, &[]);
        }
    }
}
