//! Files: what survives a restart, and what is not opened.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::sync::atomic::{AtomicI64, Ordering};

use history::{Archive, OpenError, SqliteOptions, SqliteStore, Sync};
use hub::{Durability, Offset, Store, StoreError, Timestamp};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::fixture::{append, blob, fill, head, killed, options, outcomes, room, texts};

fn open(folder: &TempDir) -> Result<SqliteStore, OpenError> {
    SqliteStore::open(options(folder))
}

async fn closed_after_ten() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).unwrap();
    fill(&store, "a", 10).await;
    store.close().await;
    folder
}

#[tokio::test]
async fn messages_retries_and_pictures_survive_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).unwrap();
    fill(&store, "a", 10).await;
    outcomes(&store, vec![append("a", "once", Some(("key", "1")))]).await;
    let picture = store.put_blob(&room("a"), blob("picture")).await.unwrap();
    let folder = killed(&folder);
    let store = open(&folder).unwrap();
    assert_eq!(texts(&store, "a", 9, 9).await, [(10, "m10".to_owned()), (11, "once".to_owned())]);
    assert_eq!(outcomes(&store, vec![append("a", "again", Some(("key", "1")))]).await, [(11, true)]);
    assert_eq!(store.get_blob(&picture).await.unwrap().unwrap().bytes, "picture");
    assert_eq!(store.put_blob(&room("a"), blob("picture")).await.unwrap(), picture);
    fill(&store, "a", 1).await;
    assert_eq!(head(&store, "a").await.unwrap().offset, Offset(12));
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_a_restart_is_known_within_the_window() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).unwrap();
    outcomes(&store, vec![append("a", "m", Some(("key", "1")))]).await;
    store.close().await;
    tokio::time::advance(std::time::Duration::from_secs(599)).await;
    let store = open(&folder).unwrap();
    assert_eq!(outcomes(&store, vec![append("a", "m", Some(("key", "1")))]).await, [(1, true)]);
    store.close().await;
    tokio::time::advance(std::time::Duration::from_secs(2)).await;
    let store = open(&folder).unwrap();
    assert_eq!(outcomes(&store, vec![append("a", "m", Some(("key", "1")))]).await, [(2, false)]);
}

#[tokio::test]
async fn times_do_not_go_back_with_the_clock() {
    static CLOCK: AtomicI64 = AtomicI64::new(5_000);
    let folder = tempfile::tempdir().unwrap();
    let options = || SqliteOptions {
        clock: || Timestamp(CLOCK.load(Ordering::Relaxed)),
        ..SqliteOptions::new(folder.path(), Sync::Os)
    };
    let store = SqliteStore::open(options()).unwrap();
    fill(&store, "a", 1).await;
    CLOCK.store(4_000, Ordering::Relaxed);
    fill(&store, "a", 1).await;
    store.close().await;
    CLOCK.store(3_000, Ordering::Relaxed);
    let store = SqliteStore::open(options()).unwrap();
    fill(&store, "a", 1).await;
    CLOCK.store(6_000, Ordering::Relaxed);
    fill(&store, "a", 1).await;
    let page = store.read(&room("a"), Offset(0), 9).await.unwrap();
    assert_eq!(page.messages.iter().map(|message| message.time.0).collect::<Vec<_>>(), [5_000, 5_000, 5_000, 6_000]);
}

#[tokio::test]
async fn a_session_key_does_not_stand_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).unwrap();
    outcomes(&store, vec![append("a", "a text that is found", Some(("a-secret-session-key", "1")))]).await;
    store.close().await;
    let file = fs::read(folder.path().join("history.sqlite3")).unwrap();
    let holds = |text: &str| file.windows(text.len()).any(|bytes| bytes == text.as_bytes());
    assert!(holds("a text that is found") && !holds("a-secret-session-key"));
}

#[tokio::test]
async fn a_folder_has_one_owner_at_a_time() {
    let folder = closed_after_ten().await;
    let first = open(&folder).unwrap();
    assert!(matches!(open(&folder), Err(OpenError::InUse { .. })));
    first.close().await;
    let second = open(&folder).unwrap();
    drop(second);
    open(&folder).unwrap();
}

