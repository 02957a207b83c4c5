//! One slow reader hurts nobody.

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

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_raw_reader_is_closed_with_4001() {
    let server = small_tail().await;
    let mut slow = RawSocket::connect_narrow(server.address()).await;
    assert_eq!(slow.upgrade("/ws/raw/s").await, 101);
    flood(&server, "s").await;
    assert_eq!(last_close_code(&mut slow).await, Some(4001));
}
