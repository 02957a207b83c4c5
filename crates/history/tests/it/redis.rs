//! What the store in Redis keeps beside the contract.

use std::time::Duration;

use history::{RedisLimits, RedisOpenError, RedisOptions, RedisStore};
use hub::{Append, Durability, Epoch, Here, News, Nodes, Offset, Position, Store, StoreError};
use tempfile::TempDir;

use crate::fixture::{KNOWN, append, blob, fill, head, outcomes, room, texts};
use crate::port::lasting_address;
use crate::redis_server::RedisServer;

const DEADLINE: Duration = Duration::from_secs(60);

fn start(options: &[&str]) -> (RedisServer, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (RedisServer::start(folder.path(), lasting_address(), options), folder)
}

async fn open(server: &RedisServer) -> RedisStore {
    RedisStore::open(RedisOptions::new(server.url())).await.unwrap()
}

fn raised(generation: u32) -> Epoch {
    Epoch { generation, ..KNOWN }
}

/// Appends as a node that knows the room up to there; in which epoch, and
/// where it is.
async fn append_knowing(store: &RedisStore, offset: u64, epoch: Epoch) -> (Epoch, u64) {
    let known = Position { offset: Offset(offset), epoch };
    let appended = store.append(vec![Append { known, ..append("a", "m", None) }]).await.remove(0).unwrap();
    match appended {
        hub::Appended::Fresh { epoch, message } => (epoch, message.offset.0),
        hub::Appended::Repeat { .. } => panic!("it has no key"),
    }
}

/// The next news that is of messages: room, epoch, offsets.
async fn stored_news(store: &RedisStore) -> (String, Epoch, Vec<u64>) {
    let next = async {
        loop {
            match store.take_news() {
                Some(News::Stored { room, epoch, messages }) => {
                    return (room.to_string(), epoch, messages.iter().map(|message| message.offset.0).collect());
                }
                Some(News::Missed) => {}
                None => store.news_came().await,
            }
        }
    };
    tokio::time::timeout(DEADLINE, next).await.expect("news in time")
}

