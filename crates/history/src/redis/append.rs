//! A batch as one script a room.

use std::collections::HashMap;
use std::sync::Arc;

use hub::{Append, Appended, DedupKey, Draft, Epoch, Message, Offset, Position, RoomName, StoreError, Timestamp};
use redis::{Cmd, Value};
use sha2::{Digest, Sha256};

use super::keys::RoomKeys;
use super::servers::Servers;
use super::{RedisLimits, millis};
use crate::record;

/// Messages of one script. Chosen: Lua takes 8000 values at once, and nobody
/// waits long for a thousand messages.
const SCRIPT_MAX_MESSAGES: usize = 1000;

/// The messages of a batch that go into one room, and their places in it.
struct Group {
    room: RoomName,
    known: Position,
    drafts: Vec<(usize, Draft, Option<DedupKey>)>,
}

/// Who asks, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) node: &'a str,
    pub(super) now: Timestamp,
    pub(super) limits: &'a RedisLimits,
}

/// Appends; answers one for one.
pub(super) async fn append(
    servers: &Servers,
    asking: Asking<'_>,
    batch: Vec<Append>,
) -> Vec<Result<Appended, StoreError>> {
    let mut answers: Vec<_> = batch.iter().map(|_| Err(StoreError::Down)).collect();
    let groups = group(batch);
    let command = |group: &Group, lineage: &str| script(servers, asking, group, lineage);
    let answered = servers.ask_each(&groups, |group| &group.room, command).await;
    for (group, answer) in groups.into_iter().zip(answered) {
        let Ok(Value::Array(answer)) = answer else { continue };
        let Some(appended) = read(&answer, &group) else {
            tracing::error!(room = %group.room, "Redis answers what makes no sense");
            continue;
        };
        if let Ok(server) = servers.of(&group.room) {
            server.stores();
        }
        for ((place, ..), appended) in group.drafts.into_iter().zip(appended) {
            answers[place] = Ok(appended);
        }
    }
    answers
}

fn group(batch: Vec<Append>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut of_room: HashMap<RoomName, usize> = HashMap::new();
    for (place, Append { room, known, draft, dedup }) in batch.into_iter().enumerate() {
        let last = of_room.get(&room).copied().filter(|last| groups[*last].drafts.len() < SCRIPT_MAX_MESSAGES);
        let index = last.unwrap_or_else(|| {
            of_room.insert(room.clone(), groups.len());
            groups.push(Group { room, known, drafts: Vec::new() });
            groups.len() - 1
        });
        groups[index].drafts.push((place, draft, dedup));
    }
    groups
}

fn script(servers: &Servers, Asking { node, now, limits }: Asking<'_>, group: &Group, lineage: &str) -> Cmd {
    let keys = RoomKeys(&group.room);
    let Position { offset, epoch } = group.known;
    let mut command = servers.scripts().append.run(&[
        keys.room(),
        keys.messages(),
        keys.retries(1),
        keys.retries(2),
        keys.reserved(),
    ]);
    command
        .arg(node)
        .arg(keys.channel(servers.database()))
        .arg("PUBLISH")
        .arg(now.0)
        .arg(format!("{:016x}", epoch.life))
        .arg(epoch.generation)
        .arg(offset.0)
        .arg(limits.retention.room_max_messages)
        .arg(limits.retention.room_max_bytes)
        .arg(millis(limits.retention.message_age_max))
        .arg(millis(limits.retention.room_age_max))
        .arg(millis(limits.retention.dedup_window))
        .arg(limits.retention.dedup_max_messages)
        .arg(lineage);
    for (_, draft, dedup) in &group.drafts {
        match dedup {
            Some(key) => command.arg(&digest(key)[..]),
            None => command.arg(""),
        };
        command.arg(record::cost(draft)).arg(record::write(draft));
    }
    command
}

/// The session key is a secret: half of a digest stands for both.
fn digest(key: &DedupKey) -> [u8; 16] {
    let digest = Sha256::new()
        .chain_update((key.session.len() as u64).to_be_bytes())
        .chain_update(key.session.as_bytes())
        .chain_update(key.id.as_bytes())
        .finalize();
    std::array::from_fn(|index| digest[index])
}

/// Life, generation and time, then for each message the offset of a new one,
/// or offset and time of what it repeats.
fn read(answer: &[Value], group: &Group) -> Option<Vec<Appended>> {
    let [life, generation, time, places @ ..] = answer else { return None };
    let life = u64::from_str_radix(text(life)?, 16).ok()?;
    let epoch = Epoch { life, generation: u32::try_from(number(generation)?).ok()? };
    let time = Timestamp(text(time)?.parse().ok()?);
    let appended = places.iter().zip(&group.drafts).map(|(place, (_, draft, _))| match place {
        Value::Int(offset) => {
            let message = Message { offset: Offset(u64::try_from(*offset).ok()?), time, draft: draft.clone() };
            Some(Appended::Fresh { epoch, message: Arc::new(message) })
        }
        place => {
            let (offset, time) = text(place)?.split_once(' ')?;
            let (offset, time) = (Offset(offset.parse().ok()?), Timestamp(time.parse().ok()?));
            Some(Appended::Repeat { epoch, offset, time })
        }
    });
    let appended: Vec<_> = appended.collect::<Option<_>>()?;
    (appended.len() == group.drafts.len()).then_some(appended)
}

pub(super) fn text(value: &Value) -> Option<&str> {
    let Value::BulkString(bytes) = value else { return None };
    std::str::from_utf8(bytes).ok()
}

/// Numbers come as such, or as text.
pub(super) fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Int(number) => u64::try_from(*number).ok(),
        value => text(value)?.parse().ok(),
    }
}
