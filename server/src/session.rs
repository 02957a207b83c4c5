//! One connected WebSocket client, whatever its door: messages in, answers
//! out, signs of life, and why it ended.

use std::borrow::Cow;
use std::future::Future;
use std::net::Shutdown;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use hub::Leave;
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use wire::websocket::{self, CloseCode, CloseReason, Event, Utf8};

use crate::app::App;
use crate::input::{Input, InputEnd, MessageBounds};
use crate::limits::SessionLimits;
use crate::rate::Bucket;
use crate::sink::{Session, Sink};

/// Why a door closes a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Close {
    pub(crate) code: CloseCode,
    pub(crate) reason: Cow<'static, str>,
}

impl Close {
    pub(crate) fn new(code: CloseCode, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { code, reason: reason.into() }
    }
}

/// When a peer is read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reads {
    Now,
    At(Instant),
    /// Not before something was answered.
    AfterAnAnswer,
}

impl From<Option<Instant>> for Reads {
    fn from(at: Option<Instant>) -> Self {
        at.map_or(Self::Now, Self::At)
    }
}

impl Reads {
    fn is_now(self) -> bool {
        match self {
            Self::Now => true,
            Self::At(at) => at <= Instant::now(),
            Self::AfterAnAnswer => false,
        }
    }
}

/// What a door does with what its peer sends.
pub(crate) trait Door: Send {
    /// The peer sent text.
    fn text(&mut self, text: Utf8) -> impl Future<Output = Result<(), Close>> + Send;

    /// The peer sent bytes.
    fn binary(&mut self, bytes: Bytes) -> impl Future<Output = Result<(), Close>> + Send;

    /// Waits until the door has something of its own to send, and queues it;
    /// for ever where there is nothing. Loses nothing when it is cancelled.
    fn answer(&mut self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }

    /// When the peer may be read next.
    fn reads(&self) -> Reads {
        Reads::Now
    }

    /// Asks for a sign of life.
    fn probe(&self, session: &Arc<Session>) {
        session.probe(websocket::ping_frame(b""));
    }

    /// Puts what was said in the door's room before the close frame.
    fn settle(&self) {}

    /// How this door tells a reader that it was too slow.
    fn too_slow(&self) -> Close;
}

/// Why the conversation is over.
#[derive(Debug)]
enum End {
    /// The peer said good-bye.
    Peer(Option<CloseReason>),
    /// The peer did wrong.
    Close(Close),
    /// The hub says so.
    Left(Leave),
}

/// A connection after its handshake.
#[derive(Debug)]
pub(crate) struct Connection {
    app: Arc<App>,
    stream: Arc<TcpStream>,
    session: Arc<Session>,
    /// Boxed, since it moves through several futures, each of which keeps room for it.
    input: Box<Input>,
    pings: Bucket,
}

impl Connection {
    /// `unread` is what came with the handshake.
    pub(crate) fn new(app: Arc<App>, stream: TcpStream, unread: Bytes, bounds: MessageBounds) -> Self {
        let stream = Arc::new(stream);
        let session = Session::new(Sink::Tcp(Arc::clone(&stream)), Arc::clone(app.hub.limits()));
        let limits = &app.limits.session;
        let input = Box::new(Input::new(Arc::clone(&stream), unread, bounds, limits, app.inbound.clone()));
        let pings = Bucket::new(Some(limits.ping_rate));
        Self { app, stream, session, input, pings }
    }

    /// The way out to the peer.
    pub(crate) fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// Talks until the conversation is over, and says good-bye.
    ///
    /// Boxes, since what a future begins with is in it twice.
    pub(crate) async fn run<D: Door>(mut self: Box<Self>, mut door: Box<D>) {
        let end = self.talk(&mut *door).await;
        // Boxed, as it is not needed while they talk.
        Box::pin(self.finish(door, end)).await;
        self.session.abandon();
    }

    /// Says good-bye to somebody who could not be let into a room.
    pub(crate) async fn refuse(self: Box<Self>, reason: Leave) {
        self.session.end(reason);
        self.run(Box::new(NoDoor)).await;
    }

