//! Messages to a room, or to an echo: `chat` and `echo`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

use super::room::{audience_size, senders_heard_by};
use super::{Finding, RunError};
use crate::cli::{Pace, Protocol};
use crate::client::websocket::{Socket, connect};
use crate::client::{Incoming, decode, encode, has_acks, is_welcomed};
use crate::payload::{Label, Payloads};
use crate::plan::{Audience, Plan};
use crate::record::{Fate, Records, us};
use crate::verify::{Arrival, Receiver};

/// A server that does not say when a client has joined is given so long
/// after the last connection. Chosen: long against any handshake.
const SETTLE: Duration = Duration::from_millis(250);
/// How often the end of the stragglers is looked for.
const DRAIN_POLL: Duration = Duration::from_millis(20);
/// Connections made at the same time. Chosen: below the backlog of a
/// listening socket.
const CONNECTING_MAX: usize = 64;

/// What the clients say, and to whom.
#[derive(Debug)]
pub(super) struct Talk {
    protocol: Protocol,
    audience: Audience,
    payloads: Payloads,
}

impl Talk {
    pub(super) fn new(plan: &Plan, protocol: Protocol, audience: Audience, size_bytes: usize) -> Self {
        Self { protocol, audience, payloads: Payloads::new(&plan.run_id, plan.seed, size_bytes) }
    }
}

/// One client: what its two halves share.
#[derive(Debug)]
struct Client {
    number: u32,
    plan: Arc<Plan>,
    records: Arc<Records>,
    talk: Arc<Talk>,
    /// In closed loop: the answer to the message before has come.
    answered: Notify,
    is_gone: AtomicBool,
}

pub(super) async fn run(
    plan: &Arc<Plan>,
    records: &Arc<Records>,
    stop: CancellationToken,
    talk: Talk,
) -> Result<Finding, RunError> {
    let talk = Arc::new(talk);
    let (clients, sockets) = connect_all(plan, records, &talk).await?;
    let closing = CancellationToken::new();
    let mut readers = JoinSet::new();
    let mut writers = JoinSet::new();
    let start = records.start();
    for (client, socket) in clients.iter().zip(sockets) {
        let (sink, stream) = socket.split();
        readers.spawn(read(Arc::clone(client), stream, closing.clone()));
        writers.spawn(write(Arc::clone(client), sink, start, stop.clone()));
    }
    // A writer that the server blocks is given the drain, and then the run goes on without it.
    let last_due = start + plan.schedule.duration() + plan.drain;
    let mut sinks = Vec::new();
    while let Ok(Some(written)) = tokio::time::timeout_at(last_due, writers.join_next()).await {
        sinks.extend(written.ok());
    }
    writers.abort_all();
    let duration = records.elapsed().min(plan.schedule.duration());
    drain(plan, records, talk.protocol).await;
    closing.cancel();
    let receivers = close_all(readers, sinks).await;
    Ok(finding(
        plan,
        records,
        &talk,
        &clients,
        &receivers,
        if stop.is_cancelled() { duration } else { plan.schedule.duration() },
    ))
}

async fn connect_all(
    plan: &Arc<Plan>,
    records: &Arc<Records>,
    talk: &Arc<Talk>,
) -> Result<(Vec<Arc<Client>>, Vec<Socket>), RunError> {
    let connecting = futures_util::stream::iter(0..plan.clients).map(|number| {
        let client = Arc::new(Client {
            number,
            plan: Arc::clone(plan),
            records: Arc::clone(records),
            talk: Arc::clone(talk),
            answered: Notify::new(),
            is_gone: AtomicBool::new(false),
        });
        async move { client.connect().await.map(|socket| (client, socket)) }
    });
    let connected: Vec<_> = connecting.buffered(CONNECTING_MAX).collect().await;
    let failed = connected.iter().filter(|result| result.is_err()).count() as u64;
    if let Some(Err(first)) = connected.iter().find(|result| result.is_err()) {
        records.connect_errors.store(failed, Ordering::Relaxed);
        return Err(RunError::Connect { failed, clients: plan.clients, first: first.clone() });
    }
    if !is_welcomed(talk.protocol) {
        sleep(SETTLE).await;
    }
    Ok(connected.into_iter().filter_map(Result::ok).unzip())
}

