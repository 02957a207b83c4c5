//! Sizes and paces over a bare connection: what each door and HTTP says when a
//! bound is hit, and that nobody else is hurt.

use std::time::Duration;

use tests::{RawSocket, TestServer, within_deadline};

/// Long enough for a busy machine to send something in, short enough to wait
/// for; whole seconds, as rates are a second.
const WINDOW: Duration = Duration::from_secs(1);

/// A masked frame's header that declares so much.
fn header(head: u8, payload_bytes: u64) -> Vec<u8> {
    [&[head, 0xFF][..], &payload_bytes.to_be_bytes(), &[0; 4]].concat()
}

/// A WebSocket at `path` on which nothing was said yet.
async fn open(server: &TestServer, path: &str) -> RawSocket {
    let mut socket = server.socket().await;
    assert_eq!(socket.upgrade(path).await, 101, "{path}");
    socket
}

/// The code of the close frame that comes; what comes before is passed over.
async fn close_code(socket: &mut RawSocket) -> Option<u16> {
    loop {
        let frame = socket.frame().await?;
        if frame.close_code().is_some() {
            return frame.close_code();
        }
    }
}

/// Whether the raw door still relays.
async fn check_alive(server: &TestServer) {
    let mut other = server.ws("/ws/raw/alive").await;
    other.send("hei").await;
    assert_eq!(other.receive().await.text(), "hei");
}

#[tokio::test]
async fn every_door_closes_with_1009_by_the_header_of_what_is_larger_than_its_bound() {
    let server = TestServer::start().await;
    const MIB: u64 = 1 << 20;
    const SOCKET_IO: &str = "/socket.io/?EIO=4&transport=websocket";
    for (path, head, max_bytes) in [
        ("/ws", 0x81, 8 * MIB),
        ("/ws", 0x82, 32 * MIB),
        ("/ws/image", 0x81, 8 * MIB),
        ("/ws/image", 0x82, 32 * MIB),
        ("/ws/raw/big", 0x81, MIB),
        ("/ws/raw/big", 0x82, MIB),
        (SOCKET_IO, 0x81, 8 * MIB),
        (SOCKET_IO, 0x82, 8 * MIB),
    ] {
        let mut socket = open(&server, path).await;
        socket.send(&header(head, max_bytes + 1)).await;
        assert_eq!(close_code(&mut socket).await, Some(1009), "{path} {head:x}");
        let mut socket = open(&server, path).await;
        // What is within the bound is waited for: a ping between fragments is answered.
        socket.send(&RawSocket::masked(head & 0x0F, b"x")).await;
        socket.send(&RawSocket::masked(0x89, b"?")).await;
        while socket.frame().await.expect("a pong").head != 0x8A {}
        socket.send(&header(0x80, max_bytes)).await;
        assert_eq!(close_code(&mut socket).await, Some(1009), "fragments at {path} {head:x}");
    }
    check_alive(&server).await;
}

#[tokio::test]
async fn a_raw_message_of_exactly_the_bound_comes_back() {
    let server = TestServer::with(|config| config.raw_message_max_bytes = 100_000).await;
    let mut raw = server.ws("/ws/raw/exact").await;
    raw.send_binary(vec![7; 100_000]).await;
    assert!(raw.receive().await.binary() == [7; 100_000]);
}

#[tokio::test]
async fn a_message_that_comes_too_slowly_closes_with_1008() {
    let server = TestServer::bounded(|limits| limits.session.pace_window = WINDOW).await;
    for path in ["/ws", "/ws/image", "/ws/raw/slow"] {
        let mut socket = open(&server, path).await;
        socket.send(&header(0x82, 100_000)).await;
        socket.send(&[0; 1000]).await;
        assert_eq!(close_code(&mut socket).await, Some(1008), "{path}");
    }
}

#[tokio::test]
async fn a_peer_that_says_nothing_is_in_nobodys_way_and_is_not_too_slow() {
    let server = TestServer::bounded(|limits| limits.session.pace_window = WINDOW).await;
    let mut idle = open(&server, "/ws/raw/idle").await;
    let mut slow = open(&server, "/ws/raw/slow").await;
    slow.send(&header(0x82, 100_000)).await;
    // Who was slow for a window is gone: the idle one was idle for as long.
    assert_eq!(close_code(&mut slow).await, Some(1008));
    idle.send(&RawSocket::masked(0x81, b"hei")).await;
    assert_eq!(idle.frame().await.unwrap().payload, b"hei");
}

#[tokio::test]
async fn a_large_message_for_which_there_is_no_room_in_time_closes_with_1013() {
    let server = TestServer::bounded(|limits| {
        limits.session.inbound_max_bytes = 300_000;
        limits.session.inbound_wait_max = Duration::from_millis(500);
    })
    .await;
    let mut first = open(&server, "/ws/raw/large").await;
    first.send(&header(0x82, 200_000)).await;
    // A part of the payload: what was declared has its room from then on.
    first.send(&[0; 100_000]).await;
    check_alive(&server).await;
    let mut second = open(&server, "/ws/raw/other").await;
    second.send(&header(0x82, 200_000)).await;
    second.send(&[0; 1000]).await;
    assert_eq!(close_code(&mut second).await, Some(1013));
    check_alive(&server).await;
    first.send(&[0; 100_000]).await;
    assert_eq!(first.frame().await.unwrap().payload.len(), 200_000);
    // The room is free again.
    let mut third = server.ws("/ws/raw/other").await;
    third.send_binary(vec![3; 200_000]).await;
    assert_eq!(third.receive().await.binary().len(), 200_000);
}

