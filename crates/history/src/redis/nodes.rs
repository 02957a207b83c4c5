//! What nodes tell each other through Redis.

use async_trait::async_trait;
use hub::{Epoch, Here, News, Nodes, Offset, Position, RoomName, StoreError, There};
use redis::{Cmd, Value};

use super::append::{number, text};
use super::keys::RoomKeys;
use super::{RedisStore, millis};

#[async_trait]
impl Nodes for RedisStore {
    async fn follow(&self, rooms: &[RoomName]) -> Result<(), StoreError> {
        self.servers.follow(rooms).await
    }

    async fn unfollow(&self, rooms: &[RoomName]) {
        self.servers.unfollow(rooms).await;
    }

    fn take_news(&self) -> Option<News> {
        self.inbox.take()
    }

    async fn news_came(&self) {
        self.inbox.came().await;
    }

    async fn compare(&self, rooms: &[Here]) -> Vec<Result<There, StoreError>> {
        let answers = self.servers.ask_each(rooms, |here| &here.room, |here, lineage| self.check(here, lineage)).await;
        answers.into_iter().map(|answer| answer.and_then(|answer| read(&answer).ok_or(StoreError::Down))).collect()
    }
}

impl RedisStore {
    fn check(&self, Here { room, known, members }: &Here, lineage: &str) -> Cmd {
        let keys = RoomKeys(room);
        let mut command = self.servers.scripts().check.run(&[keys.room(), keys.presence(), keys.reserved()]);
        command
            .arg(&self.node)
            .arg(format!("{:016x}", known.epoch.life))
            .arg(known.epoch.generation)
            .arg(known.offset.0)
            .arg(*members)
            .arg(millis(self.limits.presence_age_max))
            .arg(millis(self.limits.retention.room_age_max))
            .arg(lineage);
        command
    }
}

/// Members elsewhere and life; generation and head, if anything is stored.
fn read(answer: &Value) -> Option<There> {
    let Value::Array(answer) = answer else { return None };
    let [members, life, rest @ ..] = &answer[..] else { return None };
    let life = u64::from_str_radix(text(life)?, 16).ok()?;
    let (generation, offset) = match rest {
        [generation, head] => (u32::try_from(number(generation)?).ok()?, number(head)?),
        _ => (0, 0),
    };
    let position = Position { offset: Offset(offset), epoch: Epoch { life, generation } };
    Some(There { position, members: usize::try_from(number(members)?).ok()? })
}
