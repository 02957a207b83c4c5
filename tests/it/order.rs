//! One order for everybody.

use std::collections::HashMap;

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
