//! Messages to a room, or to an echo: `chat`, `soak` and `echo`.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join_all;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::seat::{Leaver, Seat};
use super::stage::Stage;
use super::{CONNECTING_MAX, Finding, RunError, account, connected, gate, open, resume, trouble};
use crate::cli::{Pace, Protocol};
use crate::client::connection::OwnedMessage;
use crate::client::frame::Opcode;
use crate::client::gate::Gate;
use crate::client::line::Line;
use crate::client::native::Ticket;
use crate::client::posts::Posts;
use crate::client::{Incoming, decode, greeting, has_acks, is_heard, is_welcomed, offset, sse};
use crate::clock::Alarm;
use crate::plan::{Plan, Talk};
use crate::record::{Records, note, us};

/// A server that does not say when a client has joined is given so long
/// after the last connection. Chosen: long against any handshake.
const SETTLE: Duration = Duration::from_millis(250);
/// How often the end of the stragglers is looked for.
const DRAIN_POLL: Duration = Duration::from_millis(20);
/// When all is there, so long is listened for what comes twice. Chosen: long against a loop of any server.
const ECHOES: Duration = Duration::from_millis(200);
/// How long a good-bye may take.
const CLOSE_MAX: Duration = Duration::from_secs(1);
/// The pacer wakes at most so often; what is due in between leaves together. Chosen: at 10,000
/// messages a second waking for each would cost more than sending it.
const WAKE_MIN: Duration = Duration::from_millis(1);
/// How often a closed loop looks for answers that are lost.
const CLOSED_TICK: Duration = Duration::from_millis(20);

pub(super) async fn run(
    plan: &Arc<Plan>,
    records: &Arc<Records>,
    stop: CancellationToken,
    talk: Talk,
) -> Result<Finding, RunError> {
    let stage = Arc::new(Stage::new(plan, records, talk));
    let gate = Arc::new(gate(plan).await?);
    let arrived = connect_all(&stage, &gate).await?;
    // They go when this run does.
    let _troublemakers = trouble::start(plan).await?;
    let mut readers = JoinSet::new();
    records.start();
    let seat = |(number, arrived)| Arc::new(Seat::new(number, Arc::clone(&stage), arrived));
    let seats: Vec<Arc<Seat>> = (0..).zip(arrived).map(seat).collect();
    for seat in &seats {
        let seat = Arc::clone(seat);
        if talk.resumes {
            readers.spawn(resume::attend(seat, Arc::clone(&stage), Arc::clone(&gate)));
        } else {
            readers.spawn(std::future::poll_fn(move |cx| seat.poll(cx)));
        }
    }
    tokio::select! {
        () = stop.cancelled() => {}
        sent = send_all(&stage, &seats) => sent?,
        never = churn(plan, &seats) => match never {},
    }
    stage.stop();
    let duration = records.elapsed().min(plan.schedule.duration());
    if stop.is_cancelled() {
        let leavers = close_all(&stage, &seats, readers).await;
        return Ok(account::interrupted(&stage, &leavers, duration));
    }
    records.note_silence(duration);
    drain(&stage, &stop).await;
    let leavers = close_all(&stage, &seats, readers).await;
    Ok(account::finished(&stage, &leavers))
}

/// Has clients come and go, where that was asked.
async fn churn(plan: &Plan, seats: &[Arc<Seat>]) -> Infallible {
    match plan.churn {
        Some(per_second) => resume::churn(seats, per_second).await,
        None => std::future::pending().await,
    }
}

/// Sends everything when it is due. A client that the server blocks is given the drain, and then the
/// run goes on without it.
async fn send_all(stage: &Stage, seats: &[Arc<Seat>]) -> Result<(), RunError> {
    // Without the runtime's budget: a burst may be longer, and nobody else is due to run before it has left.
    tokio::task::unconstrained(pace(stage, seats)).await.map_err(RunError::Clock)?;
    let done = async {
        while !seats.iter().all(|seat| seat.is_done()) {
            sleep(DRAIN_POLL).await;
        }
    };
    timeout(stage.plan.drain, done).await.ok();
    Ok(())
}

/// Hands every message to its seat at its time.
async fn pace(stage: &Stage, seats: &[Arc<Seat>]) -> std::io::Result<()> {
    let (schedule, records) = (&stage.plan.schedule, &stage.records);
    let alarm = Alarm::new()?;
    let clients = seats.len() as u64;
    let mut k = 0;
    let mut planned = Duration::ZERO;
    loop {
        let woken = records.elapsed();
        let due = match schedule.pace() {
            Pace::Open => schedule.due_by(woken).unwrap_or(0),
            Pace::Closed => k,
        };
        while k < due {
            seats[(k % clients) as usize].advance();
            k += 1;
        }
        let is_last = match schedule.pace() {
            Pace::Open => schedule.messages().is_none_or(|messages| k >= messages),
            Pace::Closed => woken >= schedule.duration(),
        };
        if is_last || stage.rooms.are_empty() {
            // Messages are due to the end, even when the last one is not.
            alarm.wait(schedule.duration().saturating_sub(woken).min(DRAIN_POLL)).await?;
            return Ok(());
        }
        let next = match schedule.pace() {
            // Behind the planned time, not the real one: else what each waking is late would add up.
            Pace::Open => schedule.due(k).max(planned + WAKE_MIN),
            Pace::Closed => {
                seats.iter().for_each(|seat| seat.advance());
                woken + CLOSED_TICK
            }
        };
        alarm.wait(next.saturating_sub(records.elapsed())).await?;
        planned = next;
    }
}

