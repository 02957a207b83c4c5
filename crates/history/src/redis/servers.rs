//! One Redis, or the masters of a cluster: each room is kept by one of them.
//!
//! A cluster is several servers with a connection each, and nothing else: what
//! is promised of one connection (its order, and that nothing which was given
//! up happens later) holds for every room.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Weak};

use futures_util::future::join_all;
use hub::{Durability, RoomName, StoreError};
use parking_lot::Mutex;
use redis::{Client, Cmd, ConnectionAddr, ErrorKind, RedisResult, Value, cmd, pipe};
use tokio::time::{sleep, timeout};

use super::RedisOpenError;
use super::durability::weakest;
use super::keys::{RoomKeys, pictures};
use super::link::{Link, Surroundings};
use super::scripts::Scripts;
use super::slots::{self, Range, SLOTS, slot_of};

/// Which server keeps what, and of which rooms there is news.
#[derive(Debug)]
pub(super) struct Servers {
    /// The one that we were told of, with user and password.
    client: Client,
    surroundings: Surroundings,
    /// Replaced as a whole when a cluster says that it has changed.
    map: Mutex<Arc<Map>>,
    /// Followed rooms, whichever server keeps them.
    followed: Mutex<HashSet<RoomName>>,
}

#[derive(Debug)]
struct Map {
    /// None, where there is but one server for everything.
    ranges: Option<Vec<Range>>,
    /// Each server once; none after the end.
    links: Vec<Arc<Link>>,
}

impl Servers {
    /// Connects to all of them.
    ///
    /// # Errors
    ///
    /// When one of them is not there or does not let us in, or when some slots
    /// of a cluster have no server.
    pub(super) async fn open(client: Client, surroundings: Surroundings) -> Result<Arc<Self>, RedisOpenError> {
        let first = connect(&client, &surroundings).await?;
        let ranges = ranges(&first).await.map_err(|source| RedisOpenError::connect(first.address(), source))?;
        let mut links = vec![first];
        for Range { address, .. } in ranges.iter().flatten() {
            if !links.iter().any(|link| link.address() == address) {
                links.push(connect(&at(&client, address)?, &surroundings).await?);
            }
        }
        let moved = Arc::clone(&surroundings.moved);
        let is_cluster = ranges.is_some();
        let map = Map::new(ranges, links);
        let slots = map.slots();
        if slots < usize::from(SLOTS) {
            return Err(RedisOpenError::Incomplete { slots });
        }
        let retry = (surroundings.limits.retry_min, surroundings.limits.retry_max);
        let servers =
            Arc::new(Self { client, surroundings, map: Mutex::new(Arc::new(map)), followed: Mutex::default() });
        if is_cluster {
            let servers = Arc::downgrade(&servers);
            tokio::spawn(async move {
                loop {
                    // A lost server may have been replaced at any time without a word.
                    let is_told = timeout(retry.1, moved.notified()).await.is_ok();
                    let Some(servers) = Weak::upgrade(&servers) else { return };
                    if is_told || !servers.is_up() {
                        servers.look().await;
                    }
                    // Slots that move one after the other are not asked for one by one.
                    sleep(retry.0).await;
                }
            });
        }
        Ok(servers)
    }

    pub(super) fn scripts(&self) -> &Scripts {
        &self.surroundings.scripts
    }

    /// The number of the database, of which a cluster has one.
    pub(super) fn database(&self) -> i64 {
        self.client.get_connection_info().redis_settings().db()
    }

    /// The server of a room.
    pub(super) fn of(&self, room: &RoomName) -> Result<Arc<Link>, StoreError> {
        self.map().of(room.as_str())
    }

    /// The server of all shared pictures.
    pub(super) fn of_pictures(&self) -> Result<Arc<Link>, StoreError> {
        self.map().of(pictures::TAG)
    }

