use png::{BitDepth, ColorType, Decoder, Encoder};

use crate::samples::{HEIGHT, WIDTH, check_that_every_cut_is_broken, kind, negative, noise};
use invert::{ErrorKind, Metadata, Options, Scratch};

const COLOURS: [(ColorType, BitDepth); 15] = [
    (ColorType::Grayscale, BitDepth::One),
    (ColorType::Grayscale, BitDepth::Two),
    (ColorType::Grayscale, BitDepth::Four),
    (ColorType::Grayscale, BitDepth::Eight),
    (ColorType::Grayscale, BitDepth::Sixteen),
    (ColorType::GrayscaleAlpha, BitDepth::Eight),
    (ColorType::GrayscaleAlpha, BitDepth::Sixteen),
    (ColorType::Rgb, BitDepth::Eight),
    (ColorType::Rgb, BitDepth::Sixteen),
    (ColorType::Rgba, BitDepth::Eight),
    (ColorType::Rgba, BitDepth::Sixteen),
    (ColorType::Indexed, BitDepth::One),
    (ColorType::Indexed, BitDepth::Two),
    (ColorType::Indexed, BitDepth::Four),
    (ColorType::Indexed, BitDepth::Eight),
];

const SIGNATURE_AND_HEADER_BYTES: usize = 8 + 25;

fn picture(colour: ColorType, depth: BitDepth) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, WIDTH, HEIGHT);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    if colour == ColorType::Indexed {
        encoder.set_palette((0..3 << (depth as u8)).map(|index| noise(index, 0, 9)).collect::<Vec<_>>());
        encoder.set_trns(vec![0, 128]);
    }
    let row_bits = WIDTH as usize * colour.samples() * depth as usize;
    let bytes = row_bits.div_ceil(8) * HEIGHT as usize;
    let samples: Vec<_> = (0..bytes).map(|index| noise(index as u32, 0, 0)).collect();
    let mut writer = encoder.write_header().expect("memory");
    writer.write_image_data(&samples).expect("memory");
    writer.finish().expect("memory");
    file
}

fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(name);
    hasher.update(data);
    let length = (data.len() as u32).to_be_bytes();
    [&length, name.as_slice(), data, &hasher.finalize().to_be_bytes()].concat()
}

/// Puts chunks behind the header.
fn with_chunks(file: &[u8], chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let (header, rest) = file.split_at(SIGNATURE_AND_HEADER_BYTES);
    let inserted: Vec<u8> = chunks.iter().flat_map(|(name, data)| chunk(name, data)).collect();
    [header, &inserted, rest].concat()
}

/// Names and data in the order of the file.
fn chunks(file: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut rest = &file[8..];
    let mut chunks = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        chunks.push((String::from_utf8_lossy(&after[..4]).into_owned(), after[4..4 + length].to_vec()));
        rest = &after[4 + length + 4..];
    }
    chunks
}

/// Size of a pixel in samples, and the samples, unpacked to 16 bits each.
fn samples(file: &[u8]) -> (ColorType, BitDepth, Vec<u16>) {
    let mut reader = Decoder::new(std::io::Cursor::new(file)).read_info().expect("a PNG");
    let mut bytes = vec![0; reader.output_buffer_size().expect("a small picture")];
    reader.next_frame(&mut bytes).expect("a whole PNG");
    let (colour, depth) = reader.output_color_type();
    let row_bytes = reader.output_line_size(WIDTH).expect("a small picture");
    let row_samples = WIDTH as usize * colour.samples();
    let row = |row: &[u8]| -> Vec<u16> {
        let unpack = |index: usize| match depth {
            BitDepth::Eight => row[index].into(),
            BitDepth::Sixteen => u16::from_be_bytes([row[2 * index], row[2 * index + 1]]),
            BitDepth::One | BitDepth::Two | BitDepth::Four => {
                let bits = depth as usize;
                let from_top = index * bits % 8;
                u16::from(row[index * bits / 8] >> (8 - bits - from_top)) & ((1 << bits) - 1)
            }
        };
        (0..row_samples).map(unpack).collect()
    };
    (colour, depth, bytes.chunks(row_bytes).flat_map(row).collect())
}