    async fn talk(&mut self, door: &mut impl Door) -> End {
        let session = Arc::clone(&self.session);
        let stop = self.app.stop.clone();
        let mut life = Life::new(&self.app.limits.session);
        let mut look = pin!(sleep_until(life.look_at()));
        // Each enters a list behind a lock: once, not once a message.
        let (mut ended, mut stopped) = (pin!(session.ended()), pin!(stop.cancelled()));
        loop {
            let is_full = session.is_full();
            let reads = if is_full { Reads::AfterAnAnswer } else { door.reads() };
            if !matches!(reads, Reads::AfterAnAnswer) {
                self.input.release();
            }
            let is_read = reads.is_now() && !self.input.is_waiting();
            tokio::select! {
                biased;
                reason = &mut ended => return End::Left(reason),
                () = &mut stopped => return End::Left(Leave::Restart),
                () = &mut look => {
                    if let Err(end) = self.look_after(&mut life, &*door, is_read) {
                        return end;
                    }
                    look.as_mut().reset(life.look_at());
                }
                () = door.answer() => session.flush(),
                // Boxed: most never have so much waiting for them.
                () = async { Box::pin(session.has_room()).await }, if is_full => {}
                events = read(&mut self.input, reads) => match events {
                    Ok(events) => {
                        if let Err(end) = Box::pin(self.deal_with(door, events)).await {
                            return end;
                        }
                    }
                    Err(InputEnd::Gone) => return End::Left(Leave::Gone),
                    Err(InputEnd::Protocol(error)) => {
                        return End::Close(Close::new(error.close_code(), error.to_string()));
                    }
                    Err(InputEnd::Overloaded) => {
                        return End::Close(Close::new(CloseCode::OVERLOADED, "too many large messages are under way"));
                    }
                },
            }
        }
    }

    /// Asks for signs of life, and judges those that came.
    fn look_after(&self, life: &mut Life, door: &impl Door, is_read: bool) -> Result<(), End> {
        let (limits, session) = (&self.app.limits.session, &self.session);
        let now = Instant::now();
        if life.ping_at <= now {
            life.ping_at = now + limits.ping_interval;
            // Whom we do not read cannot give a sign of life but by draining what we have for it.
            let can_show_life = is_read || session.is_blocked();
            if can_show_life && !life.is_alive(&self.input, session, limits) {
                return Err(End::Left(Leave::Silent));
            }
            door.probe(session);
        }
        if life.pace_at <= now {
            life.pace_at = now + limits.pace_window;
            if !is_read {
                life.excuse();
            } else if life.is_too_slow_a_sender(&self.input, limits) {
                return Err(End::Close(Close::new(CloseCode::POLICY, "the message comes too slowly")));
            }
        }
        Ok(())
    }

    async fn deal_with(&mut self, door: &mut impl Door, events: Vec<Event>) -> Result<(), End> {
        for event in events {
            let dealt = async {
                match event {
                    Event::Text(text) => door.text(text).await.map_err(End::Close),
                    Event::Binary(bytes) => door.binary(bytes).await.map_err(End::Close),
                    Event::Ping(payload) if self.pings.take() => {
                        self.session.reply(websocket::pong_frame(payload.as_ref()));
                        Ok(())
                    }
                    Event::Ping(_) => Err(End::Close(Close::new(CloseCode::POLICY, "too many pings"))),
                    Event::Close(reason) => Err(End::Peer(reason)),
                    // That it came is the sign of life; what begins is announced to the input alone.
                    Event::Pong(_) | Event::Begins { .. } => Ok(()),
                }
            };
            // A door may wait for the store; an ended session does not.
            tokio::select! {
                biased;
                dealt = dealt => dealt?,
                reason = self.session.ended() => return Err(End::Left(reason)),
            }
        }
        self.session.flush_private();
        Ok(())
    }