#[tokio::test]
async fn a_closed_store_takes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).unwrap();
    assert_eq!(store.durability(&room("a")), Durability::Os);
    store.close().await;
    assert_eq!(store.append(vec![append("a", "m", None)]).await[0].as_ref().err(), Some(&StoreError::Down));
    assert_eq!(store.head(&room("a")).await, Err(StoreError::Down));
    assert_eq!(store.clear(&room("a")).await, Err(StoreError::Down));
    assert_eq!(store.put_blob(&room("a"), blob("x")).await, Err(StoreError::Down));
}

/// The error of opening the folder; it names the file and says what to do.
fn refusal(folder: &TempDir, remedy: &str) -> OpenError {
    let error = open(folder).expect_err("it is not to be opened");
    let text = error.to_string();
    assert!(text.contains(&folder.path().display().to_string()) && text.contains(remedy), "{text}");
    error
}

fn overwrite(folder: &TempDir, name: &str, at: u64, bytes: &[u8]) {
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(false).open(folder.path().join(name)).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(bytes).unwrap();
}

#[tokio::test]
async fn a_damaged_file_is_refused_by_name_and_with_a_remedy() {
    for name in ["history.sqlite3", "pictures.sqlite3"] {
        for at in [0, 100] {
            let folder = closed_after_ten().await;
            overwrite(&folder, name, at, &[0xa5; 3000]);
            let error = refusal(&folder, "history import");
            assert!(matches!(&error, OpenError::Damaged { path, .. } if path.ends_with(name)), "{name}, {at}: {error}");
        }
    }
}

#[tokio::test]
async fn after_the_loss_of_power_the_whole_file_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(SqliteOptions { boot: Some("first".to_owned()), ..options(&folder) }).unwrap();
    fill(&store, "a", 1000).await;
    store.close().await;
    let store = SqliteStore::open(SqliteOptions { boot: Some("first".to_owned()), ..options(&folder) }).unwrap();
    fill(&store, "a", 1).await;
    let folder = killed(&folder);
    drop(store);
    let middle = fs::metadata(folder.path().join("history.sqlite3")).unwrap().len() / 4096 / 2 * 4096;
    overwrite(&folder, "history.sqlite3", middle, &[0xa5; 4096]);
    let options = SqliteOptions { boot: Some("second".to_owned()), ..options(&folder) };
    assert!(matches!(SqliteStore::open(options), Err(OpenError::Damaged { .. })));
}

#[tokio::test]
async fn a_damaged_pack_of_messages_is_an_error_to_who_reads_it_and_to_nobody_else() {
    for body in
        ["x''", "x'02'", "x'01ffffffff'", "x'0100000001ff'", "substr(body, 1, length(body) - 1)", "body || body"]
    {
        let folder = closed_after_ten().await;
        let file = Connection::open(folder.path().join("history.sqlite3")).unwrap();
        file.execute(&format!("UPDATE packs SET body = CAST({body} AS BLOB)"), []).unwrap();
        drop(file);
        let store = open(&folder).unwrap();
        assert_eq!(store.read(&room("a"), Offset(0), 9).await.err(), Some(StoreError::Down), "{body}");
        fill(&store, "a", 1).await;
        assert_eq!(texts(&store, "a", 10, 9).await, [(11, "m1".to_owned())]);
        let archive = Archive::open(folder.path()).unwrap();
        assert!(archive.page(&room("a"), Offset(0)).is_err());
    }
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_refused() {
    let folder = closed_after_ten().await;
    let file = Connection::open(folder.path().join("history.sqlite3")).unwrap();
    file.pragma_update(None, "user_version", 99).unwrap();
    drop(file);
    assert!(matches!(refusal(&folder, "newer one"), OpenError::Newer { found: 99, known: 2, .. }));
}

#[test]
fn what_is_not_ours_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.sqlite3");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (a)").unwrap();
    let before = fs::read(&path).unwrap();
    assert!(matches!(refusal(&folder, "another data folder"), OpenError::Foreign { .. }));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let error = SqliteStore::open(SqliteOptions::new(folder.path().join("file"), Sync::Os)).unwrap_err();
    assert!(matches!(error, OpenError::Folder { .. }), "{error}");
}
