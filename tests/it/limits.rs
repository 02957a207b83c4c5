//! How often somebody may do something.

use negaphone::config::RateLimiting;
use serde_json::json;
use tests::TestServer;

async fn limited() -> TestServer {
    TestServer::with(|config| config.rates = RateLimiting::On).await
}

#[tokio::test]
async fn too_many_messages_are_refused_one_by_one_and_the_connection_lives() {
    let server = limited().await;
    let mut client = server.native("room=l").await;
    for number in 0..300 {
        client.send(json!({"type": "chat", "text": "hei", "id": number.to_string()})).await;
    }
    let (mut acks, mut refusals) = (0, 0);
    while acks + refusals < 300 {
        let answer = client.next(&["ack", "error"]).await;
        if answer["type"] == "ack" {
            acks += 1;
        } else {
            assert_eq!(answer["code"], "rate_limited");
            assert!(answer["id"].is_string());
            refusals += 1;
        }
    }
    assert!(acks >= 200 && refusals > 0, "{acks} acks, {refusals} refusals");
    let page = server.http().get("/rooms/l/messages", &[]).await.json();
    assert_eq!(page["head"], acks, "what was refused is not stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_raw_peer_over_the_rate_is_not_read_until_the_rate_allows_and_loses_nothing() {
    let server = limited().await;
    let mut raw = server.ws("/ws/raw/l").await;
    for number in 0..260 {
        raw.send(number.to_string()).await;
    }
    for number in 0..260 {
        assert_eq!(raw.receive().await.text(), number.to_string());
    }
}

#[tokio::test]
async fn new_rooms_of_one_address_are_bounded_and_loopback_is_not_an_address() {
    let server = limited().await;
    let http = server.http();
    let read = async |room: usize, from: &'static str| {
        let path = format!("/rooms/new-{room}/messages");
        http.get(&path, &[("x-forwarded-for", from)]).await
    };
    let mut refused = 0;
    for room in 0..80 {
        let answer = read(room, "192.0.2.1").await;
        if answer.status == 429 {
            assert!(!answer.header("retry-after").is_empty());
            assert_eq!(answer.json()["error"]["code"], "too_many_rooms");
            refused += 1;
        }
    }
    assert!((15..=20).contains(&refused), "{refused} of 80 were refused");
    assert_eq!(read(0, "192.0.2.1").await.status, 200, "a room that is there is not new");
    assert_eq!(read(1000, "192.0.2.2").await.status, 200, "another address is another's");
    for room in 2000..2100 {
        assert_eq!(http.get(&format!("/rooms/new-{room}/messages"), &[]).await.status, 200);
    }
}

#[tokio::test]
async fn new_rooms_are_bounded_before_the_upgrade_too_and_not_where_rates_are_lifted() {
    for (server, last) in [(limited().await, 429), (TestServer::start().await, 101)] {
        for (room, expected) in [vec![101; 60], vec![last]].concat().into_iter().enumerate() {
            let request = format!(
                "GET /ws/raw/new-{room} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                 X-Forwarded-For: 192.0.2.1\r\n\r\n"
            );
            assert_eq!(server.socket().await.request(&request).await.0, expected, "room {room}");
        }
    }
}

#[tokio::test]
async fn rates_can_be_lifted() {
    let server = TestServer::start().await;
    let mut client = server.native("room=l").await;
    for number in 0..1000 {
        client.send(json!({"type": "chat", "text": "hei", "id": number.to_string()})).await;
    }
    for number in 0..1000 {
        assert_eq!(client.next(&["ack", "error"]).await["offset"], number + 1);
    }
}
