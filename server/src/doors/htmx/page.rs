//! The page `/htmx`: chat and negatives without a line of our own JavaScript.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use form_urlencoded::{Serializer, byte_serialize};
use http::{HeaderValue, header};
use hub::RoomName;

use crate::app::App;
use crate::doors::{page, params};
use crate::error::ApiError;
use crate::query::Query;

#[derive(Debug, Template)]
#[template(path = "htmx/page.html")]
struct Page<'a> {
    /// Where the server's root is: its base path.
    root: &'a str,
    room: &'a str,
    room_in_path: String,
    name: &'a str,
    /// Of the address to which the page connects.
    query: String,
}

/// The field into which messages are written, empty.
#[derive(Debug, Template)]
#[template(path = "htmx/field.html")]
struct Field;

/// The page takes the field from the browser's cache: so it is emptied at the
/// moment when a message is sent, however far the server is, and nothing that
/// is typed for the next one is lost. Chosen: shorter than a lesson.
const FIELD_FRESH: HeaderValue = HeaderValue::from_static("private, max-age=3600");

/// `GET /htmx[?room=R&name=N]`.
pub(crate) async fn show(State(app): State<Arc<App>>, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let query = Query::parse(query.as_deref());
    let room = RoomName::parse(query.get("room").filter(|room| !room.is_empty()).unwrap_or(params::DEFAULT_ROOM))?;
    let name = params::name(&query)?;
    let (room, name) = (room.as_str(), name.as_str());
    let connect = Serializer::new(String::new()).extend_pairs([("room", room), ("name", name), ("page", "")]).finish();
    let page = Page {
        root: &app.config.base_path,
        room,
        room_in_path: byte_serialize(room.as_bytes()).collect(),
        name,
        query: connect,
    };
    Ok(page::html(&page))
}

/// `GET /htmx/field`: takes the place of the one whose message is sent.
pub(crate) async fn field() -> Response {
    let mut response = page::html(&Field);
    response.headers_mut().insert(header::CACHE_CONTROL, FIELD_FRESH);
    response
}
