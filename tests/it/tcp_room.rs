//! Line chat over plain TCP, with clients that take each receive for a
//! message.

use std::time::Duration;

use jiff::tz::TimeZone;
use serde_json::json;
use tests::{NativeClient, TcpClient, TestServer, within_deadline};

use crate::images::png;

/// What such a client receives at once.
const RECV: usize = 1024;
/// Ends every chunk.
const RESET: &str = "\u{1b}[39m";

/// What a client sends.
fn chunk(name: &str, text: &str) -> String {
    format!("\u{1b}[94m[2026-11-21 22:17:03] {name}<SEP>{text}{RESET}")
}

/// What everybody receives of it.
fn shown(name: &str, text: &str) -> String {
    chunk(name, text).replace("<SEP>", ": ")
}

/// A server, somebody at the native door, and so many seated members.
async fn room(members: usize) -> (TestServer, NativeClient, Vec<TcpClient>) {
    seat(TestServer::start().await, members).await
}

async fn seat(server: TestServer, members: usize) -> (TestServer, NativeClient, Vec<TcpClient>) {
    let mut native = server.native("room=lobby&name=ada").await;
    let mut clients = Vec::new();
    for _ in 0..members {
        clients.push(server.tcp_room().await);
        // The door has no welcome: a member counts once the native members are told.
        native.next(&["join"]).await;
    }
    (server, native, clients)
}

/// The next chunk, also where the client was late and receives several.
async fn hears(client: &mut TcpClient, unread: &mut Vec<u8>) -> String {
    loop {
        if let Some(end) = unread.windows(RESET.len()).position(|bytes| bytes == RESET.as_bytes()) {
            let rest = unread.split_off(end + RESET.len());
            return String::from_utf8(std::mem::replace(unread, rest)).expect("whole characters");
        }
        let received = client.receive_bytes(RECV).await;
        assert!(!received.is_empty(), "the stream goes on");
        unread.extend(received);
    }
}

/// Time, name and text of a chunk that is of the usual shape.
fn parts(chunk: &str) -> (&str, &str) {
    let (colour, rest) = chunk.strip_prefix("\u{1b}[").and_then(|chunk| chunk.split_once('m')).expect("a colour");
    assert!(matches!(colour.parse(), Ok(31..=37 | 90..=97)), "{chunk:?}");
    let line = rest.strip_suffix(RESET).expect("its end");
    line.strip_prefix('[').and_then(|line| line.split_once("] ")).expect("a time")
}

#[tokio::test]
async fn everybody_receives_the_same_bytes_but_for_the_separator() {
    let (_server, mut native, mut clients) = room(3).await;
    clients[0].send(chunk("Åse <b>", "blåbær 😀 &amp;")).await;
    for client in &mut clients {
        assert_eq!(client.receive(RECV).await, shown("Åse <b>", "blåbær 😀 &amp;"));
    }
    let chat = native.next(&["chat"]).await;
    assert_eq!((&chat["from"], &chat["text"]), (&json!("Åse <b>"), &json!("blåbær 😀 &amp;")));
}

