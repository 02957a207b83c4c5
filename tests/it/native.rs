//! What the native door says to what it is told.

use serde_json::{Value, json};
use tests::{NativeClient, Received, TestServer};

async fn client() -> (TestServer, NativeClient) {
    let server = TestServer::start().await;
    let client = server.native("room=n&name=ada").await;
    (server, client)
}

#[tokio::test]
async fn the_welcome_says_all_that_a_client_needs() {
    let (_server, client) = client().await;
    let Value::Object(welcome) = &client.welcome else { panic!("an object") };
    let keys: Vec<_> = welcome.keys().map(String::as_str).collect();
    assert_eq!(keys.len(), 9);
    for key in ["type", "room", "name", "session", "epoch", "offset", "head", "members", "durability"] {
        assert!(keys.contains(&key), "{key}");
    }
    assert_eq!((&client.welcome["room"], &client.welcome["name"]), (&json!("n"), &json!("ada")));
    assert!(client.welcome["session"].as_str().unwrap().len() >= 22);
}

#[tokio::test]
async fn who_gives_no_name_is_a_guest_in_the_lobby() {
    let server = TestServer::start().await;
    let client = server.native("").await;
    let name = client.welcome["name"].as_str().unwrap();
    assert!(name.starts_with("guest-") && name.len() == 10, "{name}");
    assert_eq!(client.welcome["room"], "lobby");
}

#[tokio::test]
async fn a_chat_message_is_acked_and_told_to_all() {
    let (server, mut ada) = client().await;
    let mut bob = server.native("room=n&name=bob").await;
    ada.send(json!({"type": "chat", "text": "hei", "id": "c1", "unknown": 1})).await;
    let ack = ada.next(&["ack"]).await;
    assert_eq!(ack, json!({"type": "ack", "id": "c1", "offset": 1, "epoch": ada.welcome["epoch"]}));
    for client in [&mut ada, &mut bob] {
        let mut chat = client.next(&["chat"]).await;
        let time = chat["time"].take();
        let time = time.as_str().unwrap();
        assert!(time.len() == 24 && time.ends_with('Z') && time.as_bytes()[10] == b'T', "{time}");
        let expected =
            json!({"type": "chat", "room": "n", "offset": 1, "time": null, "from": "ada", "text": "hei", "id": "c1"});
        assert_eq!(chat, expected);
    }
}

#[tokio::test]
async fn what_makes_no_sense_is_an_error_and_the_connection_lives() {
    let (_server, mut ada) = client().await;
    let deep = format!(r#"{{"type":"data","data":{}{}}}"#, "[".repeat(65), "]".repeat(65));
    let deepest = format!(r#"{{"type":"chat","text":{}"#, "[".repeat(1 << 20));
    let long = format!(r#"{{"type":"chat","text":"{}","id":"c"}}"#, "x".repeat(16 * 1024 + 1));
    let large = format!(r#"{{"type":"data","data":"{}","id":"c"}}"#, "x".repeat(64 * 1024));
    for (text, code, id) in [
        ("hello", "bad_json", None),
        ("[]", "bad_json", None),
        ("{", "bad_json", None),
        (deepest.as_str(), "bad_json", None),
        (r#"{"text":"hei"}"#, "bad_field", None),
        (r#"{"type":"sing","id":"c"}"#, "unknown_type", Some("c")),
        (r#"{"type":"chat","id":"c"}"#, "bad_field", Some("c")),
        (r#"{"type":"chat","text":1,"id":"c"}"#, "bad_field", Some("c")),
        (r#"{"type":"chat","text":"hei","id":1}"#, "bad_field", None),
        (r#"{"type":"image","id":"c"}"#, "bad_field", Some("c")),
        (r#"{"type":"image","data":"!!!","id":"c"}"#, "not_an_image", Some("c")),
        (long.as_str(), "too_large", Some("c")),
        (large.as_str(), "too_large", Some("c")),
        (deep.as_str(), "too_large", None),
    ] {
        ada.ws().send(text).await;
        let error = ada.next(&["error"]).await;
        let shown = &text[..text.len().min(60)];
        assert_eq!(error["code"], code, "{shown}");
        assert_eq!(error.get("id").and_then(Value::as_str), id, "{shown}");
        assert!(!error["message"].as_str().unwrap().is_empty());
    }
    ada.send(json!({"type": "ping", "id": "p1"})).await;
    assert_eq!(ada.next(&["pong"]).await, json!({"type": "pong", "id": "p1"}));
}

#[tokio::test]
async fn markup_passes_as_it_is() {
    let server = TestServer::start().await;
    let mut client = server.native("room=n&name=%3Cb%3Eada%26amp%3B%3C%2Fb%3E").await;
    client.say("<script>alert(\"1\")</script>&amp;\u{0}\u{2028}").await;
    let chat = client.next(&["chat"]).await;
    assert_eq!((&client.welcome["name"], &chat["from"]), (&json!("<b>ada&amp;</b>"), &json!("<b>ada&amp;</b>")));
    assert_eq!(chat["text"], "<script>alert(\"1\")</script>&amp;\u{0}\u{2028}");
}

#[tokio::test]
async fn repeated_nonsense_closes_with_1008() {
    let (_server, mut ada) = client().await;
    for _ in 0..101 {
        ada.ws().send("nonsense").await;
    }
    assert_eq!(ada.closed().await, Some(1008));
}

#[tokio::test]
async fn text_above_the_frame_bound_closes_with_1009() {
    let (_server, mut ada) = client().await;
    let mut socket = _server.socket().await;
    assert_eq!(socket.upgrade("/ws").await, 101);
    // A header that declares 9 MiB of text: refused before any of it comes.
    let mut header = vec![0x81, 0xFF];
    header.extend((9u64 << 20).to_be_bytes());
    header.extend([0; 4]);
    socket.send(&header).await;
    let code = loop {
        let frame = socket.frame().await.expect("a close frame");
        if let Some(code) = frame.close_code() {
            break code;
        }
    };
    assert_eq!(code, 1009);
    ada.say("the others live").await;
    assert_eq!(ada.hears().await, "the others live");
}

#[tokio::test]
async fn a_good_bye_is_answered() {
    let server = TestServer::start().await;
    for path in ["/ws", "/ws/raw/x", "/ws/image"] {
        let mut ws = server.ws(path).await;
        if path == "/ws" {
            assert!(matches!(ws.receive().await, Received::Text(_)));
        }
        // Without a code there is none in the answer (RFC 6455 §7.1.5).
        let code = ws.close().await;
        assert!(matches!(code, None | Some(1000 | 1005)), "{path}: {code:?}");
    }
}
