use image::{DynamicImage, ImageFormat};
use invert::{ErrorKind, Metadata, Options, Scratch};

use crate::samples::{
    check_exact, check_that_every_cut_is_broken, complaint, encode, kind, negative, noisy_rgb, noisy_rgba,
};

fn check(before: &[u8], after: &[u8]) {
    assert_eq!(String::from_utf8_lossy(&negative(before)), String::from_utf8_lossy(after));
    assert_eq!(negative(after), before);
}

fn strip(file: &[u8]) -> Vec<u8> {
    let options = Options { metadata: Metadata::Strip, ..Options::default() };
    let mut bytes = Vec::new();
    invert::invert_into(file, &options, &mut Scratch::default(), &mut bytes).expect("a whole picture");
    bytes
}

#[test]
fn pictures_of_another_encoder_are_exact() {
    let sixteen = DynamicImage::from(noisy_rgba()).to_rgba16();
    for image in [noisy_rgb().into(), DynamicImage::from(noisy_rgba()).to_luma8().into(), sixteen.into()] {
        let image: DynamicImage = image;
        let file = encode(&image, ImageFormat::Pnm);
        check_exact(&file, &negative(&file));
        assert_eq!(negative(&negative(&file)), file);
        check_that_every_cut_is_broken(&file);
    }
}

#[test]
fn text_is_inverted_between_its_spaces_and_comments() {
    check(b"P1\n# bits\n3 2\n0 1 0\n110\n", b"P1\n# bits\n3 2\n1 0 1\n001\n");
    check(b"P2 2 2 9\n0 9\n# a comment\n3   4\n", b"P2 2 2 9\n9 0\n# a comment\n6   5\n");
    check(b"P3\n1 1\n255\n255 0 20\n", b"P3\n1 1\n255\n0 255 235\n");
    check(b"P2 1 1 65535\n5", b"P2 1 1 65535\n65530");
}

#[test]
fn raw_samples_are_taken_from_the_largest_value() {
    check(b"P5 2 1 100\n\x00\x40", b"P5 2 1 100\n\x64\x24");
    check(b"P5 1 1 1000\n\x00\x01", b"P5 1 1 1000\n\x03\xE7");
    check(b"P6 1 1 255\nabc", &[&b"P6 1 1 255\n"[..], &[!b'a', !b'b', !b'c']].concat());
    assert_eq!(kind(b"P5 2 1 100\n\x00\x65"), Some(ErrorKind::Broken));
}

#[test]
pub(crate) fn bits_behind_the_end_of_a_row_stay() {
    check(b"P4\n9 1\n\x0F\x55", b"P4\n9 1\n\xF0\xD5");
    check(b"P4\n8 1\n\x0F", b"P4\n8 1\n\xF0");
}

#[test]
pub(crate) fn alpha_of_pam_stays() {
    let header = b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 4\nMAXVAL 255\n# here\nTUPLTYPE RGB_ALPHA\nENDHDR\n".as_slice();
    check(&[header, b"\x01\x02\x03\x04"].concat(), &[header, b"\xFE\xFD\xFC\x04"].concat());
    let header = b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 2\nMAXVAL 1000\nTUPLTYPE GRAYSCALE_ALPHA\nENDHDR\n".as_slice();
    check(&[header, b"\x00\x01\x00\x02"].concat(), &[header, b"\x03\xE7\x00\x02"].concat());
    let unknown = b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 4\nMAXVAL 255\nENDHDR\nabcd";
    assert_eq!(complaint(unknown), "PAM with this type of tuple is not supported");
}

#[test]
pub(crate) fn several_pictures_and_what_follows_them_are_kept() {
    let file = b"P5 1 1 255\n\x01P4 8 1\n\x0Frest";
    check(file, b"P5 1 1 255\n\xFEP4 8 1\n\xF0rest");
    assert_eq!(invert::probe(file).unwrap().frames, Some(2));
}

#[test]
fn comments_go_on_request() {
    assert_eq!(strip(b"P2 # one\n1 1 9\n# two\n3 "), b"P2\n1 1\n9\n\n6 ");
    assert_eq!(strip(b"P5 # one\n1 1 255\n\x01rest"), b"P5\n1 1\n255\n\xFE");
    let header = b"P7\n# one\nHEIGHT 1\nWIDTH 1\nDEPTH 1\nMAXVAL 255\nENDHDR\n\x01";
    assert_eq!(strip(header), b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 1\nMAXVAL 255\nENDHDR\n\xFE");
}

#[test]
fn nonsense_is_broken() {
    for file in [b"P5 0 1 255\n".as_slice(), b"P5 1 1 0\n\0", b"P5 1 1 65536\n\0\0", b"P2 1 1 9\nx", b"P2 1 1 9\n10 "] {
        assert_eq!(kind(file), Some(ErrorKind::Broken), "{file:?}");
    }
    assert_eq!(kind(b"P5 99999999999 1 255\n"), Some(ErrorKind::Broken));
    assert_eq!(kind(b"P6 65536 65536 255\n"), Some(ErrorKind::TooLarge));
}
