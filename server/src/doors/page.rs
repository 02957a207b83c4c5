//! The web page and its files, embedded in the program.

use askama::Template;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::error::ApiError;

/// Nothing but our own files, pictures that the page makes itself, and our own
/// WebSockets; no inline script or style.
const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; \
     manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
);

#[derive(RustEmbed)]
#[folder = "assets/"]
struct Assets;

/// `GET /` for a browser.
pub(super) fn index(headers: &HeaderMap) -> Response {
    let file = Assets::get("index.html").expect("the page is embedded");
    serve("index.html", &file, headers)
}

/// A page made from a template.
pub(super) fn html(page: &impl Template) -> Response {
    let body = page.render().expect("memory can be written to");
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type(".html"))),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    ];
    (headers, body).into_response()
}

/// `GET /assets/<path>`.
pub(crate) async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Result<Response, ApiError> {
    match Assets::get(&path) {
        Some(file) if path != "index.html" => Ok(serve(&path, &file, &headers)),
        _ => Err(ApiError::new(StatusCode::NOT_FOUND, "not_found", "there is no such file")),
    }
}

fn serve(path: &str, file: &EmbeddedFile, headers: &HeaderMap) -> Response {
    let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&file.metadata.sha256_hash()[..16]));
    let etag = HeaderValue::from_str(&etag).expect("a quoted base64 digest is a header value");
    let common = [
        (header::ETAG, etag.clone()),
        // Always asked for anew, so that a new version of the program shows at once; unchanged files cost a 304.
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::VARY, HeaderValue::from_static("Accept")),
    ];
    if headers.get(header::IF_NONE_MATCH) == Some(&etag) {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    let content_type = [(header::CONTENT_TYPE, content_type(path))];
    (common, content_type, file.data.clone()).into_response()
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}
