//! Answers for htmx pages, which put them into the page as they are: a request
//! with `HX-Request` is answered with a fragment of HTML.

use askama::Template;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::error::Explanation;

const HX_REQUEST: HeaderName = HeaderName::from_static("hx-request");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// A negative.
#[derive(Debug, Template)]
#[template(path = "http/image.html")]
pub(super) struct Image {
    pub(super) src: String,
    pub(super) width: u32,
    pub(super) height: u32,
}

#[derive(Debug, Template)]
#[template(path = "http/fault.html")]
struct Fault<'a> {
    why: &'a str,
}

/// Whether htmx asks.
pub(super) fn is_wanted(headers: &HeaderMap) -> bool {
    headers.contains_key(HX_REQUEST)
}

impl IntoResponse for Image {
    fn into_response(self) -> Response {
        html(&self)
    }
}

/// Has errors say why in HTML where htmx asks; status and other headers stay.
pub(crate) async fn explain_to_htmx(request: Request, next: Next) -> Response {
    let is_wanted = is_wanted(request.headers());
    let response = next.run(request).await;
    match response.extensions().get::<Explanation>() {
        Some(Explanation(why)) if is_wanted => {
            let body = html(&Fault { why }).into_body();
            let (mut parts, _) = response.into_parts();
            parts.headers.insert(header::CONTENT_TYPE, HTML);
            parts.headers.remove(header::CONTENT_LENGTH);
            Response::from_parts(parts, body)
        }
        _ => response,
    }
}

fn html(fragment: &impl Template) -> Response {
    let body = fragment.render().expect("memory can be written to");
    ([(header::CONTENT_TYPE, HTML)], body).into_response()
}
