//! The WebSocket transport: from the start, or for a session that was polled
//! so far.
//!
//! A client that moves asks by a probe whether the WebSocket works, lets its
//! last poll end, and says that it goes on here. Then its socket is taken from
//! the polling session's task. Its seats are moved to the session of this
//! connection, and what was said before that still comes out of the polling
//! session's pipe; packet by packet it is sent here, before anything newer:
//!
//! ```text
//! before the move:  polling tape ─► polling session ─► pipe ─► (packets become frames) ─┐
//! from the move on: WebSocket tape ─────────────────────────► waits until that is done ─┴─► TCP
//! ```

use std::future;
use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use hub::Leave;
use wire::engineio::{PING, PROBE, PROBE_ANSWER, Packet, Transport, packets};
use wire::websocket::{CloseCode, Opcode, Utf8, put_frame};

use super::exchange::Exchange;
use super::out::{Out, control, frame};
use super::polling::end_pipe;
use super::socket::Socket;
use super::{open_packet, random_id};
use crate::app::App;
use crate::doors::upgrade::upgrade;
use crate::input::MessageBounds;
use crate::metrics::Speaks;
use crate::peer::Client;
use crate::session::{Close, Door, Reads};
use crate::sink::Session;

/// Opens a session.
pub(super) fn begin(app: &Arc<App>, client: Client, request: &mut Request) -> Response {
    let enter = move |app: Arc<App>, session: Arc<Session>| {
        let mut opened = BytesMut::new();
        put_frame(&mut opened, Opcode::Text, &open_packet(&app, &random_id(), &[]));
        session.push(opened.freeze());
        session.flush();
        let out = Out { session, transport: Transport::WebSocket };
        let socket = Box::new(Socket::new(Arc::clone(&app), client, out.clone()));
        future::ready(Ok(WebSocketDoor { app, out, stage: Stage::Open(socket) }))
    };
    upgrade(app, Speaks::SocketIo, request, bounds(app), enter)
}

/// Lets a polling session move here.
pub(super) fn move_to(app: &Arc<App>, exchange: Arc<Exchange>, request: &mut Request) -> Response {
    let enter = move |app, session| {
        let out = Out { session, transport: Transport::WebSocket };
        let stage = Stage::Probing(Probing(exchange));
        future::ready(Ok(WebSocketDoor { app, out, stage }))
    };
    upgrade(app, Speaks::SocketIo, request, bounds(app), enter)
}

/// The announced `maxPayload` bounds every message here too.
fn bounds(app: &App) -> MessageBounds {
    MessageBounds::up_to(app.limits.socketio.packet_max_bytes)
}

struct WebSocketDoor {
    app: Arc<App>,
    out: Out,
    stage: Stage,
}

enum Stage {
    /// The client tries whether it can move here.
    Probing(Probing),
    /// It is here.
    Open(Box<Socket>),
}

/// A polling session whose client probes; over when this is dropped.
struct Probing(Arc<Exchange>);

impl Drop for Probing {
    fn drop(&mut self) {
        self.0.set_probing(false);
    }
}

impl WebSocketDoor {
    async fn take(&mut self, packet: Packet) -> Result<(), Close> {
        match (&mut self.stage, packet) {
            (Stage::Open(socket), packet) => socket.take(packet).await,
            (Stage::Probing(probing), Packet::Ping(text)) if text.as_str() == PROBE => {
                probing.0.set_probing(true);
                self.out.session.push(control(Transport::WebSocket, PROBE_ANSWER));
                Ok(())
            }
            (Stage::Probing(probing), Packet::Upgrade) => {
                let exchange = Arc::clone(&probing.0);
                let socket = move_here(&self.app, &exchange, &self.out).await?;
                self.stage = Stage::Open(socket);
                Ok(())
            }
            (Stage::Probing(_), _) => Err(Close::new(CloseCode::PROTOCOL, "a probe is expected, then an upgrade")),
        }
    }
}

/// Takes a socket over, and sends what was still to be polled.
async fn move_here(app: &App, exchange: &Exchange, out: &Out) -> Result<Box<Socket>, Close> {
    let gone = || Close::new(CloseCode::PROTOCOL, "there is no such session any more");
    let mut socket = Box::new(exchange.hand_over().await.ok_or_else(gone)?);
    let mut answers = exchange.answers().await;
    let old = socket.move_to(out.clone()).session;
    let filling = async {
        // Acks of what was sent by polling come by the old way out.
        app.hub.settle().await;
        old.has_caught_up().await;
        end_pipe(&old);
    };
    let forwarding = async {
        while let Some(polled) = answers.next().await {
            forward(&polled, &out.session).await;
        }
    };
    tokio::join!(filling, forwarding);
    if let Some(reason) = old.left() {
        out.session.end(reason);
    }
    old.abandon();
    socket.go_on();
    Ok(socket)
}

/// Sends packets that were meant for polling.
async fn forward(polled: &Bytes, session: &Arc<Session>) {
    let polled = Utf8::try_from(polled.clone()).expect("what is polled is ours, and text");
    for packet in packets(polled) {
        session.has_room().await;
        session.push(frame(&packet.expect("what is polled are our own packets")));
        session.flush();
    }
}

impl Door for WebSocketDoor {
    async fn text(&mut self, text: Utf8) -> Result<(), Close> {
        let packet = Packet::parse(&text).map_err(|error| Close::new(CloseCode::PROTOCOL, error.to_string()))?;
        self.take(packet).await
    }

    async fn binary(&mut self, bytes: Bytes) -> Result<(), Close> {
        self.take(Packet::Binary(bytes)).await
    }

    async fn answer(&mut self) {
        match &mut self.stage {
            Stage::Open(socket) => socket.answer().await,
            Stage::Probing(probing) => {
                probing.0.session().ended().await;
                self.out.session.end(Leave::Gone);
            }
        }
    }

    fn reads(&self) -> Reads {
        match &self.stage {
            Stage::Open(socket) if socket.is_full() => Reads::AfterAnAnswer,
            Stage::Open(_) | Stage::Probing(_) => Reads::Now,
        }
    }

    /// The client answers a message of Engine.IO, and knows by it that the
    /// server is there.
    fn probe(&self, session: &Arc<Session>) {
        session.push(control(Transport::WebSocket, PING));
        session.flush();
    }

    fn settle(&self) {
        match &self.stage {
            Stage::Open(socket) => socket.settle(),
            Stage::Probing(_) => {}
        }
    }

    /// No packet that says that the session is over: after one the client
    /// would not come back.
    fn too_slow(&self) -> Close {
        Close::new(CloseCode::OVERLOADED, "too slow: what was missed is gone")
    }
}
