//! Pictures over HTTP.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, RawQuery, Request, State};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use hub::{Blob, BlobId, Body, Draft, PersonName, Position, Receipt, RoomName, SharedImage, Since};
use invert::Inverted;
use serde::Serialize;

use super::{fragment, idempotency_key};
use crate::app::App;
use crate::body::{self, Kind};
use crate::error::ApiError;
use crate::images::ImageError;
use crate::peer::Client;
use crate::query::Query;
use crate::sink::Room;
use crate::urls::image_path;

/// Room in a multipart body for what is not the picture.
const MULTIPART_OVERHEAD_BYTES: usize = 64 * 1024;

#[derive(Serialize)]
struct Shared<'a> {
    url: String,
    offset: u64,
    epoch: String,
    time: String,
    format: &'a str,
    width: u32,
    height: u32,
}

/// `POST /invert`: a picture in, its negative out; for htmx as an element with
/// the negative in it.
pub(crate) async fn invert_image(
    State(app): State<Arc<App>>,
    client: Client,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let inverted = invert(&app, &client, &parts, body).await?;
    if fragment::is_wanted(&parts.headers) {
        let Inverted { format, bytes, width, height, .. } = inverted;
        let src = format!("data:{};base64,{}", format.mime_type(), STANDARD.encode(bytes));
        return Ok(fragment::Image { src, width, height }.into_response());
    }
    Ok(([(header::CONTENT_TYPE, inverted.format.mime_type())], inverted.bytes).into_response())
}

/// `POST /rooms/R/images?name=N`: shares the negative as a message.
pub(crate) async fn share_image(
    State(app): State<Arc<App>>,
    client: Client,
    Path(room): Path<String>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Result<Response, ApiError> {
    let room = RoomName::parse(&room)?;
    let query = Query::parse(query.as_deref());
    let name = query.get("name").map(PersonName::parse).transpose()?;
    let (parts, body) = request.into_parts();
    let dedup = idempotency_key(&parts.headers)?;
    let inverted = invert(&app, &client, &parts, body).await?;
    let room = app.room(&room, client.address).await?;
    let (format, width, height) = (inverted.format.name().into(), inverted.width, inverted.height);
    let blob = Blob { bytes: Bytes::from(inverted.bytes), mime_type: inverted.format.mime_type().into() };
    let blob = app.hub.store().put_blob(room.name(), blob).await?;
    let image = SharedImage { blob, format, width, height, origin: Arc::clone(&client.origin) };
    let from = name.unwrap_or_else(PersonName::guest);
    let draft = Draft { from, body: Body::Image(image.clone()), as_sent: None, id: None };
    let receipt = app.hub.publish_or_refuse(&room, draft, dedup).await?;
    // A repeat is told of the picture that the room was given, whatever it sent this time.
    let first = if receipt.repeat { first_shared(&app, &room, &receipt).await? } else { None };
    let SharedImage { blob, format, width, height, .. } = first.unwrap_or(image);
    let url = image_path(&app.config.base_path, &blob);
    if fragment::is_wanted(&parts.headers) {
        return Ok(fragment::Image { src: url, width, height }.into_response());
    }
    let status = if receipt.repeat { StatusCode::OK } else { StatusCode::CREATED };
    let shared = Shared {
        offset: receipt.offset.0,
        epoch: receipt.epoch.to_string(),
        time: crate::time::format(receipt.time).to_string(),
        format: &format,
        width,
        height,
        url: url.clone(),
    };
    let location = HeaderValue::from_str(&url).map_err(|_| ApiError::from(ImageError::Internal))?;
    Ok((status, [(header::LOCATION, location)], Json(shared)).into_response())
}

/// The picture that was stored before, while it is held.
async fn first_shared(app: &App, room: &Arc<Room>, receipt: &Receipt) -> Result<Option<SharedImage>, ApiError> {
    let before = Position { offset: receipt.offset.back(1), epoch: receipt.epoch };
    let reading = app.hub.read(room, Since::After(before), 1).await?;
    Ok(reading.messages.first().filter(|message| message.offset == receipt.offset).and_then(|message| {
        match &message.draft.body {
            Body::Image(image) => Some(image.clone()),
            Body::Text(_) | Body::Json(_) | Body::Bytes(_) => None,
        }
    }))
}

/// `GET /images/<id>`.
pub(crate) async fn get_image(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Response, ApiError> {
    let blob = app.hub.store().get_blob(&BlobId(id.into())).await?;
    let Some(blob) = blob else {
        return Err(ApiError::new(StatusCode::NOT_FOUND, "not_found", "there is no such picture, or not any more"));
    };
    let mime_type = HeaderValue::from_str(&blob.mime_type).map_err(|_| ApiError::from(ImageError::Internal))?;
    let headers = [
        (header::CONTENT_TYPE, mime_type),
        // The id names the content, so it never changes; who may see it is between the server and the one who asks.
        (header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=3600, immutable")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox")),
    ];
    Ok((headers, blob.bytes).into_response())
}

async fn invert(app: &App, client: &Client, parts: &Parts, body: axum::body::Body) -> Result<Inverted, ApiError> {
    if !app.request_rates.take(client.address) {
        return Err(ApiError::rate_limited());
    }
    let max_bytes = app.limits.image.file_max_bytes;
    let file = match Kind::of(&parts.headers) {
        Kind::Multipart(boundary) => {
            let body = body::read(&parts.headers, body, max_bytes + MULTIPART_OVERHEAD_BYTES, app).await?;
            let [image] = body::multipart_fields(body, &boundary, ["image"]).await?;
            // What is empty is refused as such by the pool.
            image.unwrap_or_default()
        }
        // By content, never by header: a picture that calls itself a form is a picture.
        Kind::Form | Kind::Json | Kind::Other => body::read(&parts.headers, body, max_bytes, app).await?,
    };
    let pending = app.images.submit(app.images.owner(), file)?;
    Ok(pending.await.map_err(|_| ImageError::Internal)??)
}
