//! The connection to Redis: lost now and then, and made again.

use std::collections::HashSet;
use std::sync::{Arc, Weak};

use hub::{Durability, StoreError};
use parking_lot::Mutex;
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisResult,
    ServerErrorKind, Value, cmd,
};
use tokio::sync::Notify;
use tokio::time::sleep;

use super::RedisLimits;
use super::durability;
use super::lineage;
use super::news::Inbox;
use super::outage::Outage;
use super::scripts::Scripts;

/// One connection for everything: what it answers comes after what it told of
/// before, so that news and answers keep their order.
#[derive(Debug)]
pub(super) struct Link {
    client: Client,
    surroundings: Surroundings,
    state: Mutex<State>,
    /// Told when the connection was lost.
    lost: Notify,
    outage: Outage,
}

/// What all connections of a store share.
#[derive(Debug, Clone)]
pub(super) struct Surroundings {
    pub(super) scripts: Arc<Scripts>,
    pub(super) limits: RedisLimits,
    pub(super) inbox: Arc<Inbox>,
    /// Told when another server may be in charge.
    pub(super) moved: Arc<Notify>,
}

#[derive(Debug)]
struct State {
    /// None while there is none; with the lineage of the server.
    connection: Option<(MultiplexedConnection, Arc<str>)>,
    /// Counts connections.
    number: u64,
    /// What Redis calls the last one, in which run.
    id: Option<(Arc<str>, i64)>,
    durability: Durability,
    /// Channels that a new connection listens to, too.
    channels: HashSet<String>,
}

impl Link {
    /// Connects; from then on it is kept up until it is dropped.
    ///
    /// # Errors
    ///
    /// When there is no Redis, or it does not let us in.
    pub(super) async fn open(client: Client, surroundings: Surroundings) -> RedisResult<Arc<Self>> {
        let link = Arc::new(Self::new(client, surroundings));
        link.connect().await?;
        tokio::spawn(keep_up(Arc::downgrade(&link)));
        Ok(link)
    }

    /// Does not wait for the connection: until there is one, nothing is
    /// answered.
    pub(super) fn open_soon(client: Client, surroundings: Surroundings) -> Arc<Self> {
        let link = Arc::new(Self::new(client, surroundings));
        link.lost.notify_one();
        tokio::spawn(keep_up(Arc::downgrade(&link)));
        link
    }

    fn new(client: Client, surroundings: Surroundings) -> Self {
        let state =
            State { connection: None, number: 0, id: None, durability: Durability::Unknown, channels: HashSet::new() };
        Self { client, surroundings, state: Mutex::new(state), lost: Notify::new(), outage: Outage::default() }
    }

    /// Where it leads.
    pub(super) fn address(&self) -> &ConnectionAddr {
        self.client.get_connection_info().addr()
    }

    pub(super) fn durability(&self) -> Durability {
        self.state.lock().durability
    }

    pub(super) fn is_up(&self) -> bool {
        self.state.lock().connection.is_some()
    }

