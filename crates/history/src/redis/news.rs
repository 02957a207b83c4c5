//! What other nodes stored, as Redis tells it.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use hub::{Epoch, Message, News, Offset, RoomName, Timestamp};
use parking_lot::Mutex;
use redis::{PushInfo, PushKind, Value};
use tokio::sync::Notify;

use super::keys::room_of_channel;
use crate::record::{self, NotAMessage};

/// News that nobody has taken yet: bounded, and when the bound is hit all of
/// it is let go, since positions are compared then.
#[derive(Debug)]
pub(super) struct Inbox {
    /// What this node puts before what it stores: it is no news here.
    node: String,
    state: Mutex<State>,
    bytes_max: usize,
    came: Notify,
}

#[derive(Debug, Default)]
struct State {
    told: VecDeque<(RoomName, Bytes)>,
    bytes: usize,
    is_missing_some: bool,
}

impl Inbox {
    pub(super) fn new(node: &str, bytes_max: usize) -> Self {
        Self { node: format!("{node} "), state: Mutex::default(), bytes_max, came: Notify::new() }
    }

    /// Something came; never waits.
    pub(super) fn put(&self, push: PushInfo) {
        if !matches!(push.kind, PushKind::Message | PushKind::SMessage) {
            return;
        }
        let Ok([Value::BulkString(channel), Value::BulkString(told)]) = <[Value; 2]>::try_from(push.data) else {
            return;
        };
        if told.starts_with(self.node.as_bytes()) {
            return;
        }
        let Some(room) = room_of_channel(&channel) else { return };
        let mut state = self.state.lock();
        if state.bytes + told.len() > self.bytes_max && !state.told.is_empty() {
            *state = State { is_missing_some: true, ..State::default() };
        } else {
            state.bytes += told.len();
            state.told.push_back((room, told.into()));
        }
        drop(state);
        self.came.notify_one();
    }

    /// Something may have come that was not heard.
    pub(super) fn miss(&self) {
        self.state.lock().is_missing_some = true;
        self.came.notify_one();
    }

    pub(super) fn take(&self) -> Option<News> {
        let mut state = self.state.lock();
        if std::mem::take(&mut state.is_missing_some) {
            return Some(News::Missed);
        }
        let (room, told) = state.told.pop_front()?;
        state.bytes -= told.len();
        drop(state);
        Some(read(room, told).unwrap_or_else(|error| {
            tracing::warn!(%error, "another program writes to our channels");
            News::Missed
        }))
    }

    pub(super) async fn came(&self) {
        self.came.notified().await;
    }
}

/// A line with node, epoch, first offset and time, then each message with its
/// length before it.
fn read(room: RoomName, mut told: Bytes) -> Result<News, NotAMessage> {
    let end = told.iter().position(|byte| *byte == b'\n').ok_or(NotAMessage)?;
    let line = told.split_to(end);
    told.advance(1);
    let words: Vec<_> = std::str::from_utf8(&line).map_err(|_| NotAMessage)?.split(' ').collect();
    let [_, life, generation, first, time] = words[..] else { return Err(NotAMessage) };
    let life = u64::from_str_radix(life, 16).map_err(|_| NotAMessage)?;
    let epoch = Epoch { life, generation: generation.parse().map_err(|_| NotAMessage)? };
    let mut offset = Offset(first.parse().map_err(|_| NotAMessage)?);
    let time = Timestamp(time.parse().map_err(|_| NotAMessage)?);
    let mut messages = Vec::new();
    while !told.is_empty() {
        let length = told.try_get_u32().map_err(|_| NotAMessage)?;
        let draft = record::read(record::take(&mut told, length as usize)?)?;
        messages.push(Arc::new(Message { offset, time, draft }));
        offset = offset.next();
    }
    Ok(News::Stored { room, epoch, messages })
}
