//! The end of the server.

use negaphone::config::Config;
use serde_json::{Value, json};
use tests::{RawSocket, Received, TestServer, within_deadline};

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

/// Begins a request and makes sure that the server has read its beginning, so
/// that it is let come to its end while the server stops.
async fn begin_request(server: &TestServer, path: &str) -> RawSocket {
    let mut socket = server.socket().await;
    socket.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\n").as_bytes()).await;
    // All share one thread: who came later is answered later.
    assert_eq!(server.http().get("/health/ready", &[]).await.status, 200);
    socket
}

#[tokio::test]
async fn every_door_is_closed_with_1012_after_the_acks_of_all_that_was_accepted() {
    let server = TestServer::start().await;
    let mut native = server.native("room=end").await;
    let mut raw = server.ws("/ws/raw/end").await;
    let mut image = server.ws("/ws/image").await;
    let mut reading = begin_request(&server, "/rooms/end/messages").await;
    for number in 0..1000 {
        native.send(json!({"type": "chat", "text": "hei", "id": number.to_string()})).await;
    }
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
    assert_eq!(reading.request("\r\n").await.0, 200);
    let stored: Value = serde_json::from_slice(&reading.rest().await).unwrap();
    assert_eq!(talk.acked.len() as u64, stored["head"].as_u64().unwrap());
    assert!(talk.acked.iter().zip(1..).all(|(offset, place)| *offset == place));
    assert!(talk.heard == talk.acked, "{} heard, {} acked", talk.heard.len(), talk.acked.len());
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
    let mut socket = begin_request(&server, "/health/ready").await;
    server.stop();
    assert_eq!(socket.request("\r\n").await.0, 503);
    server.stopped().await;
}

#[tokio::test]
async fn a_taken_port_is_a_clear_error() {
    let server = TestServer::start().await;
    let address = server.address();
    let config = Config { listen: address, ..TestServer::config() };
    let error = within_deadline("an error", negaphone::start(config)).await.unwrap_err().to_string();
    assert!(error.contains(&address.to_string()) && error.contains("--listen"), "{error}");
}
