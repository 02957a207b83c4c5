//! The end of the server.

use serde_json::json;
use tests::{Received, TestServer, within_deadline};

#[tokio::test(flavor = "multi_thread")]
async fn every_door_is_closed_with_1012_and_nothing_accepted_is_lost() {
    let server = TestServer::start().await;
    let mut native = server.native("room=end").await;
    let mut raw = server.ws("/ws/raw/end").await;
    let mut image = server.ws("/ws/image").await;
    native.next(&["join"]).await;
    for number in 0..100 {
        native.send(json!({"type": "chat", "text": "hei", "id": number.to_string()})).await;
    }
    // What the server has read by then is accepted: wait for the first ack.
    native.next(&["ack"]).await;
    server.stop();
    assert_eq!(native.closed().await, Some(1012));
    loop {
        match raw.receive().await {
            Received::Text(_) => {}
            end => break assert_eq!(end, Received::Closed(Some(1012))),
        }
    }
    assert_eq!(image.receive().await, Received::Closed(Some(1012)));
    server.stopped().await;
}

#[tokio::test]
async fn it_stops_by_itself_also_when_a_peer_does_not_answer() {
    let server = TestServer::start().await;
    let mut silent = server.socket().await;
    assert_eq!(silent.upgrade("/ws/raw/end").await, 101);
    server.stop();
    assert_eq!(silent.frame().await.unwrap().close_code(), Some(1012));
    server.stopped().await;
}

#[tokio::test]
async fn a_taken_port_is_a_clear_error() {
    let server = TestServer::start().await;
    let address = server.address();
    let config = negaphone::config::Config {
        listen: address,
        base_path: String::new(),
        public_url: None,
        raw_message_max_bytes: 1 << 20,
        tape_tail_max_bytes: 32 << 20,
        rates: negaphone::config::RateLimiting::On,
    };
    let error = within_deadline("an error", negaphone::start(config)).await.unwrap_err().to_string();
    assert!(error.contains(&address.to_string()) && error.contains("--listen"), "{error}");
}