    /// Lets nobody use it any more.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state.connection = None;
        // No attempt that is under way counts.
        state.number += 1;
    }

    /// Asks one thing.
    pub(super) async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        let mut session = self.session()?;
        let answer = command.query_async(&mut session.connection).await;
        self.note(session.number, answer)
    }

    /// Asks what it may not know or not want to say; a failure is no outage.
    pub(super) async fn try_ask<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        let connection = self.state.lock().connection.clone();
        let (mut connection, _) = connection.ok_or(RedisError::from((ErrorKind::Io, "there is no connection")))?;
        command.query_async(&mut connection).await
    }

    /// Asks several things at once; each has its own answer.
    pub(super) async fn ask_all(&self, commands: &mut Pipeline) -> Result<Vec<Result<Value, StoreError>>, StoreError> {
        self.session()?.ask_all(commands).await
    }

    /// The connection as it is, if there is one.
    pub(super) fn session(&self) -> Result<Session<'_>, StoreError> {
        let state = self.state.lock();
        let (connection, lineage) = state.connection.clone().ok_or(StoreError::Down)?;
        Ok(Session { link: self, connection, number: state.number, lineage })
    }

    /// From here on, also after the connection was lost, there is news of
    /// these channels.
    pub(super) async fn listen(&self, channels: Vec<String>) -> Result<(), StoreError> {
        if channels.is_empty() {
            return Ok(());
        }
        self.state.lock().channels.extend(channels.iter().cloned());
        let mut session = self.session()?;
        let listening = session.connection.subscribe(&channels).await;
        self.note(session.number, listening)
    }

    /// From here on there is news of these channels and of no others.
    pub(super) async fn listen_only(&self, channels: Vec<String>) {
        let others = self.state.lock().channels.iter().filter(|held| !channels.contains(held)).cloned().collect();
        self.stop_listening(others).await;
        // Where it fails the connection is gone, and the next one listens to them.
        self.listen(channels).await.ok();
    }

    pub(super) async fn stop_listening(&self, channels: Vec<String>) {
        if channels.is_empty() {
            return;
        }
        self.state.lock().channels.retain(|channel| !channels.contains(channel));
        let Ok(mut session) = self.session() else { return };
        let stopped = session.connection.unsubscribe(&channels).await;
        // Where it failed the connection is gone, and the channels with it.
        self.note(session.number, stopped).ok();
    }

    /// Gives the connection up where it is of no more use.
    fn note<T>(&self, number: u64, result: RedisResult<T>) -> Result<T, StoreError> {
        match result {
            Ok(value) => Ok(value),
            Err(error) => {
                self.outage.began(&error);
                if is_final(&error) {
                    self.lose(number);
                }
                if is_elsewhere(&error) {
                    self.surroundings.moved.notify_one();
                }
                Err(StoreError::Down)
            }
        }
    }

    /// Messages are stored; what only reads may go well all the time.
    pub(super) fn stores(&self) {
        self.outage.is_over();
    }

    fn lose(&self, number: u64) {
        let mut state = self.state.lock();
        if state.number == number && state.connection.take().is_some() {
            drop(state);
            self.lost.notify_one();
            self.surroundings.moved.notify_one();
        }
    }

    async fn connect(self: &Arc<Self>) -> RedisResult<()> {
        let (number, old_id) = {
            let mut state = self.state.lock();
            state.number += 1;
            (state.number, state.id.clone())
        };
        let (inbox, link) = (Arc::clone(&self.surroundings.inbox), Arc::downgrade(self));
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.surroundings.limits.connect_max))
            .set_response_timeout(Some(self.surroundings.limits.answer_max))
            .set_push_sender(move |push: redis::PushInfo| -> Result<(), ()> {
                if let redis::PushKind::Disconnection = push.kind {
                    if let Some(link) = Weak::upgrade(&link) {
                        link.lose(number);
                    }
                } else {
                    inbox.put(push);
                }
                Ok(())
            });
        let mut connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        let id = cmd("CLIENT").arg("ID").query_async(&mut connection).await?;
        let durability = durability::read(&mut connection).await?;
        let server = lineage::read(&mut connection, durability).await?;
        // After a restart the same number is somebody else's.
        if let Some((_, old_id)) = old_id.filter(|(run_id, _)| *run_id == server.run_id) {
            // What the old connection asked for and nobody waits for any more must not happen later, after what was
            // refused has been said again. It is gone already most of the time, which is an error then; not everybody
            // may do it.
            cmd("CLIENT").arg("KILL").arg("ID").arg(old_id).exec_async(&mut connection).await.ok();
        }
        self.surroundings.scripts.load(&mut connection).await?;
        let channels: Vec<String> = self.state.lock().channels.iter().cloned().collect();
        if !channels.is_empty() {
            connection.subscribe(&channels).await?;
        }
        let mut state = self.state.lock();
        if state.number == number {
            state.connection = Some((connection, server.lineage));
            state.id = Some((server.run_id, id));
            state.durability = durability;
            drop(state);
            self.surroundings.inbox.miss();
        }
        Ok(())
    }
}

/// One connection, which leads to one and the same server until it is lost.
#[derive(Debug)]
pub(super) struct Session<'a> {
    link: &'a Link,
    connection: MultiplexedConnection,
    number: u64,
    pub(super) lineage: Arc<str>,
}

impl Session<'_> {
    /// Asks several things at once; each has its own answer.
    pub(super) async fn ask_all(
        &mut self,
        commands: &mut Pipeline,
    ) -> Result<Vec<Result<Value, StoreError>>, StoreError> {
        let answers = commands.ignore_errors().query_async::<Vec<RedisResult<Value>>>(&mut self.connection).await;
        let answers = self.link.note(self.number, answers)?;
        Ok(answers.into_iter().map(|answer| self.link.note(self.number, answer)).collect())
    }
}

/// Makes a new connection whenever the last one is lost.
async fn keep_up(link: Weak<Link>) {
    loop {
        let Some(held) = link.upgrade() else { return };
        let limits = held.surroundings.limits.clone();
        // Dropped as soon as nobody else holds it.
        let is_lost = tokio::time::timeout(limits.retry_max, held.lost.notified()).await.is_ok();
        if is_lost {
            reconnect(&held, &limits).await;
        }
    }
}

async fn reconnect(link: &Arc<Link>, limits: &RedisLimits) {
    let mut pause = limits.retry_min;
    // Nobody else has the link any more: it is not needed.
    while Arc::strong_count(link) > 1 {
        match link.connect().await {
            Ok(()) => return link.outage.is_over(),
            Err(error) => link.outage.began(&error),
        }
        // Nodes that lost Redis together do not all come back at once.
        sleep(pause.mul_f64(rand::random_range(0.5..1.0))).await;
        pause = (pause * 2).min(limits.retry_max);
    }
}

/// Whether nothing good comes of this connection any more.
fn is_final(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::Server(kind) => matches!(
            kind,
            // Another one is in charge, or knows our scripts no more.
            ServerErrorKind::ReadOnly
                | ServerErrorKind::MasterDown
                | ServerErrorKind::BusyLoading
                | ServerErrorKind::NoScript
        ),
        ErrorKind::Extension => false,
        _ => true,
    }
}

/// Whether another server of the cluster is asked in vain no more.
fn is_elsewhere(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Server(ServerErrorKind::Moved | ServerErrorKind::ClusterDown))
}