fn check_samples(file: &[u8]) {
    let (colour, depth, before) = samples(file);
    let (new_colour, new_depth, after) = samples(&negative(file));
    assert_eq!((colour, depth), (new_colour, new_depth));
    let max = u16::MAX >> (16 - depth as u8);
    let expected = before.iter().enumerate().map(|(index, &sample)| {
        let place = index % colour.samples();
        match colour {
            ColorType::Indexed => sample,
            ColorType::GrayscaleAlpha if place == 1 => sample,
            ColorType::Rgba if place == 3 => sample,
            ColorType::Grayscale | ColorType::GrayscaleAlpha | ColorType::Rgb | ColorType::Rgba => max - sample,
        }
    });
    assert!(expected.eq(after.iter().copied()), "{colour:?} {depth:?}");
}

#[test]
fn every_colour_type_and_depth_is_exact_and_keeps_alpha() {
    for (colour, depth) in COLOURS {
        check_samples(&picture(colour, depth));
    }
}

#[test]
fn the_negative_of_the_negative_has_the_same_samples() {
    for (colour, depth) in COLOURS {
        let file = picture(colour, depth);
        assert_eq!(samples(&file), samples(&negative(&negative(&file))), "{colour:?} {depth:?}");
    }
}

#[test]
fn a_palette_is_inverted_in_place_and_back_to_the_same_file() {
    for depth in [BitDepth::One, BitDepth::Two, BitDepth::Four, BitDepth::Eight] {
        let mut file = with_chunks(&picture(ColorType::Indexed, depth), &[(b"tEXt", b"Title\0hei"), (b"prIv", b"x")]);
        file.extend_from_slice(b"what follows the end");
        let after = negative(&file);
        assert_ne!(after, file);
        assert_eq!(negative(&after), file);
    }
}

#[test]
fn only_the_palette_of_a_palette_picture_changes() {
    let file = picture(ColorType::Indexed, BitDepth::Four);
    for ((name, before), (new_name, after)) in chunks(&file).iter().zip(&chunks(&negative(&file))) {
        assert_eq!(name, new_name);
        match name.as_str() {
            "PLTE" => assert_eq!(*after, before.iter().map(|sample| 255 - sample).collect::<Vec<_>>()),
            _ => assert_eq!(before, after, "{name}"),
        }
    }
}

#[test]
fn colours_beside_the_pixels_are_inverted_and_the_rest_is_kept() {
    let beside: [(&[u8; 4], &[u8]); 10] = [
        (b"gAMA", &[0, 0, 177, 143]),
        (b"sRGB", &[0]),
        (b"iCCP", b"name\0\0not even zlib"),
        (b"pHYs", &[0, 0, 11, 19, 0, 0, 11, 19, 1]),
        (b"tRNS", &[0, 1, 0, 2, 0, 3]),
        (b"bKGD", &[0, 255, 0, 0, 0, 128]),
        (b"tEXt", b"Title\0hei"),
        (b"eXIf", b"MM\0*\0\0\0\x08\0\0\0\0\0\0"),
        (b"safe", b"unknown, and copied"),
        (b"iDOT", b"unknown, and unsafe"),
    ];
    let mut expected = beside.map(|(name, data)| (String::from_utf8_lossy(name).into_owned(), data.to_vec())).to_vec();
    expected.pop();
    expected[4].1 = vec![0, 254, 0, 253, 0, 252];
    expected[5].1 = vec![0, 0, 0, 255, 0, 127];
    let after = negative(&with_chunks(&picture(ColorType::Rgb, BitDepth::Eight), &beside));
    let mut found = chunks(&after);
    found.retain(|(name, _)| !matches!(name.as_str(), "IHDR" | "IDAT" | "IEND"));
    assert_eq!(found, expected);
}

