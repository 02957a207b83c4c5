//! Accepts connections and serves HTTP on them.

use std::convert::Infallible;
use std::error::Error;
use std::future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse;
use hyper::body::Incoming;
use hyper::server::conn::http1::{Builder, UpgradeableConnection};
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::app::App;
use crate::connections::Full;
use crate::error::ApiError;
use crate::limits::HttpLimits;
use crate::linger::Lingering;
use crate::metrics::{Refused, Speaks};
use crate::peer::Peer;

/// When no connection can be accepted (descriptors are spent), so long passes
/// before the next try. Chosen: some connections end in that time.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves until the program is to stop, then lets requests and sessions come
/// to their end.
pub(crate) async fn serve(listener: TcpListener, app: Arc<App>, router: Router) {
    let door = FrontDoor::new(&app, router);
    loop {
        tokio::select! {
            () = app.stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, address)) => match app.connections.admit(address.ip()) {
                    Ok(admission) => door.serve(stream, Peer { address, admission }),
                    Err(full) => door.refuse(stream, full),
                },
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    door.serving.close();
    app.sessions.close();
    let ended = async { tokio::join!(door.serving.wait(), app.sessions.wait()) };
    if timeout(app.limits.http.drain_max, ended).await.is_err() {
        tracing::warn!("some connections did not end in time and are cut");
    }
    app.hub.close().await;
}

/// A connection as hyper reads and writes it.
type Io = TokioIo<Lingering<TcpStream>>;

/// What becomes of connections.
struct FrontDoor {
    app: Arc<App>,
    router: Router,
    builder: Builder,
    /// For those who are told that they are not let in.
    refusing_builder: Builder,
    /// Connections that speak HTTP.
    serving: TaskTracker,
    refusals: Arc<Semaphore>,
}

impl FrontDoor {
    fn new(app: &Arc<App>, router: Router) -> Self {
        let limits = &app.limits.connections;
        let mut refusing_builder = http_builder(&app.limits.http);
        refusing_builder.keep_alive(false).header_read_timeout(limits.refusal_max);
        Self {
            app: Arc::clone(app),
            router,
            builder: http_builder(&app.limits.http),
            refusing_builder,
            serving: TaskTracker::new(),
            refusals: Arc::new(Semaphore::new(limits.refusals_max)),
        }
    }

    fn serve(&self, stream: TcpStream, peer: Peer) {
        let app = Arc::clone(&self.app);
        let router = self.router.clone();
        let was_asked = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&was_asked);
        let service = service_fn(move |mut request: hyper::Request<Incoming>| {
            asked.store(true, Ordering::Relaxed);
            request.extensions_mut().insert(peer.clone());
            router.clone().oneshot(request)
        });
        let connection = self.builder.serve_connection(self.io(stream), service).with_upgrades();
        self.serving.spawn(async move {
            let _open = app.metrics.connected(Speaks::Http);
            if let Err(error) = until_stopped(connection, &app.stop).await {
                tracing::debug!(%error, "a connection ended early");
                // Who was answered and then had nothing more to ask was not refused.
                let was_idle = error.is_timeout() && was_asked.load(Ordering::Relaxed);
                if let Some(reason) = refusal_of(&error).filter(|_| !was_idle) {
                    app.metrics.refused(reason);
                }
            }
        });
    }

    /// Says to one request why there is no place, and closes.
    fn refuse(&self, stream: TcpStream, full: Full) {
        let Ok(permit) = Arc::clone(&self.refusals).try_acquire_owned() else {
            return self.app.metrics.refused(Refused::Untold);
        };
        self.app.metrics.refused(Refused::from(full));
        let service = service_fn(move |_: hyper::Request<Incoming>| {
            future::ready(Ok::<_, Infallible>(ApiError::from(full).into_response()))
        });
        let connection = self.refusing_builder.serve_connection(self.io(stream), service);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "somebody without a place did not wait to be told");
            }
            drop(permit);
        });
    }

    fn io(&self, stream: TcpStream) -> Io {
        let limits = &self.app.limits.http;
        // Frames are written whole; waiting for more would only delay them.
        let prepared = stream
            .set_nodelay(true)
            .and_then(|()| SockRef::from(&stream).set_tcp_user_timeout(Some(limits.unacknowledged_max)));
        if let Err(error) = prepared {
            tracing::debug!(%error, "a connection was gone at once");
        }
        TokioIo::new(Lingering::new(stream, limits.linger_max, limits.linger_max_bytes))
    }
}

/// Not hyper-util's builder for all versions: it waits for the first bytes
/// without a limit.
fn http_builder(limits: &HttpLimits) -> Builder {
    let mut builder = Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_read_max)
        .max_header_size(limits.header_max_bytes)
        .max_buf_size(limits.header_max_bytes);
    builder
}

/// Answers requests until the peer has no more, or the program is to stop:
/// then only the one under way.
async fn until_stopped<S>(connection: UpgradeableConnection<Io, S>, stop: &CancellationToken) -> hyper::Result<()>
where
    S: HttpService<Incoming, ResBody = Body, Error: Into<Box<dyn Error + Send + Sync>>>,
{
    let mut connection = pin!(connection);
    tokio::select! {
        result = connection.as_mut() => return result,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}

/// Whether a connection ended since we did not take what came.
fn refusal_of(error: &hyper::Error) -> Option<Refused> {
    if error.is_timeout() {
        Some(Refused::HeaderTimeout)
    } else if error.is_parse_too_large() {
        Some(Refused::HeaderTooLarge)
    } else if error.is_parse() {
        Some(Refused::NotHttp)
    } else {
        None
    }
}
