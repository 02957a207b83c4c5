//! From polling to a WebSocket, in the middle of everything.

use tests::{Polling, Received, TestServer, WsClient};

use super::{Client, event};

async fn probe(server: &TestServer, polling: &Polling) -> WsClient {
    let mut ws = server.ws(&polling.websocket_path()).await;
    ws.send("2probe").await;
    assert_eq!(ws.receive().await.text(), "3probe");
    ws
}

#[tokio::test]
async fn a_parked_poll_is_let_go_and_the_session_goes_on_at_the_websocket() {
    let server = TestServer::start().await;
    let mut polling = server.polling().await;
    polling.send("40").await;
    assert!(polling.receive().await.starts_with("40{"));
    polling.receive().await;
    let (parked, mut ws) = tokio::join!(polling.get(), probe(&server, &polling));
    assert_eq!((parked.status, &parked.body[..]), (200, &b"6"[..]));
    ws.send("5").await;
    ws.send(r#"427["message","hei"]"#).await;
    let mut heard = Vec::new();
    for _ in 0..3 {
        heard.push(ws.receive().await.text());
    }
    heard.sort();
    assert_eq!(heard[..2], [r#"42["my response","hei"]"#, r#"42["response",{"data":"Server received: hei"}]"#]);
    assert!(heard[2].starts_with("437[{\"offset\":1,"), "{heard:?}");
    assert_eq!((polling.get().await.status, polling.post("3").await.status), (400, 400));
    let url = format!("ws://{}{}", server.address(), polling.websocket_path());
    assert_eq!(WsClient::try_connect(&url).await.err(), Some(400));
}

#[tokio::test]
async fn a_client_that_upgrades_before_it_has_entered_is_answered_at_the_websocket() {
    let server = TestServer::start().await;
    let polling = server.polling().await;
    let mut ws = probe(&server, &polling).await;
    polling.send("40{}").await;
    ws.send("5").await;
    assert!(ws.receive().await.text().starts_with("40{\"sid\""));
    assert_eq!(event(&ws.receive().await.text()).0, "messages");
}

#[tokio::test]
async fn a_probe_that_fails_leaves_the_session_at_polling() {
    let server = TestServer::start().await;
    let polling = server.polling().await;
    drop(probe(&server, &polling).await);
    let mut ws = server.ws(&polling.websocket_path()).await;
    ws.send("4hello").await;
    assert_eq!(ws.receive().await, Received::Closed(Some(1002)));
    let mut polling = Client::Polling(Box::new(polling));
    polling.send("40").await;
    while !polling.receive().await.starts_with("40{") {}
}

/// Every message comes once and in order, whatever of it was still to be
/// polled when the client moved.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_doubled_while_a_client_moves_in_a_busy_room() {
    const MOVES: usize = 10;
    const BEFORE: usize = 200;
    let server = TestServer::start().await;
    let mut speaker = server.native("room=lobby&name=ada").await;
    let mut said = 0;
    for round in 0..MOVES {
        let mut polling = server.polling().await;
        polling.send("40").await;
        assert!(polling.receive().await.starts_with("40{"));
        let (_, latest) = event(&polling.receive().await);
        let mut heard: Vec<usize> = Vec::new();
        let latest: Vec<usize> = latest.as_array().unwrap().iter().filter_map(number).collect();
        assert_eq!(latest.last().map_or(0, |last| last + 1), said);
        // Its dialect is chosen while messages come, too.
        for _ in 0..BEFORE {
            speaker.say(&format!("n{said}")).await;
            said += 1;
        }
        polling.send(r#"42["newMessage",{"name":"me","text":"mine"}]"#).await;
        if round % 2 == 0 {
            let answer = polling.get().await;
            let packets = std::str::from_utf8(&answer.body).unwrap();
            packets.split('\u{1e}').for_each(|packet| collect(packet, &mut heard));
        }
        let mut ws = server.ws(&polling.websocket_path()).await;
        ws.send("2probe").await;
        while ws.receive().await.text() != "3probe" {}
        let moving = async {
            ws.send("5").await;
            ws
        };
        let speaking = async {
            for _ in 0..BEFORE {
                speaker.say(&format!("n{said}")).await;
                said += 1;
            }
        };
        let (mut ws, ()) = tokio::join!(moving, speaking);
        while heard.last() != Some(&(said - 1)) {
            collect(&ws.receive().await.text(), &mut heard);
        }
        let first = said - 2 * BEFORE;
        assert!(heard.iter().copied().eq(first..said), "round {round}: {heard:?}");
    }
}

fn number(message: &serde_json::Value) -> Option<usize> {
    message["text"].as_str()?.strip_prefix('n')?.parse().ok()
}

/// Adds the numbers of the speaker's messages; of all dialects one is counted.
fn collect(packet: &str, heard: &mut Vec<usize>) {
    let (name, value) = event(packet);
    if name == "messages" {
        heard.extend(value.as_array().unwrap().iter().filter_map(number));
    }
}
