//! What the store keeps when Redis is a cluster, beside the contract.

use std::time::Duration;

use history::{RedisOpenError, RedisOptions, RedisStore};
use hub::{Here, News, Nodes, Offset, Position, Store, StoreError};

use crate::fixture::{KNOWN, append, head, outcomes, room, texts};
use crate::port::lasting_address;
use crate::redis_cluster::RedisCluster;
use crate::redis_server::RedisServer;

const DEADLINE: Duration = Duration::from_secs(60);

async fn open(cluster: &RedisCluster) -> RedisStore {
    RedisStore::open(RedisOptions::new(cluster.url())).await.unwrap()
}

/// Says it until it is stored: at which offset.
async fn say(store: &RedisStore, to: &str, id: &str) -> u64 {
    let said = async {
        loop {
            if let Ok(appended) = store.append(vec![append(to, id, Some(("key", id)))]).await.remove(0) {
                return match appended {
                    hub::Appended::Fresh { message, .. } => message.offset.0,
                    hub::Appended::Repeat { offset, .. } => offset.0,
                };
            }
            // Nothing tells when: it is said again, within a deadline.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(DEADLINE, said).await.expect("it is stored in time")
}

/// Waits for news of that offset, or that something was missed.
async fn hear(store: &RedisStore, offset: u64) {
    let heard = async {
        loop {
            match store.take_news() {
                Some(News::Stored { messages, .. }) if messages.iter().any(|message| message.offset.0 == offset) => {
                    return;
                }
                Some(_) => {}
                None => store.news_came().await,
            }
        }
    };
    tokio::time::timeout(DEADLINE, heard).await.expect("news in time");
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_lie_at_all_servers_and_go_on_where_their_slot_is_moved_to() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = tokio::task::block_in_place(|| RedisCluster::start(folder.path()));
    let (one, other) = (open(&cluster).await, open(&cluster).await);
    let names: Vec<_> = (0..16).map(|number| format!("room-{number}")).collect();
    let batch = || names.iter().chain(&names).map(|name| append(name, "m", None)).collect::<Vec<_>>();
    assert!(outcomes(&one, batch()).await.into_iter().map(|(offset, _)| offset).eq([[1; 16], [2; 16]].concat()));
    for server in cluster.servers() {
        assert_ne!(server.ask("DBSIZE"), ":0\r\n", "nothing lies here");
    }
    let here =
        |name: &String| Here { room: room(name), known: Position { offset: Offset(2), epoch: KNOWN }, members: 1 };
    let there = other.compare(&names.iter().map(here).collect::<Vec<_>>()).await;
    assert!(there.into_iter().all(|there| there.unwrap().position.offset == Offset(2)));

    other.follow(&names.iter().map(|name| room(name)).collect::<Vec<_>>()).await.unwrap();
    assert_eq!(say(&one, "room-7", "before").await, 3);
    hear(&other, 3).await;
    tokio::task::block_in_place(|| cluster.move_slot_of("room-7"));
    assert_eq!(say(&one, "room-7", "after").await, 4);
    assert_eq!(say(&other, "room-7", "before").await, 3, "it is known as a repeat");
    // From here on both know the new place.
    assert_eq!(say(&one, "room-7", "last").await, 5);
    hear(&other, 5).await;
    assert_eq!(head(&one, "room-7").await.unwrap().epoch, KNOWN);
    assert_eq!(texts(&one, "room-7", 0, 9).await.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_one_server_is_away_only_its_rooms_wait_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut cluster = tokio::task::block_in_place(|| RedisCluster::start(folder.path()));
    let store = open(&cluster).await;
    // CLUSTER KEYSLOT: 15495 and 3300, at the third server and at the first.
    let (waiting, going_on) = ("a", "b");
    assert_eq!([say(&store, waiting, "1").await, say(&store, going_on, "1").await], [1, 1]);
    tokio::task::block_in_place(|| cluster.server_of(waiting).kill());
    let both = store.append(vec![append(waiting, "m", None), append(going_on, "m", None)]).await;
    assert!(matches!(&both[..], [Err(StoreError::Down), Ok(_)]), "{both:?}");
    assert!(!store.is_available());
    tokio::task::block_in_place(|| cluster.server_of(waiting).start_again());
    assert_eq!([say(&store, waiting, "2").await, say(&store, going_on, "2").await], [2, 3]);
    assert!(store.is_available());
}

#[tokio::test]
async fn a_cluster_that_is_not_whole_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let bus = lasting_address().port().to_string();
    let options = ["--cluster-enabled", "yes", "--cluster-port", &bus];
    let server = RedisServer::start(folder.path(), lasting_address(), &options);
    assert_eq!(server.ask("CLUSTER ADDSLOTSRANGE 0 99"), "+OK\r\n");
    let refused = RedisStore::open(RedisOptions::new(server.url())).await;
    assert!(matches!(refused, Err(RedisOpenError::Incomplete { slots: 100 })), "{refused:?}");
}
