//! BMP: each header, pixel size and compression.

use image::{DynamicImage, ImageFormat, RgbImage, RgbaImage};

use crate::{HEIGHT, WIDTH, noise, rgb, rgba};

pub(crate) fn files() -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for header_bytes in [12, 16, 40, 52, 56, 64, 108, 124] {
        let entry_bytes = if header_bytes == 12 { 3 } else { 4 };
        for bits in [1, 4, 8] {
            files.push(bitmap(header_bytes, bits, 0, &palette(1 << bits.min(4), entry_bytes), &rows(bits)));
        }
        for bits in [16, 24, 32] {
            files.push(bitmap(header_bytes, bits, 0, &[], &rows(bits)));
        }
    }
    let masks = |masks: &[u32]| masks.iter().flat_map(|mask| mask.to_le_bytes()).collect::<Vec<_>>();
    files.push(bitmap(40, 16, 3, &masks(&[0xF800, 0x07E0, 0x001F]), &rows(16)));
    files.push(bitmap(40, 32, 3, &masks(&[0x3FF0_0000, 0x000F_FC00, 0x0000_03FF]), &rows(32)));
    files.push(bitmap(40, 32, 6, &masks(&[0xFF, 0xFF00, 0x00FF_0000, 0xFF00_0000]), &rows(32)));
    files.push(bitmap(40, 8, 1, &palette(256, 4), &runs(8)));
    files.push(bitmap(40, 4, 2, &palette(16, 4), &runs(4)));
    for compression in [4, 5, 11] {
        files.push(bitmap(40, 0, compression, &[], b"a file inside"));
    }
    let (width, height) = (WIDTH.into(), HEIGHT.into());
    let colour = RgbImage::from_raw(width, height, rgb()).expect("all samples");
    let alpha = RgbaImage::from_raw(width, height, rgba()).expect("all samples");
    for image in [DynamicImage::from(alpha), colour.clone().into(), DynamicImage::from(colour).to_luma8().into()] {
        let mut file = std::io::Cursor::new(Vec::new());
        image.write_to(&mut file, ImageFormat::Bmp).expect("memory");
        files.push(file.into_inner());
    }
    files
}

fn bitmap(header_bytes: u32, bits: u16, compression: u32, behind_header: &[u8], pixels: &[u8]) -> Vec<u8> {
    let mut header = header_bytes.to_le_bytes().to_vec();
    if header_bytes == 12 {
        header.extend([WIDTH, HEIGHT, 1, bits].map(u16::to_le_bytes).concat());
    } else {
        header.extend([WIDTH.into(), u32::from(HEIGHT)].map(u32::to_le_bytes).concat());
        header.extend([1, bits].map(u16::to_le_bytes).concat());
        header.extend(compression.to_le_bytes());
        header.resize(header_bytes as usize, 0);
        // Versions 4 and 5 have masks where shorter headers end.
        if let (Some(masks), true) = (header.get_mut(40..52), compression == 3) {
            masks.copy_from_slice(b"\0\0\xFF\0\0\xFF\0\0\xFF\0\0\0");
        }
    }
    let offset = 14 + header.len() + behind_header.len();
    let mut file = b"BM".to_vec();
    file.extend([(offset + pixels.len()) as u32, 0, offset as u32].map(u32::to_le_bytes).concat());
    [file, header, behind_header.to_vec(), pixels.to_vec()].concat()
}

fn palette(entries: usize, entry_bytes: usize) -> Vec<u8> {
    (0..entries * entry_bytes).map(noise).collect()
}

fn rows(bits: u16) -> Vec<u8> {
    let stride = (usize::from(WIDTH) * usize::from(bits)).div_ceil(8).next_multiple_of(4);
    (0..stride * usize::from(HEIGHT)).map(noise).collect()
}

/// Runs, literals, a jump, and the end of each line.
fn runs(bits: u8) -> Vec<u8> {
    let literals: &[u8] = if bits == 8 { &[0, 3, 1, 2, 3, 0] } else { &[0, 5, 0x12, 0x34, 0x50, 0] };
    let line = [&[5, 7], literals, &[0, 2, 1, 0], &[3, 1, 0, 0]].concat();
    [line.repeat(HEIGHT.into()), vec![0, 1]].concat()
}
