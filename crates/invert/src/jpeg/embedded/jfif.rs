//! The thumbnails of JFIF (T.871 §10).

use crate::flip;
use crate::nested::Invert;

pub(in crate::jpeg) const JFIF: &[u8] = b"JFIF\0";
pub(super) const EXTENSION: &[u8] = b"JFXX\0";

/// Everything but the thumbnail.
const HEADER_BYTES: usize = 14;
const PALETTE_BYTES: usize = 3 * 256;

/// Inverts the thumbnail: red, green and blue behind the header, whose last
/// two bytes are width and height. One that is not whole goes.
pub(super) fn invert(payload: &mut Vec<u8>) {
    let Some((header, samples)) = payload.split_first_chunk_mut::<HEADER_BYTES>() else { return };
    match samples.get_mut(..sample_bytes(header[12], header[13])) {
        Some(samples) => flip(samples),
        None => clear(payload),
    }
}

/// Takes the thumbnail away.
pub(super) fn clear(payload: &mut Vec<u8>) {
    payload.truncate(HEADER_BYTES);
    payload.iter_mut().skip(12).for_each(|size| *size = 0);
}

/// Inverts the thumbnail that is all that an extension holds; `None` when it
/// cannot be inverted.
pub(super) fn invert_extension(payload: &mut Vec<u8>, invert: &mut Invert<'_>) -> Option<()> {
    let (code, thumbnail) = payload.get_mut(EXTENSION.len()..)?.split_first_mut()?;
    match code {
        0x10 => {
            let negative = invert(thumbnail)?;
            payload.truncate(EXTENSION.len() + 1);
            payload.extend_from_slice(&negative);
        }
        0x11 => flip(thumbnail.get_mut(2..)?.get_mut(..PALETTE_BYTES)?),
        0x13 => {
            let ([width, height], samples) = thumbnail.split_first_chunk_mut()?;
            flip(samples.get_mut(..sample_bytes(*width, *height))?);
        }
        _ => return None,
    }
    Some(())
}

fn sample_bytes(width: u8, height: u8) -> usize {
    3 * usize::from(width) * usize::from(height)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_jfif(before: &[u8], expected: &[u8]) {
        let mut after = before.to_vec();
        invert(&mut after);
        assert_eq!(after, expected);
    }

    #[test]
    fn samples_behind_the_header_are_flipped_and_what_follows_them_stays() {
        check_jfif(
            b"JFIF\0\x01\x02\0\0\x48\0\x48\x02\x01\x00\x01\x02\xFF\x80\x7F..",
            b"JFIF\0\x01\x02\0\0\x48\0\x48\x02\x01\xFF\xFE\xFD\x00\x7F\x80..",
        );
        check_jfif(b"JFIF\0\x01\x02\0\0\x48\0\x48\0\0", b"JFIF\0\x01\x02\0\0\x48\0\x48\0\0");
    }

    #[test]
    fn a_thumbnail_that_is_not_whole_goes() {
        check_jfif(b"JFIF\0\x01\x02\0\0\x48\0\x48\x01\x01\x01\x02", b"JFIF\0\x01\x02\0\0\x48\0\x48\0\0");
        check_jfif(b"JFIF\0\x01", b"JFIF\0\x01");
    }

    fn check_extension(before: &[u8], expected: Option<&[u8]>) {
        let mut after = before.to_vec();
        let done = invert_extension(&mut after, &mut |jpeg| (jpeg == b"thumb").then(|| b"NEGATIVE".to_vec()));
        assert_eq!(done.map(|()| after.as_slice()), expected);
    }

    #[test]
    fn extensions_are_inverted_whatever_their_kind() {
        check_extension(b"JFXX\0\x10thumb", Some(b"JFXX\0\x10NEGATIVE"));
        check_extension(b"JFXX\0\x13\x01\x01\x01\x02\x03", Some(b"JFXX\0\x13\x01\x01\xFE\xFD\xFC"));
        let palette = |colour: u8| [b"JFXX\0\x11\x02\x01".as_slice(), &[colour; 768], &[7, 8]].concat();
        check_extension(&palette(1), Some(&palette(254)));
    }

    #[test]
    fn extensions_that_cannot_be_inverted_are_refused() {
        let short: [&[u8]; 6] = [
            b"JFXX\0",
            b"JFXX\0\x10other",
            b"JFXX\0\x11\x02\x01..",
            b"JFXX\0\x13\x01",
            b"JFXX\0\x13\x01\x01..",
            b"JFXX\0\x12..",
        ];
        for payload in short {
            check_extension(payload, None);
        }
    }
}
