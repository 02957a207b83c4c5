//! Server-sent events.

use std::time::Duration;

use serde_json::json;
use tests::{TestServer, within_deadline};

#[tokio::test]
async fn the_first_event_is_the_welcome_and_each_event_has_its_position() {
    let server = TestServer::start().await;
    let mut events = server.sse("/rooms/r/events", None).await;
    assert!(events.head.starts_with("HTTP/1.0 200"), "{}", events.head);
    let head = events.head.to_ascii_lowercase();
    for header in ["content-type: text/event-stream", "cache-control: no-store", "x-accel-buffering: no"] {
        assert!(head.contains(header), "{head}");
    }
    let welcome = events.next().await.unwrap();
    assert_eq!((&welcome.data["type"], &welcome.data["room"]), (&json!("welcome"), &json!("r")));
    assert_eq!(welcome.data.get("session"), None, "who only reads has no ids");
    let epoch = welcome.data["epoch"].as_str().unwrap();
    assert_eq!(welcome.id, format!("{epoch}:0"));
    let mut ada = server.native("room=r&name=ada").await;
    ada.say("hei").await;
    ada.send(json!({"type": "data", "data": {"x": [1, 2]}})).await;
    let first = events.next().await.unwrap();
    assert_eq!(first.id, format!("{epoch}:1"), "joins have no event");
    assert_eq!(
        (&first.data["type"], &first.data["text"], &first.data["from"]),
        (&json!("chat"), &json!("hei"), &json!("ada"))
    );
    assert_eq!(events.next().await.unwrap().data["data"], json!({"x": [1, 2]}));
}

#[tokio::test]
async fn who_comes_back_with_an_id_gets_what_it_missed_and_then_live() {
    let server = TestServer::start().await;
    let mut events = server.sse("/rooms/r/events", None).await;
    let welcome = events.next().await.unwrap();
    drop(events);
    let mut ada = server.native("room=r&name=ada").await;
    for number in 0..100 {
        ada.say(&number.to_string()).await;
        ada.hears().await;
    }
    let mut events = server.sse("/rooms/r/events", Some(&welcome.id)).await;
    let back = events.next().await.unwrap();
    assert_eq!((&back.data["recovered"], &back.data["offset"]), (&json!(true), &json!(0)));
    for number in 0..100 {
        assert_eq!(events.next().await.unwrap().data["text"], number.to_string());
    }
    ada.say("live").await;
    assert_eq!(events.next().await.unwrap().data["text"], "live");
    let mut unknown = server.sse("/rooms/r/events", Some("of another server")).await;
    let welcome = unknown.next().await.unwrap();
    assert_eq!((&welcome.data["recovered"], &welcome.data["offset"]), (&json!(false), &json!(51)));
}

#[tokio::test]
async fn a_comment_keeps_a_quiet_stream_open_and_a_reader_that_is_gone_leaves() {
    let server = TestServer::bounded(|limits| limits.session.ping_interval = Duration::from_millis(50)).await;
    let mut watcher = server.native("room=r&name=watcher").await;
    let mut events = server.sse("/rooms/r/events?name=reader", None).await;
    events.next().await.unwrap();
    assert_eq!(watcher.next(&["join"]).await["name"], "reader");
    within_deadline("a heartbeat", async {
        while events.comments == 0 {
            watcher.say("hei").await;
            events.next().await.unwrap();
        }
    })
    .await;
    drop(events);
    assert_eq!(watcher.next(&["leave"]).await["name"], "reader");
}
