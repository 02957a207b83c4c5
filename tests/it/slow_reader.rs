//! One slow reader hurts nobody.

use std::time::Duration;

use serde_json::json;
use tests::{RawSocket, TestServer};

const MESSAGES: u64 = 400;

/// Floods a room with more than its tail and the sockets' buffers hold.
async fn flood(server: &TestServer, room: &str) {
    let mut speaker = server.native(&format!("room={room}")).await;
    let text = "x".repeat(16_000);
    for number in 0..MESSAGES {
        speaker.send(json!({"type": "chat", "text": text, "id": number.to_string()})).await;
        speaker.next(&["ack"]).await;
    }
}

async fn small_tail() -> TestServer {
    TestServer::with(|config| {
        config.raw_message_max_bytes = 1 << 16;
        config.tape_tail_max_bytes = 1 << 19;
    })
    .await
}

/// The last frame that a stalled reader is sent, when it reads at last.
async fn last_close_code(slow: &mut RawSocket) -> Option<u16> {
    let mut last = None;
    while let Some(frame) = slow.frame().await {
        last = Some(frame);
    }
    last.and_then(|frame| frame.close_code())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_native_reader_is_closed_with_4001_and_recovers_by_its_position() {
    let server = small_tail().await;
    let mut slow = RawSocket::connect_narrow(server.address()).await;
    assert_eq!(slow.upgrade("/ws?room=s").await, 101);
    let welcome: serde_json::Value = serde_json::from_slice(&slow.frame().await.unwrap().payload).unwrap();
    let mut fast = server.native("room=s").await;
    let reading = tokio::spawn(async move {
        for expected in 1..=MESSAGES {
            assert_eq!(fast.next(&["chat"]).await["offset"], expected);
        }
    });
    flood(&server, "s").await;
    reading.await.unwrap();
    assert_eq!(last_close_code(&mut slow).await, Some(4001));
    let epoch = welcome["epoch"].as_str().unwrap();
    let mut back = server.native(&format!("room=s&since=0&epoch={epoch}")).await;
    assert_eq!(back.welcome["recovered"], true);
    for expected in 1..=MESSAGES {
        assert_eq!(back.next(&["chat"]).await["offset"], expected);
    }
}

async fn close_code_of_a_stalled_reader(path: &str) -> Option<u16> {
    let server = small_tail().await;
    let mut slow = RawSocket::connect_narrow(server.address()).await;
    assert_eq!(slow.upgrade(path).await, 101);
    flood(&server, "s").await;
    last_close_code(&mut slow).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_raw_reader_is_closed_with_4001() {
    assert_eq!(close_code_of_a_stalled_reader("/ws/raw/s").await, Some(4001));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_page_of_channels_or_htmx_is_closed_with_1013_so_that_it_comes_back() {
    for path in ["/ws/chat/s/", "/ws/htmx?room=s"] {
        assert_eq!(close_code_of_a_stalled_reader(path).await, Some(1013), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_socket_io_reader_loses_its_transport_and_is_not_told_that_it_is_over() {
    let server = small_tail().await;
    let mut slow = RawSocket::connect_narrow(server.address()).await;
    assert_eq!(slow.upgrade("/socket.io/?EIO=4&transport=websocket").await, 101);
    slow.send(&RawSocket::masked(0x81, b"40")).await;
    flood(&server, "lobby").await;
    let mut last = None;
    while let Some(frame) = slow.frame().await {
        // After one of these packets, of Socket.IO and of Engine.IO, clients do not come back.
        assert!(!matches!(&*frame.payload, b"41" | b"1"));
        last = Some(frame);
    }
    assert_eq!(last.and_then(|frame| frame.close_code()), Some(1013));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_socket_io_reader_that_polls_finds_its_session_gone() {
    let server = small_tail().await;
    let mut polling = server.polling().await;
    polling.send("40").await;
    assert!(polling.receive().await.starts_with("40{"));
    flood(&server, "lobby").await;
    let gone = polling.get().await;
    assert_eq!((gone.status, &gone.json()["code"]), (400, &json!(1)));
}

/// Asks for events and does not read them.
async fn stalled_events(server: &TestServer) -> RawSocket {
    let mut slow = RawSocket::connect_narrow(server.address()).await;
    let request = "GET /rooms/s/events?name=reader HTTP/1.0\r\nHost: localhost\r\n\r\n";
    assert_eq!(slow.request(request).await.0, 200);
    slow
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_reader_of_events_finds_the_end_of_the_stream_and_goes_on_by_its_position() {
    let server = small_tail().await;
    let mut slow = stalled_events(&server).await;
    flood(&server, "s").await;
    let read = String::from_utf8(slow.rest().await).unwrap();
    // What is cut off at the end is no event: without an empty line behind it, it does not count.
    let (whole, _) = read.rsplit_once("\n\n").unwrap();
    let id = whole.rsplit("id: ").next().unwrap().lines().next().unwrap();
    let seen: u64 = id.split_once(':').unwrap().1.parse().unwrap();
    assert!(seen < MESSAGES, "it was not slow");
    let mut back = server.sse("/rooms/s/events", Some(id)).await;
    assert_eq!(back.next().await.unwrap().data["recovered"], true);
    for expected in seen + 1..=MESSAGES {
        assert_eq!(back.next().await.unwrap().data["offset"], expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_of_events_that_has_vanished_leaves() {
    let server = TestServer::bounded(|limits| limits.http.unacknowledged_max = Duration::from_millis(500)).await;
    let mut watcher = server.native("room=s&name=watcher").await;
    let _vanished = stalled_events(&server).await;
    assert_eq!(watcher.next(&["join"]).await["name"], "reader");
    // More than the sockets' buffers hold, and less than the tape's tail.
    flood(&server, "s").await;
    assert_eq!(watcher.next(&["join"]).await["members"], 3);
    while watcher.next(&["leave"]).await["name"] != "reader" {}
}
