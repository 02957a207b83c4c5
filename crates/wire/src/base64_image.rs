//! Images in text: base64, or a data: URL (RFC 2397) of base64.

use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use base64::engine::{DecodePaddingMode, Engine};
use bytes::{BufMut, Bytes, BytesMut};
use thiserror::Error;

use crate::error_code::ErrorCode;

/// Takes what encoders in use produce: with and without padding, unused bits
/// set or not.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// How an image stands in text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notation {
    /// Bare base64.
    Base64,
    /// `data:image/png;base64,…`
    DataUrl,
}

/// An image that came as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodedImage {
    /// The image, still encoded as PNG, JPEG or whatever it is.
    pub bytes: Bytes,
    /// How it stood in the text; an answer is written alike.
    pub notation: Notation,
}

/// Why a text is no image.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Base64ImageError {
    /// Letters outside the alphabet, or not the right number of them.
    #[error("the image is not base64: {0}")]
    NotBase64(#[from] base64::DecodeError),
    /// Percent-encoded, or without any content.
    #[error("the data: URL is not base64")]
    DataUrlNotBase64,
    /// More bytes than allowed; nothing has been decoded.
    #[error("the image has {image_bytes} bytes, {image_max_bytes} are allowed")]
    TooLarge {
        /// What the text would decode to.
        image_bytes: usize,
        /// The bound.
        image_max_bytes: usize,
    },
}

impl Base64ImageError {
    /// How doors name it.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NotBase64(_) | Self::DataUrlNotBase64 => ErrorCode::NotAnImage,
            Self::TooLarge { .. } => ErrorCode::ImageTooLarge,
        }
    }
}

/// Decodes an image of at most `image_max_bytes`; white space is skipped.
///
/// # Errors
///
/// When the text is neither base64 nor a data: URL of base64, and, before
/// anything is decoded, when the image would be too large.
pub fn decode(text: &str, image_max_bytes: usize) -> Result<DecodedImage, Base64ImageError> {
    let (notation, base64) = split(text)?;
    let space = base64.bytes().filter(u8::is_ascii_whitespace).count();
    let padding = base64.bytes().rev().take_while(|byte| byte.is_ascii_whitespace() || *byte == b'=');
    let letters = base64.len() - space - padding.filter(|&byte| byte == b'=').count();
    // Each letter has six bits.
    let image_bytes = letters / 4 * 3 + letters % 4 * 3 / 4;
    if image_bytes > image_max_bytes {
        return Err(Base64ImageError::TooLarge { image_bytes, image_max_bytes });
    }
    let bytes = if space == 0 {
        LENIENT.decode(base64)?
    } else {
        let dense: Vec<u8> = base64.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        LENIENT.decode(dense)?
    };
    Ok(DecodedImage { bytes: bytes.into(), notation })
}

/// Takes the head of a data: URL off.
fn split(text: &str) -> Result<(Notation, &str), Base64ImageError> {
    let text = text.trim_ascii();
    if !text.as_bytes().get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"data:")) {
        return Ok((Notation::Base64, text));
    }
    let (head, content) = text.split_once(',').ok_or(Base64ImageError::DataUrlNotBase64)?;
    // The media type is not looked at: what an image is, its bytes say.
    let is_base64 =
        head.rsplit_once(';').is_some_and(|(_, extension)| extension.trim_ascii().eq_ignore_ascii_case("base64"));
    if is_base64 { Ok((Notation::DataUrl, content)) } else { Err(Base64ImageError::DataUrlNotBase64) }
}

/// Appends bare base64.
pub fn put_base64(out: &mut BytesMut, image: &[u8]) {
    // A length that overflows could not be in memory.
    let base64_bytes = base64::encoded_len(image.len(), true).expect("the image is in memory");
    let start = out.len();
    out.put_bytes(0, base64_bytes);
    STANDARD.encode_slice(image, &mut out[start..]).expect("the place has the length of the encoding");
}

