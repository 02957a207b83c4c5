//! `negaphone history export` and `import`: what comes back, and what does not.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::process::{Command, Output};

use bytes::Bytes;
use history::{SqliteOptions, SqliteStore, Sync};
use hub::{
    Append, AsSent, Blob, BlobId, Body, Dialect, Draft, Epoch, Message, Offset, PersonName, Position, RoomName,
    SharedImage, Store,
};
use tempfile::TempDir;

fn negaphone(arguments: &[&str], data_dir: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_negaphone"));
    command.arg("history").args(arguments).arg("--data-dir").arg(data_dir).output().unwrap()
}

#[track_caller]
fn succeeds(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[track_caller]
fn fails(output: &Output, reason: &str) {
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && told.contains(reason), "{told}");
}

fn open(folder: &Path) -> SqliteStore {
    SqliteStore::open(SqliteOptions::new(folder, Sync::Os)).unwrap()
}

fn room(name: &str) -> RoomName {
    RoomName::parse(name).unwrap()
}

async fn append(store: &SqliteStore, to: &str, body: Body, as_sent: Option<AsSent>) {
    let draft = Draft { from: PersonName::parse("åda & co").unwrap(), body, as_sent, id: Some("c\"1".into()) };
    let known = Position { offset: Offset(0), epoch: Epoch { life: 7, generation: 0 } };
    let stored = store.append(vec![Append { room: room(to), known, draft, dedup: None }]).await;
    assert!(stored[0].is_ok());
}