#[tokio::test]
async fn other_doors_are_seen_in_the_same_shape_with_the_time_of_the_place() {
    let server = TestServer::with(|config| config.time_zone = TimeZone::get("Asia/Tokyo").unwrap()).await;
    let (server, mut native, mut clients) = seat(server, 1).await;
    native.say("a\u{1b}[31mb\r\nc<SEP>d").await;
    let told = native.next(&["chat"]).await;
    let received = clients[0].receive(RECV).await;
    let (time, line) = parts(&received);
    assert_eq!(line, "ada: a[31mbc<SEP>d");
    let utc: jiff::Timestamp = told["time"].as_str().unwrap().parse().unwrap();
    let local = utc.to_zoned_datetime(TimeZone::get("Asia/Tokyo").unwrap());
    assert_eq!(time, local.strftime("%Y-%m-%d %H:%M:%S").to_string());

    native.send(json!({"type": "data", "data": {"a": [1]}})).await;
    assert_eq!(parts(&clients[0].receive(RECV).await).1, r#"ada: {"a":[1]}"#);
    let mut raw = server.ws("/ws/raw/lobby").await;
    raw.send_binary(vec![0; 10]).await;
    raw.send("after the bytes").await;
    let received = clients[0].receive(RECV).await;
    assert!(parts(&received).1.ends_with(": after the bytes"), "bytes are not shown: {received:?}");
    let shared = server.http().post("/rooms/lobby/images?name=bob", &[], png(1)).await;
    assert_eq!(shared.status, 201);
    let url = format!("bob: http://{}{}", server.address(), shared.json()["url"].as_str().unwrap());
    assert_eq!(parts(&clients[0].receive(RECV).await).1, url);
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_who_speak_at_once_and_a_native_member_see_one_order() {
    const MESSAGES: usize = 10;
    let (_server, mut native, clients) = room(30).await;
    let all = 30 * MESSAGES;
    let talks = clients.into_iter().enumerate().map(|(number, mut client)| {
        tokio::spawn(async move {
            for message in 0..MESSAGES {
                client.send(chunk(&format!("n{number}"), &format!("{message} æøå 😀"))).await;
            }
            let (mut heard, mut unread) = (Vec::new(), Vec::new());
            while heard.len() < all {
                heard.push(parts(&hears(&mut client, &mut unread).await).1.to_owned());
            }
            heard
        })
    });
    let talks: Vec<_> = talks.collect();
    let mut expected = Vec::new();
    while expected.len() < all {
        let chat = native.next(&["chat"]).await;
        assert_eq!(chat["offset"], expected.len() + 1);
        expected.push(format!("{}: {}", chat["from"].as_str().unwrap(), chat["text"].as_str().unwrap()));
    }
    for talk in talks {
        assert!(talk.await.unwrap() == expected, "the same messages in the same order");
    }
    for number in 0..30 {
        let of_one = expected.iter().filter(|line| line.starts_with(&format!("n{number}: ")));
        let in_order = (0..MESSAGES).map(|message| format!("n{number}: {message} æøå 😀"));
        assert!(of_one.eq(&in_order.collect::<Vec<_>>()), "a sender's messages stay in its order");
    }
}

#[tokio::test]
async fn messages_close_to_each_other_are_received_one_by_one() {
    let server = TestServer::bounded(|limits| limits.tcp.room.write_gap_min = Duration::from_millis(300)).await;
    let (_server, mut native, mut clients) = seat(server, 1).await;
    for number in 0..5 {
        native.say(&format!("number {number}")).await;
    }
    for number in 0..5 {
        assert_eq!(parts(&clients[0].receive(RECV).await).1, format!("ada: number {number}"));
    }
}

#[tokio::test]
async fn a_long_message_comes_as_several_whole_chunks() {
    let (_server, mut native, mut clients) = room(2).await;
    let text = "blåbær 😀".repeat(1000);
    native.say(&text).await;
    clients[0].send(chunk("bob", &text)).await;
    for client in &mut clients {
        let (mut unread, mut heard) = (Vec::new(), [String::new(), String::new()]);
        while heard[0].len() < text.len() || heard[1].len() < text.len() {
            let received = hears(client, &mut unread).await;
            assert!(received.len() <= RECV, "{}", received.len());
            let (name, said) = parts(&received).1.split_once(": ").expect("a name");
            heard[usize::from(name == "bob")] += said;
        }
        assert!(heard == [text.clone(), text.clone()]);
    }
}

#[tokio::test]
async fn chunks_are_the_same_however_they_arrive() {
    let (_server, _native, mut clients) = room(2).await;
    let sent = chunk("ada", "blåbær 😀");
    // In single bytes, which the network may put together again.
    for byte in sent.as_bytes() {
        clients[0].send([*byte]).await;
    }
    assert_eq!(clients[1].receive(RECV).await, shown("ada", "blåbær 😀"));
    // Two at once.
    clients[0].send([chunk("ada", "one"), chunk("ada", "two")].concat()).await;
    let mut unread = Vec::new();
    assert_eq!(hears(&mut clients[1], &mut unread).await, shown("ada", "one"));
    assert_eq!(hears(&mut clients[1], &mut unread).await, shown("ada", "two"));
}

#[tokio::test]
async fn silence_ends_what_has_no_end_and_cuts_no_character() {
    let (_server, mut native, mut clients) = room(2).await;
    clients[0].send("hei\r\n").await;
    assert_eq!(clients[1].receive(RECV).await, "hei");
    assert!(native.next(&["chat"]).await["from"].as_str().unwrap().starts_with("guest-"));
    clients[0].send(b"bl\xC3").await;
    assert_eq!(clients[1].receive(RECV).await, "bl");
    clients[0].send(b"\xA5b\xC3\xA6r").await;
    assert_eq!(clients[1].receive(RECV).await, "åbær");
    // Who has said a name goes by it.
    clients[0].send(chunk("bob", "hei")).await;
    assert_eq!(clients[1].receive(RECV).await, shown("bob", "hei"));
    clients[0].send("and more").await;
    assert_eq!(clients[1].receive(RECV).await, "and more");
    let from = [&native.next(&["chat"]).await["text"], &native.next(&["chat"]).await["text"]].map(Clone::clone);
    assert_eq!(from, [json!("bl"), json!("åbær")]);
    native.next(&["chat"]).await;
    assert_eq!(native.next(&["chat"]).await["from"], "bob");
}

#[tokio::test]
async fn what_would_hurt_the_others_is_made_harmless() {
    let (_server, _native, mut clients) = room(2).await;
    clients[0].send(b"\x1b[31mada<SEP>\x1b[2J\x07bl\xE5b\xE6r\x1b[39m").await;
    assert_eq!(clients[1].receive(RECV).await, "\u{1b}[31mada: [2Jbl\u{FFFD}b\u{FFFD}r\u{1b}[39m");
}

#[tokio::test]
async fn who_leaves_in_any_way_leaves_the_others_untouched() {
    let (server, mut native, mut clients) = room(2).await;
    let mut typist = server.tcp_room().await;
    typist.send("q\n").await;
    assert_eq!(typist.receive(RECV).await, "");
    drop(server.tcp_room().await);
    server.tcp_room().await.reset();
    let mut last_words = server.tcp_room().await;
    last_words.send(chunk("gone", "bye")).await;
    drop(last_words);
    for client in &mut clients {
        assert_eq!(client.receive(RECV).await, shown("gone", "bye"));
    }
    // Whoever looks is one more, and its own leaving is told like that of the others.
    loop {
        while native.next(&["leave"]).await["members"] != 3 {}
        if server.native("room=lobby").await.welcome["members"] == 4 {
            break;
        }
    }
}

#[tokio::test]
async fn what_is_too_long_or_a_request_for_a_web_server_is_the_end_of_its_stream() {
    let (server, _native, mut clients) = room(2).await;
    for bad in
        [format!("x{}", "y".repeat(20_000)), chunk("ada", &"y".repeat(16_385)), "POST / HTTP/1.1\r\n\r\nhei".into()]
    {
        let mut client = server.tcp_room().await;
        client.send(bad).await;
        assert_eq!(client.receive(RECV).await, "");
    }
    clients[0].send(chunk("ada", "hei")).await;
    assert_eq!(clients[1].receive(RECV).await, shown("ada", "hei"), "nothing of that was said");
}

#[tokio::test]
async fn there_is_no_history_on_connect_and_any_room_can_be_shown() {
    let name = hub::RoomName::parse("class-7").unwrap();
    let server = TestServer::with(|config| config.tcp_room_name = name).await;
    let mut native = server.native("room=class-7&name=ada").await;
    native.say("before").await;
    native.hears().await;
    let mut client = server.tcp_room().await;
    native.next(&["join"]).await;
    native.say("after").await;
    assert_eq!(parts(&client.receive(RECV).await).1, "ada: after");
}

#[tokio::test]
async fn over_the_rate_nothing_is_lost() {
    let server = TestServer::with(|config| config.rates = negaphone::config::RateLimiting::On).await;
    let (_server, _native, mut clients) = seat(server, 2).await;
    let sent: String = (0..230).map(|number| chunk("ada", &number.to_string())).collect();
    clients[0].send(sent).await;
    let mut unread = Vec::new();
    for number in 0..230 {
        assert_eq!(hears(&mut clients[1], &mut unread).await, shown("ada", &number.to_string()));
    }
}

#[tokio::test]
async fn who_neither_speaks_nor_hears_anything_is_sent_away_in_the_end() {
    let server = TestServer::bounded(|limits| limits.tcp.room.idle_max = Duration::from_millis(300)).await;
    assert_eq!(server.tcp_room().await.receive(RECV).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_reader_gets_the_end_of_its_stream_and_delays_nobody() {
    const MESSAGES: usize = 400;
    const TEXT_BYTES: usize = 16_000;
    let server = TestServer::bounded(|limits| {
        limits.hub.tape_tail_max_bytes = 1 << 19;
        limits.tcp.room.write_gap_min = Duration::ZERO;
        limits.tcp.room.receive_time = Duration::ZERO;
    })
    .await;
    let mut slow = TcpClient::connect_narrow(server.tcp_room_address()).await;
    let mut native = server.native("room=lobby&name=ada").await;
    let mut quick = server.tcp_room().await;
    native.next(&["join"]).await;
    let (text, mut unread) = ("x".repeat(TEXT_BYTES), Vec::new());
    for _ in 0..MESSAGES {
        native.say(&text).await;
        native.hears().await;
        let mut heard = 0;
        while heard < TEXT_BYTES {
            heard += parts(&hears(&mut quick, &mut unread).await).1.strip_prefix("ada: ").unwrap().len();
        }
    }
    let mut received = 0;
    loop {
        match slow.receive_bytes(1 << 16).await.len() {
            0 => break,
            count => received += count,
        }
    }
    assert!(received < MESSAGES * TEXT_BYTES, "{received}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_has_vanished_leaves() {
    let server = TestServer::bounded(|limits| limits.tcp.unacknowledged_max = Duration::from_millis(500)).await;
    let mut native = server.native("room=lobby&name=ada").await;
    let _vanished = TcpClient::connect_narrow(server.tcp_room_address()).await;
    native.next(&["join"]).await;
    // More than the sockets' buffers hold, and less than the tape's tail.
    for _ in 0..400 {
        native.say(&"x".repeat(16_000)).await;
        native.hears().await;
    }
    native.next(&["leave"]).await;
    assert_eq!(server.native("room=lobby").await.welcome["members"], 2);
}

#[tokio::test]
async fn a_stop_ends_the_stream_after_all_that_was_said() {
    let (server, mut native, mut clients) = room(2).await;
    for number in 0..100 {
        clients[0].send(chunk("ada", &number.to_string())).await;
    }
    // Its own words come back to the one who speaks: so far it was read.
    let mut unread = Vec::new();
    for number in 0..100 {
        assert_eq!(hears(&mut clients[0], &mut unread).await, shown("ada", &number.to_string()));
    }
    native.say("last").await;
    while native.hears().await != "last" {}
    server.stop();
    let mut unread = Vec::new();
    for number in 0..100 {
        assert_eq!(hears(&mut clients[1], &mut unread).await, shown("ada", &number.to_string()));
    }
    assert_eq!(parts(&hears(&mut clients[1], &mut unread).await).1, "ada: last");
    assert_eq!((unread.len(), clients[1].receive(RECV).await.as_str()), (0, ""));
    within_deadline("the end", server.stopped()).await;
}
