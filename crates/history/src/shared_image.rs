//! A shared negative as text.

use std::str::FromStr;

use hub::{BlobId, SharedImage};

/// Words apart; only the last may hold a space.
pub(crate) fn write(image: &SharedImage) -> String {
    let SharedImage { blob, format, width, height, origin } = image;
    format!("{} {format} {width} {height} {origin}", blob.0)
}

pub(crate) fn read(body: &[u8]) -> Option<SharedImage> {
    fn next<T: FromStr>(words: &mut std::str::SplitN<'_, char>) -> Option<T> {
        words.next()?.parse().ok()
    }
    let mut words = std::str::from_utf8(body).ok()?.splitn(5, ' ');
    Some(SharedImage {
        blob: BlobId(words.next()?.into()),
        format: words.next()?.to_owned().into(),
        width: next(&mut words)?,
        height: next(&mut words)?,
        origin: words.next()?.into(),
    })
}
