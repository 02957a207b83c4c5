//! Pictures inside the metadata of a picture.

/// Makes the negative of a JPEG; `None` when it cannot, and then that JPEG must
/// not stay where somebody sees it.
///
/// It is given each byte of a file at most once a level, but a few bytes may
/// claim many pixels: whoever calls a decoder in it keeps count of these.
pub(crate) type Invert<'a> = dyn FnMut(&[u8]) -> Option<Vec<u8>> + 'a;

/// Makes `negative` as long as the place that it has; false when it is too
/// long for it.
///
/// What follows the end of a JPEG is not looked at, so that one that is too
/// short is filled up with zeros. It gives them up again when its own negative
/// is longer, and then that is the original, byte for byte.
pub(crate) fn fit(negative: &mut Vec<u8>, place_bytes: usize) -> bool {
    let needed = negative.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    if needed <= place_bytes {
        negative.resize(place_bytes, 0);
    }
    needed <= place_bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(negative: &[u8], place_bytes: usize, expected: Option<&[u8]>) {
        let mut fitted = negative.to_vec();
        let fits = fit(&mut fitted, place_bytes);
        assert_eq!(fits.then_some(fitted.as_slice()), expected);
    }

    #[test]
    fn only_zeros_are_added_or_given_up() {
        check(b"ab", 2, Some(b"ab"));
        check(b"ab", 4, Some(b"ab\0\0"));
        check(b"ab\0\0", 3, Some(b"ab\0"));
        check(b"ab\0\0", 1, None);
        check(b"", 0, Some(b""));
    }
}
