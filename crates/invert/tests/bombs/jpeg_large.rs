//! JPEGs as large, or with as many parts, as the limits allow.

use invert::ErrorKind;

use crate::jpeg::{DHT, EOI, SOF0, SOF2, flat, frame, huffman, jpeg, progressive, runs, scan, segment, zero_bits};
use crate::scale::Scale;

#[test]
fn a_large_picture_of_nothing_is_inverted() {
    let scale = Scale::alone();
    let file = flat(8000, 8000);
    assert!(file.len() < 256 << 10, "{} bytes", file.len());
    scale.inverts_there_and_back(&file);
    // With halved colours: six blocks for each unit.
    let colour = jpeg(&[frame(SOF0, 8000, 8000, &[0x22, 0x11, 0x11]), scan(3, [0, 63, 0], &zero_bits(500 * 500 * 12))]);
    scale.inverts_there_and_back(&colour);
}

#[test]
fn large_pictures_of_every_shape_are_inverted() {
    let scale = Scale::alone();
    for (width, height) in [(1, 65500), (65500, 1), (65500, 970), (970, 65500)] {
        scale.inverts_there_and_back(&flat(width, height));
        scale.inverts_there_and_back(&progressive(width, height, 9));
    }
}

#[test]
fn a_picture_whose_blocks_are_not_there_is_missed() {
    let scale = Scale::alone();
    for (marker, last) in [(SOF0, 63), (SOF2, 0)] {
        let file = jpeg(&[frame(marker, 8000, 8000, &[0x22, 0x11, 0x11]), scan(3, [0, last, 0], &[0; 99])]);
        scale.refuses(&file, ErrorKind::Broken);
    }
}

#[test]
fn scans_are_counted_up_to_the_bound() {
    let scale = Scale::alone();
    let file = progressive(8000, 8000, 100);
    assert!(file.len() < 160 << 10, "{} bytes", file.len());
    scale.inverts_there_and_back(&file);
    let more = progressive(8, 8, 100);
    let scans = scan(1, [63, 63, 0x10], &[0x7F]).repeat(1900);
    scale.refuses(&[&more[..more.len() - 2], &scans, &EOI].concat(), ErrorKind::TooLarge);
}

#[test]
fn a_large_picture_in_colour_of_a_hundred_scans_is_inverted() {
    let scale = Scale::alone();
    let blocks = 1000 * 1000;
    let runs = runs(blocks);
    let mut parts = vec![frame(SOF2, 8000, 8000, &[0x11; 3]), scan(3, [0, 0, 0], &zero_bits(3 * blocks as usize))];
    for place in 1..=33 {
        for id in 1..=3 {
            let header = segment(0xDA, &[1, id, 0, place, place, 0]);
            parts.push([header, runs.clone()].concat());
        }
    }
    scale.inverts_there_and_back(&jpeg(&parts));
}

#[test]
fn as_many_restarts_as_blocks_are_walked_in_time() {
    let scale = Scale::alone();
    let blocks = 1_000_000_u32;
    let intervals = (0..blocks).flat_map(|index| {
        let restart: &[u8] = if index == 0 { &[] } else { &[0xFF, 0] };
        let number = 0xD0 + (index.wrapping_sub(1) % 8) as u8;
        restart.iter().map(move |&byte| if byte == 0 { number } else { byte }).chain([0x3F])
    });
    let data: Vec<u8> = intervals.collect();
    let interval = segment(0xDD, &[0, 1]);
    let file = jpeg(&[frame(SOF0, 8000, 8000, &[0x11]), interval, scan(1, [0, 63, 0], &data)]);
    scale.inverts_there_and_back(&file);
}

#[test]
fn fill_bytes_and_tables_without_end_are_read_in_time() {
    let scale = Scale::alone();
    let picture = [frame(SOF0, 8, 8, &[0x11]), scan(1, [0, 63, 0], &zero_bits(2))];
    let fill = vec![0xFF; 24 << 20];
    scale.inverts_there_and_back(&jpeg(&[fill, picture.concat()]));
    for table in [huffman(0x10, &[0, 1, 0xE0]), huffman(0x00, &[0, 4, 5])] {
        // 20 bytes each: 12 MiB, in as few segments as can be.
        let many = segment(DHT, &table.repeat(3000)).repeat(200);
        scale.inverts_there_and_back(&jpeg(&[many, picture.concat()]));
    }
}
