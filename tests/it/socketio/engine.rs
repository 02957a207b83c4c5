//! The cases of the Engine.IO project's test suite for protocol 4, with what
//! follows from running Socket.IO inside: packets that are no Socket.IO close
//! the session instead of coming back.

use std::time::Duration;

use serde_json::json;
use tests::{Polling, Received, TestServer, WsClient, within_deadline};

use super::websocket;
use crate::metrics::value;

/// The settings of that suite.
const PING_INTERVAL: Duration = Duration::from_millis(300);
const PING_TIMEOUT: Duration = Duration::from_millis(200);

async fn server() -> TestServer {
    TestServer::bounded(|limits| {
        limits.session.ping_interval = PING_INTERVAL;
        limits.socketio.ping_timeout = PING_TIMEOUT;
        limits.socketio.packet_max_bytes = 1_000_000;
    })
    .await
}

#[tokio::test]
async fn a_session_is_opened_by_polling() {
    let open = server().await.polling().await.open;
    assert!(open["sid"].is_string());
    let expected = json!({
        "sid": open["sid"], "upgrades": ["websocket"], "pingInterval": 300, "pingTimeout": 200, "maxPayload": 1_000_000,
    });
    assert_eq!(open, expected);
}

#[tokio::test]
async fn a_session_is_opened_by_a_websocket() {
    let mut ws = server().await.ws("/socket.io/?EIO=4&transport=websocket").await;
    let packet = ws.receive().await.text();
    let open: serde_json::Value = serde_json::from_str(packet.strip_prefix('0').unwrap()).unwrap();
    let expected =
        json!({"sid": open["sid"], "upgrades": [], "pingInterval": 300, "pingTimeout": 200, "maxPayload": 1_000_000});
    assert_eq!(open, expected);
}

#[tokio::test]
async fn bad_handshakes_are_refused_with_the_codes_that_clients_know() {
    let server = server().await;
    let http = server.http();
    for (query, code) in [
        ("transport=polling", 5),
        ("EIO=abc&transport=polling", 5),
        ("EIO=3&transport=polling", 5),
        ("EIO=4", 0),
        ("EIO=4&transport=abc", 0),
        ("EIO=4&transport=polling&sid=unknown", 1),
        ("EIO=4&transport=websocket&sid=unknown", 1),
    ] {
        let answer = http.get(&format!("/socket.io/?{query}"), &[]).await;
        assert_eq!((answer.status, &answer.json()["code"]), (400, &json!(code)), "{query}");
        assert_eq!(answer.header("content-type"), "application/json");
    }
    for method in ["POST", "PUT"] {
        let path = "/socket.io/?EIO=4&transport=polling";
        let answer = http.request(method.parse().unwrap(), path, &[], "").await;
        assert_eq!((answer.status, &answer.json()["code"]), (400, &json!(2)), "{method}");
    }
    for query in ["transport=websocket", "EIO=abc&transport=websocket", "EIO=3&transport=websocket", "EIO=4"] {
        let url = format!("ws://{}/socket.io/?{query}", server.address());
        assert_eq!(WsClient::try_connect(&url).await.err(), Some(400), "{query}");
    }
}

#[tokio::test]
async fn other_words_of_the_query_are_tolerated() {
    let server = server().await;
    let answer = server.http().get("/socket.io/?EIO=4&transport=polling&t=Oabc&b64=1&j=0", &[]).await;
    assert_eq!((answer.status, answer.body[0]), (200, b'0'));
}

async fn check_is_over(polling: &Polling) {
    assert_eq!((polling.get().await.status, polling.post("3").await.status), (400, 400));
}

#[tokio::test]
async fn what_is_no_packet_ends_a_polling_session() {
    let server = server().await;
    for body in ["abc", "", "4", "4abc", "40{}\u{1e}", "b!", "5", "0", "2probe"] {
        let polling = server.polling().await;
        assert_eq!(polling.post(body).await.status, 400, "{body:?}");
        check_is_over(&polling).await;
    }
    let polling = server.polling().await;
    assert_eq!(polling.post(&b"\xff"[..]).await.status, 400);
    check_is_over(&polling).await;
}

#[tokio::test]
async fn what_is_no_packet_closes_a_websocket() {
    let server = server().await;
    for message in ["abc", "", "4", "4abc", "5", "0", "2probe"] {
        let mut ws = websocket(&server).await;
        ws.send(message).await;
        assert_eq!(ws.receive().await, Received::Closed(Some(1002)), "{message:?}");
    }
}

#[tokio::test]
async fn a_second_poll_at_the_same_time_ends_the_session() {
    let server = TestServer::start().await;
    let polling = server.polling().await;
    let (first, second) = tokio::join!(polling.get(), polling.get());
    // Whichever the server met first was parked.
    let (parked, refused) = if first.status == 200 { (first, second) } else { (second, first) };
    assert_eq!((parked.status, &parked.body[..], refused.status), (200, &b"1"[..], 400));
    check_is_over(&polling).await;
}

