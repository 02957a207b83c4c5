//! What any store must keep.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hub::{Append, AsSent, BlobId, Body, Dialect, Draft, Head, Offset, SharedImage, StoreError};

use crate::fixture::{self, Bounds, Clusters, KNOWN, Open, append, blob, draft, fill, head, outcomes, room, texts};

/// Runs each behaviour with a store of each kind.
macro_rules! any_store_keeps {
    ($($behaviour:ident),* $(,)?) => {
        any_store_keeps!(@of memory: $($behaviour),*);
        any_store_keeps!(@of sqlite: $($behaviour),*);
        any_store_keeps!(@of sqlite_beside_memory: $($behaviour),*);
        any_store_keeps!(@of redis: $($behaviour),*);

        /// One after the other, since a cluster takes seconds to start.
        #[tokio::test(start_paused = true)]
        async fn redis_cluster() {
            // One behaviour needs two stores.
            let clusters = Clusters::start(2);
            let open = |bounds| clusters.open(bounds);
            $($behaviour(&open).await;)*
        }
    };
    (@of $store:ident: $($behaviour:ident),*) => {
        mod $store {
            $(#[tokio::test(start_paused = true)]
            async fn $behaviour() {
                super::$behaviour(&super::fixture::$store).await;
            })*
        }
    };
}

any_store_keeps! {
    offsets_are_dense_in_each_room,
    reading_gives_what_was_stored_in_pieces,
    a_room_is_stored_by_its_first_message,
    a_room_that_the_store_lost_goes_on_from_where_the_hub_saw_it,
    a_retry_is_the_same_message,
    retries_are_known_within_a_window_of_time_and_number,
    the_oldest_messages_go_first_and_the_newest_is_always_held,
    a_blob_is_named_by_its_content_and_the_name_cannot_be_guessed,
    clearing_forgets_messages_and_neither_offsets_nor_epoch,
    what_was_appended_is_read_to_the_letter,
    times_of_a_room_never_decrease,
    blobs_are_bounded_in_bytes_and_age,
}

async fn offsets_are_dense_in_each_room(open: Open<'_>) {
    let opened = open(Bounds::default());
    let store = &*opened.store;
    let batch = ["a", "b", "a", "a", "b"].map(|to| append(to, "m", None)).to_vec();
    assert_eq!(outcomes(store, batch).await, [(1, false), (1, false), (2, false), (3, false), (2, false)]);
}

async fn reading_gives_what_was_stored_in_pieces(open: Open<'_>) {
    let opened = open(Bounds::default());
    let store = &*opened.store;
    fill(store, "a", 10).await;
    assert_eq!(texts(store, "a", 0, 2).await, [(1, "m1".to_owned()), (2, "m2".to_owned())]);
    assert_eq!(texts(store, "a", 8, 5).await, [(9, "m9".to_owned()), (10, "m10".to_owned())]);
    assert_eq!(texts(store, "a", 10, 5).await, []);
    assert_eq!(texts(store, "a", u64::MAX - 1, 5).await, []);
    assert_eq!(texts(store, "nowhere", 0, 5).await, []);
}

async fn a_room_is_stored_by_its_first_message(open: Open<'_>) {
    let opened = open(Bounds::default());
    let store = &*opened.store;
    texts(store, "a", 0, 5).await;
    assert_eq!(head(store, "a").await, None);
    outcomes(store, vec![append("a", "m", None)]).await;
    let head = Head { epoch: KNOWN, offset: Offset(1), first_held: Offset(1) };
    assert_eq!(self::head(store, "a").await, Some(head));
}

async fn a_room_that_the_store_lost_goes_on_from_where_the_hub_saw_it(open: Open<'_>) {
    let opened = open(Bounds::default());
    let store = &*opened.store;
    let mut late = append("a", "m", None);
    late.known.offset = Offset(57);
    assert_eq!(outcomes(store, vec![late.clone(), late]).await, [(58, false), (59, false)]);
}

async fn a_retry_is_the_same_message(open: Open<'_>) {
    let opened = open(Bounds::default());
    let store = &*opened.store;
    let batch = vec![
        append("a", "m", Some(("key", "1"))),
        append("a", "m", Some(("key", "1"))),
        append("a", "m", Some(("other", "1"))),
        append("b", "m", Some(("key", "1"))),
        append("a", "m", None),
    ];
    let expected = [(1, false), (1, true), (2, false), (1, false), (3, false)];
    assert_eq!(outcomes(store, batch).await, expected);
    assert_eq!(outcomes(store, vec![append("a", "again", Some(("key", "1")))]).await, [(1, true)]);
    assert_eq!(texts(store, "a", 0, 9).await.len(), 3);
}

async fn retries_are_known_within_a_window_of_time_and_number(open: Open<'_>) {
    let opened = open(Bounds { dedup_max: 2, ..Bounds::default() });
    let store = &*opened.store;
    let say = async |id| outcomes(store, vec![append("a", "m", Some(("key", id)))]).await[0];
    assert_eq!([say("1").await, say("2").await, say("1").await], [(1, false), (2, false), (1, true)]);
    assert_eq!([say("3").await, say("1").await], [(3, false), (4, false)], "the oldest of three is not forgotten");
    tokio::time::advance(Duration::from_secs(601)).await;
    assert_eq!(say("1").await, (5, false), "the window does not end");
}