#[tokio::test]
async fn a_killed_redis_has_all_that_was_acked_and_is_connected_to_again() {
    let (mut server, _folder) = start(&[]);
    let store = open(&server).await;
    fill(&store, "a", 10).await;
    server.kill();
    let refused = store.append(vec![append("a", "m", None)]).await.remove(0);
    assert_eq!(refused.err(), Some(StoreError::Down));
    assert_eq!(store.head(&room("a")).await, Err(StoreError::Down));
    assert!(!store.is_available());
    server.start_again();
    let back = async {
        while !store.is_available() {
            // Nothing tells when: it is looked again, within a deadline.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(DEADLINE, back).await.expect("it connects again");
    assert_eq!((head(&store, "a").await.unwrap().epoch, texts(&store, "a", 0, 99).await.len()), (KNOWN, 10));
    assert_eq!(outcomes(&store, vec![append("a", "m", None)]).await, [(11, false)]);
}

#[tokio::test]
async fn who_knows_more_than_is_held_begins_a_new_generation() {
    let (server, _folder) = start(&[]);
    let store = open(&server).await;
    fill(&store, "a", 10).await;
    assert_eq!(append_knowing(&store, 10, KNOWN).await, (KNOWN, 11));
    // Redis has lost 12 to 20, which a node has seen.
    assert_eq!(append_knowing(&store, 20, KNOWN).await, (raised(1), 12));
    // A node that has not heard of it yet is told.
    assert_eq!(append_knowing(&store, 11, KNOWN).await, (raised(1), 13));
    assert_eq!(append_knowing(&store, 20, KNOWN).await, (raised(1), 14), "that loss is known");
    // Redis has lost the raise itself, too.
    assert_eq!(append_knowing(&store, 3, raised(4)).await, (raised(5), 15));
}

#[tokio::test]
async fn a_comparison_finds_what_is_lost_before_anybody_says_a_word() {
    let (server, _folder) = start(&[]);
    let store = open(&server).await;
    fill(&store, "a", 10).await;
    let compare = async |offset, epoch| {
        let known = Position { offset: Offset(offset), epoch };
        store.compare(&[Here { room: room("a"), known, members: 1 }]).await.remove(0).unwrap().position
    };
    assert_eq!(compare(4, KNOWN).await, Position { offset: Offset(10), epoch: KNOWN });
    assert_eq!(compare(11, KNOWN).await, Position { offset: Offset(10), epoch: raised(1) });
    assert_eq!(append_knowing(&store, 10, KNOWN).await, (raised(1), 11));
}

#[tokio::test]
async fn when_all_is_lost_nodes_that_knew_more_and_less_agree_on_a_new_generation() {
    let (server, _folder) = start(&[]);
    let (one, other) = (open(&server).await, open(&server).await);
    fill(&one, "a", 10).await;
    assert_eq!(server.ask("FLUSHALL"), "+OK\r\n");
    assert_eq!(append_knowing(&one, 8, KNOWN).await, (raised(1), 9));
    assert_eq!(append_knowing(&other, 10, KNOWN).await, (raised(1), 10));
}

#[tokio::test]
async fn another_life_of_the_room_is_told_to_who_knew_the_old_one() {
    let (server, _folder) = start(&[]);
    let store = open(&server).await;
    let other = Epoch { life: 7, generation: 0 };
    assert_eq!(append_knowing(&store, 0, other).await, (other, 1));
    assert_eq!(append_knowing(&store, 50, KNOWN).await, (other, 2));
}

#[tokio::test]
async fn nodes_agree_on_the_epoch_of_a_room_of_which_nothing_is_stored() {
    let (server, _folder) = start(&[]);
    let (one, other) = (open(&server).await, open(&server).await);
    let epoch = async |store: &RedisStore| {
        let known = Position { offset: Offset(0), epoch: Epoch::random() };
        store.compare(&[Here { room: room("new"), known, members: 0 }]).await.remove(0).unwrap().position.epoch
    };
    let agreed = epoch(&one).await;
    assert_eq!((epoch(&other).await, epoch(&one).await), (agreed, agreed));
    assert_eq!(head(&one, "new").await, None);
}

#[tokio::test]
async fn others_hear_what_is_stored_in_order_and_the_node_itself_does_not() {
    let (server, _folder) = start(&[]);
    let (one, other) = (open(&server).await, open(&server).await);
    for store in [&one, &other] {
        store.follow(&[room("a"), room("ø")]).await.unwrap();
    }
    fill(&one, "a", 3).await;
    fill(&one, "nobody-follows", 3).await;
    fill(&other, "ø", 2).await;
    fill(&one, "a", 1).await;
    assert_eq!(stored_news(&other).await, ("a".to_owned(), KNOWN, vec![1, 2, 3]));
    assert_eq!(stored_news(&other).await, ("a".to_owned(), KNOWN, vec![4]));
    assert_eq!(stored_news(&one).await, ("ø".to_owned(), KNOWN, vec![1, 2]));
    other.unfollow(&[room("a")]).await;
    fill(&one, "a", 1).await;
    fill(&one, "ø", 1).await;
    assert_eq!(stored_news(&other).await, ("ø".to_owned(), KNOWN, vec![3]));
}

#[tokio::test]
async fn news_come_before_the_answer_that_follows_them() {
    let (server, _folder) = start(&[]);
    let (one, other) = (open(&server).await, open(&server).await);
    other.follow(&[room("a")]).await.unwrap();
    for number in 1..=200 {
        fill(&one, "a", 1).await;
        assert_eq!(outcomes(&other, vec![append("a", "m", None)]).await, [(2 * number, false)]);
        let mut heard = Vec::new();
        while let Some(news) = other.take_news() {
            if let News::Stored { messages, .. } = news {
                heard.extend(messages.iter().map(|message| message.offset.0));
            }
        }
        assert_eq!(heard, [2 * number - 1]);
    }
}

#[tokio::test]
async fn after_a_new_connection_it_is_heard_on_and_positions_are_to_be_compared() {
    let (mut server, _folder) = start(&[]);
    let (one, other) = (open(&server).await, open(&server).await);
    other.follow(&[room("a")]).await.unwrap();
    while other.take_news().is_some() {}
    server.kill_and_restart();
    let missed = async {
        loop {
            match other.take_news() {
                Some(News::Missed) => return,
                Some(News::Stored { .. }) => panic!("nobody said anything"),
                None => other.news_came().await,
            }
        }
    };
    tokio::time::timeout(DEADLINE, missed).await.expect("it connects again");
    while one.append(vec![append("a", "m", None)]).await[0].is_err() {
        // Nothing tells when: it is looked again, within a deadline.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(stored_news(&other).await, ("a".to_owned(), KNOWN, vec![1]));
}

#[tokio::test]
async fn too_much_news_is_let_go_and_that_is_said() {
    let (server, _folder) = start(&[]);
    let one = open(&server).await;
    let limits = RedisLimits { news_max_bytes: 1000, ..RedisLimits::default() };
    let other = RedisStore::open(RedisOptions { limits, ..RedisOptions::new(server.url()) }).await.unwrap();
    other.follow(&[room("a")]).await.unwrap();
    while other.take_news().is_some() {}
    fill(&one, "a", 5).await;
    let long = "x".repeat(900);
    outcomes(&one, vec![append("a", &long, None)]).await;
    // Its answer comes after the news.
    other.head(&room("a")).await.unwrap();
    assert!(matches!(other.take_news(), Some(News::Missed)));
    assert!(other.take_news().is_none());
}

#[tokio::test]
async fn members_of_other_nodes_are_counted_until_a_node_is_silent() {
    let (server, _folder) = start(&[]);
    let one = open(&server).await;
    let limits = RedisLimits { presence_age_max: Duration::from_millis(100), ..RedisLimits::default() };
    let dying = RedisStore::open(RedisOptions { limits, ..RedisOptions::new(server.url()) }).await.unwrap();
    let here = |members| Here { room: room("a"), known: Position { offset: Offset(0), epoch: KNOWN }, members };
    let elsewhere =
        async |store: &RedisStore, members| store.compare(&[here(members)]).await.remove(0).unwrap().members;
    assert_eq!(elsewhere(&one, 3).await, 0);
    assert_eq!(elsewhere(&dying, 5).await, 3);
    let mut heard = elsewhere(&one, 2).await;
    let silence = async {
        while heard > 0 {
            // Nothing tells when: it is looked again, within a deadline.
            tokio::time::sleep(Duration::from_millis(10)).await;
            heard = elsewhere(&one, 2).await;
        }
    };
    tokio::time::timeout(DEADLINE, silence).await.expect("a silent node is not counted for ever");
    assert_eq!(elsewhere(&dying, 1).await, 2);
}

#[tokio::test]
async fn how_well_redis_keeps_messages_is_what_it_says() {
    let durability = async |options: &[&str]| {
        let (server, _folder) = start(options);
        open(&server).await.durability(&room("a"))
    };
    assert_eq!(durability(&[]).await, Durability::Disk);
    assert_eq!(durability(&["--appendfsync", "everysec"]).await, Durability::Seconds);
    assert_eq!(durability(&["--appendonly", "no"]).await, Durability::Memory);
    assert_eq!(durability(&["--rename-command", "CONFIG", ""]).await, Durability::Unknown);
}

#[tokio::test]
async fn an_address_that_is_none_and_a_redis_that_is_not_there_are_said_clearly() {
    let error = |url: &str| {
        let options = RedisOptions::new(url);
        async { RedisStore::open(options).await.unwrap_err() }
    };
    assert!(matches!(error("http://x").await, RedisOpenError::Url));
    let nobody = format!("redis://ada:secret@{}", lasting_address());
    let told = error(&nobody).await.to_string();
    assert!(told.starts_with("cannot use Redis at 127.0.0.1:") && !told.contains("secret"), "{told}");
}

#[tokio::test]
async fn a_password_is_asked_for_and_given() {
    let (server, _folder) = start(&["--requirepass", "secret"]);
    let with = |password: &str| RedisOptions::new(format!("redis://:{password}@{}", server.address()));
    assert!(matches!(RedisStore::open(with("wrong")).await, Err(RedisOpenError::Connect { .. })));
    fill(&RedisStore::open(with("secret")).await.unwrap(), "a", 1).await;
}

#[tokio::test]
async fn two_databases_of_one_redis_know_nothing_of_each_other() {
    let (server, _folder) = start(&[]);
    let in_database =
        async |number| RedisStore::open(RedisOptions::new(format!("{}/{number}", server.url()))).await.unwrap();
    let (one, other) = (in_database(1).await, in_database(2).await);
    other.follow(&[room("a")]).await.unwrap();
    while other.take_news().is_some() {}
    fill(&one, "a", 3).await;
    assert_eq!(other.head(&room("a")).await, Ok(None));
    assert!(other.take_news().is_none());
}

#[tokio::test]
async fn what_belongs_to_a_room_is_at_one_place_of_a_cluster() {
    let (server, _folder) = start(&["--cluster-enabled", "yes"]);
    assert_eq!(server.ask("CLUSTER ADDSLOTSRANGE 0 16383"), "+OK\r\n");
    while !server.ask("CLUSTER INFO").contains("cluster_state:ok") {
        // Nothing tells when: it is looked again, within a deadline.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // All slots are here, but a script whose keys belong to several is refused.
    let store = open(&server).await;
    assert_eq!(outcomes(&store, vec![append("a", "m", Some(("key", "1")))]).await, [(1, false)]);
    let here = Here { room: room("a"), known: Position { offset: Offset(1), epoch: KNOWN }, members: 1 };
    assert!(store.compare(&[here]).await[0].is_ok());
    let id = store.put_blob(&room("a"), blob("picture")).await.unwrap();
    assert!(store.get_blob(&id).await.unwrap().is_some());
}

#[tokio::test]
async fn what_is_under_way_on_a_lost_connection_does_not_happen_later() {
    let (server, _folder) = start(&[]);
    let limits = RedisLimits { answer_max: Duration::from_millis(200), ..RedisLimits::default() };
    let store = RedisStore::open(RedisOptions { limits, ..RedisOptions::new(server.url()) }).await.unwrap();
    fill(&store, "a", 1).await;
    let signal = |name: &str| {
        let pid = server.child().id().to_string();
        assert!(std::process::Command::new("kill").args([name, &pid]).status().unwrap().success());
    };
    signal("-STOP");
    let refused = store.append(vec![append("a", "old", Some(("key", "1")))]).await.remove(0);
    assert_eq!(refused.err(), Some(StoreError::Down));
    signal("-CONT");
    let said_again = async {
        loop {
            let appended = store.append(vec![append("a", "new", Some(("key", "1")))]).await.remove(0);
            if appended.is_ok() {
                return;
            }
            // Nothing tells when: it is looked again, within a deadline.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(DEADLINE, said_again).await.expect("it connects again");
    assert_eq!(outcomes(&store, vec![append("a", "next", None)]).await, [(3, false)]);
    assert_eq!(texts(&store, "a", 0, 9).await.len(), 3);
}

#[tokio::test]
async fn a_replica_that_takes_over_begins_a_new_life_whoever_asks_it_first() {
    let (master, _folder) = start(&[]);
    let address = master.address();
    let (mut replica, _other_folder) = start(&[]);
    assert_eq!(replica.ask(&format!("REPLICAOF {} {}", address.ip(), address.port())), "+OK\r\n");
    let seen_all = open(&master).await;
    fill(&seen_all, "a", 5).await;
    let begin = tokio::time::Instant::now();
    let has_all = || {
        // Its file begins anew with what it was given; until that is written it has none.
        replica.ask("XLEN negaphone:1:{a}:messages") == ":5\r\n"
            && replica.ask("INFO persistence").contains("aof_rewrite_in_progress:0")
    };
    while !has_all() {
        assert!(begin.elapsed() < DEADLINE, "it is no replica");
        // Nothing tells when: it is looked again, within a deadline.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // It takes over without the last five.
    assert_eq!(replica.ask("REPLICAOF NO ONE"), "+OK\r\n");
    fill(&seen_all, "a", 5).await;
    let (node, another) = (open(&replica).await, open(&replica).await);
    let (epoch, offset) = append_knowing(&node, 5, KNOWN).await;
    assert_eq!(offset, 6);
    assert_ne!(epoch.life, KNOWN.life, "an offset is used twice");
    assert_eq!(append_knowing(&another, 10, KNOWN).await, (epoch, 7), "all begin the same life");
    // Once begun it goes on, also when the server is started again.
    replica.kill_and_restart();
    assert_eq!(append_knowing(&open(&replica).await, 7, epoch).await, (epoch, 8));
}

#[tokio::test]
async fn a_redis_that_may_forget_begins_a_new_life_when_it_is_started_again() {
    let (mut server, _folder) = start(&["--appendfsync", "everysec"]);
    fill(&open(&server).await, "a", 5).await;
    server.kill_and_restart();
    let node = open(&server).await;
    let here = Here { room: room("a"), known: Position { offset: Offset(0), epoch: KNOWN }, members: 1 };
    let there = node.compare(&[here]).await.remove(0).unwrap().position;
    assert_ne!(there.epoch.life, KNOWN.life);
    assert_eq!(append_knowing(&node, 1, KNOWN).await, (there.epoch, there.offset.0 + 1));
}