impl Client {
    async fn connect(&self) -> Result<Socket, String> {
        let begin = Instant::now();
        let within = self.plan.connect_timeout;
        let mut socket = connect(&self.plan.url_of(self.number), within).await.map_err(|error| error.to_string())?;
        if is_welcomed(self.talk.protocol) {
            timeout(within, self.welcomed(&mut socket)).await.map_err(|_| "no welcome in time".to_owned())??;
        }
        self.records.shard(self.number).lock().connect.saturating_record(us(begin.elapsed()));
        Ok(socket)
    }

    async fn welcomed(&self, socket: &mut Socket) -> Result<(), String> {
        while let Some(frame) = socket.next().await {
            let frame = frame.map_err(|error| error.to_string())?;
            if decode(self.talk.protocol, &frame) == Incoming::Joined {
                return Ok(());
            }
        }
        Err("closed before the welcome".to_owned())
    }

    fn audience(&self) -> u64 {
        audience_size(&self.plan, self.talk.audience, self.plan.room_of(self.number))
    }

    fn take(&self, receiver: &mut Receiver, frame: &Message) {
        match decode(self.talk.protocol, frame) {
            Incoming::Payload(payload) => match receiver.take(&self.talk.payloads, &payload) {
                Arrival::InOrder(label) | Arrival::Reordered(label) => {
                    self.records.arrives(self.number, label.sender, label.sequence, label.due_us);
                    if label.sender == self.number {
                        self.answered.notify_one();
                    }
                }
                Arrival::Foreign | Arrival::Corrupted | Arrival::Duplicated => {}
            },
            Incoming::Acked(sequence) => {
                self.records.settle(self.number, sequence, Fate::Acked);
                if self.talk.audience == Audience::Others {
                    self.answered.notify_one();
                }
            }
            Incoming::Refused(sequence) => {
                if self.records.settle(self.number, sequence, Fate::Refused) {
                    self.records.refused.fetch_add(1, Ordering::Relaxed);
                    self.records.due_deliveries.fetch_sub(self.audience(), Ordering::Relaxed);
                }
                self.answered.notify_one();
            }
            Incoming::Error => {
                self.records.errors.fetch_add(1, Ordering::Relaxed);
            }
            Incoming::Joined | Incoming::Other => {}
        }
    }

    fn goes(&self) {
        if !self.is_gone.swap(true, Ordering::Relaxed) {
            self.records.disconnects.fetch_add(1, Ordering::Relaxed);
        }
    }
}

async fn read(client: Arc<Client>, mut stream: SplitStream<Socket>, closing: CancellationToken) -> (u32, Receiver) {
    let mut receiver = Receiver::default();
    loop {
        tokio::select! {
            () = closing.cancelled() => break,
            frame = stream.next() => match frame {
                Some(Ok(Message::Close(_)) | Err(_)) | None => {
                    client.goes();
                    break;
                }
                Some(Ok(frame)) => client.take(&mut receiver, &frame),
            },
        }
    }
    (client.number, receiver)
}

/// Sends the client's messages, each when it is due.
async fn write(
    client: Arc<Client>,
    mut sink: SplitSink<Socket, Message>,
    start: Instant,
    stop: CancellationToken,
) -> SplitSink<Socket, Message> {
    let schedule = client.plan.schedule;
    let clients = u64::from(client.plan.clients);
    let mut ready_at = start;
    for sequence in 0..client.records.slots_per_sender() {
        let k = sequence * clients + u64::from(client.number);
        let due = match schedule.pace() {
            Pace::Open if k >= schedule.messages() => break,
            Pace::Open => schedule.due(k),
            Pace::Closed => client.records.elapsed(),
        };
        if due >= schedule.duration() || client.is_gone.load(Ordering::Relaxed) {
            break;
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = sleep_until(start + due) => {}
        }
        // Time in which the server did not take the message before is not the generator's lateness.
        let lateness = Instant::now().saturating_duration_since((start + due).max(ready_at));
        client.records.shard(client.number).lock().lateness.saturating_record(us(lateness));
        let label = Label { sender: client.number, sequence: sequence as u32, due_us: us(due) };
        let frame = encode(client.talk.protocol, label, client.talk.payloads.make(label));
        client.records.sends(client.number, label.sequence, client.audience());
        if sink.send(frame).await.is_err() {
            client.goes();
            break;
        }
        client.records.has_sent(client.number);
        ready_at = Instant::now();
        if schedule.pace() == Pace::Closed {
            let left = schedule.duration().saturating_sub(client.records.elapsed()) + client.plan.drain;
            // A server that does not answer ends this client's loop; what is missing is counted.
            if timeout(left, client.answered.notified()).await.is_err() {
                break;
            }
        }
    }
    sink
}

