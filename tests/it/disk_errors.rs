//! The disk takes no more, and then it does again.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};
use tests::resuming::{self, Script, check};
use tests::{Http, NativeClient, ServerProcess, WsClient, within_deadline};

async fn native(server: &ServerProcess, query: &str) -> NativeClient {
    NativeClient::join(WsClient::connect(&format!("ws://{}/ws?{query}", server.address())).await).await
}

/// The answer to a message: its ack, or an error.
async fn answer(client: &mut NativeClient, id: &str) -> Value {
    client.send(json!({"type": "chat", "text": id, "id": id})).await;
    let mut answer = client.next(&["ack", "error"]).await;
    answer["message"].take();
    answer["epoch"].take();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_stored_is_refused_clearly_and_connections_live() {
    let folder = tempfile::tempdir().unwrap();
    // On the same disk; what cannot be logged is not the end of anything.
    let mut server = ServerProcess::start_with_log_file(folder.path());
    let http = Http::new(format!("http://{}", server.address()));
    let post = async || {
        let headers = [("content-type", "application/json")];
        http.post("/rooms/disk/messages", &headers, r#"{"name":"bob","text":"hei"}"#).await
    };
    let ack =
        |id: &str, offset: u64| json!({"type": "ack", "id": id, "offset": offset, "message": null, "epoch": null});
    let mut ada = native(&server, "room=disk&name=ada").await;
    assert_eq!(answer(&mut ada, "a").await, ack("a", 1));

    server.limit_files(Some(0));
    let refused = json!({"type": "error", "code": "store_down", "id": "b", "message": null, "epoch": null});
    for _ in 0..3 {
        assert_eq!(answer(&mut ada, "b").await, refused);
    }
    let refused = post().await;
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (503, &json!("store_down")));
    // What is stored can be read, and a memory-only room needs no disk.
    let page = http.get("/rooms/disk/messages", &[]).await.json();
    assert_eq!((&page["head"], &page["messages"][0]["text"]), (&json!(1), &json!("a")));
    assert_eq!(answer(&mut native(&server, "room=~m").await, "m").await, ack("m", 1));

    server.limit_files(None);
    assert_eq!(answer(&mut ada, "b").await, ack("b", 2));
    assert_eq!(post().await.status, 201);
    tokio::task::block_in_place(|| server.restart(Signal::KILL));
    let page = http.get("/rooms/disk/messages", &[]).await.json();
    assert_eq!((&page["head"], page["messages"].as_array().unwrap().len()), (&json!(3), 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_what_it_cannot_hold_and_takes_it_when_there_is_room_again() {
    const DISK_BYTES: u64 = 16 << 20;
    let folder = tempfile::tempdir().unwrap();
    let server = ServerProcess::start_on_small_disk(folder.path(), DISK_BYTES);
    // What else lies on the disk leaves little.
    std::fs::write(server.path("filler"), vec![0; (DISK_BYTES * 3 / 4) as usize]).unwrap();
    let mut ada = native(&server, "room=disk&name=ada").await;
    let mut acked: u64 = 0;
    let refused = loop {
        let id = acked.to_string();
        ada.send(json!({"type": "chat", "text": "x".repeat(16_000), "id": id})).await;
        let answer = ada.next(&["ack", "error"]).await;
        if answer["type"] == "error" {
            break answer;
        }
        acked += 1;
        assert!(acked * 16_000 < DISK_BYTES, "the disk is not full");
    };
    assert_eq!(refused["code"], "store_down");
    assert!(acked > 10, "{acked} messages");

    std::fs::remove_file(server.path("filler")).unwrap();
    // The refused message is said again: until then what its sender says after it is refused, too.
    let id = acked.to_string();
    let stored = within_deadline("room on the disk", async {
        loop {
            let answer = answer(&mut ada, &id).await;
            if answer["type"] == "ack" {
                return answer;
            }
        }
    });
    assert_eq!(stored.await["offset"], acked + 1);
    let http = Http::new(format!("http://{}", server.address()));
    let page = http.get("/rooms/disk/messages?limit=1000", &[]).await.json();
    assert_eq!((&page["head"], page["messages"].as_array().unwrap().len() as u64), (&json!(acked + 1), acked + 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fails_now_and_then_loses_nothing_that_was_acked() {
    const COUNT: u64 = 100;
    let folder = tempfile::tempdir().unwrap();
    let server = ServerProcess::start(folder.path());
    let clients: Vec<_> = (0..4)
        .map(|client| {
            tokio::spawn(resuming::run(Script {
                addresses: vec![server.address()],
                room: "disk".to_owned(),
                epoch: None,
                name: format!("client-{client}"),
                count: COUNT,
                interval: Duration::from_millis(10),
                // What follows a refused message would be stored before it.
                window: 1,
                patience: Duration::from_secs(5),
                total: 4 * COUNT,
            }))
        })
        .collect();
    let log = folder.path().join("history.sqlite3-wal");
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(150)).await;
        // In the middle of a transaction, a little later.
        let size = log.metadata().unwrap().len();
        server.limit_files(Some(size + 10_000));
        tokio::time::sleep(Duration::from_millis(100)).await;
        server.limit_files(None);
    }
    let mut seen = Vec::new();
    for client in clients {
        seen.push(within_deadline("all that was said", client).await.unwrap());
    }
    assert!(seen.iter().any(|seen| seen.connections > 1), "nothing was refused");
    check(&seen, COUNT);
}
