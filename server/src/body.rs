//! Request bodies, bounded in size and time.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt;
use multer::Multipart;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};
use wire::error_code::ErrorCode;

use crate::app::App;
use crate::error::ApiError;

/// A large body asks for its share of the budget in parts of this size.
const LEASE_BYTES: usize = 1 << 20;

/// Reads a body of at most `max_bytes`.
///
/// # Errors
///
/// 413 as soon as it is known to be larger, 408 when it comes more slowly than
/// a message may, 400 when it breaks off, 503 when too much is under way.
pub(crate) async fn read(headers: &HeaderMap, body: Body, max_bytes: usize, app: &App) -> Result<Bytes, ApiError> {
    let too_large = || ApiError::too_large(format!("the body may have {max_bytes} bytes"));
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if declared.is_some_and(|declared: u64| declared > max_bytes as u64) {
        return Err(too_large());
    }
    let mut body = std::pin::pin!(body);
    let mut bytes = BytesMut::new();
    let pace = &app.limits.session;
    let mut window = Window::new(pace.pace_window);
    let (mut leases, mut leased_bytes) = (Vec::new(), pace.announce_min_bytes);
    loop {
        let Ok(frame) = timeout_at(window.ends, body.frame()).await else {
            window.turn(bytes.len(), pace.pace_min_bytes_per_sec)?;
            continue;
        };
        let Some(frame) = frame else { return Ok(Bytes::from_owner(Leased { bytes, _leases: leases })) };
        let frame = frame.map_err(|_| ApiError::bad_request(ErrorCode::BadField, "the body breaks off"))?;
        // Trailers say nothing that we use.
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > max_bytes {
            return Err(too_large());
        }
        // Who has begun in earnest is given room for all that was declared, so that the body is copied once and never
        // moved. Memory that nothing is written to is only promised.
        if bytes.len() + data.len() > bytes.capacity() && bytes.len() >= pace.announce_min_bytes {
            let declared = declared.and_then(|length| usize::try_from(length).ok());
            bytes.reserve(declared.unwrap_or_default().saturating_sub(bytes.len()));
        }
        bytes.extend_from_slice(&data);
        // A large body takes its share of what may be under way in the whole process.
        while leased_bytes < bytes.len() {
            leases.push(app.inbound.lease_bytes(LEASE_BYTES).await.ok_or_else(overloaded)?);
            leased_bytes += LEASE_BYTES;
        }
    }
}

fn overloaded() -> ApiError {
    let message = "too many large requests are under way";
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Overloaded.as_str(), message)
}

/// A body that counts as under way until it is dropped.
struct Leased {
    bytes: BytesMut,
    _leases: Vec<OwnedSemaphorePermit>,
}

impl AsRef<[u8]> for Leased {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// A stretch of time in which enough of a body has to come.
struct Window {
    length: Duration,
    ends: Instant,
    received_before: usize,
}

impl Window {
    fn new(length: Duration) -> Self {
        Self { length, ends: Instant::now() + length, received_before: 0 }
    }

    fn turn(&mut self, received: usize, min_bytes_per_sec: u64) -> Result<(), ApiError> {
        if ((received - self.received_before) as u64) < min_bytes_per_sec * self.length.as_secs() {
            return Err(ApiError::new(StatusCode::REQUEST_TIMEOUT, "too_slow", "the body comes too slowly"));
        }
        self.received_before = received;
        self.ends = Instant::now() + self.length;
        Ok(())
    }
}

/// What a body says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `multipart/form-data`, with its boundary.
    Multipart(String),
    /// `application/json`.
    Json,
    /// Something else, or nothing said.
    Other,
}

impl Kind {
    /// Reads the Content-Type header.
    #[must_use]
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let Some(content_type) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
            return Self::Other;
        };
        if let Ok(boundary) = multer::parse_boundary(content_type) {
            return Self::Multipart(boundary);
        }
        match content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "application/x-www-form-urlencoded" => Self::Form,
            "application/json" => Self::Json,
            _ => Self::Other,
        }
    }
}

/// The fields of a multipart body whose names are in `wanted`, in that order.
///
/// # Errors
///
/// 400 when the body is not multipart.
pub(crate) async fn multipart_fields<const N: usize>(
    body: Bytes,
    boundary: &str,
    wanted: [&str; N],
) -> Result<[Option<Bytes>; N], ApiError> {
    let broken = |error: multer::Error| ApiError::bad_request(ErrorCode::BadField, error.to_string());
    let whole = stream::once(async { Ok::<_, std::convert::Infallible>(body) });
    let mut multipart = Multipart::new(whole, boundary);
    let mut found = [const { None }; N];
    while let Some(field) = multipart.next_field().await.map_err(broken)? {
        let place = wanted.iter().position(|name| field.name() == Some(name));
        let bytes = field.bytes().await.map_err(broken)?;
        if let Some(slot) = place.map(|place| &mut found[place]) {
            slot.get_or_insert(bytes);
        }
    }
    Ok(found)
}
