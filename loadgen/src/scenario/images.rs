//! Pictures to a server that sends their negatives back: `image`.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

use super::pictures::Pictures;
use super::{Finding, RunError};
use crate::cli::Pace;
use crate::client::http::Poster;
use crate::client::websocket::{Socket, connect};
use crate::plan::Plan;
use crate::record::{Records, us};
use crate::verify::Counts;

/// Requests of one HTTP client under way; more are late by the server's doing.
const POSTS_MAX: usize = 64;

/// What all clients share.
#[derive(Debug)]
struct Shared {
    plan: Arc<Plan>,
    records: Arc<Records>,
    pictures: Pictures,
    /// Answers to nothing.
    foreign: AtomicU64,
    stop: CancellationToken,
}

/// A picture that was sent.
#[derive(Debug, Clone, Copy)]
struct Sent {
    sequence: u32,
    picture: usize,
    due_us: u64,
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
        foreign: AtomicU64::new(0),
        stop: stop.clone(),
    });
    let mut clients = JoinSet::new();
    let start;
    if plan.url.starts_with("http") {
        let poster = Poster::new(&plan.url)
            .map_err(|error| RunError::Url { url: plan.url.clone(), reason: error.to_string() })?;
        start = records.start();
        for number in 0..plan.clients {
            clients.spawn(post(Arc::clone(&shared), number, poster.clone(), start));
        }
    } else {
        let sockets = connect_all(&shared).await?;
        start = records.start();
        for (number, socket) in (0..).zip(sockets) {
            clients.spawn(exchange(Arc::clone(&shared), number, socket, start));
        }
    }
    let end = start + plan.schedule.duration() + plan.drain;
    while let Ok(Some(_)) = timeout_at(end, clients.join_next()).await {}
    let duration = if stop.is_cancelled() { records.elapsed() } else { plan.schedule.duration() };
    clients.shutdown().await;
    Ok(finding(&shared, duration.min(plan.schedule.duration())))
}

fn finding(shared: &Shared, duration: Duration) -> Finding {
    let (plan, records) = (&shared.plan, &shared.records);
    let (intact, corrupted) = shared.pictures.judge();
    let foreign = shared.foreign.load(Ordering::Relaxed);
    let counts = Counts { intact, corrupted, foreign, ..Counts::default() };
    let expected = records.sent() - records.refused.load(Ordering::Relaxed);
    let scheduled = match plan.schedule.pace() {
        Pace::Open => plan.schedule.due_by(duration),
        Pace::Closed => records.sent(),
    };
    Finding { counts, expected, missing: expected.saturating_sub(intact), duration, scheduled }
}

async fn connect_all(shared: &Shared) -> Result<Vec<Socket>, RunError> {
    let plan = &shared.plan;
    let mut sockets = Vec::new();
    for number in 0..plan.clients {
        let begin = Instant::now();
        match connect(&plan.url_of(number), plan.connect_timeout).await {
            Ok(socket) => sockets.push(socket),
            Err(error) => {
                shared.records.connect_errors.fetch_add(1, Ordering::Relaxed);
                return Err(RunError::Connect { failed: 1, clients: plan.clients, first: error.to_string() });
            }
        }
        shared.records.shard(number).lock().connect.saturating_record(us(begin.elapsed()));
    }
    Ok(sockets)
}

impl Shared {
    /// Waits until the client's next picture is due; `None` when it has sent
    /// its last.
    async fn next(&self, number: u32, sequence: u32, start: Instant, ready_at: Instant) -> Option<(Sent, Bytes)> {
        let schedule = self.plan.schedule;
        let k = u64::from(sequence) * u64::from(self.plan.clients) + u64::from(number);
        let due = match schedule.pace() {
            Pace::Open => schedule.due(k),
            Pace::Closed => self.records.elapsed(),
        };
        let is_over = due >= schedule.duration() || u64::from(sequence) >= self.records.slots_per_sender();
        if is_over || schedule.pace() == Pace::Open && k >= schedule.messages() {
            return None;
        }
        tokio::select! {
            () = self.stop.cancelled() => return None,
            () = sleep_until(start + due) => {}
        }
        let lateness = Instant::now().saturating_duration_since((start + due).max(ready_at));
        self.records.shard(number).lock().lateness.saturating_record(us(lateness));
        let (picture, bytes) = self.pictures.get(k);
        self.records.sends(number, sequence, 1);
        Some((Sent { sequence, picture, due_us: us(due) }, bytes))
    }

    fn take(&self, number: u32, sent: Sent, answer: &Bytes) {
        self.records.arrives(number, number, sent.sequence, sent.due_us);
        self.pictures.take(sent.picture, answer);
    }

    fn refused(&self) {
        self.records.refused.fetch_add(1, Ordering::Relaxed);
        self.records.due_deliveries.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Sends by one WebSocket, on which answers come in the order of the pictures.
async fn exchange(shared: Arc<Shared>, number: u32, socket: Socket, start: Instant) {
    let (mut sink, mut stream) = socket.split();
    let (under_way, answered) = (Mutex::new(VecDeque::new()), Notify::new());
    let sending = async {
        let mut ready_at = start;
        for sequence in 0.. {
            let Some((sent, bytes)) = shared.next(number, sequence, start, ready_at).await else { return };
            under_way.lock().push_back(sent);
            if sink.send(Message::Binary(bytes)).await.is_err() {
                return;
            }
            shared.records.has_sent(number);
            ready_at = Instant::now();
            if shared.plan.schedule.pace() == Pace::Closed {
                answered.notified().await;
            }
        }
    };
    let receiving = async {
        loop {
            match stream.next().await {
                Some(Ok(Message::Binary(answer))) => {
                    match under_way.lock().pop_front() {
                        Some(sent) => shared.take(number, sent, &answer),
                        None => {
                            shared.foreign.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                    answered.notify_one();
                }
                Some(Ok(Message::Text(_))) => {
                    if under_way.lock().pop_front().is_some() {
                        shared.refused();
                    }
                    answered.notify_one();
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => {
                    shared.records.disconnects.fetch_add(1, Ordering::Relaxed);
                    return;
                }
            }
        }
    };
    let answered_all = async {
        sending.await;
        while !under_way.lock().is_empty() {
            answered.notified().await;
        }
    };
    tokio::select! {
        () = answered_all => {}
        () = receiving => {}
    }
}

/// Sends by HTTP, each picture in a request of its own.
async fn post(shared: Arc<Shared>, number: u32, poster: Poster, start: Instant) {
    let room = Arc::new(Semaphore::new(POSTS_MAX));
    let mut posts = JoinSet::new();
    let mut ready_at = start;
    for sequence in 0.. {
        let Some((sent, bytes)) = shared.next(number, sequence, start, ready_at).await else { break };
        let permit = Arc::clone(&room).acquire_owned().await.expect("never closed");
        ready_at = Instant::now();
        shared.records.has_sent(number);
        let (shared_by_post, poster) = (Arc::clone(&shared), poster.clone());
        posts.spawn(async move {
            match poster.post(bytes).await {
                Ok(answer) => shared_by_post.take(number, sent, &answer),
                Err(crate::client::http::PostError::Status(_)) => shared_by_post.refused(),
                Err(crate::client::http::PostError::Connection(_)) => {
                    shared_by_post.records.errors.fetch_add(1, Ordering::Relaxed);
                }
            }
            drop(permit);
        });
        if shared.plan.schedule.pace() == Pace::Closed {
            posts.join_next().await;
        }
    }
    while posts.join_next().await.is_some() {}
}
