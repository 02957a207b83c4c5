//! Socket.IO (`/socket.io/`): Engine.IO 4 over HTTP long-polling or a
//! WebSocket, Socket.IO 5 inside it, and chat events of several dialects.
//!
//! ```text
//! polling:    GET, POST ─► Exchange ─► task ─► Socket          session ─► pipe ─► parked GET
//! WebSocket:  Connection ─► WebSocketDoor ───► Socket          session ─► TCP
//! ```
//!
//! A [`socket::Socket`] is one client whatever its transport. A client that
//! begins with polling and moves to a WebSocket takes its socket along: see
//! [`websocket`]. Room messages are on tapes, one format per set of dialects
//! and transport ([`mod@format`]).

mod answers;
mod command;
mod dialect;
mod exchange;
mod format;
mod member;
mod out;
mod pictures;
mod polling;
mod reply;
mod sessions;
mod socket;
mod websocket;

use std::sync::Arc;

use axum::extract::{RawQuery, Request, State};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::BytesMut;
use http::{Method, StatusCode, header};
use wire::engineio::{Open, RequestError, Transport};

use crate::app::App;
use crate::peer::Client;
use crate::query::Query;

pub(crate) use format::SocketIoFormats;
pub(crate) use sessions::Sessions;

/// Bytes of an id: 128 bits cannot be guessed.
const ID_BYTES: usize = 16;

/// Any request to `/socket.io/`.
pub(crate) async fn open(
    State(app): State<Arc<App>>,
    client: Client,
    RawQuery(query): RawQuery,
    mut request: Request,
) -> Response {
    let query = Query::parse(query.as_deref());
    let transport = match Transport::parse(query.get("transport")) {
        Ok(transport) => transport,
        Err(error) => return refusal(error),
    };
    let Some(sid) = query.get("sid") else {
        if request.method() != Method::GET {
            return refusal(RequestError::BadHandshakeMethod);
        }
        if let Err(error) = RequestError::check_version(query.get("EIO")) {
            return refusal(error);
        }
        return match transport {
            Transport::Polling => polling::begin(&app, client),
            Transport::WebSocket => websocket::begin(&app, client, &mut request),
        };
    };
    let exchange = match app.socketio.get(sid) {
        Ok(exchange) => exchange,
        Err(error) => return refusal(error),
    };
    match (transport, request.method()) {
        (Transport::WebSocket, _) => websocket::move_to(&app, exchange, &mut request),
        (Transport::Polling, &Method::GET) => exchange.get().await,
        (Transport::Polling, &Method::POST) => exchange.post(&app, request).await,
        (Transport::Polling, _) => refusal(RequestError::BadRequest),
    }
}

fn refusal(error: RequestError) -> Response {
    (StatusCode::BAD_REQUEST, [(header::CONTENT_TYPE, "application/json")], error.to_json()).into_response()
}

/// What a new session is told, as text.
fn open_packet(app: &App, sid: &str, upgrades: &[&str]) -> BytesMut {
    let (ping_interval, ping_timeout) = (app.limits.session.ping_interval, app.limits.socketio.ping_timeout);
    let mut out = BytesMut::new();
    Open {
        sid,
        upgrades,
        ping_interval: ping_interval.as_millis().try_into().unwrap_or(u64::MAX),
        ping_timeout: ping_timeout.as_millis().try_into().unwrap_or(u64::MAX),
        max_payload: app.limits.socketio.packet_max_bytes,
    }
    .put(&mut out);
    out
}

fn random_id() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; ID_BYTES]>())
}
