//! PNG and APNG.

use miniz_oxide::deflate::compress_to_vec_zlib;
use png::{BitDepth, ColorType, Encoder, Filter};

use crate::{HEIGHT, WIDTH, exif, noise, rgb, rgba};

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

const FILTERS: [Filter; 6] = [Filter::NoFilter, Filter::Sub, Filter::Up, Filter::Avg, Filter::Paeth, Filter::Adaptive];

pub(crate) fn files() -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for (colour, depth) in COLOURS {
        files.push(picture(colour, depth, Filter::Adaptive, 1));
        files.push(picture(colour, depth, Filter::Adaptive, 3));
        files.push(interlaced(colour, depth));
    }
    for filter in FILTERS {
        for colour in [ColorType::Grayscale, ColorType::Rgb, ColorType::Rgba] {
            files.push(picture(colour, BitDepth::Eight, filter, 1));
        }
    }
    files.push(with_chunks(ColorType::Rgb, &[(b"tRNS", &[0, 1, 0, 2, 0, 3]), (b"bKGD", &[0, 255, 0, 0, 0, 128])]));
    files.push(with_chunks(ColorType::Grayscale, &[(b"tRNS", &[0, 7]), (b"bKGD", &[0, 255])]));
    files.push(with_chunks(ColorType::Indexed, &[(b"bKGD", &[1]), (b"hIST", &[0, 1, 0, 2])]));
    files.push(with_chunks(ColorType::Rgba, &[(b"PLTE", b"suggests"), (b"sPLT", b"a\0\x08\x01\x02\x03\x04\x05\x06")]));
    files.push(with_chunks(
        ColorType::Rgb,
        &[(b"sPLT", b"b\0\x10\0\x01\0\x02\0\x03\0\x04\0\x05"), (b"iDOT", b"places")],
    ));
    let text = [b"Comment\0\0".as_slice(), &compress_to_vec_zlib(&[b'a'; 99], 6)].concat();
    files.push(with_chunks(
        ColorType::Rgb,
        &[(b"tEXt", b"Title\0hei"), (b"zTXt", &text), (b"iCCP", &text), (b"eXIf", &exif(b"jpeg"))],
    ));
    files.push([picture(ColorType::Rgb, BitDepth::Eight, Filter::Paeth, 1), b"behind the end".to_vec()].concat());
    files
}

fn samples(colour: ColorType, depth: BitDepth) -> Vec<u8> {
    match (colour, depth) {
        (ColorType::Rgb, BitDepth::Eight) => rgb(),
        (ColorType::Rgba, BitDepth::Eight) => rgba(),
        _ => {
            let row_bits = usize::from(WIDTH) * colour.samples() * depth as usize;
            (0..row_bits.div_ceil(8) * usize::from(HEIGHT)).map(noise).collect()
        }
    }
}

/// A still picture, or an animation if there is more than one frame.
fn picture(colour: ColorType, depth: BitDepth, filter: Filter, frames: u32) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, WIDTH.into(), HEIGHT.into());
    encoder.set_color(colour);
    encoder.set_depth(depth);
    encoder.set_filter(filter);
    if colour == ColorType::Indexed {
        encoder.set_palette((0..3 << (depth as u8).min(4)).map(noise).collect::<Vec<_>>());
        encoder.set_trns(vec![0, 128]);
    }
    if frames > 1 {
        encoder.set_animated(frames, 0).expect("some frames");
        encoder.set_sep_def_img(depth == BitDepth::Eight).expect("an animation");
    }
    let mut writer = encoder.write_header().expect("memory");
    let pictures = frames + u32::from(frames > 1 && depth == BitDepth::Eight);
    for _ in 0..pictures {
        writer.write_image_data(&samples(colour, depth)).expect("memory");
    }
    writer.finish().expect("memory");
    file
}

fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let checksum = crc32fast::hash(&[name, data].concat());
    [&(data.len() as u32).to_be_bytes(), name.as_slice(), data, &checksum.to_be_bytes()].concat()
}

/// Seven passes, their rows filtered in all ways; whatever the bytes are, they
/// are a picture.
fn interlaced(colour: ColorType, depth: BitDepth) -> Vec<u8> {
    let passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];
    let mut raw = Vec::new();
    for (left, top, across, down) in passes {
        let columns = usize::from(WIDTH - left).div_ceil(across);
        let row_bytes = (columns * colour.samples() * depth as usize).div_ceil(8);
        for row in (top..usize::from(HEIGHT)).step_by(down) {
            raw.push((row % 5) as u8);
            raw.extend((0..row_bytes).map(|at| noise(at + row)));
        }
    }
    let header = [&[0, 0, 0, WIDTH as u8, 0, 0, 0, HEIGHT as u8, depth as u8, colour as u8, 0, 0, 1][..]].concat();
    let palette: Vec<u8> = (0..12).map(noise).collect();
    let has_palette = colour == ColorType::Indexed;
    [
        b"\x89PNG\r\n\x1A\n".to_vec(),
        chunk(b"IHDR", &header),
        if has_palette { chunk(b"PLTE", &palette) } else { Vec::new() },
        chunk(b"IDAT", &compress_to_vec_zlib(&raw, 6)),
        chunk(b"IEND", &[]),
    ]
    .concat()
}

/// Chunks between palette and pixel data.
fn with_chunks(colour: ColorType, chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let file = picture(colour, BitDepth::Eight, Filter::Sub, 1);
    let data = file.windows(4).position(|window| window == b"IDAT").expect("pixel data") - 4;
    let inserted: Vec<u8> = chunks.iter().flat_map(|(name, data)| chunk(name, data)).collect();
    [&file[..data], &inserted, &file[data..]].concat()
}
