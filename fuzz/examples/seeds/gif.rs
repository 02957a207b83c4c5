//! GIF.

use gif::{Encoder, ExtensionData, Frame, Repeat};

use crate::noise;

pub(crate) fn files() -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for (has_global, has_local) in [(true, false), (false, true), (true, true)] {
        for frames in [1, 3] {
            for entries in [2, 16] {
                files.push(animation(has_global, has_local, frames, entries));
            }
        }
    }
    let mut commented = animation(true, false, 1, 4);
    commented.pop();
    commented.extend(b"\x21\xFE\x0D\x2C\0\0\0\0\x01\0\x01\0\x80abc\0\x3Bbehind the end");
    files.push(commented);
    files
}

fn animation(has_global: bool, has_local: bool, frames: u16, entries: usize) -> Vec<u8> {
    let palette: Vec<u8> = (0..entries * 3).map(noise).collect();
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 20, 10, if has_global { &palette } else { &[] }).expect("memory");
    if frames > 1 {
        encoder.set_repeat(Repeat::Infinite).expect("memory");
    }
    for index in 0..frames {
        let frame = Frame {
            delay: 10 * index,
            left: index,
            width: 12,
            height: 8,
            interlaced: index == 1,
            transparent: (index == 1).then_some(1),
            palette: has_local.then(|| palette.clone()),
            buffer: (0..12 * 8).map(|pixel| noise(pixel) % entries as u8).collect(),
            ..Frame::default()
        };
        encoder.write_frame(&frame).expect("memory");
    }
    let control = ExtensionData::new_control_ext(1, gif::DisposalMethod::Any, false, None);
    encoder.write_extension(control).expect("memory");
    drop(encoder);
    file
}
