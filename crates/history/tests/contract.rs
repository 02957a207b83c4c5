//! What any store must keep.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use history::{MemoryLimits, MemoryStore};
use hub::{
    Append, Appended, Blob, BlobId, Body, DedupKey, Draft, Epoch, Head, Offset, PersonName, Position, RoomName, Store,
    StoreError,
};

const KNOWN: Epoch = Epoch { life: 7, generation: 0 };

fn room(name: &str) -> RoomName {
    RoomName::parse(name).expect("a valid name")
}

fn append(to: &str, text: &str, dedup: Option<(&str, &str)>) -> Append {
    let body = Body::Text(Bytes::copy_from_slice(text.as_bytes()));
    Append {
        room: room(to),
        known: Position { offset: Offset(0), epoch: KNOWN },
        draft: Draft { from: PersonName::parse("ada").expect("a valid name"), body, as_sent: None, id: None },
        dedup: dedup.map(|(session, id)| DedupKey { session: session.into(), id: id.into() }),
    }
}

/// Offset, and whether it was stored before.
fn outcome(appended: &Appended) -> (u64, bool) {
    match appended {
        Appended::Fresh { message, .. } => (message.offset.0, false),
        Appended::Repeat { offset, .. } => (offset.0, true),
    }
}

async fn outcomes(store: &dyn Store, batch: Vec<Append>) -> Vec<(u64, bool)> {
    store.append(batch).await.iter().map(|appended| outcome(appended.as_ref().expect("it is stored"))).collect()
}

async fn texts(store: &dyn Store, name: &str, after: u64, limit: usize) -> Vec<(u64, String)> {
    let page = store.read(&room(name), Offset(after), limit).await.expect("memory is there");
    let text = |body: &Body| match body {
        Body::Text(text) => String::from_utf8(text.to_vec()).expect("text"),
        Body::Json(_) | Body::Image(_) | Body::Bytes(_) => panic!("only text was stored"),
    };
    page.messages.iter().map(|message| (message.offset.0, text(&message.draft.body))).collect()
}

fn store() -> MemoryStore {
    MemoryStore::new(MemoryLimits::default())
}

#[tokio::test]
async fn offsets_are_dense_in_each_room() {
    let store = store();
    let batch = ["a", "b", "a", "a", "b"].map(|to| append(to, "m", None)).to_vec();
    assert_eq!(outcomes(&store, batch).await, [(1, false), (1, false), (2, false), (3, false), (2, false)]);
}

#[tokio::test]
async fn reading_gives_what_was_stored_in_pieces() {
    let store = store();
    outcomes(&store, (1..=10).map(|n| append("a", &format!("m{n}"), None)).collect()).await;
    assert_eq!(texts(&store, "a", 0, 2).await, [(1, "m1".to_owned()), (2, "m2".to_owned())]);
    assert_eq!(texts(&store, "a", 8, 5).await, [(9, "m9".to_owned()), (10, "m10".to_owned())]);
    assert_eq!(texts(&store, "a", 10, 5).await, []);
    assert_eq!(texts(&store, "a", u64::MAX - 1, 5).await, []);
    assert_eq!(texts(&store, "nowhere", 0, 5).await, []);
}

#[tokio::test]
async fn a_room_is_stored_by_its_first_message() {
    let store = store();
    texts(&store, "a", 0, 5).await;
    assert_eq!(store.head(&room("a")).await, Ok(None));
    outcomes(&store, vec![append("a", "m", None)]).await;
    let head = Head { epoch: KNOWN, offset: Offset(1), first_held: Offset(1) };
    assert_eq!(store.head(&room("a")).await, Ok(Some(head)));
}

#[tokio::test]
async fn a_room_that_the_store_lost_goes_on_from_where_the_hub_saw_it() {
    let store = store();
    let mut late = append("a", "m", None);
    late.known.offset = Offset(57);
    assert_eq!(outcomes(&store, vec![late.clone(), late]).await, [(58, false), (59, false)]);
}

