//! No offset is ever used twice under one epoch, whatever happens to the file.

use history::{SqliteOptions, SqliteStore, Sync};
use hub::{Append, Epoch, Offset, Position, Store};
use tempfile::TempDir;

use crate::fixture::{KNOWN, append, fill, head, killed, options, outcomes, room, settled, texts};

/// In the first life of the machine.
fn first_boot(folder: &TempDir, sync: Sync) -> SqliteOptions {
    SqliteOptions { sync, boot: Some("first".to_owned()), ..options(folder) }
}

fn raised(generation: u32) -> Epoch {
    Epoch { generation, ..KNOWN }
}

/// The folder of a program that stored ten messages and was killed.
async fn killed_after_ten(sync: Sync) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(first_boot(&folder, sync)).unwrap();
    fill(&store, "a", 10).await;
    killed(&folder)
}

/// Epoch and head of the room after the next start.
async fn next_start(options: SqliteOptions) -> (Epoch, u64) {
    let store = SqliteStore::open(options).unwrap();
    let head = head(&store, "a").await.unwrap();
    (head.epoch, head.offset.0)
}

#[tokio::test]
async fn after_a_clean_end_the_epoch_stays() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(first_boot(&folder, Sync::Os)).unwrap();
    fill(&store, "a", 10).await;
    store.close().await;
    for boot in ["first", "second"] {
        let options = SqliteOptions { boot: Some(boot.to_owned()), ..options(&folder) };
        assert_eq!(next_start(options).await, (KNOWN, 10), "{boot}");
    }
}

#[tokio::test]
async fn a_killed_process_loses_nothing_and_the_epoch_stays() {
    let folder = killed_after_ten(Sync::Os).await;
    assert_eq!(next_start(first_boot(&folder, Sync::Os)).await, (KNOWN, 10));
}

#[tokio::test]
async fn after_the_loss_of_power_the_epoch_is_raised_unless_the_disk_had_every_ack() {
    let second_boot = |folder: &TempDir, boot: Option<&str>| SqliteOptions {
        boot: boot.map(str::to_owned),
        ..first_boot(folder, Sync::Disk)
    };
    for boot in [Some("second"), None] {
        let folder = killed_after_ten(Sync::Os).await;
        assert_eq!(next_start(second_boot(&folder, boot)).await, (raised(1), 10), "{boot:?}");
        let folder = killed_after_ten(Sync::Disk).await;
        assert_eq!(next_start(second_boot(&folder, boot)).await, (KNOWN, 10), "{boot:?}");
    }
}

#[tokio::test]
async fn without_the_log_of_a_killed_process_the_epoch_is_raised() {
    let folder = killed_after_ten(Sync::Disk).await;
    let store = SqliteStore::open(first_boot(&folder, Sync::Disk)).unwrap();
    store.close().await;
    let store = SqliteStore::open(first_boot(&folder, Sync::Disk)).unwrap();
    fill(&store, "a", 5).await;
    let folder = killed(&folder);
    std::fs::remove_file(folder.path().join("history.sqlite3-wal")).unwrap();
    assert_eq!(next_start(first_boot(&folder, Sync::Disk)).await, (raised(1), 10));
}

#[tokio::test]
async fn a_room_that_is_new_in_a_raised_store_keeps_the_epoch_that_its_members_were_told() {
    let folder = killed_after_ten(Sync::Os).await;
    let boot = |boot: &str| SqliteOptions { boot: Some(boot.to_owned()), ..options(&folder) };
    let store = SqliteStore::open(boot("second")).unwrap();
    fill(&store, "new", 1).await;
    assert_eq!(head(&store, "new").await.unwrap().epoch, KNOWN);
    assert_eq!(head(&store, "a").await.unwrap().epoch, raised(1));
    let folder = killed(&folder);
    let store = SqliteStore::open(SqliteOptions { boot: Some("third".to_owned()), ..options(&folder) }).unwrap();
    assert_eq!(head(&store, "new").await.unwrap().epoch, raised(1));
    assert_eq!(head(&store, "a").await.unwrap().epoch, raised(2));
}

#[tokio::test]
async fn a_cleared_room_keeps_epoch_and_offsets_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(options(&folder)).unwrap();
    fill(&store, "a", 10).await;
    store.clear(&room("a")).await.unwrap();
    store.close().await;
    let store = SqliteStore::open(options(&folder)).unwrap();
    let cleared = head(&store, "a").await.unwrap();
    assert_eq!((cleared.epoch, cleared.offset, cleared.first_held), (KNOWN, Offset(10), Offset(11)));
    fill(&store, "a", 1).await;
    assert_eq!(texts(&store, "a", 0, 9).await, [(11, "m1".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_room_takes_its_epoch_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(options(&folder)).unwrap();
    fill(&store, "a", 10).await;
    fill(&store, "b", 10).await;
    tokio::time::advance(std::time::Duration::from_secs(31 * 24 * 3600)).await;
    fill(&store, "other", 1).await;
    settled(&store).await;
    assert_eq!((head(&store, "a").await, head(&store, "b").await), (None, None));
    // Nobody is there: a new life.
    let new = Epoch { life: 1, generation: 0 };
    let first = Append { known: Position { offset: Offset(0), epoch: new }, ..append("a", "m", None) };
    assert_eq!(outcomes(&store, vec![first]).await, [(1, false)]);
    assert_eq!(head(&store, "a").await.unwrap().epoch, new);
    // Members are there who know the old one: it goes on.
    let next = Append { known: Position { offset: Offset(10), epoch: KNOWN }, ..append("b", "m", None) };
    assert_eq!(outcomes(&store, vec![next]).await, [(11, false)]);
    assert_eq!(head(&store, "b").await.unwrap().epoch, KNOWN);
}
