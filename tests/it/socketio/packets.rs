//! The cases of the Socket.IO project's test suite for protocol 5.

use serde_json::json;
use tests::{Received, TestServer};

use super::{Client, event, websocket};

#[tokio::test]
async fn the_main_namespace_is_entered_with_and_without_a_payload() {
    let server = TestServer::start().await;
    for connect in ["40", "40{}", r#"40{"token":"123"}"#, "40/,"] {
        let mut ws = websocket(&server).await;
        ws.send(connect).await;
        let packet = ws.receive().await.text();
        let entered: serde_json::Value = serde_json::from_str(packet.strip_prefix("40").unwrap()).unwrap();
        assert!(entered["sid"].is_string() && entered.as_object().unwrap().len() == 1, "{connect}: {packet}");
        assert_eq!(event(&ws.receive().await.text()), ("messages".to_owned(), json!([])), "{connect}");
    }
}

#[tokio::test]
async fn the_public_id_is_another_one_than_the_credential() {
    let server = TestServer::start().await;
    let mut polling = server.polling().await;
    polling.send("40").await;
    assert!(!polling.receive().await.contains(polling.open["sid"].as_str().unwrap()));
}

#[tokio::test]
async fn other_namespaces_are_refused_and_the_connection_lives() {
    let server = TestServer::start().await;
    let mut ws = websocket(&server).await;
    ws.send("40/random").await;
    assert_eq!(ws.receive().await.text(), r#"44/random,{"message":"Invalid namespace"}"#);
    ws.send(r#"40/admin,{"token":"1"}"#).await;
    assert_eq!(ws.receive().await.text(), r#"44/admin,{"message":"Invalid namespace"}"#);
    ws.send("40").await;
    assert!(ws.receive().await.text().starts_with("40{"));
}

#[tokio::test]
async fn nothing_but_connect_comes_first() {
    let server = TestServer::start().await;
    for first in [r#"42["message","x"]"#, "41", r#"430["x"]"#, r#"40/admin,"#, r#"44{"message":"x"}"#] {
        let mut ws = websocket(&server).await;
        ws.send(first).await;
        if first.starts_with("40") {
            assert!(ws.receive().await.text().starts_with("44/admin,"));
            ws.send(r#"42/admin,["message","x"]"#).await;
        }
        assert_eq!(ws.receive().await, Received::Closed(Some(1002)), "{first}");
    }
}

#[tokio::test]
async fn who_leaves_the_namespace_may_enter_it_again_and_hears_nothing_meanwhile() {
    let server = TestServer::start().await;
    let (mut ada, mut bob) = (Client::websocket(&server).await, Client::websocket(&server).await);
    ada.send("41").await;
    // What comes behind it is dealt with behind it.
    ada.send("40/random").await;
    assert!(ada.receive().await.starts_with("44/random"));
    bob.emit("newMessage", json!({"name": "bob", "text": "hei"})).await;
    bob.hears("messages").await;
    ada.send("40").await;
    assert!(ada.receive().await.starts_with("40{"));
    assert_eq!(ada.hears("messages").await, json!([{"name": "bob", "text": "hei"}]));
}

#[tokio::test]
async fn what_is_no_packet_closes_the_connection() {
    let server = TestServer::start().await;
    for packet in [
        "4abc",
        "42{}",
        "42[]",
        "42",
        r#"42abc["message-with-ack",1,"2",{"3":[false]}]"#,
        r#"42["disconnect"]"#,
        r#"45["a"]"#,
        r#"459-["a"]"#,
    ] {
        let Client::WebSocket(mut ws) = Client::websocket(&server).await else { unreachable!() };
        ws.send(packet).await;
        assert_eq!(ws.receive().await, Received::Closed(Some(1002)), "{packet}");
    }
}

#[tokio::test]
async fn attachments_follow_at_once_or_the_connection_is_closed() {
    let server = TestServer::start().await;
    let header = r#"451-["image",{"_placeholder":true,"num":0}]"#;
    let Client::WebSocket(mut ws) = Client::websocket(&server).await else { unreachable!() };
    ws.send(header).await;
    ws.send(r#"42["message","x"]"#).await;
    assert_eq!(ws.receive().await, Received::Closed(Some(1002)));
    let Client::WebSocket(mut ws) = Client::websocket(&server).await else { unreachable!() };
    ws.send_binary(vec![1, 2, 3]).await;
    assert_eq!(ws.receive().await, Received::Closed(Some(1002)));
}
