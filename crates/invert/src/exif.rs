//! The one thing in EXIF that shows the picture: its thumbnail.

/// What JPEG, and some writers elsewhere, put before the TIFF header (EXIF 2.32
/// §4.7.2.1).
pub(crate) const PREFIX: &[u8] = b"Exif\0\0";

/// Unlinks the thumbnail of EXIF data; all else stays as it is.
///
/// EXIF 2.32 §4.5.7: the thumbnail is described by the second directory of the
/// file, which the first one points to. Without that link readers make one
/// from the picture itself, so that nobody sees a mix of positive and
/// negative. Data that cannot be followed is left alone.
pub(crate) fn unlink_thumbnail(exif: &mut [u8]) {
    let tiff_start = if exif.starts_with(PREFIX) { PREFIX.len() } else { 0 };
    let tiff = &mut exif[tiff_start..];
    if let Some(link) = thumbnail_link(tiff) {
        tiff[link..link + 4].fill(0);
    }
}

/// Where the four bytes stand that point to the second directory.
fn thumbnail_link(tiff: &[u8]) -> Option<usize> {
    const ENTRY_BYTES: usize = 12;
    let number = |at: usize, bytes: usize| -> Option<usize> {
        let field = tiff.get(at..at.checked_add(bytes)?)?;
        let digit = |sum: usize, byte: &u8| (sum << 8) | usize::from(*byte);
        match tiff.get(..4)? {
            b"II*\0" => Some(field.iter().rev().fold(0, digit)),
            b"MM\0*" => Some(field.iter().fold(0, digit)),
            _ => None,
        }
    };
    let directory = number(4, 4)?;
    let entries = number(directory, 2)?;
    let link = directory.checked_add(2 + entries * ENTRY_BYTES)?;
    tiff.get(link..link.checked_add(4)?).map(|_| link)
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
}
