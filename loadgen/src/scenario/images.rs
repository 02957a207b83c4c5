//! Pictures to a server that sends their negatives back: `image`.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

use super::pictures::Pictures;
use super::{CONNECTING_MAX, Finding, RunError, connected, gate, path};
use crate::cli::Pace;
use crate::client::gate::Request;
use crate::client::http::{PostError, Poster};
use crate::client::websocket::{Socket, connect};
use crate::clock::Alarm;
use crate::ledger::Fate;
use crate::payload::Label;
use crate::plan::Plan;
use crate::record::{Departure, Records, note, us};
use crate::verify::Counts;

/// Requests of one HTTP client under way; more are late by the server's doing.
const POSTS_MAX: usize = 64;

/// What all clients share.
#[derive(Debug)]
struct Shared {
    plan: Arc<Plan>,
    records: Arc<Records>,
    pictures: Pictures,
    stop: CancellationToken,
    /// Why the first connection ended.
    first_end: Mutex<Option<String>>,
}

/// One client.
#[derive(Debug)]
struct Client {
    number: u32,
    /// Rings when its next picture is due.
    alarm: Alarm,
    /// When the load begins.
    start: Instant,
}

impl Client {
    fn new(number: u32, start: Instant) -> Result<Self, RunError> {
        Ok(Self { number, alarm: Alarm::new().map_err(RunError::Clock)?, start })
    }
}

/// A picture that was sent.
#[derive(Debug, Clone, Copy)]
struct Sent {
    label: Label,
    picture: usize,
}

pub(super) async fn run(
    plan: &Arc<Plan>,
    records: &Arc<Records>,
    stop: CancellationToken,
    files: &[PathBuf],
) -> Result<Finding, RunError> {
    let shared = Arc::new(Shared {
        plan: Arc::clone(plan),
        records: Arc::clone(records),
        pictures: Pictures::new(files, plan.seed)?,
        stop: stop.clone(),
        first_end: Mutex::default(),
    });
    let mut clients = JoinSet::new();
    let start;
    if plan.url.starts_with("http") {
        let posters = reach(plan).await.inspect_err(|_| records.counters.connect_errors.store(1, Ordering::Relaxed))?;
        start = records.start();
        for (number, poster) in (0..).zip(posters) {
            clients.spawn(post(Arc::clone(&shared), Client::new(number, start)?, poster));
        }
    } else {
        let sockets = connect_all(&shared).await?;
        start = records.start();
        for (number, socket) in (0..).zip(sockets) {
            clients.spawn(exchange(Arc::clone(&shared), Client::new(number, start)?, socket));
        }
    }
    let end = start + plan.schedule.duration() + plan.drain;
    while let Ok(Some(_)) = timeout_at(end, clients.join_next()).await {}
    let duration = records.elapsed().min(plan.schedule.duration());
    records.note_silence(duration);
    clients.shutdown().await;
    Ok(finding(&shared, if stop.is_cancelled() { duration } else { plan.schedule.duration() }))
}

fn finding(shared: &Shared, duration: Duration) -> Finding {
    let (plan, records) = (&shared.plan, &shared.records);
    let (intact, corrupted) = shared.pictures.judge();
    let sent = records.ledger().sent();
    let expected = sent - records.counters.refused.load(Ordering::Relaxed).min(sent);
    // Pictures under way when a signal came are not lost.
    let expected = if shared.stop.is_cancelled() { intact + corrupted } else { expected };
    let scheduled = match plan.schedule.pace() {
        Pace::Open => plan.schedule.due_by(duration).unwrap_or(sent),
        Pace::Closed => sent,
    };
    Finding {
        by_room: Vec::new(),
        counts: Counts { intact, corrupted, ..Counts::default() },
        expected,
        missing: expected.saturating_sub(intact),
        unanswered: 0,
        by_file: shared.pictures.by_file(),
        duration,
        scheduled,
        first_end: shared.first_end.lock().take(),
    }
}

/// One for each client. A server that is not there fails the run before it begins.
async fn reach(plan: &Plan) -> Result<Vec<Poster>, RunError> {
    let failed = |error: &dyn std::fmt::Display| RunError::Connect { failed: 1, clients: 1, first: error.to_string() };
    let poster = |client| Poster::new(&plan.url_of(client), &plan.access.of(client, &plan.room_name(client)));
    let posters: Vec<Poster> =
        (0..plan.clients).map(poster).collect::<Result<_, _>>().map_err(|error| failed(&error))?;
    gate(plan).await?.reach(0, plan.connect_timeout).await.map_err(|error| failed(&error))?;
    Ok(posters)
}

async fn connect_all(shared: &Shared) -> Result<Vec<Socket>, RunError> {
    let gate = &gate(&shared.plan).await?;
    let connecting = futures_util::stream::iter(0..shared.plan.clients).map(|number| async move {
        let begin = Instant::now();
        let (room, path) = (shared.plan.room_name(number), path(&shared.plan, number));
        let request = Request { client: number, room: &room, path: &path, seed: shared.plan.seed };
        let socket = connect(gate, &request, shared.plan.connect_timeout).await.map_err(|error| error.to_string())?;
        note(&mut shared.records.shard(number).lock().connect, us(begin.elapsed()));
        Ok(socket)
    });
    connected(&shared.records, connecting.buffered(CONNECTING_MAX).collect().await)
}

