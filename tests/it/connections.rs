//! How many may be connected at a time: in all, and from one address.

use std::time::Duration;

use negaphone::limits::Limits;
use serde_json::Value;
use tests::{RawSocket, TestServer, within_deadline};

/// Three connections in all, two of an address.
fn few(limits: &mut Limits) {
    limits.connections.max = 3;
    limits.connections.per_address_max = 2;
}

/// A handshake at the raw door by a client that a proxy speaks for.
fn handshake(client: &str) -> String {
    format!(
        "GET /ws/raw/many HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         X-Forwarded-For: {client}\r\n\r\n"
    )
}

/// A request that leaves no connection behind.
fn get(path: &str, client: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {client}\r\nConnection: close\r\n\r\n")
}

/// The status of a request on a connection of its own, and what came with it.
async fn ask(server: &TestServer, request: &str) -> (u16, String, Vec<u8>) {
    let mut socket = server.socket().await;
    let (status, head) = socket.request(request).await;
    (status, head.to_lowercase(), socket.rest().await)
}

/// Asks until the answer is `expected`: that a peer is gone is seen a little
/// later.
async fn becomes(server: &TestServer, request: &str, expected: u16) {
    let asking = async { while ask(server, request).await.0 != expected {} };
    within_deadline("another answer", asking).await;
}

#[track_caller]
fn check_refusal((status, head, body): (u16, String, Vec<u8>), expected: u16) {
    assert_eq!(status, expected, "{head}");
    assert!(head.contains("retry-after: 1\r\n") && head.contains("connection: close\r\n"), "{head}");
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["error"]["code"], "too_many_connections");
}

#[tokio::test]
async fn one_connection_more_than_there_may_be_is_told_503_until_another_is_gone() {
    let server = TestServer::bounded(few).await;
    let mut sockets = Vec::new();
    for _ in 0..3 {
        let mut socket = server.socket().await;
        assert_eq!(socket.upgrade("/ws/raw/many").await, 101);
        sockets.push(socket);
    }
    check_refusal(ask(&server, "GET /health/ready HTTP/1.1\r\nHost: x\r\n\r\n").await, 503);
    check_refusal(ask(&server, &handshake("127.0.0.1")).await, 503);
    drop(sockets.pop());
    becomes(&server, &get("/health/ready", "127.0.0.1"), 200).await;
    assert_eq!(server.socket().await.upgrade("/ws/raw/many").await, 101);
}