/// Waits for stragglers: until all that is due has arrived, or too long.
async fn drain(plan: &Plan, records: &Records, protocol: Protocol) {
    let all_arrived = async {
        while records.deliveries.load(Ordering::Relaxed) < records.due_deliveries.load(Ordering::Relaxed)
            || has_acks(protocol) && has_unanswered(plan, records)
        {
            sleep(DRAIN_POLL).await;
        }
    };
    timeout(plan.drain, all_arrived).await.ok();
    // What comes twice comes right behind.
    sleep(DRAIN_POLL).await;
}

fn has_unanswered(plan: &Plan, records: &Records) -> bool {
    sent_messages(plan, records).any(|(sender, sequence)| records.is(sender, sequence, Fate::Sent))
}

fn sent_messages(plan: &Plan, records: &Records) -> impl Iterator<Item = (u32, u32)> {
    let sent = |sender: u32| records.sent_by[sender as usize].load(Ordering::Relaxed);
    (0..plan.clients).flat_map(move |sender| (0..sent(sender)).map(move |sequence| (sender, sequence)))
}

async fn close_all(
    mut readers: JoinSet<(u32, Receiver)>,
    sinks: Vec<SplitSink<Socket, Message>>,
) -> Vec<(u32, Receiver)> {
    let closing = futures_util::future::join_all(sinks.into_iter().map(|mut sink| async move {
        // A server that is gone needs no good-bye.
        timeout(Duration::from_secs(1), sink.close()).await.ok();
    }));
    closing.await;
    let mut receivers = Vec::new();
    while let Some(receiver) = readers.join_next().await {
        receivers.extend(receiver.ok());
    }
    receivers
}

fn finding(
    plan: &Plan,
    records: &Records,
    talk: &Talk,
    clients: &[Arc<Client>],
    receivers: &[(u32, Receiver)],
    duration: Duration,
) -> Finding {
    let mut finding = Finding { duration, ..Finding::default() };
    finding.scheduled = match plan.schedule.pace() {
        Pace::Open => plan.schedule.due_by(duration),
        Pace::Closed => records.sent(),
    };
    let must_be = if has_acks(talk.protocol) { Fate::Acked } else { Fate::Sent };
    let counts = |sender, sequence| records.is(sender, sequence, must_be);
    let counted: Vec<u64> = (0..plan.clients)
        .map(|sender| {
            let sent = records.sent_by[sender as usize].load(Ordering::Relaxed);
            (0..sent).filter(|&sequence| counts(sender, sequence)).count() as u64
        })
        .collect();
    for (number, receiver) in receivers {
        finding.counts.add(receiver.counts());
        if clients[*number as usize].is_gone.load(Ordering::Relaxed) {
            // It left: what it heard is all that is expected of it.
            finding.expected += receiver.counts().intact;
            continue;
        }
        for sender in senders_heard_by(plan, talk.audience, *number) {
            finding.expected += counted[sender as usize];
            let sent = records.sent_by[sender as usize].load(Ordering::Relaxed);
            finding.missing +=
                receiver.missing(sender, sent).filter(|&sequence| counts(sender, sequence)).count() as u64;
        }
    }
    if has_acks(talk.protocol) {
        let unanswered =
            sent_messages(plan, records).filter(|&(sender, sequence)| records.is(sender, sequence, Fate::Sent));
        records.errors.fetch_add(unanswered.count() as u64, Ordering::Relaxed);
    }
    finding
}
