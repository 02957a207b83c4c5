//! Text on `/ws/image`: `{"image":"…"}` both ways, or `{"error":{…}}` back.

use bytes::{BufMut, BytesMut};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use thiserror::Error;

use crate::base64_image::{self, Base64ImageError, DecodedImage, Notation};
use crate::error_code::ErrorCode;
use crate::json;

/// Why a text is no request.
#[derive(Debug, Error)]
pub enum ImageJsonError {
    /// Not JSON, or not an object.
    #[error("the text is not a JSON object")]
    NotAnObject(#[source] Option<serde_json::Error>),
    /// No field `image`, or not a string.
    #[error("image must be a string of base64 or a data: URL")]
    NoImage,
    /// The field is there, but cannot be decoded.
    #[error(transparent)]
    Image(#[from] Base64ImageError),
}

impl ImageJsonError {
    /// How doors name it.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NotAnObject(_) => ErrorCode::BadJson,
            Self::NoImage => ErrorCode::BadField,
            Self::Image(error) => error.code(),
        }
    }
}

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    image: Option<&'a RawValue>,
}

/// Reads `{"image":"<base64 or data: URL>"}`; other fields are ignored.
///
/// # Errors
///
/// When the text has another shape or the image more than `image_max_bytes`.
pub fn parse(text: &str, image_max_bytes: usize) -> Result<DecodedImage, ImageJsonError> {
    if !json::begins_object(text) {
        return Err(ImageJsonError::NotAnObject(None));
    }
    let request: Request<'_> = serde_json::from_str(text).map_err(|error| {
        // The shape asks for nothing but an object: what is left is a field that stands there twice.
        if error.is_data() { ImageJsonError::NoImage } else { ImageJsonError::NotAnObject(Some(error)) }
    })?;
    let image = request.image.and_then(json::as_string).ok_or(ImageJsonError::NoImage)?;
    Ok(base64_image::decode(&image, image_max_bytes)?)
}

/// Appends `{"image":"…"}`; `mime` is for a data: URL and stands in it as it
/// is.
pub fn put_image(out: &mut BytesMut, notation: Notation, mime: &str, image: &[u8]) {
    // Neither base64 nor a media type has a character that JSON escapes.
    out.put_slice(br#"{"image":""#);
    match notation {
        Notation::Base64 => base64_image::put_base64(out, image),
        Notation::DataUrl => base64_image::put_data_url(out, mime, image),
    }
    out.put_slice(br#""}"#);
}

/// Appends `{"error":{"code":…,"message":…}}`.
pub fn put_error(out: &mut BytesMut, code: ErrorCode, message: &str) {
    #[derive(Serialize)]
    struct Refusal<'a> {
        error: Detail<'a>,
    }

    #[derive(Serialize)]
    struct Detail<'a> {
        code: ErrorCode,
        message: &'a str,
    }

    json::put(out, &Refusal { error: Detail { code, message } });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, notation: Notation) {
        assert_eq!(parse(text, 4).unwrap(), DecodedImage { bytes: (&b"hei!"[..]).into(), notation });
    }

    #[track_caller]
    fn check_refused(text: &str, expected: ErrorCode) {
        assert_eq!(parse(text, 4).unwrap_err().code(), expected, "{text}");
    }

    #[test]
    fn base64_and_data_urls_are_read() {
        check(r#"{"image":"aGVpIQ=="}"#, Notation::Base64);
        check(r#" {"more":[1],"image":"data:image\/png;base64,aGVpIQ=="} "#, Notation::DataUrl);
    }

    #[test]
    fn what_is_no_json_object_is_bad_json() {
        for text in ["", "hei", "[\"aGVpIQ==\"]", "\"aGVpIQ==\"", "{\"image\":", "{\"image\":\"aGVpIQ==\"} x"] {
            check_refused(text, ErrorCode::BadJson);
        }
    }

    #[test]
    fn a_missing_doubled_or_other_image_is_a_bad_field() {
        for text in ["{}", r#"{"image":null}"#, r#"{"image":7}"#, r#"{"image":"","image":""}"#] {
            check_refused(text, ErrorCode::BadField);
        }
    }

    #[test]
    fn what_cannot_be_decoded_has_the_code_of_images() {
        check_refused(r#"{"image":"n0!"}"#, ErrorCode::NotAnImage);
        check_refused(r#"{"image":"AAAAAAAAAAAA"}"#, ErrorCode::ImageTooLarge);
    }

    #[test]
    fn answers_have_the_shape_of_the_contract() {
        let put = |put: &dyn Fn(&mut BytesMut)| {
            let mut out = BytesMut::new();
            put(&mut out);
            String::from_utf8(out.into()).unwrap()
        };
        assert_eq!(put(&|out| put_image(out, Notation::Base64, "image/png", b"hei!")), r#"{"image":"aGVpIQ=="}"#);
        assert_eq!(
            put(&|out| put_image(out, Notation::DataUrl, "image/png", b"hei!")),
            r#"{"image":"data:image/png;base64,aGVpIQ=="}"#
        );
        assert_eq!(
            put(&|out| put_error(out, ErrorCode::NotAnImage, "no \"image\"")),
            r#"{"error":{"code":"not_an_image","message":"no \"image\""}}"#
        );
    }
}
