//! From an HTTP request to a WebSocket beneath axum.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, Version, header};
use hub::Leave;
use hyper::upgrade::{Parts, Upgraded};
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
use crate::session::{Connection, Door};
use crate::sink::Session;

/// Checks the handshake at a door; once the connection is a WebSocket, `enter`
/// lets its session in, or says why not, and the two talk.
pub(super) fn upgrade<F, D>(
    app: &Arc<App>,
    door: Speaks,
    request: &mut Request,
    bounds: MessageBounds,
    enter: impl FnOnce(Arc<App>, Arc<Session>) -> F + Send + 'static,
) -> Response
where
    F: Future<Output = Result<D, Leave>> + Send,
    D: Door,
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
    // In a box of its own, which is gone when they talk.
    let begin = Box::pin(async move {
        // The peer may have left between its request and our answer.
        let upgraded = upgraded.await.ok()?;
        let open = app_of_session.metrics.connected(door);
        let connection = Box::new(connection(Arc::clone(&app_of_session), upgraded, bounds));
        let entered = enter(app_of_session, Arc::clone(connection.session())).await;
        Some((connection, entered.map(Box::new), open))
    });
    app.sessions.spawn(async move {
        let Some((connection, entered, _open)) = begin.await else { return };
        match entered {
            Ok(door) => connection.run(door).await,
            Err(reason) => connection.refuse(reason).await,
        }
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

/// Takes over what served HTTP until now.
fn connection(app: Arc<App>, upgraded: Upgraded, bounds: MessageBounds) -> Connection {
    let Parts { io, read_buf, .. } =
        upgraded.downcast::<TokioIo<Lingering<TcpStream>>>().expect("the listener serves plain TCP connections only");
    let stream = io.into_inner().into_inner();
    // From here on pings tell who is gone, and the tape's tail who is too slow; a closed socket shows soon enough.
    SockRef::from(&stream).set_tcp_user_timeout(None).ok();
    Connection::new(app, stream, own(&read_buf), bounds)
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
