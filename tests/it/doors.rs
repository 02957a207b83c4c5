//! One behaviour, every door that leads into rooms, and each pair of them.

use serde_json::json;
use tests::{NativeClient, Received, TestServer, WsClient};

/// Somebody at a door of room `meeting`.
enum Member {
    Native(NativeClient),
    Raw(WsClient),
    Http(Requests),
}

/// Reads and writes by requests.
struct Requests {
    http: tests::Http,
    heard: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    Native,
    Raw,
    Http,
}

impl Member {
    async fn at(door: Door, server: &TestServer) -> Self {
        match door {
            Door::Native => Self::Native(server.native("room=meeting&name=ada").await),
            // The door has no welcome: a member counts once the native members are told.
            Door::Raw => Self::Raw(server.ws("/ws/raw/meeting").await),
            Door::Http => Self::Http(Requests { http: server.http(), heard: 0 }),
        }
    }

    async fn say(&mut self, text: &str) {
        match self {
            Self::Native(client) => client.say(text).await,
            Self::Raw(ws) => ws.send(text).await,
            Self::Http(client) => {
                let message = json!({"name": "ada", "text": text});
                let answer = client.http.post_json("/rooms/meeting/messages", &message).await;
                assert_eq!(answer.status, 201);
            }
        }
    }

    /// The text of the next message, without its sender.
    async fn hears(&mut self) -> String {
        match self {
            Self::Native(client) => client.hears().await,
            Self::Raw(ws) => {
                let text = ws.receive().await.text();
                text.split_once(": ").map_or(text.clone(), |(_, said)| said.to_owned())
            }
            Self::Http(client) => loop {
                let page = client.http.get("/rooms/meeting/messages?limit=1000", &[]).await.json();
                if let Some(message) = page["messages"].get(client.heard) {
                    client.heard += 1;
                    return message["text"].as_str().unwrap().to_owned();
                }
            },
        }
    }
}

/// A room with the members seated: a watcher at the native door sees the count.
async fn meeting(doors: &[Door]) -> (TestServer, Vec<Member>) {
    let server = TestServer::start().await;
    let mut watcher = server.native("room=meeting&name=watcher").await;
    let mut members = Vec::new();
    for &door in doors {
        members.push(Member::at(door, &server).await);
        if door != Door::Http {
            watcher.next(&["join"]).await;
        }
    }
    (server, members)
}

async fn check_pair(from: Door, to: Door) {
    let (_server, mut members) = meeting(&[from, to]).await;
    for number in 0..50 {
        members[0].say(&format!("message {number} <b>&amp;</b> æøå 😀")).await;
    }
    for number in 0..50 {
        let expected = format!("message {number} <b>&amp;</b> æøå 😀");
        assert_eq!(members[1].hears().await, expected, "markup and letters pass as they are, in order");
        assert_eq!(members[0].hears().await, expected, "the sender hears itself");
    }
}

macro_rules! pairs {
    ($($name:ident: $from:ident to $to:ident;)*) => {$(
        #[tokio::test]
        async fn $name() {
            check_pair(Door::$from, Door::$to).await;
        }
    )*};
}

pairs! {
    native_is_heard_at_native: Native to Native;
    native_is_heard_at_raw: Native to Raw;
    native_is_heard_by_http: Native to Http;
    raw_is_heard_at_native: Raw to Native;
    raw_is_heard_at_raw: Raw to Raw;
    raw_is_heard_by_http: Raw to Http;
    http_is_heard_at_native: Http to Native;
    http_is_heard_at_raw: Http to Raw;
    http_is_heard_by_http: Http to Http;
}

#[tokio::test]
async fn raw_bytes_come_back_byte_for_byte_and_show_as_their_size_elsewhere() {
    let (server, mut members) = meeting(&[Door::Raw, Door::Native]).await;
    let bytes: Vec<u8> = (0..=255).collect();
    let Member::Raw(raw) = &mut members[0] else { panic!("a raw member") };
    raw.send_binary(bytes.clone()).await;
    assert_eq!(raw.receive().await, Received::Binary(bytes));
    let Member::Native(native) = &mut members[1] else { panic!("a native member") };
    let shown = native.next(&["bytes"]).await;
    assert_eq!((&shown["size"], &shown["offset"]), (&json!(256), &json!(1)));
    let page = server.http().get("/rooms/meeting/messages", &[]).await.json();
    assert_eq!((&page["messages"][0]["type"], &page["messages"][0]["size"]), (&json!("bytes"), &json!(256)));
}

#[tokio::test]
async fn json_is_kept_to_the_letter() {
    let (server, mut members) = meeting(&[Door::Native, Door::Raw]).await;
    let data = r#"{"b":1.50,"a":[ ],"ø":"\u00e6"}"#;
    let Member::Native(native) = &mut members[0] else { panic!("a native member") };
    native.ws().send(format!(r#"{{"type":"data","data":{data}}}"#)).await;
    let frame = loop {
        let frame = native.ws().receive().await.text();
        if frame.contains(r#""type":"data""#) {
            break frame;
        }
    };
    assert!(frame.contains(data), "{frame}");
    let Member::Raw(raw) = &mut members[1] else { panic!("a raw member") };
    assert_eq!(raw.receive().await, Received::Text(format!("ada: {data}")));
    let page = server.http().get("/rooms/meeting/messages", &[]).await.json();
    assert_eq!(page["messages"][0]["text"], data);
}
