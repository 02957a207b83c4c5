//! One client of a talk: what it says when, and what it makes of what it hears.
//!
//! Two sides come to a seat: the task that reads its connection, and the pacer when a message of its
//! is due. Neither waits while it has it.

mod away;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use parking_lot::Mutex;

use super::stage::Stage;
use super::talk::Arrived;
use crate::cli::Pace;
use crate::client::connection::{Message, OwnedMessage, Taken};
use crate::client::line::Line;
use crate::client::native::Ticket;
use crate::client::{Incoming, decode, encode, has_acks, is_heard, offset};
use crate::ledger::Fate;
use crate::payload::Label;
use crate::plan::Audience;
use crate::record::{Departure, us};
use crate::verify::{Arrival, Receiver};

thread_local! {
    /// Where messages are made.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A client.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) number: u32,
    stage: Arc<Stage>,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// `None` when the server or the network has closed it.
    connection: Option<Line>,
    ears: Ears,
    mouth: Mouth,
    /// Of the task that reads.
    waker: Waker,
    /// Came before the load began, or behind the welcome of one that came back.
    early: VecDeque<OwnedMessage>,
    /// Has come back, and has things to say again.
    is_back: bool,
}

/// What a client has heard.
#[derive(Debug, Default)]
struct Ears {
    receiver: Receiver,
    /// In closed loop: the answer to the message before has come.
    is_answered: bool,
    /// What the protocol wants to be answered at once.
    replies: Vec<&'static [u8]>,
    /// What it comes back with, as long as it may.
    ticket: Option<Ticket>,
    /// What it has said and has no answer to; kept by those that come back, or hear nothing else.
    unanswered: VecDeque<Label>,
}

/// What a client says. Times are counted from the start of the load.
#[derive(Debug, Default)]
struct Mouth {
    /// The number of its next message.
    next: u32,
    /// A message of which the kernel took only a part, and its receivers.
    leaving: Option<(u32, u64)>,
    /// In closed loop: since when it waits for an answer.
    asked_at: Option<Duration>,
    /// It could not be late by its own fault before.
    ready_at: Duration,
}

/// A client when all is over.
#[derive(Debug)]
pub(super) struct Leaver {
    pub(super) number: u32,
    pub(super) receiver: Receiver,
    /// Whether the server or the network had closed it.
    pub(super) is_gone: bool,
    pub(super) connection: Option<Line>,
}

impl Seat {
    pub(super) fn new(number: u32, stage: Arc<Stage>, arrived: Arrived) -> Self {
        let inner = Inner {
            connection: Some(arrived.connection),
            ears: Ears { ticket: arrived.ticket, ..Ears::default() },
            mouth: Mouth::default(),
            waker: Waker::noop().clone(),
            early: arrived.early,
            is_back: false,
        };
        Self { number, stage, inner: Mutex::new(inner) }
    }

