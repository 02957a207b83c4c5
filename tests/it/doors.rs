//! One behaviour, every door that leads into rooms, and each pair of them.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::future::join_all;
use hub::RoomName;
use negaphone::config::Config;
use serde_json::json;
use tests::{AnyMember, Door, Goodbye, Member, Received, Refusal, TestServer, within_deadline};

use crate::images::png;

/// Letters of several lengths, and what a browser must not take for markup.
const TEXT: &str = r#"<b onclick="alert('1')">&amp;</b> æøå 😀"#;

/// The TCP room has one room behind it.
fn lead_to_the_meeting(config: &mut Config) {
    config.tcp_room_name = RoomName::parse("meeting").unwrap();
}

struct Case {
    server: TestServer,
    members: Vec<AnyMember>,
}

impl Case {
    /// A room with somebody at each of the doors.
    async fn with(doors: &[Door]) -> Self {
        let server = TestServer::with(lead_to_the_meeting).await;
        let mut members = Vec::new();
        for door in doors {
            members.push(door.enter(&server, "meeting").await);
        }
        Self { server, members }
    }
}

async fn hears(member: &mut AnyMember, expected: &str, context: (Door, Door)) {
    assert_eq!(member.hears().await, expected, "{context:?}");
}

async fn is_heard_in_order(from: Door) {
    for &to in Door::ALL {
        let Case { server: _server, mut members } = Case::with(&[from, to]).await;
        for number in 0..30 {
            members[0].say(&format!("{number} {TEXT}")).await;
        }
        for number in 0..30 {
            let expected = format!("{number} {TEXT}");
            hears(&mut members[1], &expected, (from, to)).await;
            hears(&mut members[0], &expected, (from, from)).await;
        }
    }
}

/// More than the door lets into one message.
fn too_large(door: Door) -> (String, fn(&Refusal) -> bool) {
    match door {
        Door::Raw => ("x".repeat((1 << 20) + 1), |refusal| *refusal == Refusal::Ended(Goodbye::Close(1009))),
        Door::TcpRoom => ("x".repeat((16 << 10) + 1), |refusal| *refusal == Refusal::Ended(Goodbye::EndOfStream)),
        Door::Native
        | Door::Http
        | Door::Sse
        | Door::Channels
        | Door::Htmx
        | Door::SocketIo
        | Door::SocketIoPolling => (
            "x".repeat((16 << 10) + 1),
            |refusal| matches!(refusal, Refusal::Told(why) if why.ends_with("has 16385 bytes, 16384 are allowed")),
        ),
    }
}

async fn too_large_is_refused_clearly(from: Door) {
    for &to in Door::ALL {
        let Case { server, mut members } = Case::with(&[from, to]).await;
        let (text, is_expected) = too_large(from);
        members[0].say(&text).await;
        let refusal = members[0].refused().await;
        assert!(is_expected(&refusal), "{from:?}: {refusal:?}");
        if matches!(refusal, Refusal::Ended(_)) {
            members[0] = from.enter(&server, "meeting").await;
        }
        members[0].say("after").await;
        hears(&mut members[1], "after", (from, to)).await;
        hears(&mut members[0], "after", (from, from)).await;
    }
}

fn expected_goodbye(door: Door) -> Goodbye {
    match door {
        Door::Native | Door::Raw | Door::Channels | Door::Htmx | Door::SocketIo => Goodbye::Close(1012),
        Door::Sse | Door::TcpRoom => Goodbye::EndOfStream,
        Door::SocketIoPolling => Goodbye::EndOfSession,
        Door::Http => Goodbye::NotConnected,
    }
}

async fn is_told_goodbye_and_comes_back(door: Door) {
    let Case { server, mut members } = Case::with(&[door, door]).await;
    members[0].say("before").await;
    hears(&mut members[0], "before", (door, door)).await;
    let address = server.address();
    server.stop();
    for member in &mut members {
        assert_eq!(member.goodbye().await, expected_goodbye(door), "{door:?}");
    }
    drop(members);
    server.stopped().await;
    let server = TestServer::with(|config| {
        config.listen = address;
        lead_to_the_meeting(config);
    })
    .await;
    let mut back = door.enter(&server, "meeting").await;
    back.say("after").await;
    hears(&mut back, "after", (door, door)).await;
}

macro_rules! every_door {
    ($($name:ident: $door:ident;)*) => {
        $(mod $name {
            use super::*;

            #[tokio::test]
            async fn is_heard_in_order_at_every_door_and_its_markup_is_inert() {
                is_heard_in_order(Door::$door).await;
            }

            #[tokio::test]
            async fn too_large_is_refused_clearly_and_nobody_else_hears_of_it() {
                too_large_is_refused_clearly(Door::$door).await;
            }

            #[tokio::test]
            async fn shutdown_says_goodbye_so_that_the_client_comes_back() {
                is_told_goodbye_and_comes_back(Door::$door).await;
            }
        })*

        #[test]
        fn no_door_is_left_out() {
            assert_eq!(Door::ALL, [$(Door::$door),*]);
        }
    };
}

