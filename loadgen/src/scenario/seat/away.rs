//! A client that has no connection for a while, and comes back.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::task::Context;

use super::{Inner, SCRATCH, Seat};
use crate::client::connection::OwnedMessage;
use crate::client::encode;
use crate::client::line::Line;
use crate::client::native::Ticket;

impl Seat {
    /// Drops its connection of its own accord, to come back.
    pub(in crate::scenario) fn drop_out(&self) {
        let mut inner = self.inner.lock();
        if inner.connection.is_some() && inner.ears.ticket.is_some() && !self.stage.is_over() {
            self.let_go(&mut inner);
        }
    }

    /// What it comes back with, when it is away and the load is not over.
    pub(in crate::scenario) fn ticket_back(&self) -> Option<Ticket> {
        let inner = self.inner.lock();
        let is_away = inner.connection.is_none() && !self.stage.is_over();
        inner.ears.ticket.clone().filter(|_| is_away)
    }

    /// Has come back; `early` came behind its welcome.
    pub(in crate::scenario) fn sit_again(&self, connection: Line, early: VecDeque<OwnedMessage>) {
        let mut inner = self.inner.lock();
        inner.connection = Some(connection);
        inner.early = early;
        inner.is_back = true;
        // What was due meanwhile is late by the absence, not by the generator.
        inner.mouth.ready_at = self.stage.records.elapsed();
        self.stage.records.counters.resumed.fetch_add(1, Ordering::Relaxed);
    }

    /// Could not come back.
    pub(in crate::scenario) fn stay_away(&self) {
        if self.inner.lock().ears.ticket.take().is_some() && !self.stage.is_over() {
            self.stage.rooms.leaves(self.number);
        }
    }

    /// Says again what has no answer: the server knows by its number whether it has it.
    pub(super) fn say_again(&self, inner: &mut Inner, cx: &mut Context<'_>) {
        let Inner { connection: Some(connection), ears, .. } = inner else { return };
        for &label in &ears.unanswered {
            SCRATCH.with_borrow_mut(|scratch| {
                scratch.clear();
                let opcode = encode(&self.stage.talk, label, &self.stage.payloads, scratch);
                // A broken connection is noticed by the next read.
                connection.send(cx, opcode, scratch).ok();
            });
        }
    }
}