    /// Asks of several rooms at once what `command` makes of each and of the
    /// lineage of its server; answers one for one.
    pub(super) async fn ask_each<'a, T: 'a>(
        &self,
        asked: &'a [T],
        room: impl Fn(&'a T) -> &'a RoomName,
        command: impl Fn(&'a T, &str) -> Cmd,
    ) -> Vec<Result<Value, StoreError>> {
        let map = self.map();
        let mut answers: Vec<_> = asked.iter().map(|_| Err(StoreError::Down)).collect();
        let mut questions: Vec<_> =
            map.links.iter().map(|link| link.session().ok().map(|session| (session, pipe(), Vec::new()))).collect();
        for (place, asked) in asked.iter().enumerate() {
            if let Some(index) = map.index_of(room(asked).as_str())
                && let Some((session, commands, places)) = &mut questions[index]
            {
                commands.add_command(command(asked, &session.lineage));
                places.push(place);
            }
        }
        let mut questions: Vec<_> =
            questions.into_iter().flatten().filter(|(_, _, places)| !places.is_empty()).collect();
        let answered = questions.iter_mut().map(|(session, commands, _)| session.ask_all(commands));
        let answered = join_all(answered).await;
        for ((.., places), answered) in questions.iter().zip(answered) {
            // Of a server that is down all answers stay as they are.
            for (place, answer) in places.iter().zip(answered.unwrap_or_default()) {
                answers[*place] = answer;
            }
        }
        answers
    }

    /// From here on there is news of these rooms.
    pub(super) async fn follow(&self, rooms: &[RoomName]) -> Result<(), StoreError> {
        self.followed.lock().extend(rooms.iter().cloned());
        // Looked at after they were noted: if the map is replaced meanwhile, somebody else sees to them.
        let map = self.map();
        for (index, channels) in self.channels(&map, rooms) {
            map.links[index].listen(channels).await?;
        }
        if rooms.iter().all(|room| map.index_of(room.as_str()).is_some()) { Ok(()) } else { Err(StoreError::Down) }
    }

    pub(super) async fn unfollow(&self, rooms: &[RoomName]) {
        self.followed.lock().retain(|room| !rooms.contains(room));
        let map = self.map();
        for (index, channels) in self.channels(&map, rooms) {
            map.links[index].stop_listening(channels).await;
        }
    }

    /// Of all of them the weakest.
    pub(super) fn durability(&self) -> Durability {
        weakest(self.map().links.iter().map(|link| link.durability()))
    }

    /// Whether all of them are there.
    pub(super) fn is_up(&self) -> bool {
        let map = self.map();
        !map.links.is_empty() && map.links.iter().all(|link| link.is_up())
    }

    /// Lets nobody use them any more.
    pub(super) fn close(&self) {
        let closed = Map { ranges: Some(Vec::new()), links: Vec::new() };
        for link in &std::mem::replace(&mut *self.map.lock(), Arc::new(closed)).links {
            link.close();
        }
    }

    /// Where these rooms are told of, by server.
    fn channels(&self, map: &Map, rooms: &[RoomName]) -> HashMap<usize, Vec<String>> {
        let mut channels: HashMap<_, Vec<_>> = HashMap::new();
        for room in rooms {
            if let Some(index) = map.index_of(room.as_str()) {
                channels.entry(index).or_default().push(RoomKeys(room).channel(self.database()));
            }
        }
        channels
    }

    fn map(&self) -> Arc<Map> {
        Arc::clone(&self.map.lock())
    }

    /// Asks the cluster where everything is.
    async fn look(&self) {
        let links = self.map().links.clone();
        let mut told = join_all(links.iter().map(|link| ranges(link))).await;
        if told.iter().all(Result::is_err)
            && !links.is_empty()
            && let Ok(first) = connect(&self.client, &self.surroundings).await
        {
            told.push(ranges(&first).await);
        }
        let told: Vec<_> = told.into_iter().flatten().flatten().collect();
        // One that the others have left behind does not know better than they.
        let most = told.iter().max_by_key(|ranges| told.iter().filter(|other| other == ranges).count());
        if let Some(ranges) = most {
            self.adopt(ranges).await;
        }
    }

    async fn adopt(&self, ranges: &[Range]) {
        let old = self.map();
        if old.ranges.as_deref() == Some(ranges) {
            return;
        }
        let mut links = old.links.clone();
        for Range { address, .. } in ranges {
            if !links.iter().any(|link| link.address() == address)
                && let Ok(client) = at(&self.client, address)
            {
                links.push(Link::open_soon(client, self.surroundings.clone()));
            }
        }
        let new = Arc::new(Map::new(Some(ranges.to_vec()), links));
        *self.map.lock() = Arc::clone(&new);
        for link in old.links.iter().filter(|old| !new.links.iter().any(|new| Arc::ptr_eq(old, new))) {
            link.close();
        }
        let rooms: Vec<_> = self.followed.lock().iter().cloned().collect();
        let mut channels = self.channels(&new, &rooms);
        for (index, link) in new.links.iter().enumerate() {
            link.listen_only(channels.remove(&index).unwrap_or_default()).await;
        }
        self.surroundings.inbox.miss();
    }
}

impl Map {
    /// Of these servers those that keep anything.
    fn new(ranges: Option<Vec<Range>>, mut links: Vec<Arc<Link>>) -> Self {
        if let Some(ranges) = &ranges {
            links.retain(|link| ranges.iter().any(|range| range.address == *link.address()));
        }
        Self { ranges, links }
    }

    /// How many slots have a server.
    fn slots(&self) -> usize {
        let count = |range: &Range| usize::from(range.last.saturating_sub(range.first)) + 1;
        self.ranges.as_ref().map_or(usize::from(SLOTS), |ranges| ranges.iter().map(count).sum())
    }

    /// Where keys with this hash tag are, if anywhere.
    fn index_of(&self, tag: &str) -> Option<usize> {
        let Some(ranges) = &self.ranges else { return Some(0) };
        let slot = slot_of(tag);
        let range = ranges.iter().find(|range| (range.first..=range.last).contains(&slot))?;
        self.links.iter().position(|link| *link.address() == range.address)
    }

    fn of(&self, tag: &str) -> Result<Arc<Link>, StoreError> {
        self.index_of(tag).map(|index| Arc::clone(&self.links[index])).ok_or(StoreError::Down)
    }
}

async fn connect(client: &Client, surroundings: &Surroundings) -> Result<Arc<Link>, RedisOpenError> {
    let address = client.get_connection_info().addr();
    Link::open(client.clone(), surroundings.clone()).await.map_err(|source| RedisOpenError::connect(address, source))
}

/// The same user and password elsewhere.
fn at(client: &Client, address: &ConnectionAddr) -> Result<Client, RedisOpenError> {
    let info = client.get_connection_info().clone().set_addr(address.clone());
    Client::open(info).map_err(|source| RedisOpenError::connect(address, source))
}

/// Which server keeps what; nothing, if this is no cluster, or does not say.
///
/// # Errors
///
/// When the connection is lost.
async fn ranges(link: &Link) -> RedisResult<Option<Vec<Range>>> {
    match link.try_ask::<Value>(cmd("CLUSTER").arg("SLOTS")).await {
        Ok(answer) => Ok(slots::read(&answer, link.address())),
        Err(error) if matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension) => Ok(None),
        Err(error) => Err(error),
    }
}