/// Waits for stragglers: until all that is due has arrived, or too long.
async fn drain(stage: &Stage, stop: &CancellationToken) {
    let records = &stage.records;
    let is_waiting = || {
        let is_short = records.counters.deliveries.load(Ordering::Relaxed)
            < records.counters.due_deliveries.load(Ordering::Relaxed);
        let is_unanswered = has_acks(stage.talk.protocol) && records.counters.unanswered.load(Ordering::Relaxed) > 0;
        (is_short || is_unanswered) && !stage.rooms.are_empty()
    };
    let all_arrived = async {
        while is_waiting() {
            sleep(DRAIN_POLL).await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => return,
        _ = timeout(stage.plan.drain, all_arrived) => {}
    }
    sleep(ECHOES).await;
}

async fn close_all(stage: &Stage, seats: &[Arc<Seat>], mut readers: JoinSet<()>) -> Vec<Leaver> {
    stage.end();
    seats.iter().for_each(|seat| seat.wake());
    while readers.join_next().await.is_some() {}
    let mut leavers: Vec<Leaver> = seats.iter().map(|seat| seat.leave()).collect();
    let closing = leavers.iter_mut().filter_map(|leaver| leaver.connection.take()).map(|connection| async move {
        // A server that is gone needs no good-bye.
        timeout(CLOSE_MAX, connection.close()).await.ok();
    });
    join_all(closing.collect::<Vec<_>>()).await;
    leavers
}

/// A client that is connected, and in its room.
pub(super) struct Arrived {
    pub(super) connection: Line,
    /// What came behind the welcome.
    pub(super) early: VecDeque<OwnedMessage>,
    /// Where it stands, if it may come back.
    pub(super) ticket: Option<Ticket>,
}

async fn connect_all(stage: &Arc<Stage>, gate: &Gate) -> Result<Vec<Arrived>, RunError> {
    let connecting = futures_util::stream::iter(0..stage.plan.clients).map(|number| connect_one(stage, gate, number));
    let arrived = connected(&stage.records, connecting.buffered(CONNECTING_MAX).collect().await)?;
    if is_heard(stage.talk.protocol) && !is_welcomed(stage.talk.protocol) {
        sleep(SETTLE).await;
    }
    Ok(arrived)
}

async fn connect_one(stage: &Stage, gate: &Gate, number: u32) -> Result<Arrived, String> {
    let (begin, within) = (Instant::now(), stage.plan.connect_timeout);
    let mut connection = dial(stage, gate, number).await?;
    note(&mut stage.records.shard(number).lock().connect, us(begin.elapsed()));
    let (mut early, mut ticket) = (VecDeque::new(), None);
    if is_welcomed(stage.talk.protocol) {
        let joining = join(stage, &mut connection, &mut early);
        ticket = timeout(within, joining).await.map_err(|_| "no welcome in time".to_owned())??;
    }
    if stage.talk.resumes && ticket.is_none() {
        return Err("the server does not say how to come back".to_owned());
    }
    Ok(Arrived { connection, early, ticket })
}

async fn dial(stage: &Stage, gate: &Gate, number: u32) -> Result<Line, String> {
    let plan = &stage.plan;
    let (url, within) = (plan.url_of(number), plan.connect_timeout);
    let access = || plan.access.of(number, &plan.room_name(number));
    match stage.talk.protocol {
        Protocol::Sse => {
            let events = sse::connect(&url, number, &access(), within).await;
            events.map(|events| Line::Events(Box::new(events))).map_err(|error| error.to_string())
        }
        Protocol::Http => {
            // The connection is let go: the first message makes its own.
            gate.reach(number, within).await.map_err(|error| error.to_string())?;
            let posts = Posts::new(&url, &access());
            posts.map(|posts| Line::Posts(Box::new(posts))).map_err(|error| error.to_string())
        }
        Protocol::Native | Protocol::Raw | Protocol::Echo | Protocol::Channels | Protocol::Socketio => {
            open(plan, gate, number).await.map(Line::WebSocket).map_err(|error| error.to_string())
        }
    }
}

/// Waits for the welcome, and reads on to where the room stands: what was said before is not this run's.
async fn join(
    stage: &Stage,
    connection: &mut Line,
    early: &mut VecDeque<OwnedMessage>,
) -> Result<Option<Ticket>, String> {
    let protocol = stage.talk.protocol;
    if let Some(greeting) = greeting(protocol) {
        std::future::poll_fn(|cx| std::task::Poll::Ready(connection.send(cx, Opcode::Text, greeting)))
            .await
            .map_err(|error| error.to_string())?;
    }
    let (mut head, mut ticket) = (None, None);
    loop {
        let message = connection.next(early).await.map_err(|end| format!("{end} before the welcome"))?;
        let message = message.as_message();
        match (decode(protocol, message), head, offset(protocol, message)) {
            (Incoming::Welcome(welcome), ..) => {
                if stage.talk.resumes {
                    ticket = Ticket::of(message.bytes());
                }
                if welcome.offset >= welcome.head {
                    return Ok(ticket);
                }
                head = Some(welcome.head);
            }
            (_, Some(head), Some(offset)) if offset >= head => return Ok(ticket),
            _ => {}
        }
    }
}
