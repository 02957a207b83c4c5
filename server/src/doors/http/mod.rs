//! Plain HTTP: messages in and out, for scripts, notebooks and curl.

mod fragment;
mod message;
mod picture;

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, RawQuery, Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use hub::{DedupKey, Draft, PersonName, Receipt, RoomName, Since};
use serde::Serialize;
use wire::error_code::ErrorCode;

use super::{page, params};
use crate::app::App;
use crate::body;
use crate::error::ApiError;
use crate::peer::Client;
use crate::plain_text::{PlainText, Urls};
use crate::query::Query;
use message::{Posted, Shown};

pub(crate) use fragment::explain_to_htmx;
pub(crate) use picture::{get_image, invert_image, share_image};

/// Longest `Idempotency-Key`, in bytes. Chosen: twice what anybody uses.
const IDEMPOTENCY_KEY_MAX_BYTES: usize = 128;

#[derive(Serialize)]
struct Stored {
    offset: u64,
    epoch: String,
    time: String,
}

#[derive(Serialize)]
struct Page<'a> {
    epoch: String,
    head: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    recovered: Option<bool>,
    messages: Vec<Shown<'a>>,
}

/// `GET /`: the page for browsers, the newest messages of the lobby for
/// programs.
pub(crate) async fn root(
    State(app): State<Arc<App>>,
    client: Client,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let mut accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    if accepted.any(|value| value.contains("text/html")) {
        return Ok(page::index(&headers));
    }
    let room = app.room(&default_room(), client.address).await?;
    let reading = app.hub.read(&room, Since::Latest, app.limits.http.page_max_messages).await?;
    let plain = PlainText::new(Urls::Relative, &app.config.base_path);
    let shown: Vec<_> = reading.messages.iter().map(|message| Shown::new(message, &plain)).collect();
    Ok(([(header::VARY, "Accept")], Json(shown)).into_response())
}

/// `POST /`: says something in the lobby.
pub(crate) async fn post_root(
    State(app): State<Arc<App>>,
    client: Client,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let body = body::read(&parts.headers, body, app.limits.http.body_max_bytes, &app).await?;
    let posted = Posted::from_form(body, &parts.headers, &app.limits.native).await?;
    publish(&app, &client, &default_room(), posted, &parts.headers).await
}

/// `GET /rooms/R/messages?since=&epoch=&limit=`.
pub(crate) async fn get_messages(
    State(app): State<Arc<App>>,
    client: Client,
    Path(room): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let query = Query::parse(query.as_deref());
    let room = app.room(&RoomName::parse(&room)?, client.address).await?;
    let limit = match query.get("limit") {
        None => default_limit(&app, &query),
        Some(text) => text
            .parse::<usize>()
            .map_err(|_| ApiError::bad_request(ErrorCode::BadField, "limit is not a number"))?
            .min(app.limits.http.page_max_messages),
    };
    let reading = app.hub.read(&room, params::since(&query)?, limit).await?;
    let plain = PlainText::new(Urls::Relative, &app.config.base_path);
    let messages = reading.messages.iter().map(|message| Shown::new(message, &plain)).collect();
    let page = Page { epoch: reading.epoch.to_string(), head: reading.head.0, recovered: reading.recovered, messages };
    Ok(Json(page).into_response())
}

/// With a position: as much as one answer holds; without: what a new member
/// is given.
fn default_limit(app: &App, query: &Query) -> usize {
    if query.get("since").is_some() {
        app.limits.http.page_max_messages
    } else {
        usize::try_from(app.limits.session.history_messages).unwrap_or(usize::MAX)
    }
}

/// `POST /rooms/R/messages`.
pub(crate) async fn post_message(
    State(app): State<Arc<App>>,
    client: Client,
    Path(room): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let room = RoomName::parse(&room)?;
    let (parts, body) = request.into_parts();
    let body = body::read(&parts.headers, body, app.limits.http.body_max_bytes, &app).await?;
    let posted = Posted::from_json(&body, &app.limits.native)?;
    publish(&app, &client, &room, posted, &parts.headers).await
}

/// `DELETE /rooms/R/messages`: needs the right to clear a room, which nobody
/// has.
pub(crate) async fn clear_room(Path(room): Path<String>) -> Result<Response, ApiError> {
    RoomName::parse(&room)?;
    Err(ApiError::new(StatusCode::FORBIDDEN, "forbidden", "clearing a room needs an administrator's token"))
}

async fn publish(
    app: &App,
    client: &Client,
    room: &RoomName,
    posted: Posted,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let dedup = idempotency_key(headers)?;
    if !app.request_rates.take(client.address) {
        return Err(ApiError::rate_limited());
    }
    let room = app.room(room, client.address).await?;
    let from = posted.name.unwrap_or_else(PersonName::guest);
    let draft = Draft { from, body: posted.body, as_sent: None, id: None };
    let receipt = app.hub.publish_or_refuse(&room, draft, dedup).await?;
    Ok(stored(receipt))
}

/// 201 for a message, 200 for one that was stored before.
fn stored(receipt: Receipt) -> Response {
    let status = if receipt.repeat { StatusCode::OK } else { StatusCode::CREATED };
    let body = Stored {
        offset: receipt.offset.0,
        epoch: receipt.epoch.to_string(),
        time: crate::time::format(receipt.time).to_string(),
    };
    (status, Json(body)).into_response()
}

/// The header serves as session key and id in one.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<DedupKey>, ApiError> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| (1..=IDEMPOTENCY_KEY_MAX_BYTES).contains(&key.len()));
    let key = key.ok_or_else(|| {
        let message = format!("Idempotency-Key: 1 to {IDEMPOTENCY_KEY_MAX_BYTES} visible ASCII characters");
        ApiError::bad_request(ErrorCode::BadField, message)
    })?;
    Ok(Some(DedupKey { session: key.into(), id: "".into() }))
}

fn default_room() -> RoomName {
    RoomName::parse(params::DEFAULT_ROOM).expect("a valid name")
}

/// Any path that is nothing, whatever is accepted.
pub(crate) async fn not_found() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "not_found", "there is nothing here")
}

/// Nothing of ours is what it does not say it is.
pub(crate) async fn no_sniff(mut response: Response) -> Response {
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