/// A folder with every kind of message; the name of its picture.
async fn filled() -> (TempDir, BlobId) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let picture = Blob { bytes: Bytes::from(vec![7; 100_000]), mime_type: "image/png".into() };
    let blob = store.put_blob(&room("a"), picture).await.unwrap();
    let image = SharedImage {
        blob: blob.clone(),
        format: "png".into(),
        width: 4,
        height: 3,
        origin: "https://a.example".into(),
    };
    append(&store, "a", Body::Text("æøå 🙂\n\"quoted\"".into()), None).await;
    append(&store, "a", Body::Json(r#"{"a": [1.0, 2e3], "b": null}"#.into()), None).await;
    append(&store, "a", Body::Image(image), None).await;
    let sent = AsSent { dialect: Dialect(3), bytes: Bytes::from_static(b"\x1b[31mhei") };
    append(&store, "a", Body::Bytes(Bytes::from_static(&[0, 255])), Some(sent)).await;
    for number in 0..2500 {
        append(&store, "b", Body::Text(format!("m{number}").into()), None).await;
    }
    append(&store, "cleared", Body::Text("gone".into()), None).await;
    store.clear(&room("cleared")).await.unwrap();
    store.close().await;
    (folder, blob)
}

/// All that can be told from one message to another.
fn facts(message: &Message) -> impl PartialEq + std::fmt::Debug + use<> {
    let Message { offset, time, draft: Draft { from, body, as_sent, id } } = message.clone();
    (offset, time, from, body, as_sent, id)
}

#[tokio::test]
async fn everything_comes_back_but_the_epoch() {
    let (folder, picture) = filled().await;
    let backup = folder.path().join("backup.ndjson");
    // Also while it is open.
    let before = open(folder.path());
    succeeds(&negaphone(&["export", "-o", backup.to_str().unwrap()], folder.path()));
    let mut epochs = vec![before.head(&room("a")).await.unwrap().unwrap().epoch];
    for _ in 0..2 {
        let restored = tempfile::tempdir().unwrap();
        succeeds(&negaphone(&["import", backup.to_str().unwrap()], restored.path()));
        let after = open(restored.path());
        for name in ["a", "b", "cleared"] {
            let name = room(name);
            let (old, new) = (before.head(&name).await.unwrap().unwrap(), after.head(&name).await.unwrap().unwrap());
            assert_eq!((old.offset, old.first_held), (new.offset, new.first_held));
            let old = before.read(&name, Offset(0), 9999).await.unwrap().messages;
            let new = after.read(&name, Offset(0), 9999).await.unwrap().messages;
            assert!(old.iter().map(|message| facts(message)).eq(new.iter().map(|message| facts(message))));
        }
        let kept = after.get_blob(&picture).await.unwrap().unwrap();
        assert_eq!((kept.bytes.len(), &*kept.mime_type), (100_000, "image/png"));
        append(&after, "a", Body::Text("next".into()), None).await;
        let head = after.head(&room("a")).await.unwrap().unwrap();
        assert_eq!(head.offset, Offset(5));
        epochs.push(head.epoch);
    }
    epochs.sort_unstable_by_key(|epoch| (epoch.life, epoch.generation));
    epochs.dedup();
    assert_eq!(epochs.len(), 3, "a backup that was brought back has an epoch of its own each time");
}

#[tokio::test]
async fn what_can_be_read_of_a_damaged_file_is_saved() {
    let (folder, _) = filled().await;
    let file = folder.path().join("history.sqlite3");
    let rows = fs::read(&file).unwrap();
    let page = rows.windows(5).position(|bytes| bytes == b"m1500").unwrap() / 4096 * 4096;
    let mut file = fs::OpenOptions::new().write(true).open(file).unwrap();
    file.seek(SeekFrom::Start(page as u64)).unwrap();
    file.write_all(&[0xa5; 4096]).unwrap();
    let backup = folder.path().join("backup.ndjson");
    fails(&negaphone(&["export", "-o", backup.to_str().unwrap()], folder.path()), "1 rooms could be read in part");
    let restored = tempfile::tempdir().unwrap();
    succeeds(&negaphone(&["import", backup.to_str().unwrap()], restored.path()));
    let store = open(restored.path());
    assert_eq!(store.read(&room("a"), Offset(0), 9).await.unwrap().messages.len(), 4);
    let saved = store.read(&room("b"), Offset(0), 9999).await.unwrap().messages.len();
    assert!((1000..1500).contains(&saved), "{saved} messages");
    // It goes on under an epoch of its own.
    append(&store, "b", Body::Text("next".into()), None).await;
    assert_ne!(store.head(&room("b")).await.unwrap().unwrap().epoch.life, 7);
}

#[tokio::test]
async fn nothing_is_replaced_and_nothing_is_mixed() {
    let (folder, _) = filled().await;
    let backup = folder.path().join("backup.ndjson");
    let backup = backup.to_str().unwrap();
    succeeds(&negaphone(&["export", "-o", backup], folder.path()));
    fails(&negaphone(&["export", "-o", backup], folder.path()), "--force");
    succeeds(&negaphone(&["export", "-o", backup, "--force"], folder.path()));
    fails(&negaphone(&["import", backup], folder.path()), "is there already");
    let store = open(folder.path());
    fails(&negaphone(&["import", backup], folder.path()), "in use by another negaphone");
    drop(store);
    fails(&negaphone(&["export"], &folder.path().join("nowhere")), "there is no history in");
}

#[tokio::test]
async fn a_line_that_makes_no_sense_is_named_and_nothing_is_kept() {
    const ROOM: &str = r#"{"room":{"name":"a","epoch":"0000000000000007","head":2,"first_held":1}}"#;
    let message = |offset: u64| {
        format!(r#"{{"message":{{"offset":{offset},"time":"2026-11-21T22:17:03.120Z","from":"ada","text":"hei"}}}}"#)
    };
    for (lines, reason) in [
        (format!("{ROOM}\nnonsense\n"), "line 2: "),
        (format!("{ROOM}\n{}\n{{\"message\":{{}}}}\n", message(1)), "line 3: "),
        (format!("{ROOM}\n{}\n{}\n", message(1), message(3)), "a message is missing"),
        (format!("{}\n", message(1)), "before the line of its room"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let backup = folder.path().join("backup.ndjson");
        fs::write(&backup, lines).unwrap();
        fails(&negaphone(&["import", backup.to_str().unwrap()], folder.path()), reason);
        assert_eq!(open(folder.path()).head(&room("a")).await, Ok(None));
    }
}