async fn the_oldest_messages_go_first_and_the_newest_is_always_held(open: Open<'_>) {
    let opened = open(Bounds { room_max_messages: 3, room_max_bytes: 5000, ..Bounds::default() });
    let store = &*opened.store;
    fill(store, "a", 5).await;
    assert_eq!(texts(store, "a", 0, 9).await.iter().map(|(offset, _)| *offset).collect::<Vec<_>>(), [3, 4, 5]);
    assert_eq!(head(store, "a").await.unwrap().first_held, Offset(3));
    outcomes(store, vec![append("a", &"x".repeat(9000), None)]).await;
    assert_eq!(texts(store, "a", 0, 9).await.len(), 1);
}

async fn a_blob_is_named_by_its_content_and_the_name_cannot_be_guessed(open: Open<'_>) {
    let opened = (open(Bounds::default()), open(Bounds::default()));
    let (one, other) = (&*opened.0.store, &*opened.1.store);
    let id = one.put_blob(&room("a"), blob("picture")).await.unwrap();
    assert_eq!(one.put_blob(&room("a"), blob("picture")).await.unwrap(), id);
    assert_ne!(one.put_blob(&room("a"), blob("another")).await.unwrap(), id);
    assert_ne!(other.put_blob(&room("a"), blob("picture")).await.unwrap(), id);
    let got = one.get_blob(&id).await.unwrap().unwrap();
    assert_eq!((got.bytes.as_ref(), &*got.mime_type), (&b"picture"[..], "image/png"));
    assert!(one.get_blob(&BlobId(Arc::from("nothing"))).await.unwrap().is_none());
}

async fn clearing_forgets_messages_and_neither_offsets_nor_epoch(open: Open<'_>) {
    let opened = open(Bounds::default());
    let store = &*opened.store;
    store.clear(&room("nowhere")).await.unwrap();
    assert_eq!(head(store, "nowhere").await, None);
    fill(store, "a", 5).await;
    store.clear(&room("a")).await.unwrap();
    assert_eq!(texts(store, "a", 0, 9).await, []);
    let head = Head { epoch: KNOWN, offset: Offset(5), first_held: Offset(6) };
    assert_eq!(self::head(store, "a").await, Some(head));
    assert_eq!(outcomes(store, vec![append("a", "m6", None)]).await, [(6, false)]);
    assert_eq!(texts(store, "a", 0, 9).await, [(6, "m6".to_owned())]);
}

async fn what_was_appended_is_read_to_the_letter(open: Open<'_>) {
    let opened = open(Bounds::default());
    let store = &*opened.store;
    let image = SharedImage {
        blob: BlobId("x-_9".into()),
        format: "jpeg".into(),
        width: 4,
        height: 3,
        origin: "https://a.example".into(),
    };
    let long = Bytes::from(vec![b'x'; 1 << 20]);
    let bodies = [
        Body::Text("æøå 🙂 \0 'quoted'".into()),
        Body::Text(Bytes::new()),
        Body::Json(r#"{"a": [1, 2]}"#.into()),
        Body::Bytes(Bytes::from_static(&[0, 255, 128])),
        Body::Image(image),
        Body::Bytes(long.clone()),
    ];
    let mut drafts: Vec<_> = bodies.into_iter().map(draft).collect();
    drafts[0].id = Some("c1".into());
    drafts[1].as_sent = Some(AsSent { dialect: Dialect(7), bytes: "as sent".into() });
    drafts[3].as_sent = Some(AsSent { dialect: Dialect(0), bytes: Bytes::new() });
    drafts[5].as_sent = Some(AsSent { dialect: Dialect(255), bytes: long });
    let batch = drafts.iter().map(|draft| Append { draft: draft.clone(), ..append("a", "", None) }).collect();
    outcomes(store, batch).await;
    let page = store.read(&room("a"), Offset(0), 9).await.unwrap();
    let facts = |draft: &Draft| (draft.from.clone(), draft.body.clone(), draft.as_sent.clone(), draft.id.clone());
    assert!(page.messages.iter().map(|message| facts(&message.draft)).eq(drafts.iter().map(facts)));
}

async fn times_of_a_room_never_decrease(open: Open<'_>) {
    let opened = open(Bounds::default());
    let store = &*opened.store;
    for _ in 0..3 {
        fill(store, "a", 100).await;
    }
    let page = store.read(&room("a"), Offset(0), 300).await.unwrap();
    assert_eq!(page.messages.len(), 300);
    assert!(page.messages.is_sorted_by_key(|message| message.time));
}

async fn blobs_are_bounded_in_bytes_and_age(open: Open<'_>) {
    let opened = open(Bounds { blobs_max_bytes: 10, ..Bounds::default() });
    let store = &*opened.store;
    let first = store.put_blob(&room("a"), blob("123456")).await.unwrap();
    let second = store.put_blob(&room("a"), blob("abcdef")).await.unwrap();
    assert!(store.get_blob(&first).await.unwrap().is_none());
    assert!(store.get_blob(&second).await.unwrap().is_some());
    let too_large = store.put_blob(&room("a"), blob("12345678901")).await;
    assert_eq!(too_large, Err(StoreError::BlobTooLarge { bytes: 11, bytes_max: 10 }));
    tokio::time::advance(Duration::from_secs(31 * 24 * 3600)).await;
    assert!(store.get_blob(&second).await.unwrap().is_none());
}
