use image::ImageFormat;
use invert::ErrorKind;

use crate::samples::{check_exact, check_that_every_cut_is_broken, encode, kind, negative, noisy_rgb, noisy_rgba};

#[test]
fn pictures_of_another_encoder_are_exact_and_come_back() {
    for image in [noisy_rgb().into(), noisy_rgba().into()] {
        let file = encode(&image, ImageFormat::Qoi);
        check_exact(&file, &negative(&file));
        check_exact(&negative(&negative(&file)), &negative(&file));
        check_that_every_cut_is_broken(&file);
    }
}

#[test]
fn channels_and_colour_space_stay() {
    for (image, channels) in [(noisy_rgb().into(), 3), (noisy_rgba().into(), 4)] {
        let mut file = encode(&image, ImageFormat::Qoi);
        for colour_space in [0, 1] {
            file[13] = colour_space;
            assert_eq!(negative(&file)[12..14], [channels, colour_space]);
        }
        file[13] = 2;
        assert_eq!(kind(&file), Some(ErrorKind::Broken));
    }
}
