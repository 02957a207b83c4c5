//! Accepts connections and serves HTTP on them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tower::ServiceExt;

use crate::app::App;
use crate::limits::HttpLimits;
use crate::metrics::{OpenConnection, Speaks};
use crate::peer::PeerAddress;

/// When no connection can be accepted (descriptors are spent), so long passes
/// before the next try. Chosen: some connections end in that time.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves until the program is to stop, then lets requests and sessions come
/// to their end.
pub(crate) async fn serve(listener: TcpListener, app: Arc<App>, router: Router) {
    let builder = http_builder(&app.limits.http);
    let graceful = GracefulShutdown::new();
    loop {
        tokio::select! {
            () = app.stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let open = app.metrics.connected(Speaks::Http);
                    serve_connection(&builder, &graceful, router.clone(), stream, peer, open);
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    app.sessions.close();
    let ended = async { tokio::join!(graceful.shutdown(), app.sessions.wait()) };
    if timeout(app.limits.http.drain_max, ended).await.is_err() {
        tracing::warn!("some connections did not end in time and are cut");
    }
    app.hub.close();
}

fn http_builder(limits: &HttpLimits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_read_max)
        .max_buf_size(limits.header_max_bytes);
    builder
}

fn serve_connection(
    builder: &Builder<TokioExecutor>,
    graceful: &GracefulShutdown,
    router: Router,
    stream: TcpStream,
    peer: SocketAddr,
    open: OpenConnection,
) {
    // Frames are written whole; waiting for more would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection was gone at once");
        return;
    }
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(PeerAddress(peer));
        router.clone().oneshot(request)
    });
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
    let watched = graceful.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = watched.await {
            tracing::debug!(%error, "a connection ended early");
        }
        drop(open);
    });
}
