//! What a client is told of its own events.

use std::fmt::Write;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use hub::{PublishError, Receipt, StoreError};
use serde::Serialize;
use wire::error_code::ErrorCode;
use wire::socketio::put_event;

use super::command::Refusal;
use super::out::{Out, put_message};

/// Of an event's name so much is repeated.
const NAME_MAX_BYTES: usize = 40;

/// An event that is to be answered.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    event: Arc<str>,
    /// Where an ack is asked for.
    pub(super) id: Option<u64>,
}

#[derive(Serialize)]
struct Refused<'a> {
    code: ErrorCode,
    message: &'a str,
    event: &'a str,
}

#[derive(Serialize)]
struct Stored<'a> {
    offset: u64,
    epoch: &'a str,
}

impl Asked {
    pub(super) fn new(event: &str, id: Option<u64>) -> Self {
        Self { event: event[..event.floor_char_boundary(NAME_MAX_BYTES)].into(), id }
    }

    /// The ack, where one is asked for.
    pub(super) fn ack(&self, out: &Out, value: &impl Serialize) -> Option<Bytes> {
        self.id.map(|id| out.message(|out| put_ack(out, id, value)))
    }

    /// The event `refused` and, where one is asked for, the ack.
    pub(super) fn refusal(&self, out: &Out, refusal: &Refusal) -> Bytes {
        let refused = Refused { code: refusal.code, message: &refusal.message, event: &self.event };
        let mut bytes = BytesMut::new();
        put_message(out.transport, &mut bytes, |out| put_event(out, "refused", |out| put_json(out, &refused)));
        if let Some(id) = self.id {
            put_message(out.transport, &mut bytes, |out| put_ack(out, id, &refused));
        }
        bytes.freeze()
    }

    /// What became of a message; without an ack to give, failures only.
    pub(super) fn published(&self, out: &Out, result: Result<Receipt, PublishError>) -> Option<Bytes> {
        match result {
            Ok(receipt) => self.ack(out, &Stored { offset: receipt.offset.0, epoch: &receipt.epoch.to_string() }),
            Err(error) => Some(self.refusal(out, &error.into())),
        }
    }
}

impl From<PublishError> for Refusal {
    fn from(error: PublishError) -> Self {
        let code = match error {
            PublishError::TooLarge { .. } | PublishError::Store(StoreError::BlobTooLarge { .. }) => ErrorCode::TooLarge,
            PublishError::Overloaded => ErrorCode::Overloaded,
            PublishError::Store(StoreError::Down) => ErrorCode::StoreDown,
        };
        Self::new(code, error.to_string())
    }
}

fn put_ack(out: &mut BytesMut, id: u64, value: &impl Serialize) {
    write!(out, "3{id}[").expect("memory can be written to");
    put_json(out, value);
    out.put_u8(b']');
}

fn put_json(out: &mut BytesMut, value: &impl Serialize) {
    serde_json::to_writer(out.writer(), value).expect("memory can be written to, and every key is a string");
}
