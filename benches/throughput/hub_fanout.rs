//! What the relay core alone does: from a published message to the bytes
//! given to each member's socket, without sockets.
//!
//! One thread does everything, so that a delivery's time is its cost.

use std::hint::black_box;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};
use criterion::{BenchmarkId, Criterion, Throughput};
use history::MemoryStore;
use hub::{
    Body, Draft, Encode, Event, Format, Formats, Happening, Hub, Join, PersonName, Reply, Room, RoomName, Seat,
    Session, Since, Sink,
};
use negaphone::limits::Limits;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;
use wire::websocket::{Opcode, frame_header, put_frame};

const MEMBERS: [usize; 3] = [1, 32, 1000];
const PAYLOAD_BYTES: usize = 100;

/// Messages that are published before the pump has its turn.
const BURSTS: [(&str, u64); 2] = [("fanout_one", 1), ("fanout_burst_of_64", 64)];

/// All members' bytes together, and a bell for when there are enough.
#[derive(Debug, Default)]
struct Tally {
    taken_bytes: AtomicU64,
    goal_bytes: AtomicU64,
    reached: Notify,
}

/// A socket that takes everything at once.
struct Swallow(Arc<Tally>);

impl Sink for Swallow {
    fn write_some(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let count: usize = slices.iter().map(|slice| black_box(slice).len()).sum();
        let taken = self.0.taken_bytes.fetch_add(count as u64, Ordering::Relaxed) + count as u64;
        if taken == self.0.goal_bytes.load(Ordering::Relaxed) {
            self.0.reached.notify_one();
        }
        Ok(count)
    }

    async fn writable(&self) -> io::Result<()> {
        Ok(())
    }
}

/// The payload as one frame, as the raw relay has it.
struct Frames;

impl Encode for Frames {
    fn encode(&self, event: &Event<'_>, out: &mut BytesMut) {
        if let Happening::Message(message) = event.happening
            && let Body::Bytes(bytes) = &message.draft.body
        {
            put_frame(out, Opcode::Binary, bytes);
        }
    }
}

/// A room with its members.
struct Fixture {
    runtime: Runtime,
    hub: Arc<Hub<Swallow>>,
    room: Arc<Room<Swallow>>,
    speaker: Arc<Session<Swallow>>,
    tally: Arc<Tally>,
    seats: Vec<Seat<Swallow>>,
    draft: Draft,
}

impl Fixture {
    fn new(members: usize) -> Self {
        // The server's defaults.
        let limits = Limits::new(1 << 20, 32 << 20);
        let runtime = Builder::new_current_thread().enable_time().build().expect("the system gives a runtime");
        let tally = Arc::new(Tally::default());
        let (hub, room, sessions, seats) = runtime.block_on(async {
            let store = Arc::new(MemoryStore::new(limits.memory));
            let hub = Hub::start(store, Formats::new(vec![Box::new(Frames)]), Arc::new(limits.hub));
            let name = RoomName::parse("bench").expect("a valid name");
            let room = hub.room(&name, || true).await.expect("there is room for one");
            let sessions: Vec<_> =
                (0..members).map(|_| Session::new(Swallow(Arc::clone(&tally)), Arc::clone(hub.limits()))).collect();
            let mut seats = Vec::new();
            for session in &sessions {
                let join = Join { name: PersonName::guest(), format: Format(0), since: Since::Live, history: 0 };
                seats.push(hub.join(&room, session, join, |_| None).await.expect("a live join asks no store"));
            }
            (hub, room, sessions, seats)
        });
        let body = Body::Bytes(Bytes::from(vec![b'x'; PAYLOAD_BYTES]));
        let draft = Draft { from: PersonName::guest(), body, as_sent: None, id: None };
        Self { runtime, hub, room, speaker: Arc::clone(&sessions[0]), tally, seats, draft }
    }

    /// Publishes so many messages and waits until every member was written
    /// all of them.
    fn burst(&self, messages: u64) {
        let header = frame_header(wire::websocket::Fin::Last, Opcode::Binary, PAYLOAD_BYTES);
        let frame_bytes = (header.as_ref().len() + PAYLOAD_BYTES) as u64;
        let goal_bytes = messages * self.seats.len() as u64 * frame_bytes;
        self.tally.goal_bytes.fetch_add(goal_bytes, Ordering::Relaxed);
        self.runtime.block_on(async {
            for _ in 0..messages {
                let reply = Reply::OrLeave(Arc::clone(&self.speaker));
                self.hub.publish(&self.room, self.draft.clone(), None, reply).await;
            }
            self.tally.reached.notified().await;
        });
    }
}

pub(crate) fn fanout(criterion: &mut Criterion) {
    for (operation, messages) in BURSTS {
        let mut group = criterion.benchmark_group(format!("hub/{operation}"));
        for members in MEMBERS {
            let fixture = Fixture::new(members);
            group.throughput(Throughput::Elements(messages * members as u64));
            group.bench_with_input(BenchmarkId::from_parameter(members), &fixture, |bencher, fixture| {
                bencher.iter(|| fixture.burst(messages));
            });
        }
        group.finish();
    }
}
