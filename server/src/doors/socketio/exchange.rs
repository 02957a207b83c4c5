//! Between the requests of a polling session and the task that has its
//! socket.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header;
use hub::Leave;
use tokio::sync::{Mutex, Notify, mpsc, oneshot};
use tokio::time::sleep;
use wire::engineio::{NOOP, RequestError};
use wire::websocket::Utf8;

use super::answers::Answers;
use super::refusal;
use super::socket::Socket;
use crate::app::App;
use crate::body;
use crate::pipe::PipeReader;
use crate::sink::Session;

/// While its client probes a WebSocket, a GET is answered after this time
/// even if there is nothing to tell. Chosen: as the reference does.
const NOOP_AFTER: Duration = Duration::from_millis(100);

/// What the requests have of a session.
#[derive(Debug)]
pub(super) struct Exchange {
    session: Arc<Session>,
    /// Held by the GET that is parked.
    answers: Mutex<Answers>,
    /// Held by the POST under way.
    posting: Mutex<()>,
    orders: mpsc::Sender<Order>,
    requests: AtomicU64,
    probing: AtomicBool,
    probed: Notify,
}

/// What the session's task is told.
pub(super) enum Order {
    /// The client sent these.
    Take {
        /// Packets.
        body: Utf8,
        /// Told when they are dealt with.
        done: oneshot::Sender<Taken>,
    },
    /// The client goes on with another transport, and takes its socket along.
    HandOver(oneshot::Sender<Socket>),
}

/// What became of the packets of a POST.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// They were dealt with.
    Fine,
    /// One of them ends the session.
    Wrong,
}

/// Ends the session of a client that went away while its GET was parked.
struct Parked<'a>(Option<&'a Session>);

impl Drop for Parked<'_> {
    fn drop(&mut self) {
        if let Some(session) = self.0 {
            session.end(Leave::Gone);
        }
    }
}

impl Exchange {
    pub(super) fn new(session: Arc<Session>, pipe: PipeReader) -> (Arc<Self>, mpsc::Receiver<Order>) {
        // One at a time: the next request waits for its answer anyway.
        let (orders, receiver) = mpsc::channel(1);
        let exchange = Self {
            session,
            answers: Mutex::new(Answers::new(pipe)),
            posting: Mutex::default(),
            orders,
            requests: AtomicU64::new(0),
            probing: AtomicBool::new(false),
            probed: Notify::new(),
        };
        (Arc::new(exchange), receiver)
    }

    pub(super) fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// Requests so far: each is a sign of life.
    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Whether a GET waits for an answer.
    pub(super) fn has_parked(&self) -> bool {
        self.answers.try_lock().is_err()
    }

    /// `GET`: waits until there is something to tell.
    pub(super) async fn get(&self) -> Response {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let Ok(mut answers) = self.answers.try_lock() else { return self.refuse_second() };
        let mut parked = Parked(Some(&self.session));
        let packets = tokio::select! {
            biased;
            packets = answers.next() => packets,
            () = self.released() => Some(Bytes::from_static(NOOP.as_bytes())),
        };
        parked.0 = None;
        match packets {
            Some(packets) => {
                ([(header::CONTENT_TYPE, "text/plain; charset=UTF-8"), (header::CACHE_CONTROL, "no-store")], packets)
                    .into_response()
            }
            None => refusal(RequestError::UnknownSession),
        }
    }

    /// A parked GET is let go while the client probes a WebSocket.
    async fn released(&self) {
        loop {
            let probed = self.probed.notified();
            if self.probing.load(Ordering::SeqCst) {
                return sleep(NOOP_AFTER).await;
            }
            probed.await;
        }
    }

    /// Says whether the client probes a WebSocket.
    pub(super) fn set_probing(&self, probing: bool) {
        self.probing.store(probing, Ordering::SeqCst);
        self.probed.notify_waiters();
    }

    /// `POST`: packets from the client.
    pub(super) async fn post(&self, app: &App, request: Request) -> Response {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let Ok(_posting) = self.posting.try_lock() else { return self.refuse_second() };
        let (parts, body) = request.into_parts();
        let body = match body::read(&parts.headers, body, app.limits.socketio.packet_max_bytes, app).await {
            Ok(body) => body,
            Err(error) => return error.into_response(),
        };
        let Ok(body) = Utf8::try_from(body) else {
            self.session.end(Leave::Gone);
            return refusal(RequestError::BadRequest);
        };
        let (done, is_done) = oneshot::channel();
        // Where the task has ended, nobody receives.
        if self.orders.send(Order::Take { body, done }).await.is_err() {
            return refusal(RequestError::UnknownSession);
        }
        match is_done.await {
            Ok(Taken::Fine) => ([(header::CONTENT_TYPE, "text/plain; charset=UTF-8")], "ok").into_response(),
            Ok(Taken::Wrong) => refusal(RequestError::BadRequest),
            Err(_) => refusal(RequestError::UnknownSession),
        }
    }

    /// A client has one GET and one POST at a time; more are a mistake after
    /// which the order of packets is not known.
    fn refuse_second(&self) -> Response {
        self.session.end(Leave::Gone);
        refusal(RequestError::BadRequest)
    }

    /// Takes the socket from the session's task, once that has dealt with what
    /// was sent before; `None` when the session has ended.
    pub(super) async fn hand_over(&self) -> Option<Socket> {
        let (tx, rx) = oneshot::channel();
        self.orders.send(Order::HandOver(tx)).await.ok()?;
        rx.await.ok()
    }

    /// Waits until no GET is parked, and takes the answers themselves.
    pub(super) async fn answers(&self) -> tokio::sync::MutexGuard<'_, Answers> {
        self.answers.lock().await
    }
}