#[tokio::test]
async fn a_peer_without_a_sign_of_life_is_dropped_and_one_that_answers_pings_is_not() {
    let server = TestServer::bounded(|limits| limits.session.ping_interval = WINDOW).await;
    let mut member = server.ws("/ws/raw/life").await;
    // In another room: who drains what is said is alive.
    let mut silent = open(&server, "/ws/raw/silence").await;
    let watching = async {
        // Answers the server's pings while it waits.
        loop {
            member.send("hei").await;
            member.receive().await;
        }
    };
    let dropped = async { while silent.frame().await.is_some() {} };
    within_deadline("the end of the silent one", async {
        tokio::select! {
            () = watching => {}
            () = dropped => {}
        }
    })
    .await;
}

#[tokio::test]
async fn whoever_vanishes_from_a_websocket_leaves_the_room_whatever_the_door() {
    let server = TestServer::bounded(|limits| limits.session.ping_interval = WINDOW).await;
    let mut watcher = server.native("room=lobby&name=watcher").await;
    let paths = ["/ws", "/ws/raw/lobby", "/ws/chat/lobby/", "/ws/htmx", "/socket.io/?EIO=4&transport=websocket"];
    let mut vanished = Vec::new();
    for path in paths {
        let mut socket = open(&server, path).await;
        if path.starts_with("/socket.io") {
            socket.send(&RawSocket::masked(0x81, b"40")).await;
        }
        watcher.next(&["join"]).await;
        // Its connection stays, and nobody reads from it or answers.
        vanished.push(socket);
    }
    while watcher.next(&["leave"]).await["members"] != 1 {}
}

#[tokio::test]
async fn a_peer_that_does_not_drain_its_own_answers_is_closed_as_too_slow() {
    let server = TestServer::bounded(|limits| limits.hub.drain_window = WINDOW).await;
    let mut slow = RawSocket::connect_narrow(server.address()).await;
    assert_eq!(slow.upgrade("/ws?room=drain").await, 101);
    // Each is answered by an error that repeats it in part; the peer is not read once 256 KiB of them wait.
    let nonsense = RawSocket::masked(0x81, format!(r#"{{"type":"ping","id":"{}"}}"#, "x".repeat(60)).as_bytes());
    let sending = async {
        let batch = nonsense.repeat(1000);
        while slow.try_send(&batch).await.is_ok() {}
    };
    // What the server does not read is not taken: the send ends with the connection.
    within_deadline("the end", sending).await;
    check_alive(&server).await;
}

#[tokio::test]
async fn half_a_header_is_not_waited_for() {
    let server = TestServer::bounded(|limits| limits.http.header_read_max = Duration::from_millis(500)).await;
    for half in ["", "GET / HTTP/1.1\r\nHost: x\r\nX-Half: "] {
        let mut socket = server.socket().await;
        socket.send(half.as_bytes()).await;
        let answer = String::from_utf8(socket.rest().await).unwrap();
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    }
}

#[tokio::test]
async fn more_header_fields_than_anybody_needs_are_431() {
    let server = TestServer::start().await;
    let fields: String = (0..200).map(|field| format!("X-{field}: x\r\n")).collect();
    let (status, _) = server.socket().await.request(&format!("GET / HTTP/1.1\r\nHost: x\r\n{fields}\r\n")).await;
    assert_eq!(status, 431);
}

#[tokio::test]
async fn a_body_that_comes_too_slowly_is_408() {
    let server = TestServer::bounded(|limits| limits.session.pace_window = WINDOW).await;
    for path in ["/", "/invert", "/rooms/slow/messages"] {
        let mut socket = server.socket().await;
        socket.send(format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n").as_bytes()).await;
        let dripping = async {
            // One byte at a time, as fast as a window allows ten of them.
            let mut tick = tokio::time::interval(WINDOW / 10);
            loop {
                tick.tick().await;
                if socket.try_send(b"x").await.is_err() || socket.has_input().await {
                    break;
                }
            }
        };
        within_deadline("an answer", dripping).await;
        assert_eq!(socket.request("").await.0, 408, "{path}");
    }
}

#[tokio::test]
async fn who_is_refused_in_mid_upload_gets_the_answer_before_the_end() {
    let server = TestServer::start().await;
    for _ in 0..5 {
        for head in ["Content-Length: 900000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\nF0000\r\n"] {
            let mut socket = server.socket().await;
            let mut request = format!("POST / HTTP/1.1\r\nHost: x\r\n{head}").into_bytes();
            request.resize(request.len() + 900_000, b'x');
            // All of it, as clients do that read the answer last.
            socket.send(&request).await;
            assert_eq!(socket.request("").await.0, 413, "{head}");
        }
    }
}
