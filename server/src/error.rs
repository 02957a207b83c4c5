//! How HTTP says no.

use std::borrow::Cow;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use hub::{NameError, PublishError, RoomError, StoreError};
use invert::{ErrorKind, InvertError};
use serde::Serialize;
use wire::error_code::ErrorCode;

use crate::connections::Full;
use crate::images::ImageError;

/// When a refused request is worth trying again, in seconds. Chosen: the
/// queues of a server that is alive empty faster.
const RETRY_AFTER_SECS: &str = "1";

/// An answer that is not what was asked for: a status and, as JSON,
/// `{"error":{"code","message"}}`.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: Cow<'static, str>,
}

/// What an error says to people, beside its answer for programs.
#[derive(Debug, Clone)]
pub(crate) struct Explanation(pub(crate) Cow<'static, str>);

#[derive(Serialize)]
struct Body<'a> {
    error: Detail<'a>,
}

#[derive(Serialize)]
struct Detail<'a> {
    code: &'a str,
    message: &'a str,
}

impl ApiError {
    /// An error with a code of its own.
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, message: message.into() }
    }

    /// The request makes no sense.
    pub(crate) fn bad_request(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code.as_str(), message)
    }

    /// More bytes than allowed.
    pub(crate) fn too_large(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::TooLarge.as_str(), message)
    }

    /// Too often.
    pub(crate) fn rate_limited() -> Self {
        let message = "too many requests from this address in a short time";
        Self::new(StatusCode::TOO_MANY_REQUESTS, ErrorCode::RateLimited.as_str(), message)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = Body { error: Detail { code: self.code, message: &self.message } };
        let mut response = (self.status, Json(body)).into_response();
        if matches!(self.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECS));
        }
        response.extensions_mut().insert(Explanation(self.message));
        response
    }
}

impl From<Full> for ApiError {
    fn from(full: Full) -> Self {
        let status = match full {
            Full::InAll => StatusCode::SERVICE_UNAVAILABLE,
            Full::OfAddress => StatusCode::TOO_MANY_REQUESTS,
        };
        Self::new(status, "too_many_connections", full.to_string())
    }
}

impl From<NameError> for ApiError {
    fn from(error: NameError) -> Self {
        Self::bad_request(ErrorCode::BadField, error.to_string())
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Down => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::StoreDown.as_str(), error.to_string())
            }
            StoreError::BlobTooLarge { .. } => Self::too_large(error.to_string()),
        }
    }
}

impl From<RoomError> for ApiError {
    fn from(error: RoomError) -> Self {
        let status = match error {
            RoomError::TooMany { .. } => StatusCode::SERVICE_UNAVAILABLE,
            RoomError::NotAdmitted => StatusCode::TOO_MANY_REQUESTS,
            RoomError::Store(error) => return error.into(),
        };
        Self::new(status, ErrorCode::TooManyRooms.as_str(), error.to_string())
    }
}

impl From<PublishError> for ApiError {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::TooLarge { .. } => Self::too_large(error.to_string()),
            PublishError::Overloaded => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Overloaded.as_str(), error.to_string())
            }
            PublishError::Store(error) => error.into(),
        }
    }
}

impl From<ImageError> for ApiError {
    fn from(error: ImageError) -> Self {
        let status = match &error {
            ImageError::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            ImageError::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            ImageError::Picture(error) => match error.kind() {
                ErrorKind::Empty => StatusCode::BAD_REQUEST,
                ErrorKind::NotAnImage | ErrorKind::Unsupported => StatusCode::UNSUPPORTED_MEDIA_TYPE,
                ErrorKind::Broken => StatusCode::UNPROCESSABLE_ENTITY,
                ErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            },
        };
        Self::new(status, image_error_code(&error).as_str(), error.to_string())
    }
}

/// The code by which every door names what is wrong with a picture.
pub(crate) fn image_error_code(error: &ImageError) -> ErrorCode {
    match error {
        ImageError::Overloaded | ImageError::Internal => ErrorCode::Overloaded,
        ImageError::Picture(error) => picture_error_code(error),
    }
}

fn picture_error_code(error: &InvertError) -> ErrorCode {
    match error.kind() {
        ErrorKind::Empty | ErrorKind::NotAnImage => ErrorCode::NotAnImage,
        ErrorKind::Unsupported => ErrorCode::ImageUnsupported,
        ErrorKind::Broken => ErrorCode::ImageBroken,
        ErrorKind::TooLarge => ErrorCode::ImageTooLarge,
    }
}
