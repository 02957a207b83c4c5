//! One order for everybody.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::json;
use tests::{NativeClient, Received, TestServer};

const SENDERS: usize = 6;
const MESSAGES: usize = 200;

/// Speaks all its messages, and returns the offsets of their acks.
async fn speak(mut client: NativeClient, sender: usize) -> Vec<u64> {
    let mut acks = Vec::new();
    for number in 0..MESSAGES {
        client.send(json!({"type": "chat", "text": format!("{sender} {number}"), "id": number.to_string()})).await;
    }
    while acks.len() < MESSAGES {
        let ack = client.next(&["ack"]).await;
        assert_eq!(ack["id"], acks.len().to_string(), "acks come in the order of their messages");
        acks.push(ack["offset"].as_u64().unwrap());
    }
    acks
}

#[tokio::test(flavor = "multi_thread")]
async fn all_members_see_the_same_sequence_whoever_speaks() {
    let server = TestServer::start().await;
    let mut listeners = Vec::new();
    for _ in 0..3 {
        listeners.push(server.native("room=order").await);
    }
    let mut raw = server.ws("/ws/raw/order").await;
    let mut speakers = Vec::new();
    for sender in 0..SENDERS {
        speakers.push(tokio::spawn(speak(server.native(&format!("room=order&name=s{sender}")).await, sender)));
    }
    // Members that come and go in the middle disturb nobody.
    for _ in 0..20 {
        drop(server.native("room=order").await);
    }
    let mut acks = Vec::new();
    for speaker in speakers {
        acks.push(speaker.await.unwrap());
    }
    let mut sequences = Vec::new();
    for listener in &mut listeners {
        let mut heard = Vec::new();
        for expected in 1..=(SENDERS * MESSAGES) as u64 {
            let message = listener.next(&["chat"]).await;
            assert_eq!(message["offset"], expected, "offsets have no holes");
            heard.push((message["from"].as_str().unwrap().to_owned(), message["text"].as_str().unwrap().to_owned()));
        }
        sequences.push(heard);
    }
    assert!(sequences.iter().all(|sequence| *sequence == sequences[0]));
    for (from, text) in &sequences[0] {
        assert_eq!(raw.receive().await, Received::Text(format!("{from}: {text}")));
    }
    check_senders(&sequences[0], &acks);
}

/// Each sender's messages are in its order, and where their acks say.
fn check_senders(sequence: &[(String, String)], acks: &[Vec<u64>]) {
    let mut next: HashMap<usize, usize> = HashMap::new();
    for (place, (_, text)) in sequence.iter().enumerate() {
        let (sender, number) = text.split_once(' ').unwrap();
        let (sender, number): (usize, usize) = (sender.parse().unwrap(), number.parse().unwrap());
        let expected = next.entry(sender).or_default();
        assert_eq!(number, *expected);
        *expected += 1;
        assert_eq!(acks[sender][number], place as u64 + 1);
    }
}

const ROOMS: usize = 8;
const SAID_AT_EACH_DOOR: usize = 50;
const SAID: usize = 3 * SAID_AT_EACH_DOOR;

#[derive(Debug, Clone, Copy)]
enum Door {
    Native,
    Raw,
    Http,
}

/// What somebody at a door says as its `number`th message.
fn text(room: &str, door: Door, number: usize) -> String {
    format!("{room} {door:?} {number} {}", "æ😀".repeat(number))
}

async fn talk(server: &TestServer, room: &str, door: Door) {
    let texts = (0..SAID_AT_EACH_DOOR).map(|number| text(room, door, number));
    match door {
        Door::Native => {
            let mut client = server.native(&format!("room={room}")).await;
            for text in texts {
                client.say(&text).await;
                while client.hears().await != text {}
            }
        }
        Door::Raw => {
            let mut ws = server.ws(&format!("/ws/raw/{room}")).await;
            for text in texts {
                ws.send(text.as_str()).await;
                while ws.receive().await.text() != text {}
            }
        }
        Door::Http => {
            let http = server.http();
            for text in texts {
                let message = json!({"name": "scripts", "text": text});
                assert_eq!(http.post_json(&format!("/rooms/{room}/messages"), &message).await.status, 201);
            }
        }
    }
}

/// Comes in the middle, sees a part without holes, and goes.
async fn wander(server: &TestServer, room: &str) {
    for _ in 0..5 {
        let mut client = server.native(&format!("room={room}")).await;
        let start = client.welcome["offset"].as_u64().unwrap();
        let head = client.welcome["head"].as_u64().unwrap();
        for expected in start + 1..=head {
            assert_eq!(client.next(&["chat"]).await["offset"], expected);
        }
    }
}

/// One room from its first to its last message: every door hears every text
/// once, to the letter, in one order.
async fn check_room(server: Arc<TestServer>, room: String) {
    let mut native = server.native(&format!("room={room}")).await;
    let mut raw = server.ws(&format!("/ws/raw/{room}")).await;
    native.next(&["join"]).await;
    tokio::join!(
        talk(&server, &room, Door::Native),
        talk(&server, &room, Door::Raw),
        talk(&server, &room, Door::Http),
        wander(&server, &room),
    );
    let page = server.http().get(&format!("/rooms/{room}/messages?limit=1000"), &[]).await.json();
    let mut heard = Vec::new();
    for place in 0..SAID {
        let message = native.next(&["chat"]).await;
        assert_eq!(message["offset"], place + 1);
        let said = message["text"].as_str().unwrap().to_owned();
        let at_raw = raw.receive().await.text();
        // The raw door shows the names of others, but not of its own.
        assert_eq!(at_raw.split_once(": ").map_or(at_raw.as_str(), |(_, said)| said), said);
        assert_eq!(
            (&page["messages"][place]["text"], &page["messages"][place]["offset"]),
            (&json!(said), &json!(place + 1))
        );
        heard.push(said);
    }
    for door in [Door::Native, Door::Raw, Door::Http] {
        let of_door: Vec<_> = heard.iter().filter(|said| said.starts_with(&format!("{room} {door:?} "))).collect();
        let expected: Vec<_> = (0..SAID_AT_EACH_DOOR).map(|number| text(&room, door, number)).collect();
        assert_eq!(of_door, expected.iter().collect::<Vec<_>>(), "a sender's messages stay in its order");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_rooms_are_each_in_one_order_at_every_door_while_members_come_and_go() {
    let server = Arc::new(TestServer::start().await);
    let rooms: Vec<_> =
        (0..ROOMS).map(|room| tokio::spawn(check_room(Arc::clone(&server), format!("room{room}")))).collect();
    for room in rooms {
        room.await.unwrap();
    }
}

#[tokio::test]
async fn rooms_are_apart() {
    let server = TestServer::start().await;
    let (mut one, mut other) = (server.native("room=one").await, server.native("room=other").await);
    one.say("for one").await;
    other.say("for the other").await;
    assert_eq!(one.hears().await, "for one");
    assert_eq!(other.hears().await, "for the other");
}

#[tokio::test]
async fn two_spellings_of_a_room_are_one_room() {
    let server = TestServer::start().await;
    let (mut one, mut other) = (server.native("room=%C3%A9").await, server.native("room=e%CC%81").await);
    one.say("hei").await;
    assert_eq!(other.hears().await, "hei");
}
