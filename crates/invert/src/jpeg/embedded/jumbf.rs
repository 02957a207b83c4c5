//! Boxes in APP11 segments (ISO 18477-3 annex B, ISO 19566-5 annex D).

use std::collections::HashSet;

/// In front of a box: what it is, a number of its own, which part of it this
/// is, its length, its type.
type Header = [u8; 16];

/// What the text in a superbox can be: `json` or `xml `, in a UUID (ISO 19566-5
/// annex B).
const TEXTS: [&[u8; 4]; 2] = [b"json", b"xml "];
const UUID_REST: &[u8] = &[0, 0x11, 0, 0x10, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71];

/// Decides which segments stay, in their order.
///
/// Only text does. The others are signatures of the original (C2PA), layers
/// that make another picture of it (JPEG XT), or pictures themselves.
#[derive(Debug, Default)]
pub(super) struct Boxes {
    /// The numbers of boxes that stay: their further parts do, too.
    kept: HashSet<[u8; 2]>,
}

impl Boxes {
    pub(super) fn stays(&mut self, payload: &[u8]) -> bool {
        let Some((header, content)) = payload.split_first_chunk() else { return false };
        let &[b'J', b'P', n0, n1, p0, p1, p2, p3, _, _, _, _, b'j', b'u', b'm', b'b']: &Header = header else {
            return false;
        };
        let is_first = u32::from_be_bytes([p0, p1, p2, p3]) == 1;
        if is_first {
            self.kept.remove(&[n0, n1]);
        }
        if is_first && is_text(content) {
            self.kept.insert([n0, n1]);
        }
        self.kept.contains(&[n0, n1])
    }
}

/// Whether a superbox with this content is one of text: its first box is a
/// description, which begins with a type.
fn is_text(content: &[u8]) -> bool {
    let Some((&[_, _, _, _, b'j', b'u', b'm', b'd', a, b, c, d], rest)) = content.split_first_chunk() else {
        return false;
    };
    TEXTS.contains(&&[a, b, c, d]) && rest.starts_with(UUID_REST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(number: u8, part: u8, kind: &[u8], content_type: &[u8]) -> Vec<u8> {
        let header = [b"JP\0".as_slice(), &[number, 0, 0, 0, part], b"\0\0\x01\0", kind].concat();
        if part > 1 {
            return header;
        }
        [&header, b"\0\0\0\x20jumd".as_slice(), content_type, UUID_REST, b"\x03label\0"].concat()
    }

    fn check(segments: &[(Vec<u8>, bool)]) {
        let mut boxes = Boxes::default();
        for (segment, expected) in segments {
            assert_eq!(boxes.stays(segment), *expected, "{segment:?}");
        }
    }

    #[test]
    fn text_stays_with_all_its_parts() {
        check(&[
            (segment(1, 1, b"jumb", b"json"), true),
            (segment(2, 1, b"jumb", b"xml "), true),
            (segment(1, 2, b"jumb", b""), true),
            (segment(2, 2, b"jumb", b""), true),
        ]);
    }

    #[test]
    fn signatures_layers_and_unknown_boxes_go() {
        check(&[
            (segment(1, 1, b"jumb", b"c2pa"), false),
            (segment(1, 2, b"jumb", b""), false),
            (segment(2, 1, b"RESI", b"json"), false),
            (segment(3, 2, b"jumb", b""), false),
            (segment(4, 1, b"jumb", b"json")[..30].to_vec(), false),
            (b"HDR_RI ver=11".to_vec(), false),
            (vec![], false),
        ]);
    }

    #[test]
    fn a_number_may_be_used_again() {
        check(&[
            (segment(1, 1, b"jumb", b"json"), true),
            (segment(1, 1, b"jumb", b"c2pa"), false),
            (segment(1, 2, b"jumb", b""), false),
        ]);
    }
}
