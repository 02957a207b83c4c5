//! From an HTTP request to a WebSocket beneath axum.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, Version, header};
use hyper::upgrade::Parts;
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use tokio::net::TcpStream;
use wire::websocket::handshake::{self, HandshakeError, UpgradeRequest};

use crate::app::App;
use crate::error::ApiError;
use crate::input::MessageBounds;
use crate::linger::Lingering;
use crate::metrics::{Refused, Speaks};
use crate::peer::Peer;
use crate::session::Connection;

/// Checks the handshake at a door; `talk` is given the connection once it is
/// a WebSocket.
pub(super) fn upgrade<F>(
    app: &Arc<App>,
    door: Speaks,
    request: &mut Request,
    bounds: MessageBounds,
    talk: impl FnOnce(Arc<App>, Connection) -> F + Send + 'static,
) -> Response
where
    F: Future<Output = ()> + Send,
{
    let accept = match check(request) {
        Ok(accept) => accept,
        Err(error) => {
            app.metrics.refused(Refused::BadHandshake);
            return refusal(&error);
        }
    };
    let upgraded = hyper::upgrade::on(&mut *request);
    let peer = request.extensions().get::<Peer>().cloned();
    let app_of_session = Arc::clone(app);
    app.sessions.spawn(async move {
        // The peer left between its request and our answer.
        let Ok(upgraded) = upgraded.await else { return };
        let Parts { io, read_buf, .. } = upgraded
            .downcast::<TokioIo<Lingering<TcpStream>>>()
            .expect("the listener serves plain TCP connections only");
        let _open = app_of_session.metrics.connected(door);
        let stream = io.into_inner().into_inner();
        // From here on pings tell who is gone, and the tape's tail who is too slow; a closed socket shows soon enough.
        SockRef::from(&stream).set_tcp_user_timeout(None).ok();
        let unread = own(&read_buf);
        // Kilobytes that HTTP read into: they are not kept for as long as the talk lasts.
        drop(read_buf);
        // In a box of its own, since the future of a talk would be here twice: as it begins, and as it goes on.
        let connection = Connection::new(Arc::clone(&app_of_session), stream, unread, bounds);
        Box::pin(talk(app_of_session, connection)).await;
        // It kept its places among all connections until here.
        drop(peer);
    });
    let headers = [
        (header::UPGRADE, HeaderValue::from_static("websocket")),
        (header::CONNECTION, HeaderValue::from_static("Upgrade")),
        (header::SEC_WEBSOCKET_ACCEPT, accept),
    ];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

/// What came with the handshake, without the buffer that it came in.
fn own(read_buf: &Bytes) -> Bytes {
    Bytes::copy_from_slice(read_buf)
}

fn check(request: &Request) -> Result<HeaderValue, HandshakeError> {
    let headers = request.headers();
    let accept = handshake::check(&UpgradeRequest {
        method: request.method().as_str(),
        is_http_1_1: request.version() == Version::HTTP_11,
        upgrade: text(headers, header::UPGRADE),
        connection: text(headers, header::CONNECTION),
        version: text(headers, header::SEC_WEBSOCKET_VERSION),
        key: text(headers, header::SEC_WEBSOCKET_KEY),
    })?;
    Ok(HeaderValue::from_str(&accept).expect("a key is base64"))
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

fn refusal(error: &HandshakeError) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let mut response = ApiError::new(status, "bad_handshake", error.to_string()).into_response();
    if status == StatusCode::UPGRADE_REQUIRED {
        // RFC 9110 §15.5.22 and RFC 6455 §4.4.
        let headers = response.headers_mut();
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    }
    response
}
