//! Whatever is said, joined, left, killed and restarted in whatever order:
//! rooms and members are as in a model that is a list a room. Over files, and
//! over a Redis that two nodes share and that is killed with them.

use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use history::{RedisOptions, RedisStore, SqliteOptions, SqliteStore, Sync};
use hub::{
    Body, DedupKey, Draft, Encode, Event, Format, Formats, Happening, Hub, Join, Offset, PersonName, Position,
    RoomName, Seat, Session, Since, Sink, Store,
};
use negaphone::limits::Limits;
use parking_lot::Mutex;
use proptest::prelude::*;
use tempfile::TempDir;
use tests::{RedisServer, lasting_address, within_deadline};

const ROOMS: usize = 2;
const MEMBERS: usize = 4;

#[derive(Debug, Clone, Copy)]
enum Step {
    /// Something new, by a member (who need not be there).
    Say(usize),
    /// What that member said last, once more.
    SayAgain(usize),
    Join(usize),
    Leave(usize),
    /// The program is killed and started again.
    Kill,
    /// It is stopped and started again.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let member = 0..MEMBERS;
    prop_oneof![
        8 => member.clone().prop_map(Step::Say),
        2 => member.clone().prop_map(Step::SayAgain),
        4 => member.clone().prop_map(Step::Join),
        3 => member.prop_map(Step::Leave),
        1 => Just(Step::Kill),
        1 => Just(Step::Restart),
    ]
}

/// A line an event: `offset text`.
struct Lines;

impl Encode for Lines {
    fn encode(&self, event: &Event<'_>, out: &mut BytesMut) {
        if let Happening::Message(message) = event.happening
            && let Body::Text(text) = &message.draft.body
        {
            out.put_slice(format!("{} ", message.offset).as_bytes());
            out.put_slice(text);
            out.put_u8(b'\n');
        }
    }
}

/// Keeps all that is written.
#[derive(Debug, Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Page {
    fn lines(&self) -> Vec<String> {
        String::from_utf8(self.0.lock().clone()).unwrap().lines().map(str::to_owned).collect()
    }
}

impl Sink for Page {
    fn write_some(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut page = self.0.lock();
        slices.iter().for_each(|slice| page.extend_from_slice(slice));
        Ok(slices.iter().map(|slice| slice.len()).sum())
    }

    async fn writable(&self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Default)]
struct Member {
    seated: Option<(Seat<Page>, Page)>,
    /// The last message it saw, in which life of the room.
    position: Option<Position>,
    /// The first message that it is given on its present seat.
    from: u64,
    /// What it said last, and at which offset.
    said: Option<(String, u64)>,
}

/// What outlives the programs.
enum Kept {
    Files(TempDir),
    Redis { server: RedisServer, _folder: TempDir },
}

/// The programs, and what they should have.
struct World {
    kept: Kept,
    nodes: Vec<Arc<Hub<Page>>>,
    members: [Member; MEMBERS],
    /// What was said in each room.
    model: [Vec<String>; ROOMS],
    said: usize,
}

impl Kept {
    fn files() -> Self {
        Self::Files(tempfile::tempdir().unwrap())
    }

    fn redis() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::Redis { server: RedisServer::start(folder.path(), lasting_address(), &[]), _folder: folder }
    }

    async fn start(&self) -> Vec<Arc<Hub<Page>>> {
        match self {
            Self::Files(folder) => {
                vec![start(SqliteStore::open(SqliteOptions::new(folder.path(), Sync::Os)).unwrap())]
            }
            Self::Redis { server, .. } => {
                let mut nodes = Vec::new();
                for _ in 0..2 {
                    nodes.push(start(RedisStore::open(RedisOptions::new(server.url())).await.unwrap()));
                }
                nodes
            }
        }
    }

    /// As it is after everything was killed while it was running; returns what
    /// those who do not know it yet write to.
    fn kill(&mut self) -> Option<TempDir> {
        match self {
            Self::Files(folder) => {
                let left = copy(folder.path());
                Some(std::mem::replace(folder, left))
            }
            Self::Redis { server, .. } => {
                server.kill_and_restart();
                None
            }
        }
    }
}

fn start(store: impl Store + 'static) -> Arc<Hub<Page>> {
    let limits = Limits::new(1 << 20, 32 << 20).hub;
    Hub::start(Arc::new(store), Formats::new(vec![Box::new(Lines)]), Arc::new(limits))
}

/// The folder as a killed program leaves it.
fn copy(folder: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    copy
}

fn name(member: usize) -> PersonName {
    PersonName::parse(&format!("member-{member}")).unwrap()
}

impl World {
    async fn new(kept: Kept) -> Self {
        let nodes = kept.start().await;
        Self { kept, nodes, members: Default::default(), model: Default::default(), said: 0 }
    }

