//! What all clients of a talk share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::rooms::Rooms;
use crate::client::connection::End;
use crate::payload::Payloads;
use crate::plan::{Plan, Talk};
use crate::record::Records;

#[derive(Debug)]
pub(super) struct Stage {
    pub(super) plan: Arc<Plan>,
    pub(super) talk: Talk,
    pub(super) records: Arc<Records>,
    pub(super) rooms: Rooms,
    pub(super) payloads: Payloads,
    /// Nothing more is sent.
    stopped: AtomicBool,
    /// Nothing more is read.
    over: AtomicBool,
    /// Why the first client was closed.
    first_end: Mutex<Option<String>>,
}

impl Stage {
    pub(super) fn new(plan: &Arc<Plan>, records: &Arc<Records>, talk: Talk) -> Self {
        Self {
            plan: Arc::clone(plan),
            talk,
            records: Arc::clone(records),
            rooms: Rooms::new(plan, talk.audience),
            payloads: Payloads::new(&plan.run_id, plan.seed, talk.size_bytes),
            stopped: AtomicBool::new(false),
            over: AtomicBool::new(false),
            first_end: Mutex::new(None),
        }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    pub(super) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// A connection ended: what breaks the protocol is an error, and the first reason is told.
    pub(super) fn note_end(&self, end: &End) {
        if self.is_over() {
            return;
        }
        if matches!(end, End::Protocol(_)) {
            self.records.counters.errors.fetch_add(1, Ordering::Relaxed);
        }
        self.first_end.lock().get_or_insert_with(|| end.to_string());
    }

    /// Why the first client was closed.
    pub(super) fn first_end(&self) -> Option<String> {
        self.first_end.lock().clone()
    }
}
