//! Small whole files and messages of every kind, to begin fuzzing with. Writes them into a
//! folder for each target, below the one that is named:
//! `cargo run --example seeds --no-default-features -- fuzz/seeds`.

mod bmp;
mod gif;
mod jpeg;
mod png;
mod webp;
mod wire;

use std::path::Path;
use std::{env, fs, io};

/// Size of most pictures: neither is a multiple of anything.
const WIDTH: u16 = 19;
const HEIGHT: u16 = 11;

/// What foreign formats and near misses begin with.
const FOREIGN: [&[u8]; 12] = [
    b"II*\0\x08\0\0\0\x01\0\0\x01\x03\0\x01\0\0\0\x01\0\0\0\0\0\0\0",
    b"MM\0*\0\0\0\x08\0\0",
    b"P6\n1 1\n255\nabc",
    b"P1 1 1 0",
    b"qoif\0\0\0\x01\0\0\0\x01\x03\0\xC0\0\0\0\0\0\0\0\x01",
    b"\0\0\0\x1Cftypavif\0\0\0\0avifmif1",
    b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic",
    b"\xEF\xBB\xBF<?xml version='1.0'?><!-- --><svg>",
    b"8BPS\0\x01",
    b"\xFF\x0A\0",
    b"\0\0\x01\0\x01\0",
    b"",
];

fn main() -> io::Result<()> {
    let folder = env::args().nth(1).ok_or_else(|| io::Error::other("name the folder to write to"))?;
    let formats = [
        ("jpeg", jpeg::files()),
        ("png", png::files()),
        ("gif", gif::files()),
        ("bmp", bmp::files()),
        ("webp", webp::files()),
        ("jpeg_paths", long_scans()),
        ("frames", wire::frames()),
        ("codecs", wire::codecs()),
        ("foreign", FOREIGN.map(<[u8]>::to_vec).to_vec()),
    ];
    for (format, files) in &formats {
        for (index, file) in files.iter().enumerate() {
            // WebP and what is foreign have no target of their own.
            let targets: &[&str] = match *format {
                "webp" | "foreign" => &["dispatch"],
                "jpeg_paths" | "frames" | "codecs" => &[format],
                _ => &[format, "dispatch"],
            };
            for target in targets {
                let folder = Path::new(&folder).join(target);
                fs::create_dir_all(&folder)?;
                fs::write(folder.join(format!("{format}-{index:02}")), file)?;
            }
        }
    }
    Ok(())
}

/// How to make a picture with a long scan, without and with changes to it.
fn long_scans() -> Vec<Vec<u8>> {
    let whole = (0..16).flat_map(|shape| [95, 60].map(|quality| vec![quality, shape, 255, 100, 0]));
    let changed = (0..16).map(|shape| [&[90, shape, 128, 40, 8 * shape][..], &[30, shape, 1, 90, 7, 64]].concat());
    whole.chain(changed).collect()
}

/// A byte that looks random and is the same in every run.
fn noise(at: usize) -> u8 {
    (at as u32).wrapping_mul(2_654_435_761).to_be_bytes()[0]
}

/// Soft colours with a hard edge.
fn rgb() -> Vec<u8> {
    let places = (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (x, y)));
    places
        .flat_map(|(x, y)| if x > 9 && y > 4 { [210, 40, 90] } else { [9 * x as u8, 20 * y as u8, (x + y) as u8] })
        .collect()
}

/// The same with alpha.
fn rgba() -> Vec<u8> {
    rgb().chunks(3).enumerate().flat_map(|(at, pixel)| [pixel[0], pixel[1], pixel[2], noise(at)]).collect()
}

/// A TIFF structure with an orientation and a second directory, which holds
/// `thumbnail`, a JPEG.
fn exif(thumbnail: &[u8]) -> Vec<u8> {
    let mut exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\x1A\0\0\0".to_vec();
    exif.extend(b"\x03\0\x03\x01\x03\0\x01\0\0\0\x06\0\0\0\x01\x02\x04\0\x01\0\0\0");
    exif.extend(68_u32.to_le_bytes());
    exif.extend(b"\x02\x02\x04\0\x01\0\0\0");
    exif.extend((thumbnail.len() as u32).to_le_bytes());
    exif.extend([0; 4]);
    exif.extend(thumbnail);
    exif
}
