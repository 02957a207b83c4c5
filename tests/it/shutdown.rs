//! The end of the server.

use serde_json::{Value, json};
use tests::{Received, TestServer, within_deadline};

/// The offsets that somebody was acked and told of.
#[derive(Debug, Default)]
struct Talk {
    acked: Vec<u64>,
    heard: Vec<u64>,
}

impl Talk {
    fn add(&mut self, message: &Value) {
        let offsets = match message["type"].as_str() {
            Some("ack") => &mut self.acked,
            Some("chat") => &mut self.heard,
            _ => return,
        };
        offsets.push(message["offset"].as_u64().unwrap());
    }
}

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
    let mut talk = Talk::default();
    while talk.acked.is_empty() {
        talk.add(&native.next(&["ack", "chat"]).await);
    }
    server.stop();
    let code = loop {
        match native.ws().receive().await {
            Received::Closed(code) => break code,
            message => talk.add(&serde_json::from_str(&message.text()).unwrap()),
        }
    };
    assert_eq!(code, Some(1012));
    assert_eq!(talk.acked, (1..=talk.acked.len() as u64).collect::<Vec<_>>());
    assert_eq!(talk.heard, talk.acked, "the close frame comes after all that was accepted");
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
async fn orchestrators_that_ask_while_it_stops_are_told_that_it_is_not_ready() {
    let server = TestServer::start().await;
    let mut socket = server.socket().await;
    socket.send(b"GET /health/ready HTTP/1.1\r\nHost: x\r\n").await;
    // Once somebody who came later is answered, the beginning of the request is read: it is let come to its end.
    assert_eq!(server.http().get("/health/ready", &[]).await.status, 200);
    server.stop();
    assert_eq!(socket.request("\r\n").await.0, 503);
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
