//! Messages to a room, or to an echo: `chat` and `echo`.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::stream::SplitSink;
use futures_util::{SinkExt, StreamExt};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

use super::member::{Member, Stage};
use super::rooms::Rooms;
use super::{CONNECTING_MAX, Finding, RunError, account, connected};
use crate::client::websocket::{Socket, connect};
use crate::client::{Incoming, decode, has_acks, is_welcomed, offset};
use crate::payload::Payloads;
use crate::plan::{Plan, Talk};
use crate::record::{Records, note, us};
use crate::verify::Receiver;

/// A server that does not say when a client has joined is given so long
/// after the last connection. Chosen: long against any handshake.
const SETTLE: Duration = Duration::from_millis(250);
/// How often the end of the stragglers is looked for.
const DRAIN_POLL: Duration = Duration::from_millis(20);
/// When all is there, so long is listened for what comes twice. Chosen: long against a loop of any server.
const ECHOES: Duration = Duration::from_millis(200);
/// How long a good-bye may take.
const CLOSE_MAX: Duration = Duration::from_secs(1);

pub(super) async fn run(
    plan: &Arc<Plan>,
    records: &Arc<Records>,
    stop: CancellationToken,
    talk: Talk,
) -> Result<Finding, RunError> {
    let stage = Arc::new(Stage {
        plan: Arc::clone(plan),
        talk,
        records: Arc::clone(records),
        rooms: Rooms::new(plan, talk.audience),
        payloads: Payloads::new(&plan.run_id, plan.seed, talk.size_bytes),
        stop,
        over: CancellationToken::new(),
    });
    let sockets = connect_all(&stage).await?;
    let (mut readers, mut writers) = (JoinSet::new(), JoinSet::new());
    let start = records.start();
    for (number, socket) in (0..).zip(sockets) {
        let (sink, stream) = socket.split();
        let member = Arc::new(Member::new(number, Arc::clone(&stage)));
        readers.spawn(Arc::clone(&member).read(stream));
        writers.spawn(member.write(sink, start));
    }
    let sinks = send_all(&stage, writers, start).await;
    let duration = records.elapsed().min(plan.schedule.duration());
    if stage.stop.is_cancelled() {
        stage.over.cancel();
        let receivers = close_all(readers, sinks).await;
        return Ok(account::interrupted(&stage, &receivers, duration));
    }
    records.note_silence(duration);
    drain(&stage).await;
    stage.over.cancel();
    let receivers = close_all(readers, sinks).await;
    Ok(account::finished(&stage, &receivers))
}

/// Waits until everything is sent. A writer that the server blocks is given the drain, and then the
/// run goes on without it.
async fn send_all(
    stage: &Stage,
    mut writers: JoinSet<SplitSink<Socket, Message>>,
    start: Instant,
) -> Vec<SplitSink<Socket, Message>> {
    let end = start + stage.plan.schedule.duration() + stage.plan.drain;
    let mut sinks = Vec::new();
    while let Ok(Some(written)) = timeout_at(end, writers.join_next()).await {
        sinks.extend(written.ok());
    }
    writers.shutdown().await;
    sinks
}

/// Waits for stragglers: until all that is due has arrived, or too long.
async fn drain(stage: &Stage) {
    let records = &stage.records;
    let is_waiting = || {
        let is_short = records.deliveries.load(Ordering::Relaxed) < records.due_deliveries.load(Ordering::Relaxed);
        let is_unanswered = has_acks(stage.talk.protocol) && records.unanswered.load(Ordering::Relaxed) > 0;
        (is_short || is_unanswered) && !stage.rooms.are_empty()
    };
    let all_arrived = async {
        while is_waiting() {
            sleep(DRAIN_POLL).await;
        }
    };
    tokio::select! {
        () = stage.stop.cancelled() => return,
        _ = timeout(stage.plan.drain, all_arrived) => {}
    }
    sleep(ECHOES).await;
}

async fn close_all(
    mut readers: JoinSet<(Arc<Member>, Receiver)>,
    sinks: Vec<SplitSink<Socket, Message>>,
) -> Vec<(Arc<Member>, Receiver)> {
    let mut receivers = Vec::new();
    while let Some(receiver) = readers.join_next().await {
        receivers.push(receiver.expect("a reader does not panic"));
    }
    let closing = sinks.into_iter().map(|mut sink| async move {
        // A server that is gone needs no good-bye.
        timeout(CLOSE_MAX, sink.close()).await.ok();
    });
    futures_util::future::join_all(closing).await;
    receivers
}

async fn connect_all(stage: &Arc<Stage>) -> Result<Vec<Socket>, RunError> {
    let connecting = futures_util::stream::iter(0..stage.plan.clients).map(|number| connect_one(stage, number));
    let sockets = connected(&stage.records, connecting.buffered(CONNECTING_MAX).collect().await)?;
    if !is_welcomed(stage.talk.protocol) {
        sleep(SETTLE).await;
    }
    Ok(sockets)
}

async fn connect_one(stage: &Stage, number: u32) -> Result<Socket, String> {
    let (begin, within) = (Instant::now(), stage.plan.connect_timeout);
    let mut socket = connect(&stage.plan.url_of(number), within).await.map_err(|error| error.to_string())?;
    note(&mut stage.records.shard(number).lock().connect, us(begin.elapsed()));
    if is_welcomed(stage.talk.protocol) {
        timeout(within, join(stage, &mut socket)).await.map_err(|_| "no welcome in time".to_owned())??;
    }
    Ok(socket)
}

/// Waits for the welcome, and reads on to where the room stands: what was said before is not this run's.
async fn join(stage: &Stage, socket: &mut Socket) -> Result<(), String> {
    let protocol = stage.talk.protocol;
    let mut head = None;
    while let Some(frame) = socket.next().await {
        let frame = frame.map_err(|error| error.to_string())?;
        match (decode(protocol, &frame), head, offset(protocol, &frame)) {
            (Incoming::Welcome(welcome), ..) if welcome.offset >= welcome.head => return Ok(()),
            (Incoming::Welcome(welcome), ..) => head = Some(welcome.head),
            (_, Some(head), Some(offset)) if offset >= head => return Ok(()),
            _ => {}
        }
    }
    Err("closed before the welcome".to_owned())
}