/// A decoder that opens a profile can be made to take a thousand times its
/// bytes; one that is no zlib stream at all shows that it is not opened.
#[test]
fn a_large_profile_is_copied_and_never_inflated() {
    let profile = [b"name\0\0".as_slice(), &[0xA5; 256 << 10]].concat();
    let file = with_chunks(&picture(ColorType::Rgb, BitDepth::Eight), &[(b"iCCP", &profile)]);
    assert!(chunks(&negative(&file)).contains(&("iCCP".to_owned(), profile)));
}

#[test]
fn the_link_to_an_exif_thumbnail_is_cut() {
    let exif = b"II*\0\x08\0\0\0\0\0\x0E\0\0\0thumbnail";
    let file = with_chunks(&picture(ColorType::Rgb, BitDepth::Eight), &[(b"eXIf", exif)]);
    let (_, after) = chunks(&negative(&file)).remove(1);
    assert_eq!(after, b"II*\0\x08\0\0\0\0\0\0\0\0\0thumbnail");
}

#[test]
fn every_cut_is_broken() {
    check_that_every_cut_is_broken(&picture(ColorType::Rgba, BitDepth::Eight));
    check_that_every_cut_is_broken(&picture(ColorType::Indexed, BitDepth::Four));
}

#[test]
fn pixels_that_end_early_in_a_whole_container_are_broken() {
    let file = picture(ColorType::Rgb, BitDepth::Eight);
    let parts = chunks(&file);
    let [(_, header), (_, data), _] = parts.as_slice() else { panic!("header, data, end") };
    for kept in 0..data.len() {
        let signature = b"\x89PNG\r\n\x1A\n".to_vec();
        let cut = [signature, chunk(b"IHDR", header), chunk(b"IDAT", &data[..kept]), chunk(b"IEND", &[])].concat();
        // The end code and the checksum of the stream are its last six bytes: without them all pixels are there.
        if kept < data.len() - 6 {
            assert_eq!(kind(&cut), Some(ErrorKind::Broken), "{kept} of {} bytes", data.len());
        } else if kind(&cut).is_none() {
            assert_eq!(samples(&negative(&cut)), samples(&negative(&file)));
        }
    }
}

#[test]
fn a_flipped_bit_anywhere_is_noticed() {
    let file = picture(ColorType::Rgb, BitDepth::Eight);
    for at in 8..file.len() {
        let mut damaged = file.clone();
        damaged[at] ^= 1;
        assert!(kind(&damaged).is_some(), "byte {at}");
    }
}

/// Text and times go, what is seen stays; of EXIF only how the picture is
/// turned.
#[test]
fn stripped_files_keep_their_colours_and_their_orientation() {
    let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0a place and a time";
    let beside: [(&[u8; 4], &[u8]); 9] = [
        (b"gAMA", &[0, 0, 177, 143]),
        (b"iCCP", b"name\0\0not even zlib"),
        (b"tEXt", b"Title\0hei"),
        (b"zTXt", b"Title\0\0hei"),
        (b"iTXt", b"Title\0\0\0\0\0hei"),
        (b"tIME", &[7, 230, 1, 1, 0, 0, 0]),
        (b"eXIf", exif),
        (b"safe", b"unknown"),
        (b"pHYs", &[0, 0, 11, 19, 0, 0, 11, 19, 1]),
    ];
    for colour in [ColorType::Rgb, ColorType::Indexed] {
        let mut file = with_chunks(&picture(colour, BitDepth::Eight), &beside);
        file.extend_from_slice(b"what follows the end");
        let options = Options { metadata: Metadata::Strip, ..Options::default() };
        let mut after = Vec::new();
        invert::invert_into(&file, &options, &mut Scratch::default(), &mut after).unwrap();
        assert!(after.ends_with(b"IEND\xAE\x42\x60\x82"));
        let names: Vec<_> = chunks(&after).into_iter().map(|(name, _)| name).collect();
        let palette = if colour == ColorType::Indexed { &["PLTE", "tRNS"][..] } else { &[] };
        assert_eq!(names, [&["IHDR", "gAMA", "iCCP", "eXIf", "pHYs"], palette, &["IDAT", "IEND"]].concat());
        let (_, exif) = chunks(&after).remove(3);
        assert_eq!(exif, b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0");
    }
}
