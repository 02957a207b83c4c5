//! Nodes and their Redis are killed, stopped and restarted in the middle of it
//! all.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tests::resuming::{self, Script, Seen, check};
use tests::{NativeClient, RedisServer, ServerProcess, WsClient, lasting_address};

use crate::kill_monkey::{Dice, PATIENCE, seconds};

const ROOMS: usize = 2;
const CLIENTS_A_ROOM: usize = 5;
/// Of each client: 500 messages a second in all.
const MESSAGES_A_SECOND: u64 = 50;

/// What the monkey plays with.
struct Zoo {
    redis: RedisServer,
    nodes: Vec<ServerProcess>,
}

impl Zoo {
    /// Until the time is over; how often something was done.
    async fn torment(&mut self, time: Duration) -> usize {
        let mut dice = Dice::new();
        let end = Instant::now() + time;
        let mut deeds = 0;
        while Instant::now() < end {
            // Chance says when the next fault comes.
            tokio::time::sleep(dice.millis(200..1500)).await;
            let victim = usize::try_from(dice.roll(0..self.nodes.len() as u64 + 1)).expect("a small number");
            match (dice.roll(0..10), self.nodes.get_mut(victim)) {
                (0..6, Some(node)) => tokio::task::block_in_place(|| node.restart(Signal::KILL)),
                (6, Some(node)) => tokio::task::block_in_place(|| node.restart(Signal::TERM)),
                (_, Some(node)) => {
                    node.signal(Signal::STOP);
                    // Chance says how long the fault lasts.
                    tokio::time::sleep(dice.millis(50..2000)).await;
                    node.signal(Signal::CONT);
                }
                (0..6, None) => {
                    tokio::task::block_in_place(|| self.redis.kill());
                    // Chance says how long the fault lasts.
                    tokio::time::sleep(dice.millis(0..500)).await;
                    tokio::task::block_in_place(|| self.redis.start_again());
                }
                (_, None) => {
                    let redis = Pid::from_child(self.redis.child());
                    kill_process(redis, Signal::STOP).expect("Redis runs");
                    // Chance says how long the fault lasts.
                    tokio::time::sleep(dice.millis(50..2000)).await;
                    kill_process(redis, Signal::CONT).expect("Redis runs");
                }
            }
            deeds += 1;
        }
        deeds
    }
}

async fn nothing_is_lost_with(nodes: usize, seconds: u64) {
    let folder = tempfile::tempdir().unwrap();
    let redis = RedisServer::start(folder.path(), lasting_address(), &[]);
    let nodes = (0..nodes).map(|_| ServerProcess::start_over(&redis.url())).collect();
    let mut zoo = Zoo { redis, nodes };
    let addresses: Vec<_> = zoo.nodes.iter().map(ServerProcess::address).collect();
    let count = MESSAGES_A_SECOND * seconds;
    let mut clients = Vec::new();
    for client in 0..ROOMS * CLIENTS_A_ROOM {
        let room = format!("room-{}", client % ROOMS);
        let url = format!("ws://{}/ws?room={room}", addresses[0]);
        let epoch =
            NativeClient::join(WsClient::connect(&url).await).await.welcome["epoch"].as_str().map(str::to_owned);
        let mut addresses = addresses.clone();
        let first = client % addresses.len();
        addresses.rotate_left(first);
        clients.push(Script {
            addresses,
            room,
            epoch,
            name: format!("client-{client}"),
            count,
            interval: Duration::from_secs(1) / u32::try_from(MESSAGES_A_SECOND).unwrap(),
            window: 20,
            patience: Duration::from_secs(1),
            total: count * CLIENTS_A_ROOM as u64,
        });
    }
    let clients: Vec<_> = clients.into_iter().map(|script| tokio::spawn(resuming::run(script))).collect();
    let deeds = zoo.torment(Duration::from_secs(seconds)).await;
    let mut rooms: [Vec<Seen>; ROOMS] = Default::default();
    let mut connections = 0;
    for (client, seen) in clients.into_iter().enumerate() {
        let seen = tokio::time::timeout(PATIENCE, seen).await.expect("all is acked and heard in time").unwrap();
        assert_eq!(seen.told_of_holes, 0, "what was acked is on the disk");
        connections += seen.connections;
        rooms[client % ROOMS].push(seen);
    }
    assert!(connections > ROOMS * CLIENTS_A_ROOM + deeds / 4, "the monkey was not felt");
    for room in &rooms {
        check(room, count);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_lose_nothing_that_was_acked_and_say_everything_once_in_order() {
    nothing_is_lost_with(2, seconds(10)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_lose_nothing_that_was_acked_and_say_everything_once_in_order() {
    nothing_is_lost_with(3, seconds(10)).await;
}
