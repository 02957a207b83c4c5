//! The Channels style chat and its pages.

use serde_json::{Value, json};
use tests::{Received, TestServer, WsClient};

async fn next(ws: &mut WsClient) -> String {
    let frame: Value = serde_json::from_str(&ws.receive().await.text()).unwrap();
    let object = frame.as_object().unwrap();
    assert_eq!(object.len(), 1, "nothing but a message: {frame}");
    object["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn members_of_the_dialect_get_the_same_text_and_the_sender_too() {
    let server = TestServer::start().await;
    let mut ada = server.until_joined("r", server.ws("/ws/chat/r/")).await;
    let mut bob = server.until_joined("r", server.ws("/ws/chat/r/")).await;
    for text in ["hei", "error: no error", "", "a: b", "<b>&amp;</b> æøå 😀 \u{2028}"] {
        ada.send(json!({ "message": text }).to_string()).await;
        // An empty text is text: what comes back is the same.
        assert_eq!(next(&mut ada).await, text);
        assert_eq!(next(&mut bob).await, text);
    }
}

#[tokio::test]
async fn what_is_no_message_is_told_to_its_sender_alone() {
    let server = TestServer::start().await;
    let mut ada = server.until_joined("r", server.ws("/ws/chat/r/")).await;
    let mut bob = server.until_joined("r", server.ws("/ws/chat/r/")).await;
    for bad in ["hei", "{", "[]", "{}", r#"{"message":7}"#, r#"{"message":null}"#, r#"{"text":"hei"}"#] {
        ada.send(bad).await;
        let answer = next(&mut ada).await;
        assert!(answer.starts_with("error: "), "{bad}: {answer}");
    }
    ada.send(r#"{"message":"after"}"#).await;
    assert_eq!(next(&mut ada).await, "after");
    assert_eq!(next(&mut bob).await, "after", "others hear nothing of it");
}

#[tokio::test]
async fn binary_closes_with_1003() {
    let server = TestServer::start().await;
    let mut ws = server.ws("/ws/chat/r/").await;
    ws.send_binary(&b"hei"[..]).await;
    assert_eq!(ws.receive().await, Received::Closed(Some(1003)));
}

#[tokio::test]
async fn other_doors_are_shown_with_their_sender() {
    let server = TestServer::start().await;
    let mut ws = server.until_joined("r", server.ws("/ws/chat/r/")).await;
    let mut ada = server.native("room=r&name=ada").await;
    ada.say("hei").await;
    ada.send(json!({"type": "data", "data": {"x": 1}})).await;
    assert_eq!(next(&mut ws).await, "ada: hei");
    assert_eq!(next(&mut ws).await, r#"ada: {"x":1}"#);
    ws.send(r#"{"message":"moin"}"#).await;
    let heard = ada.next(&["chat"]).await;
    // What ada said herself came first.
    assert_eq!(heard["text"], "hei");
    let heard = ada.next(&["chat"]).await;
    assert_eq!(heard["text"], "moin");
    assert!(heard["from"].as_str().unwrap().starts_with("guest-"), "{heard}");
}

#[tokio::test]
async fn the_pages_have_the_elements_of_the_tutorial_and_their_room_is_no_markup() {
    let server = TestServer::start().await;
    let http = server.http();
    for (path, ids) in [
        ("/chat/", &["room-name-input", "room-name-submit"][..]),
        ("/chat/m%C3%B8te/", &["chat-log", "chat-message-input", "chat-message-submit"]),
    ] {
        let page = http.get(path, &[("accept", "text/html")]).await;
        assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"), "{path}");
        let body = String::from_utf8(page.body.to_vec()).unwrap();
        assert!(ids.iter().all(|id| body.contains(&format!(r#"id="{id}""#))), "{body}");
        assert!(!page.header("content-security-policy").contains("unsafe-inline"));
    }
    let evil = http.get("/chat/%3Cscript%3E/", &[]).await;
    assert_eq!(evil.status, 400, "no name of a room");
}