/// Appends a data: URL; `mime` stands in it as it is.
pub fn put_data_url(out: &mut BytesMut, mime: &str, image: &[u8]) {
    out.put_slice(b"data:");
    out.put_slice(mime.as_bytes());
    out.put_slice(b";base64,");
    put_base64(out, image);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, notation: Notation, bytes: &[u8]) {
        assert_eq!(decode(text, 100), Ok(DecodedImage { bytes: Bytes::copy_from_slice(bytes), notation }));
    }

    #[track_caller]
    fn check_code(text: &str, image_max_bytes: usize, expected: ErrorCode) {
        assert_eq!(decode(text, image_max_bytes).unwrap_err().code(), expected);
    }

    #[test]
    fn padding_is_optional() {
        check("aGVpIQ==", Notation::Base64, b"hei!");
        check("aGVpIQ", Notation::Base64, b"hei!");
    }

    #[test]
    fn white_space_is_skipped() {
        check(" aGVp\r\nIQ\t= =\n", Notation::Base64, b"hei!");
    }

    #[test]
    fn unused_bits_may_be_set() {
        check("aGVpIR==", Notation::Base64, b"hei!");
    }

    #[test]
    fn an_empty_text_is_no_bytes() {
        check("", Notation::Base64, b"");
    }

    #[test]
    fn a_data_url_is_recognised_whatever_stands_in_its_head() {
        for head in ["data:;base64,", "data:image/png;base64,", "DATA:image/x;name=a.png;BASE64,", "data:a/b; base64 ,"]
        {
            check(&format!("{head}aGVpIQ=="), Notation::DataUrl, b"hei!");
        }
    }

    #[test]
    fn a_data_url_that_is_not_base64_is_refused() {
        for url in ["data:image/svg+xml,%3Csvg/%3E", "data:base64,aGVpIQ==", "data:image/png;base64", "data:"] {
            assert_eq!(decode(url, 100), Err(Base64ImageError::DataUrlNotBase64), "{url}");
        }
    }

    #[test]
    fn what_is_not_base64_is_not_an_image() {
        for text in ["hello world!", "aGVp_-", "a", "aGVpIQ===", "=", "æøå"] {
            check_code(text, 100, ErrorCode::NotAnImage);
        }
    }

    #[test]
    fn the_bound_counts_decoded_bytes() {
        check_code("aGVpIQ==", 3, ErrorCode::ImageTooLarge);
        assert!(decode("aGVpIQ==", 4).is_ok());
        assert!(decode("aGVp\nIQ= =", 4).is_ok());
    }

    #[test]
    fn the_bound_is_checked_before_the_alphabet() {
        check_code("!!!!!!!!", 3, ErrorCode::ImageTooLarge);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(image in prop::collection::vec(any::<u8>(), 0..300)) {
            let image = Bytes::from(image);
            let mut out = BytesMut::from("kept");
            put_base64(&mut out, &image);
            let text = std::str::from_utf8(&out).unwrap().strip_prefix("kept").unwrap();
            let expected = DecodedImage { bytes: image.clone(), notation: Notation::Base64 };
            prop_assert_eq!(decode(text, image.len()), Ok(expected));

            let mut out = BytesMut::new();
            put_data_url(&mut out, "image/png", &image);
            let text = std::str::from_utf8(&out).unwrap();
            prop_assert!(text.starts_with("data:image/png;base64,"));
            let expected = DecodedImage { bytes: image.clone(), notation: Notation::DataUrl };
            prop_assert_eq!(decode(text, image.len()), Ok(expected));
        }

        #[test]
        fn no_text_is_decoded_past_the_bound(text: String, image_max_bytes in 0..20_usize) {
            if let Ok(image) = decode(&text, image_max_bytes) {
                prop_assert!(image.bytes.len() <= image_max_bytes);
            }
        }
    }
}