    async fn finish(&mut self, door: Box<impl Door>, end: End) {
        let limits = self.app.limits.session.clone();
        let close = match end {
            End::Left(Leave::Gone | Leave::Silent) => return,
            End::Left(Leave::TooSlow) => Some(door.too_slow()),
            End::Left(Leave::StoreDown) => Some(Close::new(CloseCode::OVERLOADED, "the history is not available")),
            End::Left(Leave::Restart) => Some(Close::new(CloseCode::RESTART, "the server restarts; come back")),
            End::Close(close) => Some(close),
            // RFC 6455 §5.5.1: the answer typically echoes the status code.
            End::Peer(Some(reason)) => Some(Close::new(reason.code, "")),
            End::Peer(None) => None,
        };
        let frame = close
            .map_or_else(websocket::empty_close_frame, |Close { code, reason }| websocket::close_frame(code, &reason));
        if self.session.left().is_none() {
            // What was accepted is stored, and a peer that reads gets its answers before the close frame.
            timeout(limits.linger_max, self.app.hub.settle()).await.ok();
            door.settle();
            timeout(limits.linger_max, self.session.has_caught_up()).await.ok();
        }
        drop(door);
        let goodbye = self.session.close_with(frame);
        if timeout(limits.close_write_max, goodbye).await.is_ok() {
            // Closing with unread input would reset the connection, and the peer would lose the close frame.
            SockRef::from(self.stream.as_ref()).shutdown(Shutdown::Write).ok();
            timeout(limits.linger_max, self.input.drop_rest(limits.linger_max_bytes)).await.ok();
        }
    }
}

/// The door of a session that has ended before it began.
struct NoDoor;

impl Door for NoDoor {
    async fn text(&mut self, _: Utf8) -> Result<(), Close> {
        Ok(())
    }

    async fn binary(&mut self, _: Bytes) -> Result<(), Close> {
        Ok(())
    }

    fn too_slow(&self) -> Close {
        Close::new(CloseCode::OVERLOADED, "")
    }
}

async fn read(input: &mut Input, reads: Reads) -> Result<Vec<Event>, InputEnd> {
    match reads {
        Reads::Now => {}
        // Boxed: most are never waited for.
        Reads::At(at) => Box::pin(sleep_until(at)).await,
        Reads::AfterAnAnswer => std::future::pending().await,
    }
    input.events().await
}

/// Whether the peer is still there, and still sends. Both are looked at by one
/// timer: it is kept for each connection.
#[derive(Debug)]
struct Life {
    ping_at: Instant,
    pace_at: Instant,
    /// At the last ping.
    received: u64,
    written: u64,
    was_silent: bool,
    /// At the last look at the pace.
    unfinished: Option<u64>,
    unfinished_received: u64,
}

impl Life {
    fn new(limits: &SessionLimits) -> Self {
        let now = Instant::now();
        Self {
            ping_at: now + limits.ping_interval,
            pace_at: now + limits.pace_window,
            received: 0,
            written: 0,
            was_silent: false,
            unfinished: None,
            unfinished_received: 0,
        }
    }

    /// When there is something to look at.
    fn look_at(&self) -> Instant {
        self.ping_at.min(self.pace_at)
    }

    /// Any byte is a sign of life, and so is draining at a fair rate.
    fn is_alive(&mut self, input: &Input, session: &Session, limits: &SessionLimits) -> bool {
        let (received, written) = (input.received_bytes(), session.written_bytes());
        let drained_min = limits.pace_min_bytes(limits.ping_interval);
        let is_silent = received == self.received && written - self.written < drained_min;
        let is_dead = is_silent && self.was_silent;
        self.was_silent = is_silent;
        (self.received, self.written) = (received, written);
        !is_dead
    }

    /// The message under way is not judged: we did not read it.
    fn excuse(&mut self) {
        self.unfinished = None;
    }

    /// Whether one message was under way for the whole window, and slowly.
    fn is_too_slow_a_sender(&mut self, input: &Input, limits: &SessionLimits) -> bool {
        let (unfinished, received) = (input.unfinished_message(), input.received_bytes());
        let is_same = unfinished.is_some() && unfinished == self.unfinished;
        let is_slow = received - self.unfinished_received < limits.pace_min_bytes(limits.pace_window);
        (self.unfinished, self.unfinished_received) = (unfinished, received);
        is_same && is_slow
    }
}
