use std::io::Cursor;

use image::{DynamicImage, ImageFormat, RgbImage};
use invert::{ErrorKind, Format};

use crate::scale::Scale;

#[test]
fn a_file_cut_anywhere_is_an_error_and_costs_nothing() {
    let scale = Scale::alone();
    let image = DynamicImage::from(RgbImage::from_fn(29, 17, |x, y| image::Rgb([(9 * x) as u8, (15 * y) as u8, 77])));
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Gif, ImageFormat::WebP, ImageFormat::Bmp] {
        let mut file = Cursor::new(Vec::new());
        image.write_to(&mut file, format).unwrap();
        let file = file.into_inner();
        scale.inverts(&file);
        for bytes in 0..file.len() {
            let cut = &file[..bytes];
            let kind = match Format::of(cut) {
                Ok(_) => ErrorKind::Broken,
                Err(error) => error.kind(),
            };
            scale.refuses(cut, kind);
        }
    }
}

#[test]
fn foreign_formats_are_named_whatever_size_they_claim() {
    let scale = Scale::alone();
    let foreign: [&[u8]; 2] =
        [b"farbfeld\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", b"8BPS\0\x01\0\0\0\0\0\0\0\x04\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"];
    for file in foreign {
        scale.refuses(file, ErrorKind::Unsupported);
    }
}

#[test]
fn absurd_sizes_in_simple_headers_are_refused() {
    let scale = Scale::alone();
    let broken: [&[u8]; 3] = [
        b"II*\0\x08\0\0\0\xFF\xFF\0\x01\x04\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
        b"MM\0+\0\x08\0\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
        b"P7\nWIDTH 99999999999999999999\n",
    ];
    for file in broken {
        scale.refuses(file, ErrorKind::Broken);
    }
    scale.refuses(b"P6\n4294967295 4294967295\n65535\n", ErrorKind::TooLarge);
    scale.refuses(b"qoif\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x04\0", ErrorKind::TooLarge);
}
