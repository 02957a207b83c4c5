//! What the store in SQLite forgets, and when.

use std::time::Duration;

use history::{Retention, SqliteLimits, SqliteOptions, SqliteStore};
use hub::Store;
use tempfile::TempDir;

use crate::fixture::{append, fill, head, options, outcomes, room, settled, texts};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn open(folder: &TempDir, limits: SqliteLimits) -> SqliteStore {
    SqliteStore::open(SqliteOptions { limits, ..options(folder) }).unwrap()
}

fn keeping(retention: Retention) -> SqliteLimits {
    SqliteLimits { retention, ..SqliteLimits::default() }
}

async fn held(store: &SqliteStore, name: &str) -> (u64, u64) {
    settled(store).await;
    let head = head(store, name).await.unwrap();
    (head.first_held.0, head.offset.0)
}

#[tokio::test]
async fn a_room_keeps_its_newest_messages_by_number_in_every_room_alike() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder, keeping(Retention { room_max_messages: 100, ..Retention::default() }));
    for _ in 0..25 {
        let batch = (0..30).map(|n| append(["a", "b", "c"][n % 3], "m", None)).collect();
        outcomes(&store, batch).await;
    }
    for name in ["a", "b", "c"] {
        assert_eq!(held(&store, name).await, (151, 250));
        assert_eq!(texts(&store, name, 0, 1000).await.len(), 100);
    }
}

#[tokio::test]
async fn a_room_keeps_its_newest_messages_by_bytes_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let limits = || keeping(Retention { room_max_bytes: 100_000, ..Retention::default() });
    let text = "x".repeat(1000);
    let mut store = open(&folder, limits());
    let mut firsts = Vec::new();
    for _ in 0..20 {
        outcomes(&store, (0..10).map(|_| append("a", &text, None)).collect()).await;
        store.close().await;
        store = open(&folder, limits());
        firsts.push(held(&store, "a").await.0);
    }
    // A message of 1,000 bytes counts as 1,083.
    assert_eq!(*firsts.last().unwrap(), 200 - 100_000 / 1083 + 1);
    assert_eq!(firsts[..9], [1; 9]);
}

#[tokio::test]
async fn a_bound_that_was_lowered_holds_at_once_and_the_file_is_tidied_little_by_little() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder, SqliteLimits::default());
    for _ in 0..10 {
        fill(&store, "a", 100).await;
    }
    store.close().await;
    let store = open(
        &folder,
        SqliteLimits { delete_max_packs: 4, ..keeping(Retention { room_max_messages: 100, ..Retention::default() }) },
    );
    let mut firsts = Vec::new();
    let mut forgotten = Vec::new();
    assert_eq!(held(&store, "a").await, (901, 1000));
    for _ in 0..4 {
        fill(&store, "a", 1).await;
        firsts.push(held(&store, "a").await.0);
        forgotten.push(store.usage().forgotten_messages.unwrap());
        assert_eq!(texts(&store, "a", 0, 9).await[0].0, *firsts.last().unwrap());
    }
    assert_eq!(firsts, [902, 903, 904, 905]);
    assert_eq!(forgotten, [400, 800, 900, 900]);
}

#[tokio::test(start_paused = true)]
async fn messages_go_after_thirty_days_and_a_room_with_its_last_one() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder, SqliteLimits::default());
    fill(&store, "a", 5).await;
    fill(&store, "quiet", 5).await;
    tokio::time::advance(29 * DAY).await;
    fill(&store, "a", 5).await;
    assert_eq!((held(&store, "a").await, held(&store, "quiet").await), ((1, 10), (1, 5)));
    for _ in 0..3 {
        tokio::time::advance(DAY).await;
        fill(&store, "a", 1).await;
    }
    assert_eq!(held(&store, "a").await, (6, 13));
    assert_eq!(head(&store, "quiet").await, None);
}

#[tokio::test(start_paused = true)]
async fn a_cleared_room_is_forgotten_thirty_days_after_its_last_message() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder, SqliteLimits::default());
    fill(&store, "a", 5).await;
    store.clear(&room("a")).await.unwrap();
    tokio::time::advance(29 * DAY).await;
    fill(&store, "b", 1).await;
    assert_eq!(held(&store, "a").await, (6, 5));
    tokio::time::advance(2 * DAY).await;
    fill(&store, "b", 1).await;
    settled(&store).await;
    assert_eq!(head(&store, "a").await, None);
}

#[tokio::test(start_paused = true)]
async fn what_is_too_old_is_not_shown_and_goes_a_little_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder, SqliteLimits { delete_max_packs: 10, ..SqliteLimits::default() });
    for _ in 0..25 {
        fill(&store, "a", 1).await;
    }
    tokio::time::advance(31 * DAY).await;
    assert_eq!(held(&store, "a").await, (26, 25));
    assert_eq!(texts(&store, "a", 0, 9).await, []);
    let mut forgotten = Vec::new();
    for _ in 0..4 {
        fill(&store, "a", 1).await;
        assert_eq!(held(&store, "a").await.0, 26);
        forgotten.push(store.usage().forgotten_messages.unwrap());
    }
    assert_eq!(forgotten, [10, 20, 25, 25]);
}

#[tokio::test]
async fn what_is_shown_begins_within_a_transaction_where_the_bound_lies_there() {
    let folder = tempfile::tempdir().unwrap();
    let store =
        open(&folder, keeping(Retention { room_max_messages: 70, room_max_bytes: 50_000, ..Retention::default() }));
    // 100 small ones at once, of which 70 are kept.
    fill(&store, "a", 100).await;
    assert_eq!(held(&store, "a").await, (31, 100));
    assert_eq!(texts(&store, "a", 0, 1).await, [(31, "m31".to_owned())]);
    // One that is larger than all that may be kept is kept alone.
    outcomes(&store, vec![append("a", &"x".repeat(60_000), None)]).await;
    assert_eq!(held(&store, "a").await, (101, 101));
    outcomes(&store, vec![append("a", "after", None)]).await;
    assert_eq!(
        (held(&store, "a").await, texts(&store, "a", 0, 9).await),
        ((102, 102), vec![(102, "after".to_owned())])
    );
}
