//! Positions, retries and what is stored.

use serde_json::{Value, json};
use tests::{NativeClient, TestServer};

use crate::images::png;

async fn fill(server: &TestServer, room: &str, count: usize) {
    let mut raw = server.ws(&format!("/ws/raw/{room}")).await;
    for number in 1..=count {
        raw.send(format!("m{number}")).await;
    }
    for _ in 1..=count {
        raw.receive().await;
    }
}

async fn offsets(client: &mut NativeClient, count: usize) -> Vec<u64> {
    let mut offsets = Vec::new();
    for _ in 0..count {
        offsets.push(client.next(&["chat"]).await["offset"].as_u64().unwrap());
    }
    offsets
}

fn numbers(welcome: &Value) -> (u64, u64) {
    (welcome["offset"].as_u64().unwrap(), welcome["head"].as_u64().unwrap())
}

#[tokio::test]
async fn a_new_member_is_given_the_last_fifty() {
    let server = TestServer::start().await;
    fill(&server, "h", 80).await;
    let mut client = server.native("room=h").await;
    assert_eq!(numbers(&client.welcome), (30, 80));
    assert!(client.welcome.get("recovered").is_none());
    assert_eq!(offsets(&mut client, 50).await, (31..=80).collect::<Vec<_>>());
}

#[tokio::test]
async fn who_comes_back_is_given_exactly_what_it_missed_and_then_what_follows() {
    let server = TestServer::start().await;
    let first = server.native("room=h").await;
    fill(&server, "h", 300).await;
    let mut back = server.native(&format!("room=h&{}", first.position(120))).await;
    assert_eq!(back.welcome["recovered"], true);
    assert_eq!(numbers(&back.welcome), (120, 300));
    back.say("live").await;
    assert_eq!(offsets(&mut back, 181).await, (121..=301).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_during_a_flood_sees_no_gap_and_no_repeat() {
    let server = TestServer::start().await;
    let first = server.native("room=h").await;
    fill(&server, "h", 1000).await;
    let mut flood = server.ws("/ws/raw/h").await;
    let flooding = tokio::spawn(async move {
        for number in 0..3000 {
            flood.send(format!("f{number}")).await;
            flood.receive().await;
        }
    });
    for start in [0, 1, 500, 999] {
        let mut back = server.native(&format!("room=h&{}", first.position(start))).await;
        assert_eq!(back.welcome["recovered"], true);
        let expected: Vec<_> = (start + 1..=start + 1500).collect();
        assert_eq!(offsets(&mut back, 1500).await, expected);
    }
    flooding.await.unwrap();
}

#[tokio::test]
async fn recovery_works_before_any_message_was_seen() {
    let server = TestServer::start().await;
    let first = server.native("room=h").await;
    assert_eq!(numbers(&first.welcome), (0, 0));
    fill(&server, "h", 3).await;
    let mut back = server.native(&format!("room=h&{}", first.position(0))).await;
    assert_eq!(back.welcome["recovered"], true);
    assert_eq!(offsets(&mut back, 3).await, [1, 2, 3]);
}

#[tokio::test]
async fn a_position_that_does_not_hold_is_an_explicit_no() {
    let server = TestServer::start().await;
    let first = server.native("room=h").await;
    fill(&server, "h", 100).await;
    let future = first.position(101);
    for query in ["since=5&epoch=0000000000000000", "since=5", "since=5&epoch=rubbish", &future] {
        let mut back = server.native(&format!("room=h&{query}")).await;
        assert_eq!(back.welcome["recovered"], false, "{query}");
        assert_eq!(numbers(&back.welcome), (50, 100), "{query}");
        assert_eq!(offsets(&mut back, 50).await, (51..=100).collect::<Vec<_>>(), "{query}");
    }
}

#[tokio::test]
async fn what_retention_has_taken_cannot_be_recovered() {
    let server = TestServer::start().await;
    let first = server.native("room=~h").await;
    fill(&server, "~h", 10_100).await;
    let mut late = server.native(&format!("room=~h&{}", first.position(99))).await;
    assert_eq!(late.welcome["recovered"], false);
    assert_eq!(offsets(&mut late, 50).await, (10_051..=10_100).collect::<Vec<_>>());
    let mut in_time = server.native(&format!("room=~h&{}", first.position(100))).await;
    assert_eq!(in_time.welcome["recovered"], true);
    assert_eq!(offsets(&mut in_time, 10_000).await, (101..=10_100).collect::<Vec<_>>());
}

async fn ack_of(client: &mut NativeClient, id: &str) -> u64 {
    client.send(json!({"type": "chat", "text": "hei", "id": id})).await;
    let ack = client.next(&["ack"]).await;
    assert_eq!((&ack["id"], &ack["epoch"]), (&json!(id), &client.welcome["epoch"]));
    ack["offset"].as_u64().unwrap()
}

#[tokio::test]
async fn a_retry_gets_the_same_offset_also_on_a_new_connection() {
    let server = TestServer::start().await;
    let mut client = server.native("room=h").await;
    assert_eq!(ack_of(&mut client, "a").await, 1);
    assert_eq!(ack_of(&mut client, "a").await, 1);
    let session = client.welcome["session"].as_str().unwrap().to_owned();
    let mut again = server.native(&format!("room=h&session={session}")).await;
    assert_eq!(again.welcome["session"], session.as_str());
    assert_eq!(ack_of(&mut again, "a").await, 1);
    assert_eq!(ack_of(&mut again, "b").await, 2);
    let mut stranger = server.native("room=h").await;
    assert_eq!(ack_of(&mut stranger, "a").await, 3, "ids of another session are others");
    let page = server.http().get("/rooms/h/messages", &[]).await.json();
    assert_eq!(page["head"], 3);
}

#[tokio::test]
async fn a_session_key_that_could_be_guessed_is_refused() {
    let server = TestServer::start().await;
    let url = |key: &str| format!("ws://{}/ws?session={key}", server.address());
    for bad in ["short", "has%20space%20in%20the%20middle", &"x".repeat(129)] {
        assert_eq!(tests::WsClient::try_connect(&url(bad)).await.err(), Some(400), "{bad}");
    }
}

#[tokio::test]
async fn an_idempotency_key_makes_a_post_the_same_message() {
    let server = TestServer::start().await;
    let http = server.http();
    let post = async |key| {
        let headers = [("content-type", "application/json"), ("idempotency-key", key)];
        http.post("/rooms/h/messages", &headers, r#"{"name":"ada","text":"hei"}"#).await
    };
    let (first, again, other) = (post("key-1").await, post("key-1").await, post("key-2").await);
    assert_eq!([first.status, again.status, other.status], [201, 200, 201]);
    assert_eq!(first.body, again.body);
    assert_eq!((&first.json()["offset"], &other.json()["offset"]), (&json!(1), &json!(2)));
}

#[tokio::test]
async fn an_idempotency_key_makes_a_shared_picture_the_same_one() {
    let server = TestServer::start().await;
    let http = server.http();
    let share = async |seed| http.post("/rooms/h/images?name=ada", &[("idempotency-key", "key-1")], png(seed)).await;
    let (first, again) = (share(1).await, share(2).await);
    assert_eq!([first.status, again.status], [201, 200]);
    assert_eq!((&first.body, first.header("location")), (&again.body, again.header("location")));
    let page = http.get("/rooms/h/messages", &[]).await.json();
    assert_eq!((page["messages"].as_array().unwrap().len(), &page["head"]), (1, &json!(1)));
}

#[tokio::test]
async fn reading_by_position_over_http_says_yes_or_no() {
    let server = TestServer::start().await;
    fill(&server, "h", 5).await;
    let http = server.http();
    let all = http.get("/rooms/h/messages", &[]).await.json();
    let epoch = all["epoch"].as_str().unwrap();
    let page = http.get(&format!("/rooms/h/messages?since=3&epoch={epoch}"), &[]).await.json();
    assert_eq!((&page["recovered"], page["messages"].as_array().unwrap().len()), (&json!(true), 2));
    let page = http.get("/rooms/h/messages?since=3&epoch=0000000000000000&limit=1", &[]).await.json();
    assert_eq!((&page["recovered"], &page["messages"][0]["offset"]), (&json!(false), &json!(5)));
    assert_eq!(http.get("/rooms/h/messages?since=x", &[]).await.status, 400);
}

#[tokio::test]
async fn joining_and_reading_store_nothing() {
    let server = TestServer::start().await;
    drop(server.native("room=quiet").await);
    let page = server.http().get("/rooms/quiet/messages", &[]).await.json();
    assert_eq!((&page["head"], &page["messages"]), (&json!(0), &json!([])));
}
