//! One client of a talk: what it says when, and what it makes of what it hears.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

use super::rooms::Rooms;
use crate::cli::Pace;
use crate::client::websocket::Socket;
use crate::client::{Incoming, decode, encode, has_acks};
use crate::ledger::Fate;
use crate::payload::{Label, Payloads};
use crate::plan::{Audience, Plan, Talk};
use crate::record::{Departure, Records, us};
use crate::verify::{Arrival, Receiver};

/// What all clients of a talk share.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) plan: Arc<Plan>,
    pub(super) talk: Talk,
    pub(super) records: Arc<Records>,
    pub(super) rooms: Rooms,
    pub(super) payloads: Payloads,
    /// A signal came: nothing more is sent.
    pub(super) stop: CancellationToken,
    /// The drain is over: nothing more is read.
    pub(super) over: CancellationToken,
}

/// What the two halves of a client share.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) number: u32,
    stage: Arc<Stage>,
    /// In closed loop: the answer to the message before has come.
    answered: Notify,
    /// The server or the network closed the connection.
    gone: CancellationToken,
}

/// How much of its share a client has sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Go,
    Done,
}

impl Member {
    pub(super) fn new(number: u32, stage: Arc<Stage>) -> Self {
        Self { number, stage, answered: Notify::new(), gone: CancellationToken::new() }
    }

    /// Whether the server or the network closed the connection.
    pub(super) fn is_gone(&self) -> bool {
        self.gone.is_cancelled()
    }

    fn goes(&self) {
        // Both halves notice; the first counts.
        let is_first = !self.gone.is_cancelled() && !self.stage.over.is_cancelled();
        if is_first {
            self.gone.cancel();
            self.stage.rooms.leaves(self.number);
            self.stage.records.disconnects.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Reads until the drain is over or the connection is closed.
    pub(super) async fn read(self: Arc<Self>, mut stream: SplitStream<Socket>) -> (Arc<Self>, Receiver) {
        let mut receiver = Receiver::default();
        let over = self.stage.over.clone();
        let over = over.cancelled();
        tokio::pin!(over);
        loop {
            tokio::select! {
                () = &mut over => break,
                frame = stream.next() => match frame {
                    Some(Ok(Message::Close(_)) | Err(_)) | None => {
                        self.goes();
                        break;
                    }
                    Some(Ok(frame)) => self.hear(&mut receiver, &frame),
                },
            }
        }
        (self, receiver)
    }

    fn hear(&self, receiver: &mut Receiver, frame: &Message) {
        let records = &self.stage.records;
        match decode(self.stage.talk.protocol, frame) {
            Incoming::Payload(payload) => self.hear_payload(receiver, &payload),
            Incoming::Acked(sequence) => {
                records.settle(self.number, sequence, Fate::Acked);
                self.answered.notify_one();
            }
            Incoming::Refused(sequence) => {
                if records.settle(self.number, sequence, Fate::Refused) {
                    records.refused.fetch_add(1, Ordering::Relaxed);
                    records.due_deliveries.fetch_sub(self.audience(), Ordering::Relaxed);
                }
                self.answered.notify_one();
            }
            Incoming::Error => {
                records.errors.fetch_add(1, Ordering::Relaxed);
            }
            Incoming::Welcome(_) | Incoming::Other => {}
        }
    }

    fn hear_payload(&self, receiver: &mut Receiver, payload: &[u8]) {
        let Stage { talk, records, rooms, payloads, .. } = &*self.stage;
        let is_for_it = |label: Label| {
            rooms.hears(self.number, label.sender) && records.ledger().has_room_for(label.sender, label.sequence)
        };
        match receiver.take(payloads, payload, is_for_it) {
            Arrival::InOrder(label) | Arrival::Reordered(label) => {
                records.arrives(self.number, label, rooms.audience_of(label.sender));
                // Where acks are given, they are the answer.
                if label.sender == self.number && !has_acks(talk.protocol) {
                    self.answered.notify_one();
                }
            }
            Arrival::Corrupted | Arrival::Duplicated => {
                records.note_sign_of_life();
                if talk.audience == Audience::Sender {
                    self.answered.notify_one();
                }
            }
            Arrival::Foreign => {}
        }
    }

    fn audience(&self) -> u64 {
        self.stage.rooms.audience_of(self.number)
    }

    /// Sends the client's messages, each when it is due.
    pub(super) async fn write(
        self: Arc<Self>,
        mut sink: SplitSink<Socket, Message>,
        start: Instant,
    ) -> SplitSink<Socket, Message> {
        let mut ready_at = start;
        for sequence in 0..self.stage.plan.messages_per_client_max() {
            let sending = async {
                let step = self.say(&mut sink, sequence, start, ready_at).await;
                ready_at = Instant::now();
                if step == Step::Go && self.stage.plan.schedule.pace() == Pace::Closed {
                    self.await_answer(start).await;
                    ready_at = Instant::now();
                }
                step
            };
            let step = tokio::select! {
                () = self.stage.stop.cancelled() => Step::Done,
                () = self.gone.cancelled() => Step::Done,
                step = sending => step,
            };
            if step == Step::Done {
                break;
            }
        }
        sink
    }

    /// Sends one message when it is due, if it still belongs to the load.
    async fn say(
        &self,
        sink: &mut SplitSink<Socket, Message>,
        sequence: u32,
        start: Instant,
        ready_at: Instant,
    ) -> Step {
        let Stage { plan, talk, records, payloads, .. } = &*self.stage;
        let schedule = plan.schedule;
        let k = u64::from(sequence) * u64::from(plan.clients) + u64::from(self.number);
        if schedule.messages().is_some_and(|messages| k >= messages) {
            return Step::Done;
        }
        let planned = schedule.due(k);
        sleep_until(start + planned).await;
        let due = match schedule.pace() {
            Pace::Open => {
                // Time in which the server did not take the message before is not the generator's lateness.
                records.note_lateness(self.number, start + planned, ready_at);
                planned
            }
            Pace::Closed => records.elapsed(),
        };
        if schedule.pace() == Pace::Closed && due >= schedule.duration() {
            return Step::Done;
        }
        let label = Label { sender: self.number, sequence, due_us: us(due) };
        let frame = encode(talk.protocol, label, payloads.make(label));
        let audience = self.audience();
        records.sends(self.number, sequence, audience);
        if sink.send(frame).await.is_err() {
            records.has_sent(self.number, sequence, audience, Departure::Failed);
            self.goes();
            return Step::Done;
        }
        records.has_sent(self.number, sequence, audience, Departure::Left);
        Step::Go
    }

    /// Waits for the answer, but not for ever: one that is lost must not end the client's load.
    async fn await_answer(&self, start: Instant) {
        let end = start + self.stage.plan.schedule.duration();
        let left = end.saturating_duration_since(Instant::now()).min(self.stage.plan.drain);
        timeout(left, self.answered.notified()).await.ok();
    }
}
