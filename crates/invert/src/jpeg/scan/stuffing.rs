//! Stuffed zeros: in entropy-coded data each byte 0xFF is followed by one, so
//! that markers can be told (T.81 B.1.1.5).

use memchr::memchr;

/// Appends entropy-coded data to `clean` without its stuffed zeros, up to the
/// next marker or the end; returns the bytes of `data` that were read. Fill
/// bytes before the marker are not read.
pub(in crate::jpeg) fn remove(data: &[u8], clean: &mut Vec<u8>) -> usize {
    let mut position = 0;
    while let Some(found) = memchr(0xFF, &data[position..]) {
        let end = position + found;
        if data.get(end + 1) == Some(&0) {
            clean.extend_from_slice(&data[position..=end]);
            position = end + 2;
        } else {
            clean.extend_from_slice(&data[position..end]);
            return end;
        }
    }
    clean.extend_from_slice(&data[position..]);
    data.len()
}

/// The length of entropy-coded data up to the next marker or the end.
pub(in crate::jpeg) fn length(data: &[u8]) -> usize {
    let mut position = 0;
    while let Some(found) = memchr(0xFF, &data[position..]) {
        let end = position + found;
        if data.get(end + 1) != Some(&0) {
            return end;
        }
        position = end + 2;
    }
    data.len()
}

/// Appends `clean` to `out` with its stuffed zeros.
pub(in crate::jpeg) fn add(clean: &[u8], out: &mut Vec<u8>) {
    let mut position = 0;
    while let Some(found) = memchr(0xFF, &clean[position..]) {
        let end = position + found + 1;
        out.extend_from_slice(&clean[position..end]);
        out.push(0);
        position = end;
    }
    out.extend_from_slice(&clean[position..]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn data_ends_at_a_marker_or_its_fill_bytes() {
        let check = |data: &[u8], clean: &[u8], read: usize| {
            let mut found = vec![];
            assert_eq!((remove(data, &mut found), &found[..]), (read, clean), "{data:?}");
        };
        check(&[1, 0xFF, 0, 2, 0xFF, 0xD9], &[1, 0xFF, 2], 4);
        check(&[1, 0xFF, 0, 0xFF, 0xFF, 0xD0], &[1, 0xFF], 3);
        check(&[1, 0xFF, 0], &[1, 0xFF], 3);
        check(&[1, 0xFF], &[1], 1);
        check(&[], &[], 0);
    }

    proptest! {
        #[test]
        fn what_was_added_is_removed(clean: Vec<u8>) {
            let (mut stuffed, mut found) = (vec![], vec![]);
            add(&clean, &mut stuffed);
            prop_assert_eq!(remove(&stuffed, &mut found), stuffed.len());
            prop_assert_eq!(found, clean);
        }
    }
}