every_door! {
    native: Native;
    raw: Raw;
    http: Http;
    sse: Sse;
    tcp_room: TcpRoom;
    channels: Channels;
    htmx: Htmx;
    socketio: SocketIo;
    socketio_polling: SocketIoPolling;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_at_all_doors_who_speak_at_once_hear_one_order() {
    const EACH: usize = 20;
    let doors = [Door::ALL, Door::ALL].concat();
    let Case { server: _server, mut members } = Case::with(&doors).await;
    let speaking = members.iter_mut().enumerate().map(async |(speaker, member)| {
        for number in 0..EACH {
            member.say(&format!("{speaker} {number}")).await;
        }
    });
    join_all(speaking).await;
    let mut conversations = HashSet::new();
    for member in &mut members {
        let mut conversation = Vec::new();
        for _ in 0..EACH * doors.len() {
            conversation.push(member.hears().await);
        }
        for speaker in 0..doors.len() {
            let begin = format!("{speaker} ");
            let mut said = conversation.iter().filter(|text| text.starts_with(&begin));
            assert!((0..EACH).all(|number| said.next() == Some(&format!("{speaker} {number}"))));
        }
        conversations.insert(conversation);
    }
    assert_eq!(conversations.len(), 1, "not all heard the same order");
}

#[tokio::test]
async fn raw_bytes_come_back_byte_for_byte_and_show_as_their_size_elsewhere() {
    let server = TestServer::start().await;
    let mut native = server.native("room=meeting&name=ada").await;
    let mut raw = server.ws("/ws/raw/meeting").await;
    let bytes: Vec<u8> = (0..=255).collect();
    raw.send_binary(bytes.clone()).await;
    assert_eq!(raw.receive().await, Received::Binary(bytes));
    let shown = native.next(&["bytes"]).await;
    assert_eq!((&shown["size"], &shown["offset"]), (&json!(256), &json!(1)));
    let page = server.http().get("/rooms/meeting/messages", &[]).await.json();
    assert_eq!((&page["messages"][0]["type"], &page["messages"][0]["size"]), (&json!("bytes"), &json!(256)));
}

#[tokio::test]
async fn a_shared_picture_is_shown_at_each_door_as_its_members_can_use_it() {
    let server = TestServer::with(|config| {
        config.base_path = "/base".into();
        config.public_url = Some("https://chat.example".into());
    })
    .await;
    let mut native = server.native("room=meeting&name=ada").await;
    let mut raw = server.ws("/ws/raw/meeting").await;
    let mut channels = server.ws("/ws/chat/meeting/").await;
    let mut htmx = server.ws("/ws/htmx?room=meeting").await;
    htmx.receive().await;
    let mut events = server.sse("/rooms/meeting/events", None).await;
    events.next().await.unwrap();
    // The last one to come is in, and so are all before it.
    while native.next(&["join"]).await["members"] != 5 {}
    let shared = server.http().post("/rooms/meeting/images?name=bob", &[], png(1)).await.json();
    let path = shared["url"].as_str().unwrap();
    assert!(path.starts_with("/base/images/"), "{path}");
    assert_eq!(native.next(&["image"]).await["url"], path);
    let event = events.next().await.unwrap().data;
    assert_eq!((&event["type"], &event["url"]), (&json!("image"), &json!(path)));
    let line = format!("bob: https://chat.example{path}");
    assert_eq!(raw.receive().await, Received::Text(line.clone()));
    let told: serde_json::Value = serde_json::from_str(&channels.receive().await.text()).unwrap();
    assert_eq!(told, json!({ "message": line }));
    let element = htmx.receive().await.text();
    let begin = format!(r#"<div id="chat_room" hx-swap-oob="beforeend"><p><b>bob</b> <img src="{path}" "#);
    assert!(element.starts_with(&begin), "{element}");
    let listed = server.http().get("/rooms/meeting/messages", &[]).await.json();
    assert_eq!((&listed["messages"][0]["text"], &listed["messages"][0]["image"]["url"]), (&json!(path), &json!(path)));
}

#[tokio::test]
async fn json_is_kept_to_the_letter() {
    let server = TestServer::start().await;
    let mut raw = server.ws("/ws/raw/meeting").await;
    let mut native = server.native("room=meeting&name=ada").await;
    let data = r#"{"b":1.50,"a":[ ],"ø":"\u00e6"}"#;
    native.ws().send(format!(r#"{{"type":"data","data":{data}}}"#)).await;
    let frame = loop {
        let frame = native.ws().receive().await.text();
        if frame.contains(r#""type":"data""#) {
            break frame;
        }
    };
    assert!(frame.contains(data), "{frame}");
    assert_eq!(raw.receive().await, Received::Text(format!("ada: {data}")));
    let page = server.http().get("/rooms/meeting/messages", &[]).await.json();
    assert_eq!(page["messages"][0]["text"], data);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_count_is_right_after_a_thousand_comings_and_goings() {
    const AT_ONCE: usize = 20;
    let server = TestServer::bounded(|limits| {
        // Who vanishes between two polls is missed no sooner than that.
        limits.session.ping_interval = Duration::from_secs(2);
        limits.socketio.ping_timeout = Duration::from_secs(2);
    })
    .await;
    // Requests come and go without being counted.
    let doors: Vec<_> = Door::ALL.iter().copied().filter(|&door| door != Door::Http).collect();
    let comings = (0..1_000 / AT_ONCE).map(|round| (0..AT_ONCE).map(move |place| round + place));
    for round in comings {
        let entering = round.map(|turn| doors[turn % doors.len()].enter(&server, "lobby"));
        let mut members = join_all(entering).await;
        // Half of them go without a word.
        members.truncate(AT_ONCE / 2);
        join_all(members.into_iter().map(Member::leave)).await;
    }
    within_deadline("the last to be gone", async {
        while server.native("room=lobby&name=counter").await.welcome["members"] != 1 {}
    })
    .await;
}
