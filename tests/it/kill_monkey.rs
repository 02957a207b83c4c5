//! The server is killed, stopped and restarted in the middle of it all.

use std::ops::Range;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::process::Signal;
use tests::ServerProcess;
use tests::resuming::{self, Script, Seen, check};

const ROOMS: usize = 2;
const CLIENTS_A_ROOM: usize = 5;
/// Of each client: 500 messages a second in all.
const MESSAGES_A_SECOND: u64 = 50;
/// Everything is done so long after the monkey has gone.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// How long the monkey is at it; `cargo xtask long` asks for more.
pub(crate) fn seconds(default: u64) -> u64 {
    std::env::var("MONKEY_SECONDS").map_or(default, |text| text.parse().expect("MONKEY_SECONDS is a number"))
}

/// Numbers that look random, the same for the same seed.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new() -> Self {
        Self(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs())
    }

    pub(crate) fn roll(&mut self, range: Range<u64>) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        range.start + (self.0 >> 33) % (range.end - range.start)
    }

    pub(crate) fn millis(&mut self, range: Range<u64>) -> Duration {
        Duration::from_millis(self.roll(range))
    }
}

/// Kills, stops and restarts the server until the time is over; how often.
async fn torment(server: &mut ServerProcess, time: Duration) -> usize {
    let mut dice = Dice::new();
    let end = Instant::now() + time;
    let mut deeds = 0;
    while Instant::now() < end {
        tokio::time::sleep(dice.millis(200..1500)).await;
        match dice.roll(0..10) {
            0..6 => tokio::task::block_in_place(|| server.restart(Signal::KILL)),
            6..9 => {
                server.signal(Signal::STOP);
                tokio::time::sleep(dice.millis(50..2000)).await;
                server.signal(Signal::CONT);
            }
            _ => tokio::task::block_in_place(|| server.restart(Signal::TERM)),
        }
        deeds += 1;
    }
    deeds
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_was_acked_is_lost_and_everything_is_heard_once_in_order() {
    let seconds = seconds(20);
    let folder = tempfile::tempdir().unwrap();
    let mut server = ServerProcess::start(folder.path());
    let count = MESSAGES_A_SECOND * seconds;
    let script = |room: usize, client: usize| Script {
        addresses: vec![server.address()],
        room: format!("room-{room}"),
        epoch: None,
        name: format!("client-{client}"),
        count,
        interval: Duration::from_secs(1) / u32::try_from(MESSAGES_A_SECOND).unwrap(),
        window: 20,
        patience: Duration::from_secs(1),
        total: count * CLIENTS_A_ROOM as u64,
    };
    let clients: Vec<_> = (0..ROOMS * CLIENTS_A_ROOM)
        .map(|client| tokio::spawn(resuming::run(script(client % ROOMS, client / ROOMS))))
        .collect();
    let deeds = torment(&mut server, Duration::from_secs(seconds)).await;
    let mut rooms: [Vec<Seen>; ROOMS] = Default::default();
    for (client, seen) in clients.into_iter().enumerate() {
        let seen = tokio::time::timeout(PATIENCE, seen).await.expect("all is acked and heard in time").unwrap();
        assert_eq!(seen.told_of_holes, 0, "a killed process has lost nothing");
        assert!(seen.connections > deeds / 4, "the monkey was not felt");
        rooms[client % ROOMS].push(seen);
    }
    for room in &rooms {
        check(room, count);
    }
}