impl Shared {
    /// Waits until the client's next picture is due; `None` when it has sent its last.
    async fn next(&self, client: &Client, sequence: u32, ready_at: Instant) -> Option<(Sent, Bytes)> {
        let &Client { number, ref alarm, start } = client;
        let schedule = &self.plan.schedule;
        let k = u64::from(sequence) * u64::from(self.plan.clients) + u64::from(number);
        if schedule.messages().is_some_and(|messages| k >= messages) {
            return None;
        }
        let planned = schedule.due(k);
        tokio::select! {
            () = self.stop.cancelled() => return None,
            rung = alarm.wait((start + planned).saturating_duration_since(Instant::now())) => {
                rung.expect("the system takes every length of time");
            }
        }
        let due = match schedule.pace() {
            Pace::Open => {
                let possible = (start + planned).max(ready_at);
                self.records.note_lateness(number, Instant::now().saturating_duration_since(possible));
                planned
            }
            Pace::Closed if self.records.elapsed() >= schedule.duration() => return None,
            Pace::Closed => self.records.elapsed(),
        };
        let (picture, bytes) = self.pictures.get(k);
        self.records.sends(number, sequence, 1, us(self.records.elapsed()));
        Some((Sent { label: Label { sender: number, sequence, due_us: us(due) }, picture }, bytes))
    }

    fn has_sent(&self, sent: Sent, result: Departure) {
        self.records.has_sent(sent.label.sender, sent.label.sequence, 1, result);
    }

    fn take(&self, sent: Sent, answer: &Bytes) {
        let latency_us = self.records.arrives(sent.label.sender, sent.label, 1, us(self.records.elapsed()));
        self.pictures.take(sent.picture, answer, latency_us);
    }

    fn refuse(&self, sent: Sent) {
        self.records.settle(sent.label.sender, sent.label.sequence, Fate::Refused);
        self.records.note_sign_of_life();
        self.records.counters.refused.fetch_add(1, Ordering::Relaxed);
        self.records.counters.due_deliveries.fetch_sub(1, Ordering::Relaxed);
    }

    /// A connection ended that should not.
    fn note_end(&self, end: String) {
        self.records.counters.disconnects.fetch_add(1, Ordering::Relaxed);
        self.first_end.lock().get_or_insert(end);
    }

    fn is_closed_loop(&self) -> bool {
        self.plan.schedule.pace() == Pace::Closed
    }
}

/// What was sent on one WebSocket and is not answered yet; answers come in the order of the pictures.
#[derive(Debug, Default)]
struct Exchange {
    under_way: Mutex<VecDeque<Sent>>,
    answered: Notify,
}

async fn exchange(shared: Arc<Shared>, client: Client, socket: Socket) {
    let (sink, stream) = socket.split();
    let exchange = Exchange::default();
    let answered_all = async {
        exchange.send(&shared, &client, sink).await;
        while !exchange.under_way.lock().is_empty() {
            exchange.answered.notified().await;
        }
    };
    tokio::select! {
        () = answered_all => {}
        end = exchange.receive(&shared, stream) => shared.note_end(end),
        () = shared.stop.cancelled() => {}
    }
}

impl Exchange {
    async fn send(&self, shared: &Shared, client: &Client, mut sink: SplitSink<Socket, Message>) {
        let mut ready_at = client.start;
        for sequence in 0..shared.plan.messages_per_client_max() {
            let Some((sent, bytes)) = shared.next(client, sequence, ready_at).await else { return };
            self.under_way.lock().push_back(sent);
            if sink.send(Message::Binary(bytes)).await.is_err() {
                shared.has_sent(sent, Departure::Failed);
                // The receiving half tells why.
                return std::future::pending().await;
            }
            shared.has_sent(sent, Departure::Left);
            if shared.is_closed_loop() {
                self.answered.notified().await;
            }
            ready_at = Instant::now();
        }
    }

    /// Receives until the connection is closed; says why.
    async fn receive(&self, shared: &Shared, mut stream: SplitStream<Socket>) -> String {
        loop {
            match stream.next().await {
                Some(Ok(Message::Binary(answer))) => {
                    let sent = self.under_way.lock().pop_front();
                    if let Some(sent) = sent {
                        shared.take(sent, &answer);
                    }
                    self.answered.notify_one();
                }
                Some(Ok(Message::Text(_))) => {
                    match self.under_way.lock().pop_front() {
                        Some(sent) => shared.refuse(sent),
                        None => _ = shared.records.counters.errors.fetch_add(1, Ordering::Relaxed),
                    }
                    self.answered.notify_one();
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Close(Some(close)))) => return format!("closed by the server: {close}"),
                Some(Ok(Message::Close(None))) | None => return "closed by the server".to_owned(),
                Some(Err(error)) => return error.to_string(),
            }
        }
    }
}

/// Sends by HTTP, each picture in a request of its own.
async fn post(shared: Arc<Shared>, client: Client, poster: Poster) {
    let room = Arc::new(Semaphore::new(POSTS_MAX));
    let mut posts = JoinSet::new();
    let mut ready_at = client.start;
    for sequence in 0..shared.plan.messages_per_client_max() {
        let permit = Arc::clone(&room).acquire_owned().await.expect("never closed");
        // Time in which all requests were under way is not the generator's lateness.
        if room.available_permits() == 0 {
            ready_at = Instant::now();
        }
        let Some((sent, bytes)) = shared.next(&client, sequence, ready_at).await else { break };
        shared.has_sent(sent, Departure::Left);
        let (of_post, poster) = (Arc::clone(&shared), poster.clone());
        posts.spawn(async move {
            match poster.post(bytes).await {
                Ok(answer) => of_post.take(sent, &answer),
                Err(PostError::Status { .. }) => of_post.refuse(sent),
                Err(error @ PostError::Connection(_)) => of_post.note_end(error.to_string()),
            }
            drop(permit);
        });
        if shared.is_closed_loop() {
            posts.join_next().await;
        }
        while posts.try_join_next().is_some() {}
    }
    tokio::select! {
        () = async { while posts.join_next().await.is_some() {} } => {}
        () = shared.stop.cancelled() => {}
    }
}