    /// Where a member is: in each room there is one of each node.
    fn hub(&self, member: usize) -> &Arc<Hub<Page>> {
        &self.nodes[member / ROOMS % self.nodes.len()]
    }

    async fn room(&self, member: usize) -> Arc<hub::Room<Page>> {
        let name = RoomName::parse(&format!("room-{}", member % ROOMS)).unwrap();
        self.hub(member).room(&name, || true).await.unwrap()
    }

    async fn run(&mut self, step: Step) {
        match step {
            Step::Say(member) => {
                self.said += 1;
                let text = format!("m{}", self.said);
                self.model[member % ROOMS].push(text.clone());
                let offset = self.model[member % ROOMS].len() as u64;
                self.publish(member, &text, (offset, false)).await;
                self.members[member].said = Some((text, offset));
            }
            Step::SayAgain(member) => {
                if let Some((text, offset)) = self.members[member].said.clone() {
                    self.publish(member, &text, (offset, true)).await;
                }
            }
            Step::Join(member) => self.join(member).await,
            Step::Leave(member) => self.members[member].seated = None,
            Step::Kill => {
                let _former = self.kept.kill();
                self.restart().await;
            }
            Step::Restart => self.restart().await,
        }
        self.check().await;
    }

    async fn restart(&mut self) {
        self.everybody_leaves();
        for node in &self.nodes {
            node.close().await;
        }
        self.nodes = self.kept.start().await;
    }

    async fn publish(&self, member: usize, text: &str, expected: (u64, bool)) {
        let body = Body::Text(Bytes::copy_from_slice(text.as_bytes()));
        let draft = Draft { from: name(member), body, as_sent: None, id: None };
        let dedup = DedupKey { session: format!("session-{member}").into(), id: text.into() };
        let room = self.room(member).await;
        let receipt = self.hub(member).publish_or_refuse(&room, draft, Some(dedup)).await.unwrap();
        assert_eq!((receipt.offset.0, receipt.repeat), expected);
    }

    async fn join(&mut self, member: usize) {
        if self.members[member].seated.is_some() {
            return;
        }
        let room = self.room(member).await;
        let page = Page::default();
        let session = Session::new(page.clone(), Arc::clone(self.hub(member).limits()));
        let position = self.members[member].position;
        let join = Join {
            name: name(member),
            format: Format(0),
            since: position.map_or(Since::Latest, Since::After),
            history: 1000,
        };
        let mut told = None;
        let welcome = |welcome: &hub::Welcome| {
            told = Some(*welcome);
            None
        };
        let seat = self.hub(member).join(&room, &session, join, welcome).await.unwrap();
        let told = told.unwrap();
        assert_eq!(told.recovered, position.map(|_| true), "everything that was acked can be recovered");
        assert_eq!(told.offset, position.map_or(Offset(0), |position| position.offset));
        assert_eq!(told.head.0, self.model[member % ROOMS].len() as u64);
        self.members[member].from = told.offset.0;
        self.members[member].position = Some(Position { offset: told.offset, epoch: told.epoch });
        self.members[member].seated = Some((seat, page));
    }

    fn everybody_leaves(&mut self) {
        for (number, member) in self.members.iter_mut().enumerate() {
            member.seated = None;
            // A room in which nothing was said is nowhere: it begins anew.
            if self.model[number % ROOMS].is_empty() {
                member.position = None;
            }
        }
    }

    /// Everybody who is there has heard everything, in order and once.
    async fn check(&mut self) {
        for node in &self.nodes {
            node.settle().await;
        }
        for (number, member) in self.members.iter_mut().enumerate() {
            let Some((_, page)) = &member.seated else { continue };
            let said = self.model[number % ROOMS].iter().zip(1..);
            let expected: Vec<_> = said
                .skip(usize::try_from(member.from).unwrap())
                .map(|(text, offset)| format!("{offset} {text}"))
                .collect();
            let all = async {
                while page.lines().len() < expected.len() {
                    tokio::task::yield_now().await;
                }
            };
            within_deadline("what was said", all).await;
            assert_eq!(page.lines(), expected);
            if let Some(position) = &mut member.position {
                position.offset = Offset(member.from + expected.len() as u64);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn over_files_rooms_and_members_are_as_in_the_model(steps in proptest::collection::vec(step(), 1..40)) {
        run(Kept::files(), steps);
    }

    #[test]
    fn over_redis_rooms_and_members_are_as_in_the_model(steps in proptest::collection::vec(step(), 1..40)) {
        run(Kept::redis(), steps);
    }
}

fn run(kept: Kept, steps: Vec<Step>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut world = World::new(kept).await;
        for step in steps {
            world.run(step).await;
        }
    });
}
