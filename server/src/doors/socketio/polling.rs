//! HTTP long-polling: a task per session has its socket, and does in order
//! what the client's requests say.

use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::header;
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until, timeout};
use wire::engineio::{CLOSE, NOOP, PING, Transport, packets};
use wire::websocket::{CloseCode, Utf8};

use super::exchange::{Exchange, Order, Taken};
use super::open_packet;
use super::out::{Out, control};
use super::sessions::Place;
use super::socket::Socket;
use crate::app::App;
use crate::error::ApiError;
use crate::metrics::{Refused, Speaks};
use crate::peer::Client;
use crate::pipe::pipe;
use crate::session::Close;
use crate::sink::{Session, Sink};

/// Opens a session.
pub(super) fn begin(app: &Arc<App>, client: Client) -> Response {
    let limits = &app.limits.socketio;
    let (write, read) = pipe(limits.pipe_max_bytes);
    let session = Session::new(Sink::Pipe(Arc::new(write)), Arc::clone(app.hub.limits()));
    let (exchange, orders) = Exchange::new(Arc::clone(&session), read);
    let sid = app.socketio.new_id();
    let place = match app.socketio.add(&sid, Arc::clone(&exchange), client.address) {
        Ok(place) => place,
        Err(full) => {
            app.metrics.refused(Refused::from(full));
            return ApiError::from(full).into_response();
        }
    };
    let out = Out { session, transport: Transport::Polling };
    let socket = Socket::new(Arc::clone(app), client, out);
    let life = Life::new(app.limits.session.ping_interval, limits.ping_timeout);
    app.sessions.spawn(Task { app: Arc::clone(app), exchange, orders, place, life }.run(socket));
    let body = open_packet(app, &sid, &["websocket"]).freeze();
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=UTF-8"), (header::CACHE_CONTROL, "no-store")];
    (headers, body).into_response()
}

/// Has the socket of a session while that is polled.
struct Task {
    app: Arc<App>,
    exchange: Arc<Exchange>,
    orders: mpsc::Receiver<Order>,
    place: Place,
    life: Life,
}

/// Why the session ends.
enum End {
    /// The hub, the clock or a request says so.
    Left,
    /// The client did wrong, or said good-bye.
    Close(Close),
}

impl End {
    fn is_goodbye(&self) -> bool {
        matches!(self, Self::Close(close) if close.code == CloseCode::NORMAL)
    }
}

impl Task {
    async fn run(mut self, mut socket: Socket) {
        let _open = self.app.metrics.connected(Speaks::SocketIo);
        let end = loop {
            match self.next_order(&mut socket).await {
                Ok(Order::Take { body, done }) => {
                    let taken = self.take(&mut socket, body).await;
                    let is_fine = taken.as_ref().map_or_else(End::is_goodbye, |()| true);
                    // The one who asked may have gone away.
                    done.send(if is_fine { Taken::Fine } else { Taken::Wrong }).ok();
                    if let Err(end) = taken {
                        break end;
                    }
                }
                Ok(Order::HandOver(tx)) => match tx.send(socket) {
                    Ok(()) => return,
                    Err(back) => socket = back,
                },
                Err(end) => break end,
            }
        };
        self.finish(socket, end).await;
    }

    async fn next_order(&mut self, socket: &mut Socket) -> Result<Order, End> {
        let session = Arc::clone(self.exchange.session());
        loop {
            tokio::select! {
                _ = session.ended() => return Err(End::Left),
                () = self.app.stop.cancelled() => return Err(End::Left),
                () = socket.answer() => session.flush(),
                _ = self.life.ping.tick() => {
                    self.life.expect_more_than(self.exchange.requests());
                    session.push(control(Transport::Polling, PING));
                    session.flush();
                }
                requests = expected(self.life.expected, &self.exchange) => match requests {
                    Came::None => return Err(End::Left),
                    Came::Some => self.life.expected = None,
                },
                Some(order) = self.orders.recv() => return Ok(order),
            }
        }
    }

    /// Does what packets say, in their order.
    async fn take(&self, socket: &mut Socket, body: Utf8) -> Result<(), End> {
        let session = Arc::clone(self.exchange.session());
        let taking = async {
            for packet in packets(body) {
                // A client that does not take its answers is not listened to.
                session.has_room().await;
                while socket.is_full() {
                    socket.answer().await;
                    session.flush();
                }
                let packet = packet.map_err(|error| Close::new(CloseCode::PROTOCOL, error.to_string()))?;
                socket.take(packet).await?;
            }
            Ok(())
        };
        let taken = tokio::select! {
            taken = taking => taken.map_err(End::Close),
            _ = session.ended() => Err(End::Left),
        };
        session.flush();
        taken
    }

    /// Says good-bye to a GET that is parked; whoever asks later is told that
    /// there is no such session.
    async fn finish(self, socket: Socket, end: End) {
        let Self { app, exchange, orders, place, .. } = self;
        drop((orders, place));
        let (session, limits) = (exchange.session(), &app.limits.session);
        let goodbye = if end.is_goodbye() { NOOP } else { CLOSE };
        if exchange.has_parked() {
            if session.left().is_none() {
                // What was accepted is stored and told first.
                timeout(limits.linger_max, app.hub.settle()).await.ok();
                socket.settle();
                timeout(limits.linger_max, session.has_caught_up()).await.ok();
            }
            timeout(limits.close_write_max, session.close_with(control(Transport::Polling, goodbye))).await.ok();
        }
        end_pipe(session);
        session.abandon();
    }
}

/// Nothing more comes for whoever polls.
pub(super) fn end_pipe(session: &Session) {
    if let Sink::Pipe(pipe) = session.sink() {
        pipe.end();
    }
}

/// Whether the client is still there.
struct Life {
    ping: Interval,
    timeout: Duration,
    /// By when there has to be a request after this many.
    expected: Option<(Instant, u64)>,
}

impl Life {
    fn new(ping_interval: Duration, ping_timeout: Duration) -> Self {
        let mut ping = interval_at(Instant::now() + ping_interval, ping_interval);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { ping, timeout: ping_timeout, expected: None }
    }

    fn expect_more_than(&mut self, requests: u64) {
        self.expected.get_or_insert((Instant::now() + self.timeout, requests));
    }
}

/// Whether there were requests when some were expected.
enum Came {
    Some,
    None,
}

/// Waits until it is known.
async fn expected(expected: Option<(Instant, u64)>, exchange: &Exchange) -> Came {
    let Some((by, requests)) = expected else { return std::future::pending().await };
    sleep_until(by).await;
    if exchange.requests() > requests { Came::Some } else { Came::None }
}