#[tokio::test]
async fn a_second_post_at_the_same_time_ends_the_session() {
    let server = TestServer::start().await;
    let polling = server.polling().await;
    let sid = polling.open["sid"].as_str().unwrap();
    let mut slow = server.socket().await;
    let head = format!(
        "POST /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\
         Expect: 100-continue\r\n\r\n"
    );
    // By the interim answer it is known that the body is waited for.
    assert_eq!(slow.request(&head).await.0, 100);
    assert_eq!(polling.post("40").await.status, 400);
    check_is_over(&polling).await;
}

#[tokio::test]
async fn pings_go_on_as_long_as_they_are_answered() {
    let server = server().await;
    let polling = server.polling().await;
    let mut ws = websocket(&server).await;
    for _ in 0..3 {
        let answer = polling.get().await;
        assert_eq!((answer.status, &answer.body[..]), (200, &b"2"[..]));
        polling.send("3").await;
        assert_eq!(ws.receive().await.text(), "2");
        ws.send("3").await;
    }
}

#[tokio::test]
async fn who_answers_no_ping_is_dropped() {
    let server = server().await;
    let polling = server.polling().await;
    let mut ws = websocket(&server).await;
    let ended = async { while !matches!(ws.receive().await, Received::Closed(_)) {} };
    within_deadline("the end", ended).await;
    // The session of the WebSocket was opened later, and lasts longer.
    assert_eq!(polling.get().await.status, 400);
}

#[tokio::test]
async fn the_first_ping_comes_after_an_interval() {
    let server = TestServer::start().await;
    let mut ws = websocket(&server).await;
    ws.send("40").await;
    assert!(ws.receive().await.text().starts_with("40"), "a ping came first");
}

#[tokio::test]
async fn a_client_that_closes_is_answered_and_gone() {
    let server = TestServer::start().await;
    let polling = server.polling().await;
    let closing = async {
        while server.http().get("/metrics", &[]).await.body.is_empty() {}
        polling.post("1").await
    };
    let (parked, closed) = tokio::join!(polling.get(), closing);
    assert_eq!((parked.status, &parked.body[..]), (200, &b"6"[..]));
    assert_eq!((closed.status, &closed.body[..]), (200, &b"ok"[..]));
    check_is_over(&polling).await;
    let mut ws = websocket(&server).await;
    ws.send("1").await;
    assert_eq!(ws.receive().await, Received::Closed(Some(1000)));
}

#[tokio::test]
async fn who_never_enters_is_dropped() {
    let server = TestServer::bounded(|limits| limits.socketio.enter_max = Duration::from_millis(200)).await;
    let mut ws = websocket(&server).await;
    let polling = server.polling().await;
    assert_eq!(ws.receive().await, Received::Closed(None));
    let answer = polling.get().await;
    assert!(answer.status == 400 || &answer.body[..] == b"1", "{answer:?}");
    check_is_over(&polling).await;
}

#[tokio::test]
async fn sessions_are_bounded() {
    let server = TestServer::bounded(|limits| limits.socketio.polling_sessions_max = 2).await;
    let (one, _two) = (server.polling().await, server.polling().await);
    let path = "/socket.io/?EIO=4&transport=polling";
    let refused = server.http().get(path, &[]).await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, "1"));
    let counted = value(&server, r#"negaphone_connections_refused_total{reason="full_in_all"}"#).await;
    assert_eq!(counted, Some(1.0));
    one.send("1").await;
    while server.http().get(path, &[]).await.status != 200 {}
}

#[tokio::test]
async fn sessions_of_an_address_are_bounded_by_whom_a_proxy_speaks_for() {
    let server = TestServer::bounded(|limits| limits.socketio.polling_sessions_per_address_max = 1).await;
    let http = server.http();
    let open = async |address: &str| {
        let path = "/socket.io/?EIO=4&transport=polling";
        http.get(path, &[("x-forwarded-for", address)]).await.status
    };
    assert_eq!([open("192.0.2.1").await, open("192.0.2.2").await, open("192.0.2.1").await], [200, 200, 429]);
    // An IPv6 network is one address.
    assert_eq!([open("2001:db8::1").await, open("2001:db8::2").await, open("127.0.0.1").await], [200, 429, 200]);
    let counted = value(&server, r#"negaphone_connections_refused_total{reason="full_of_address"}"#).await;
    assert_eq!(counted, Some(2.0));
}

#[tokio::test]
async fn what_is_too_large_is_refused_by_either_transport() {
    let server = server().await;
    let polling = server.polling().await;
    assert_eq!(polling.post(vec![b'4'; 1_000_001]).await.status, 413);
    for is_binary in [false, true] {
        let mut ws = websocket(&server).await;
        if is_binary {
            ws.send_binary(vec![0; 1_000_001]).await;
        } else {
            ws.send("4".repeat(1_000_001)).await;
        }
        assert_eq!(ws.receive().await, Received::Closed(Some(1009)));
    }
}