#[tokio::test]
async fn a_retry_is_the_same_message() {
    let store = store();
    let batch = vec![
        append("a", "m", Some(("key", "1"))),
        append("a", "m", Some(("key", "1"))),
        append("a", "m", Some(("other", "1"))),
        append("b", "m", Some(("key", "1"))),
        append("a", "m", None),
    ];
    let expected = [(1, false), (1, true), (2, false), (1, false), (3, false)];
    assert_eq!(outcomes(&store, batch).await, expected);
    assert_eq!(outcomes(&store, vec![append("a", "again", Some(("key", "1")))]).await, [(1, true)]);
    assert_eq!(texts(&store, "a", 0, 9).await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn retries_are_known_within_a_window_of_time_and_number() {
    let store = MemoryStore::new(MemoryLimits { dedup_max_ids: 2, ..MemoryLimits::default() });
    let say = async |id| outcomes(&store, vec![append("a", "m", Some(("key", id)))]).await[0];
    assert_eq!([say("1").await, say("2").await, say("1").await], [(1, false), (2, false), (1, true)]);
    assert_eq!([say("3").await, say("1").await], [(3, false), (4, false)], "the oldest of three is not forgotten");
    tokio::time::advance(Duration::from_secs(601)).await;
    assert_eq!(say("1").await, (5, false), "the window does not end");
}

#[tokio::test]
async fn the_oldest_messages_go_first_and_the_newest_is_always_held() {
    let limits = MemoryLimits { room_max_messages: 3, room_max_bytes: 5000, ..MemoryLimits::default() };
    let store = MemoryStore::new(limits);
    outcomes(&store, (1..=5).map(|n| append("a", &format!("m{n}"), None)).collect()).await;
    assert_eq!(texts(&store, "a", 0, 9).await.iter().map(|(offset, _)| *offset).collect::<Vec<_>>(), [3, 4, 5]);
    assert_eq!(store.head(&room("a")).await.unwrap().unwrap().first_held, Offset(3));
    outcomes(&store, vec![append("a", &"x".repeat(9000), None)]).await;
    assert_eq!(texts(&store, "a", 0, 9).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn times_never_decrease_and_unused_rooms_are_forgotten() {
    let store = store();
    let appended = store.append((0..100).map(|_| append("a", "m", None)).collect()).await;
    let times: Vec<_> = appended
        .iter()
        .map(|appended| match appended.as_ref().unwrap() {
            Appended::Fresh { message, .. } => message.time,
            Appended::Repeat { time, .. } => *time,
        })
        .collect();
    assert!(times.is_sorted());
    tokio::time::advance(Duration::from_secs(3599)).await;
    outcomes(&store, vec![append("b", "m", None)]).await;
    assert!(store.head(&room("a")).await.unwrap().is_some());
    tokio::time::advance(Duration::from_secs(61)).await;
    outcomes(&store, vec![append("b", "m", None)]).await;
    assert_eq!(store.head(&room("a")).await, Ok(None));
}

#[tokio::test(start_paused = true)]
async fn when_memory_is_spent_the_rooms_unused_for_longest_go_first() {
    let store = MemoryStore::new(MemoryLimits { total_max_bytes: 10_000, ..MemoryLimits::default() });
    for name in ["a", "b", "c", "d"] {
        tokio::time::advance(Duration::from_secs(1)).await;
        outcomes(&store, vec![append(name, &"x".repeat(3000), None)]).await;
    }
    let mut held = Vec::new();
    for name in ["a", "b", "c", "d"] {
        held.push(store.head(&room(name)).await.unwrap().is_some());
    }
    assert_eq!(held, [false, false, true, true]);
}

fn blob(text: &str) -> Blob {
    Blob { bytes: Bytes::copy_from_slice(text.as_bytes()), mime_type: "image/png".into() }
}

#[tokio::test]
async fn a_blob_is_named_by_its_content_and_the_name_cannot_be_guessed() {
    let (one, other) = (store(), store());
    let id = one.put_blob(&room("a"), blob("picture")).await.unwrap();
    assert_eq!(one.put_blob(&room("a"), blob("picture")).await.unwrap(), id);
    assert_ne!(one.put_blob(&room("a"), blob("another")).await.unwrap(), id);
    assert_ne!(other.put_blob(&room("a"), blob("picture")).await.unwrap(), id);
    let got = one.get_blob(&id).await.unwrap().unwrap();
    assert_eq!((got.bytes.as_ref(), &*got.mime_type), (&b"picture"[..], "image/png"));
    assert!(one.get_blob(&BlobId(Arc::from("nothing"))).await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn blobs_are_bounded_in_bytes_and_age() {
    let store = MemoryStore::new(MemoryLimits { blobs_max_bytes: 10, ..MemoryLimits::default() });
    let first = store.put_blob(&room("a"), blob("123456")).await.unwrap();
    let second = store.put_blob(&room("a"), blob("abcdef")).await.unwrap();
    assert!(store.get_blob(&first).await.unwrap().is_none());
    assert!(store.get_blob(&second).await.unwrap().is_some());
    assert_eq!(
        store.put_blob(&room("a"), blob("12345678901")).await,
        Err(StoreError::BlobTooLarge { bytes: 11, bytes_max: 10 })
    );
    tokio::time::advance(Duration::from_secs(24 * 3600)).await;
    assert!(store.get_blob(&second).await.unwrap().is_none());
}

#[tokio::test]
async fn rooms_used_at_the_same_moment_do_not_all_go_at_once() {
    let store = MemoryStore::new(MemoryLimits { total_max_bytes: 10_000, ..MemoryLimits::default() });
    let batch = ["a", "b", "c", "d"].map(|name| append(name, &"x".repeat(3000), None)).to_vec();
    outcomes(&store, batch).await;
    let mut held = 0;
    for name in ["a", "b", "c", "d"] {
        held += usize::from(store.head(&room(name)).await.unwrap().is_some());
    }
    assert_eq!(held, 2);
}

#[tokio::test]
async fn clearing_forgets_messages_and_neither_offsets_nor_epoch() {
    let store = store();
    store.clear(&room("nowhere")).await.unwrap();
    assert_eq!(store.head(&room("nowhere")).await, Ok(None));
    outcomes(&store, (1..=5).map(|n| append("a", &format!("m{n}"), None)).collect()).await;
    store.clear(&room("a")).await.unwrap();
    assert_eq!(texts(&store, "a", 0, 9).await, []);
    let head = Head { epoch: KNOWN, offset: Offset(5), first_held: Offset(6) };
    assert_eq!(store.head(&room("a")).await, Ok(Some(head)));
    assert_eq!(outcomes(&store, vec![append("a", "m6", None)]).await, [(6, false)]);
    assert_eq!(texts(&store, "a", 0, 9).await, [(6, "m6".to_owned())]);
}
