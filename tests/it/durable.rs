//! The history in files, through the doors: restarts, and what clients are told.

use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{NativeClient, TestServer};

async fn acked(client: &mut NativeClient, id: &str) -> u64 {
    client.send(json!({"type": "chat", "text": id, "id": id})).await;
    client.next(&["ack"]).await["offset"].as_u64().unwrap()
}

async fn offsets(client: &mut NativeClient, count: usize) -> Vec<u64> {
    let mut offsets = Vec::new();
    for _ in 0..count {
        offsets.push(client.next(&["chat"]).await["offset"].as_u64().unwrap());
    }
    offsets
}

async fn ended(server: TestServer) {
    server.stop();
    server.stopped().await;
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[tokio::test]
async fn who_comes_back_after_a_restart_is_given_what_it_missed_and_its_retries_are_known() {
    let folder = folder();
    let server = TestServer::in_folder(folder.path()).await;
    let mut ada = server.native("room=h&name=ada").await;
    for number in 1..=80 {
        assert_eq!(acked(&mut ada, &format!("m{number}")).await, number);
    }
    ended(server).await;
    let server = TestServer::in_folder(folder.path()).await;
    let session = ada.welcome["session"].as_str().unwrap();
    let mut back = server.native(&format!("room=h&session={session}&{}", ada.position(10))).await;
    assert_eq!((&back.welcome["recovered"], &back.welcome["head"]), (&json!(true), &json!(80)));
    assert_eq!(back.welcome["epoch"], ada.welcome["epoch"]);
    assert_eq!(offsets(&mut back, 70).await, (11..=80).collect::<Vec<_>>());
    assert_eq!(acked(&mut back, "m80").await, 80);
    assert_eq!(acked(&mut back, "m81").await, 81);
}

#[tokio::test]
async fn a_room_whose_name_says_so_is_gone_with_the_process() {
    let folder = folder();
    let server = TestServer::in_folder(folder.path()).await;
    let mut first = server.native("room=~h").await;
    assert_eq!(acked(&mut first, "m").await, 1);
    assert_eq!(first.welcome["durability"], "memory");
    assert_eq!(server.native("room=h").await.welcome["durability"], "os");
    ended(server).await;
    let server = TestServer::in_folder(folder.path()).await;
    let back = server.native(&format!("room=~h&{}", first.position(1))).await;
    assert_eq!((&back.welcome["recovered"], &back.welcome["head"]), (&json!(false), &json!(0)));
}

#[tokio::test]
async fn a_shared_picture_is_there_after_a_restart() {
    let folder = folder();
    let server = TestServer::in_folder(folder.path()).await;
    let mut png = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(4, 3).write_to(&mut png, image::ImageFormat::Png).unwrap();
    let answer = server.http().post("/rooms/h/images", &[], png.into_inner()).await;
    let url = answer.json()["url"].as_str().unwrap().to_owned();
    let before = server.http().get(&url, &[]).await;
    ended(server).await;
    let server = TestServer::in_folder(folder.path()).await;
    let after = server.http().get(&url, &[]).await;
    assert_eq!((after.status, after.header("content-type"), &after.body), (200, "image/png", &before.body));
    let page = server.http().get("/rooms/h/messages", &[]).await.json();
    assert_eq!(
        (&page["messages"][0]["image"]["url"], &page["messages"][0]["image"]["width"]),
        (&json!(url), &json!(4))
    );
}

#[tokio::test]
async fn health_says_where_messages_are_and_what_they_survive() {
    let folder = folder();
    let told = async |server: &TestServer| -> Value { server.http().get("/health/ready", &[]).await.json() };
    let server = TestServer::in_folder(folder.path()).await;
    assert_eq!(told(&server).await, json!({"status": "ready", "history": "sqlite", "durability": "os"}));
    let server = TestServer::start().await;
    assert_eq!(told(&server).await, json!({"status": "ready", "history": "memory", "durability": "memory"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn from_history_to_live_during_a_flood_there_is_no_gap_and_no_repeat() {
    let folder = folder();
    let server = TestServer::in_folder(folder.path()).await;
    let first = server.native("room=h").await;
    let mut flood = server.ws("/ws/raw/h").await;
    for number in 0..1000 {
        flood.send(format!("m{number}")).await;
    }
    for _ in 0..1000 {
        flood.receive().await;
    }
    let flooding = tokio::spawn(async move {
        for number in 0..3000 {
            flood.send(format!("f{number}")).await;
            if number % 10 == 0 {
                flood.receive().await;
            }
        }
    });
    for start in [0, 1, 500, 999] {
        let mut back = server.native(&format!("room=h&{}", first.position(start))).await;
        assert_eq!(back.welcome["recovered"], true);
        assert_eq!(offsets(&mut back, 2000).await, (start + 1..=start + 2000).collect::<Vec<_>>());
    }
    flooding.await.unwrap();
}