    /// Reads what has come; ready when nothing more will.
    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut inner = self.inner.lock();
        let inner = &mut *inner;
        if !inner.waker.will_wake(cx.waker()) {
            inner.waker = cx.waker().clone();
        }
        for message in std::mem::take(&mut inner.early) {
            self.hear(&mut inner.ears, message.as_message(), self.stage.records.elapsed());
        }
        if std::mem::take(&mut inner.is_back) {
            self.say_again(inner, cx);
            self.say_due(inner, cx);
        }
        if inner.mouth.leaving.is_some() {
            self.go_on(inner, cx);
        }
        loop {
            let Inner { connection: Some(connection), ears, .. } = inner else { return Poll::Ready(()) };
            if self.stage.is_over() {
                return Poll::Ready(());
            }
            let mut now = None;
            let read = connection.poll_read(cx, |message| {
                // All that came with one read came at one time.
                let now = *now.get_or_insert_with(|| self.stage.records.elapsed());
                self.hear(ears, message, now);
            });
            let Poll::Ready(read) = read else { return Poll::Pending };
            if let Err(end) = read {
                self.stage.note_end(&end);
                self.goes(inner);
                return Poll::Ready(());
            }
            self.react(inner, cx);
            if inner.mouth.leaving.is_some() {
                // The answer to a message may make place for the next one.
                self.go_on(inner, cx);
            }
        }
    }

    /// What follows from what was heard.
    fn react(&self, inner: &mut Inner, cx: &mut Context<'_>) {
        for reply in std::mem::take(&mut inner.ears.replies) {
            let Some(connection) = &mut inner.connection else { return };
            // A broken connection is noticed by the next read.
            connection.send(cx, crate::client::frame::Opcode::Text, reply).ok();
        }
        if std::mem::take(&mut inner.ears.is_answered) && self.stage.plan.schedule.pace() == Pace::Closed {
            inner.mouth.asked_at = None;
            inner.mouth.ready_at = self.stage.records.elapsed();
            self.say_due(inner, cx);
        }
    }

    /// The kernel may take more of a message that it took a part of.
    fn go_on(&self, inner: &mut Inner, cx: &mut Context<'_>) {
        let Inner { connection: Some(connection), mouth, .. } = inner else { return };
        match (connection.poll_flush(cx), mouth.leaving) {
            (Poll::Ready(Ok(())), Some((sequence, audience))) => {
                mouth.leaving = None;
                mouth.ready_at = self.stage.records.elapsed();
                self.stage.records.has_sent(self.number, sequence, audience, Departure::Left);
                self.say_due(inner, cx);
            }
            (Poll::Ready(Err(_)), _) => self.goes(inner),
            (Poll::Ready(Ok(())) | Poll::Pending, _) => {}
        }
    }

    /// Says everything that is due.
    pub(super) fn advance(&self) {
        let mut inner = self.inner.lock();
        let waker = inner.waker.clone();
        self.say_due(&mut inner, &mut Context::from_waker(&waker));
    }

    fn say_due(&self, inner: &mut Inner, cx: &mut Context<'_>) {
        while let Some((label, now)) = self.next_due(&mut inner.mouth) {
            let Some(connection) = &mut inner.connection else { return };
            let audience = self.stage.rooms.audience_of(self.number);
            self.stage.records.sends(self.number, label.sequence, audience, us(now));
            let taken = SCRATCH.with_borrow_mut(|scratch| {
                scratch.clear();
                let opcode = encode(&self.stage.talk, label, &self.stage.payloads, scratch);
                connection.send(cx, opcode, scratch)
            });
            let mouth = &mut inner.mouth;
            mouth.next += 1;
            if inner.ears.ticket.is_some() || !is_heard(self.stage.talk.protocol) {
                inner.ears.unanswered.push_back(label);
            }
            match taken {
                Ok(Taken::Whole) => {
                    self.stage.records.has_sent(self.number, label.sequence, audience, Departure::Left);
                }
                Ok(Taken::Part) => {
                    self.stage.records.counters.blocked.fetch_add(1, Ordering::Relaxed);
                    mouth.leaving = Some((label.sequence, audience));
                }
                Err(_) => {
                    mouth.leaving = Some((label.sequence, audience));
                    return self.goes(inner);
                }
            }
            if self.stage.plan.schedule.pace() == Pace::Closed {
                mouth.asked_at = Some(now);
            }
        }
    }

    /// The next message, if it is due and may be said.
    fn next_due(&self, mouth: &mut Mouth) -> Option<(Label, Duration)> {
        let Stage { plan, records, .. } = &*self.stage;
        if mouth.leaving.is_some()
            || self.stage.is_stopped()
            || mouth.next >= records.ledger().messages_per_sender_max()
        {
            return None;
        }
        let k = u64::from(mouth.next) * u64::from(plan.clients) + u64::from(self.number);
        let schedule = &plan.schedule;
        if schedule.messages().is_some_and(|messages| k >= messages) {
            return None;
        }
        let (planned, now) = (schedule.due(k), records.elapsed());
        let due = match schedule.pace() {
            _ if planned > now => return None,
            Pace::Open => {
                // Time in which the server did not take the message before is not the generator's lateness.
                records.note_lateness(self.number, now.saturating_sub(planned.max(mouth.ready_at)));
                planned
            }
            // An answer that is lost must not end the client's load.
            Pace::Closed if mouth.asked_at.is_some_and(|asked| now < asked + plan.drain) => return None,
            Pace::Closed if now >= schedule.duration() => return None,
            Pace::Closed => now,
        };
        Some((Label { sender: self.number, sequence: mouth.next, due_us: us(due) }, now))
    }

    /// Whether it has said all that it has to say.
    pub(super) fn is_done(&self) -> bool {
        let inner = self.inner.lock();
        let schedule = &self.stage.plan.schedule;
        let k = u64::from(inner.mouth.next) * u64::from(self.stage.plan.clients) + u64::from(self.number);
        let has_said_all = match schedule.pace() {
            Pace::Open => schedule.messages().is_none_or(|messages| k >= messages),
            Pace::Closed => self.stage.records.elapsed() >= schedule.duration(),
        };
        match inner.connection {
            Some(_) => has_said_all && inner.mouth.leaving.is_none(),
            None => inner.ears.ticket.is_none(),
        }
    }

    /// The server or the network has closed it.
    fn goes(&self, inner: &mut Inner) {
        if inner.connection.is_some() && !self.stage.is_over() {
            self.stage.records.counters.disconnects.fetch_add(1, Ordering::Relaxed);
            self.let_go(inner);
        }
    }

    /// It has no connection any more; without a ticket it is gone for good.
    fn let_go(&self, inner: &mut Inner) {
        inner.connection = None;
        let may_return = inner.ears.ticket.is_some();
        if let Some((sequence, audience)) = inner.mouth.leaving.take() {
            // What was cut off is said again by who comes back.
            let departure = if may_return { Departure::Left } else { Departure::Failed };
            self.stage.records.has_sent(self.number, sequence, audience, departure);
        }
        if !may_return {
            self.stage.rooms.leaves(self.number);
        }
        // Its reading is over as well.
        inner.waker.wake_by_ref();
    }

    /// Wakes the task that reads, so that it sees that all is over.
    pub(super) fn wake(&self) {
        self.inner.lock().waker.wake_by_ref();
    }

    pub(super) fn leave(&self) -> Leaver {
        let mut inner = self.inner.lock();
        Leaver {
            number: self.number,
            receiver: std::mem::take(&mut inner.ears.receiver),
            is_gone: inner.connection.is_none(),
            connection: inner.connection.take(),
        }
    }

    fn hear(&self, ears: &mut Ears, message: Message<'_>, now: Duration) {
        let records = &self.stage.records;
        if let Some(ticket) = &mut ears.ticket
            && let Some(offset) = offset(self.stage.talk.protocol, message)
        {
            ticket.offset = offset;
        }
        match decode(self.stage.talk.protocol, message) {
            Incoming::Payload(payload) => self.hear_payload(ears, &payload, now),
            Incoming::Acked(sequence) => {
                records.settle(self.number, sequence, Fate::Acked);
                if !is_heard(self.stage.talk.protocol)
                    && let Some(label) = ears.unanswered.iter().find(|label| label.sequence == sequence).copied()
                {
                    ears.receiver.take_answer(label);
                    records.arrives(self.number, label, 1, us(now));
                }
                ears.unanswered.retain(|label| label.sequence != sequence);
                ears.is_answered = true;
            }
            Incoming::Refused(sequence) => {
                if records.settle(self.number, sequence, Fate::Refused) {
                    records.counters.refused.fetch_add(1, Ordering::Relaxed);
                    records.note_sign_of_life();
                    let audience = self.stage.rooms.audience_of(self.number);
                    records.counters.due_deliveries.fetch_sub(audience, Ordering::Relaxed);
                }
                ears.unanswered.retain(|label| label.sequence != sequence);
                ears.is_answered = true;
            }
            Incoming::Error => {
                records.counters.errors.fetch_add(1, Ordering::Relaxed);
            }
            Incoming::Ping(reply) => ears.replies.push(reply),
            Incoming::Welcome(_) | Incoming::Other => {}
        }
    }

    fn hear_payload(&self, ears: &mut Ears, payload: &[u8], now: Duration) {
        let Stage { talk, records, rooms, payloads, .. } = &*self.stage;
        let is_for_it = |label: Label| {
            rooms.hears(self.number, label.sender) && records.ledger().has_room_for(label.sender, label.sequence)
        };
        let arrival = ears.receiver.take(payloads, payload, is_for_it);
        match arrival {
            Arrival::InOrder(label) | Arrival::Reordered(label) => {
                records.arrives(self.number, label, rooms.audience_of(label.sender), us(now));
                // Where acks are given, they are the answer.
                if label.sender == self.number && !has_acks(talk.protocol) {
                    ears.is_answered = true;
                }
            }
            Arrival::Corrupted | Arrival::Duplicated => {
                records.note_sign_of_life();
                ears.is_answered |= talk.audience == Audience::Sender;
            }
            Arrival::Foreign => {}
        }
        records.counters.note_fault(arrival);
    }
}
