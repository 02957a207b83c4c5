//! JPEGs of more segments than anybody needs.

use invert::ErrorKind;

use crate::jpeg::{DHT, SOF0, frame, huffman, jpeg, scan, segment, zero_bits};
use crate::scale::Scale;

#[test]
fn segments_without_end_are_read_in_bounds() {
    let scale = Scale::alone();
    let picture = [frame(SOF0, 8, 8, &[0x11]), scan(1, [0, 63, 0], &zero_bits(2))];
    for many in [
        segment(DHT, &huffman(0x10, &[0, 1, 0xE0])).repeat(1 << 19),
        segment(0xDB, &[&[0], &[1; 64][..]].concat()).repeat(1 << 17),
        segment(0xFE, &[]).repeat(4 << 20),
    ] {
        scale.inverts_or_refuses(&jpeg(&[many, picture.concat()]), ErrorKind::TooLarge);
    }
}
