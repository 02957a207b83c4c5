//! A store, a sink and a format that are simple enough to be right.

use std::io::{self, IoSlice};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{BufMut, BytesMut};
use hub::{
    Append, Appended, Blob, BlobId, Body, Draft, Durability, Encode, Epoch, Event, Format, Formats, Happening, Head,
    Hub, HubLimits, Join, Message, Offset, Page, PersonName, Reply, Room, RoomName, Seat, Session, Since, Sink, Store,
    StoreError, Timestamp,
};
use parking_lot::Mutex;
use tokio::sync::Notify;

/// One line per event: `offset text`, with what stands between the two.
pub(crate) struct Lines(&'static str);

/// With a space.
pub(crate) const PLAIN: Format = Format(0);
/// With a colon.
pub(crate) const COLON: Format = Format(1);

impl Encode for Lines {
    fn encode(&self, event: &Event<'_>, out: &mut BytesMut) {
        if let Happening::Message(message) = event.happening {
            let Body::Text(text) = &message.draft.body else { panic!("only text is said here") };
            out.put_slice(format!("{}{}", message.offset, self.0).as_bytes());
            out.put_slice(text);
            out.put_u8(b'\n');
        }
    }
}

/// Takes as many bytes as it is allowed to.
#[derive(Debug, Default)]
pub(crate) struct FakeSink {
    state: Mutex<SinkState>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct SinkState {
    taken: Vec<u8>,
    may_take: usize,
    writes: usize,
}

impl FakeSink {
    pub(crate) fn open() -> Self {
        let sink = Self::default();
        sink.allow(usize::MAX / 2);
        sink
    }

    pub(crate) fn allow(&self, bytes: usize) {
        self.state.lock().may_take += bytes;
        self.changed.notify_waiters();
    }

    pub(crate) fn taken(&self) -> String {
        String::from_utf8(self.state.lock().taken.clone()).expect("only text is written here")
    }

    pub(crate) fn writes(&self) -> usize {
        self.state.lock().writes
    }
}

/// Waits for something with one deadline.
pub(crate) async fn until(mut is_true: impl FnMut() -> bool) {
    let waiting = async {
        while !is_true() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("it did not happen in time");
}

impl Sink for FakeSink {
    fn write_some(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut state = self.state.lock();
        state.writes += 1;
        let mut count = 0;
        for slice in slices {
            let part = slice.len().min(state.may_take);
            state.taken.extend_from_slice(&slice[..part]);
            state.may_take -= part;
            count += part;
        }
        if count == 0 { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(count) }
    }

    async fn writable(&self) -> io::Result<()> {
        loop {
            let changed = self.changed.notified();
            if self.state.lock().may_take > 0 {
                return Ok(());
            }
            changed.await;
        }
    }
}

/// Keeps everything of one room; may be told to fail.
#[derive(Debug, Default)]
pub(crate) struct FakeStore {
    messages: Mutex<Vec<(RoomName, Arc<Message>)>>,
    epoch: Mutex<Option<Epoch>>,
    pub(crate) is_down: std::sync::atomic::AtomicBool,
}

impl FakeStore {
    /// Offsets and texts of a room, in their order.
    pub(crate) fn said_in(&self, room: &RoomName) -> impl Iterator<Item = (Offset, String)> {
        let messages = self.messages.lock().clone();
        let room = room.clone();
        messages.into_iter().filter(move |(name, _)| *name == room).map(|(_, message)| {
            let Body::Text(text) = &message.draft.body else { panic!("only text is said here") };
            (message.offset, String::from_utf8_lossy(text).into_owned())
        })
    }
}

#[async_trait]
impl Store for FakeStore {
    async fn append(&self, batch: Vec<Append>) -> Vec<Result<Appended, StoreError>> {
        if self.is_down.load(std::sync::atomic::Ordering::SeqCst) {
            return batch.iter().map(|_| Err(StoreError::Down)).collect();
        }
        let mut messages = self.messages.lock();
        let append_one = |append: Append| {
            self.epoch.lock().get_or_insert(append.known.epoch);
            let last = messages.iter().rev().find(|(room, _)| *room == append.room);
            let offset = last.map_or(append.known.offset, |(_, message)| message.offset).next();
            let message = Arc::new(Message { offset, time: Timestamp(0), draft: append.draft });
            messages.push((append.room, Arc::clone(&message)));
            Ok(Appended::Fresh { epoch: append.known.epoch, message })
        };
        batch.into_iter().map(append_one).collect()
    }

    async fn head(&self, room: &RoomName) -> Result<Option<Head>, StoreError> {
        let epoch = *self.epoch.lock();
        let messages = self.messages.lock();
        let last = messages.iter().rev().find(|(name, _)| name == room);
        Ok(last.zip(epoch).map(|((_, last), epoch)| Head { epoch, offset: last.offset, first_held: Offset(1) }))
    }

    async fn read(&self, room: &RoomName, after: Offset, limit: usize) -> Result<Page, StoreError> {
        tokio::task::yield_now().await;
        let messages = self.messages.lock();
        let of_room = messages.iter().filter(|(name, message)| name == room && message.offset > after);
        Ok(Page { messages: of_room.take(limit).map(|(_, message)| Arc::clone(message)).collect() })
    }

    async fn clear(&self, _: &RoomName) -> Result<(), StoreError> {
        Err(StoreError::Down)
    }

    async fn put_blob(&self, _: &RoomName, _: Blob) -> Result<BlobId, StoreError> {
        Err(StoreError::Down)
    }

    async fn get_blob(&self, _: &BlobId) -> Result<Option<Blob>, StoreError> {
        Ok(None)
    }

    fn durability(&self, _: &RoomName) -> Durability {
        Durability::Memory
    }
}

pub(crate) fn limits() -> HubLimits {
    HubLimits {
        tape_tail_max_bytes: 1 << 20,
        tapes_max_bytes: 1 << 24,
        segment_min_bytes: 256,
        segment_max_bytes: 4096,
        write_max_bytes: 4096,
        pump_yield_sockets: 4,
        pump_yield_bytes: 4096,
        shard_min_sockets: 4,
        message_max_bytes: 1 << 17,
        queue_max_messages: 64,
        queue_max_bytes: 1 << 16,
        batch_max_messages: 16,
        private_max_bytes: 1000,
        drain_min_bytes_per_sec: 100,
        drain_window: Duration::from_secs(30),
        rooms_max: 10,
        room_idle: Duration::from_secs(60),
        presence_names_max: 10,
        presence_interval: Duration::from_secs(1),
        catch_up_page_messages: 7,
        compare_interval: Duration::from_secs(5),
        ahead_max_messages: 100,
        hole_patience: Duration::from_millis(20),
        refused_retry_max: Duration::from_secs(2),
        refused_senders_max: 10,
    }
}

/// A hub with one room.
pub(crate) struct Fixture {
    pub(crate) hub: Arc<Hub<FakeSink>>,
    pub(crate) room: Arc<Room<FakeSink>>,
    pub(crate) store: Arc<FakeStore>,
}

impl Fixture {
    pub(crate) async fn new(limits: HubLimits) -> Self {
        let store = Arc::new(FakeStore::default());
        let formats = Formats::new(vec![Box::new(Lines(" ")), Box::new(Lines(": "))]);
        let hub = Hub::start(Arc::clone(&store) as Arc<dyn Store>, formats, Arc::new(limits));
        let lobby = RoomName::parse("lobby").expect("a valid name");
        let room = hub.room(&lobby, || true).await.expect("the first room");
        Self { hub, room, store }
    }

    pub(crate) fn session(&self, sink: FakeSink) -> Arc<Session<FakeSink>> {
        Session::new(sink, Arc::clone(self.hub.limits()))
    }

    pub(crate) async fn join(&self, session: &Arc<Session<FakeSink>>, since: Since) -> Seat<FakeSink> {
        let name = PersonName::parse("ada").expect("a valid name");
        let join = Join { name, format: PLAIN, since, history: 1000 };
        let welcome = |told: &hub::Welcome| Some(format!("welcome {} {}\n", told.offset, told.head).into());
        self.hub.join(&self.room, session, join, welcome).await.expect("the fake store answers")
    }

    pub(crate) async fn say(&self, text: &str) {
        let speaker = self.session(FakeSink::open());
        self.hub.publish(&self.room, draft(text), None, Reply::OrLeave(speaker)).await;
    }

    pub(crate) async fn say_all(&self, texts: std::ops::Range<usize>) {
        for text in texts {
            self.say(&format!("m{text}")).await;
        }
        self.hub.settle().await;
    }
}

pub(crate) fn draft(text: &str) -> Draft {
    let body = Body::Text(text.to_owned().into());
    Draft { from: PersonName::parse("ada").expect("a valid name"), body, as_sent: None, id: None }
}

/// What a member sees of messages `m0`, `m1` … that were said first in a room.
pub(crate) fn lines(texts: std::ops::Range<usize>) -> String {
    texts.map(|text| format!("{} m{text}\n", text + 1)).collect()
}