#[tokio::test]
async fn a_connection_that_says_nothing_has_its_place_too() {
    let server = TestServer::bounded(few).await;
    let silent = [server.socket().await, server.socket().await, server.socket().await];
    check_refusal(ask(&server, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").await, 503);
    drop(silent);
    becomes(&server, &get("/", "127.0.0.1"), 200).await;
}

#[tokio::test]
async fn one_connection_more_than_an_address_may_have_is_told_429_and_others_are_not() {
    let server = TestServer::bounded(|limits| limits.connections.per_address_max = 2).await;
    let mut sockets = Vec::new();
    for _ in 0..2 {
        let mut socket = server.socket().await;
        assert_eq!(socket.request(&handshake("192.0.2.1")).await.0, 101);
        sockets.push(socket);
    }
    // What a proxy saw that is beside the last one counts, too.
    for request in [handshake("192.0.2.1"), handshake("192.0.2.1, 127.0.0.1"), get("/", "192.0.2.1")] {
        let (status, head) = server.socket().await.request(&request).await;
        assert_eq!((status, head.to_lowercase().contains("retry-after: 1")), (429, true), "{head}");
    }
    assert_eq!(ask(&server, &get("/", "192.0.2.2")).await.0, 200);
    for _ in 0..10 {
        assert_eq!(ask(&server, &get("/", "127.0.0.1")).await.0, 200, "loopback is not counted");
    }
    drop(sockets.pop());
    becomes(&server, &get("/", "192.0.2.1"), 200).await;
}

#[tokio::test]
async fn an_answer_that_is_not_read_keeps_its_place() {
    let server = TestServer::bounded(|limits| limits.connections.per_address_max = 1).await;
    let http = server.http();
    let text = "x".repeat(16_000);
    for _ in 0..150 {
        let message = format!(r#"{{"name":"ada","text":"{text}"}}"#);
        let headers = [("content-type", "application/json")];
        assert_eq!(http.post("/rooms/full/messages", &headers, message).await.status, 201);
    }
    let mut slow = RawSocket::connect_narrow(server.address()).await;
    // 2.4 MB, of which the socket takes a few KiB.
    assert_eq!(slow.request(&get("/rooms/full/messages?since=0&limit=150", "192.0.2.1")).await.0, 200);
    assert_eq!(ask(&server, &get("/", "192.0.2.1")).await.0, 429);
    slow.rest().await;
    becomes(&server, &get("/", "192.0.2.1"), 200).await;
}

#[tokio::test]
async fn who_is_refused_and_does_not_ask_is_not_kept() {
    let server = TestServer::bounded(|limits| {
        limits.connections.max = 0;
        limits.connections.refusals_max = 2;
        limits.connections.refusal_max = Duration::from_millis(500);
    })
    .await;
    let mut silent = [server.socket().await, server.socket().await];
    // No more are told; that they are closed may be seen as a reset.
    for _ in 0..2 {
        assert_eq!(server.socket().await.frame().await, None);
    }
    for socket in &mut silent {
        socket.rest().await;
    }
    becomes_refused(&server).await;
}

/// The places of those who were being refused are free again.
async fn becomes_refused(server: &TestServer) {
    let asking = async {
        loop {
            let mut socket = server.socket().await;
            if socket.try_send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.is_ok()
                && !socket.rest_or_reset().await.is_empty()
            {
                break;
            }
        }
    };
    within_deadline("a refusal", asking).await;
}

#[tokio::test]
async fn who_was_not_let_in_is_counted_by_the_reason() {
    let server = TestServer::bounded(|limits| {
        few(limits);
        limits.http.header_read_max = Duration::from_millis(300);
    })
    .await;
    let mut socket = server.socket().await;
    socket.send(b"GET / HTTP/1.1\r\nX-Half: ").await;
    socket.rest().await;
    for (request, status) in [
        ("nonsense\r\n\r\n", 400),
        (&format!("GET / HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "x".repeat(70_000)), 431),
        ("POST / HTTP/1.1\r\nHost: x\r\nOrigin: http://evil.example\r\nConnection: close\r\n\r\n", 403),
        ("GET /ws HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 426),
    ] {
        assert_eq!(ask(&server, request).await.0, status);
    }
    let mut members = [server.socket().await, server.socket().await];
    for member in &mut members {
        assert_eq!(member.request(&handshake("192.0.2.1")).await.0, 101);
    }
    assert_eq!(ask(&server, &get("/", "192.0.2.1")).await.0, 429);
    let third = server.socket().await;
    assert_eq!(ask(&server, &get("/", "127.0.0.1")).await.0, 503);
    drop((members, third));
    becomes(&server, &get("/health/live", "127.0.0.1"), 200).await;

    let (_, _, metrics) = ask(&server, &get("/metrics", "127.0.0.1")).await;
    let metrics = String::from_utf8(metrics).unwrap();
    for (reason, at_least) in [
        ("header_timeout", 1),
        ("not_http", 1),
        ("header_too_large", 1),
        ("foreign_origin", 1),
        ("bad_handshake", 1),
        ("full_of_address", 1),
        ("full_in_all", 1),
        ("untold", 0),
    ] {
        let series = format!("negaphone_connections_refused_total{{reason=\"{reason}\"}} ");
        let count: u64 = metrics.lines().find_map(|line| line.strip_prefix(&series)).unwrap().parse().unwrap();
        assert!(if reason == "full_in_all" { count >= 1 } else { count == at_least }, "{reason}: {count}");
    }
}
