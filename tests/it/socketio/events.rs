//! What events do: dialects, rooms, pictures, acks, refusals.

use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::{ImageFormat, Rgb, RgbImage};
use serde_json::{Value, json};
use tests::{Received, TestServer};

use super::{Client, TRANSPORTS, event};
use crate::images::{check_png, png};

#[tokio::test]
async fn each_dialect_is_answered_in_its_own_events() {
    let server = TestServer::start().await;
    for transport in TRANSPORTS {
        let mut ada = Client::by(transport, &server).await;
        ada.emit("newMessage", json!({"name": "ada", "text": "<b>"})).await;
        assert_eq!(ada.hears("messages").await, json!([{"name": "ada", "text": "<b>"}]));
    }
    for transport in TRANSPORTS {
        let mut bob = Client::by(transport, &server).await;
        for (value, shown) in [
            (json!("it's <b>"), json!("Server received: it&#39;s &lt;b&gt;")),
            (json!({"a": [1.5, null]}), json!(r#"Server received: {"a":[1.5,null]}"#)),
            (json!(7), json!("Server received: 7")),
        ] {
            bob.emit("message", value.clone()).await;
            assert_eq!(bob.hears("response").await, json!({"data": shown}));
            assert_eq!(bob.hears("my response").await, value);
        }
    }
    for transport in TRANSPORTS {
        let mut eve = Client::by(transport, &server).await;
        eve.emit("receive_msg", json!({"user_name": "eve", "message": "<i>", "more": 1})).await;
        let expected = json!({"user_name": "eve", "message": "&lt;i&gt;", "more": 1});
        assert_eq!(eve.hears("the_response").await, expected);
    }
}

#[tokio::test]
async fn dialects_hear_each_other_and_who_is_silent_hears_all() {
    let server = TestServer::start().await;
    let mut silent = Client::websocket(&server).await;
    let mut ada = Client::websocket(&server).await;
    let mut eve = Client::polling(&server).await;
    let mut native = server.native("room=lobby&name=nat").await;
    ada.emit("newMessage", json!({"name": "ada", "text": "hei"})).await;
    assert_eq!(ada.hears("messages").await, json!([{"name": "ada", "text": "hei"}]));
    for client in [&mut silent, &mut eve] {
        assert_eq!(client.hears("messages").await, json!([{"name": "ada", "text": "hei"}]));
        assert_eq!(client.hears("response").await, json!({"data": "Server received: ada: hei"}));
        assert_eq!(client.hears("my response").await, json!("ada: hei"));
        assert_eq!(client.hears("the_response").await, json!({"user_name": "ada", "message": "hei"}));
    }
    eve.emit("receive_msg", json!({"user_name": "eve", "message": {"x": 1}})).await;
    assert_eq!(eve.hears("the_response").await, json!({"user_name": "eve", "message": {"x": 1}}));
    assert_eq!(ada.hears("messages").await, json!([{"name": "eve", "text": "{\"x\":1}"}]));
    native.say("from native").await;
    assert_eq!(ada.hears("messages").await, json!([{"name": "nat", "text": "from native"}]));
    assert_eq!(eve.hears("the_response").await, json!({"user_name": "nat", "message": "from native"}));
    assert_eq!(native.hears().await, "hei");
    assert_eq!(native.next(&["data"]).await["data"], json!({"x": 1}));
    // Who speaks two dialects hears both.
    ada.emit("message", json!("two")).await;
    let names = [ada.receive().await, ada.receive().await, ada.receive().await].map(|packet| event(&packet).0);
    assert_eq!(names, ["messages", "response", "my response"]);
}

#[tokio::test]
async fn one_senders_thousand_messages_arrive_in_order_by_either_transport() {
    const MESSAGES: usize = 1000;
    let server = TestServer::start().await;
    let mut listeners = [Client::polling(&server).await, Client::websocket(&server).await];
    let mut raw = server.ws("/ws/raw/lobby").await;
    for (round, transport) in TRANSPORTS.into_iter().enumerate() {
        let mut speaker = Client::by(transport, &server).await;
        // All before anybody reads: several hundred packets are queued, and none is dropped.
        match &mut speaker {
            Client::WebSocket(_) => {
                for number in 0..MESSAGES {
                    speaker.emit("newMessage", json!({"name": "ada", "text": format!("{round} {number}")})).await;
                }
            }
            Client::Polling(polling) => {
                let packets: Vec<String> = (0..MESSAGES)
                    .map(|number| format!(r#"42["newMessage",{{"name":"ada","text":"{round} {number}"}}]"#))
                    .collect();
                polling.send(packets.join("\u{1e}")).await;
            }
        }
        for number in 0..MESSAGES {
            let expected = json!([{"name": "ada", "text": format!("{round} {number}")}]);
            assert_eq!(speaker.hears("messages").await, expected);
            for listener in &mut listeners {
                assert_eq!(listener.hears("messages").await, expected);
                for other in ["response", "my response", "the_response"] {
                    listener.hears(other).await;
                }
            }
            assert_eq!(raw.receive().await, Received::Text(format!("ada: {round} {number}")));
        }
    }
}

#[tokio::test]
async fn acks_say_where_a_message_is_stored() {
    let server = TestServer::start().await;
    let mut ada = Client::websocket(&server).await;
    let epoch = server.native("room=lobby").await.welcome["epoch"].clone();
    ada.send(r#"4212["newMessage",{"name":"ada","text":"hei"}]"#).await;
    let (first, second) = (ada.receive().await, ada.receive().await);
    let ack = if first.starts_with("43") { first } else { second };
    let ack: Value = serde_json::from_str(ack.strip_prefix("4312").unwrap()).unwrap();
    assert_eq!(ack, json!([{"offset": 1, "epoch": epoch}]));
}

#[tokio::test]
async fn refusals_are_events_and_acks_and_the_connection_lives() {
    let server = TestServer::start().await;
    for transport in TRANSPORTS {
        let mut ada = Client::by(transport, &server).await;
        ada.send(r#"427["foo","bar"]"#).await;
        let refused = ada.hears("refused").await;
        assert_eq!((&refused["code"], &refused["event"]), (&json!("unknown_type"), &json!("foo")));
        let ack = ada.receive().await;
        assert_eq!(serde_json::from_str::<Value>(ack.strip_prefix("437").unwrap()).unwrap(), json!([refused]));
        for (name, value, code) in [
            ("newMessage", json!({"name": "\u{202e}", "text": "hei"}), "bad_field"),
            ("newMessage", json!({"name": "ada"}), "bad_field"),
            ("message", json!("x".repeat(16_385)), "too_large"),
            ("receive_msg", json!({"user_name": "a", "message": "b", "room": "no room"}), "bad_field"),
            ("leave", json!({"room": "elsewhere"}), "bad_field"),
            ("image", json!("not bytes"), "bad_field"),
        ] {
            ada.emit(name, value).await;
            assert_eq!(ada.hears("refused").await["code"], code, "{name}");
        }
        ada.emit("newMessage", json!({"name": "ada", "text": "still here"})).await;
        assert_eq!(ada.hears("messages").await, json!([{"name": "ada", "text": "still here"}]));
    }
}

#[tokio::test]
async fn a_flood_is_refused_over_the_rate() {
    let server = TestServer::with(|config| config.rates = negaphone::config::RateLimiting::On).await;
    let mut ada = Client::websocket(&server).await;
    for _ in 0..400 {
        ada.emit("newMessage", json!({"name": "ada", "text": "hei"})).await;
    }
    let mut heard = 0;
    let refused = loop {
        match event(&ada.receive().await) {
            (name, value) if name == "refused" => break value,
            (name, _) => assert_eq!(name, "messages"),
        }
        heard += 1;
    };
    assert_eq!(refused["code"], "rate_limited");
    // The answers of the hub and of the door may overtake each other.
    assert!(heard <= 400, "{heard}");
}

#[tokio::test]
async fn rooms_are_joined_and_left() {
    let server = TestServer::start().await;
    let (mut ada, mut bob) = (Client::websocket(&server).await, Client::polling(&server).await);
    for client in [&mut ada, &mut bob] {
        client.send(r#"421["join",{"username":"ada","room":"den"}]"#).await;
        let ack = client.receive().await;
        let ack: Value = serde_json::from_str(ack.strip_prefix("431").unwrap()).unwrap();
        assert_eq!((&ack[0]["room"], &ack[0]["name"], &ack[0]["offset"]), (&json!("den"), &json!("ada"), &json!(0)));
    }
    let to_den = json!({"user_name": "ada", "message": "hei", "room": "den"});
    ada.emit("receive_msg", to_den.clone()).await;
    assert_eq!(ada.hears("the_response").await, to_den);
    bob.emit("receive_msg", json!({"user_name": "bob", "message": "to all"})).await;
    let heard = [bob.hears("messages").await, bob.hears("response").await];
    assert_eq!(heard[0], json!([{"name": "ada", "text": "hei"}]));
    assert_eq!((bob.hears("my response").await, bob.hears("the_response").await), (json!("ada: hei"), to_den));
    assert_eq!(bob.hears("the_response").await["message"], "to all");
    assert_eq!(ada.hears("the_response").await["message"], "to all");
    ada.send(r#"422["leave",{"username":"ada","room":"den"}]"#).await;
    assert_eq!(ada.receive().await, r#"432[{"room":"den"}]"#);
    bob.emit("receive_msg", json!({"user_name": "bob", "message": "alone", "room": "den"})).await;
    bob.emit("receive_msg", json!({"user_name": "bob", "message": "for both"})).await;
    assert_eq!(bob.hears("the_response").await["message"], "alone");
    assert_eq!(ada.hears("the_response").await["message"], "for both");
    // The name of the room is the one it was given.
    ada.emit("message", json!("named")).await;
    assert_eq!(bob.hears("the_response").await["message"], "for both");
    assert_eq!(bob.hears("the_response").await, json!({"user_name": "ada", "message": "named"}));
}

#[tokio::test]
async fn a_socket_is_in_sixteen_rooms_at_most() {
    let server = TestServer::start().await;
    let mut ada = Client::websocket(&server).await;
    for room in 1..16 {
        ada.send(format!(r#"42{room}["join",{{"room":"r{room}"}}]"#)).await;
        assert!(ada.receive().await.starts_with(&format!("43{room}[")));
    }
    ada.emit("join", json!({"room": "one too many"})).await;
    assert_eq!(ada.hears("refused").await["code"], "bad_field");
    ada.emit("join", json!({"room": "r16"})).await;
    assert_eq!(ada.hears("refused").await["code"], "too_many_rooms");
    let mut raw = server.ws("/ws/raw/r7").await;
    raw.send("hei").await;
    assert!(ada.hears("messages").await[0]["text"] == "hei");
}

#[tokio::test]
async fn a_room_is_joined_from_a_position() {
    let server = TestServer::start().await;
    let mut native = server.native("room=den&name=nat").await;
    for number in 0..10 {
        native.say(&number.to_string()).await;
    }
    while native.hears().await != "9" {}
    for (mut ada, since) in [(Client::polling(&server).await, 4), (Client::websocket(&server).await, 0)] {
        let join = json!(["join", {"room": "den", "since": since, "epoch": native.welcome["epoch"]}]);
        ada.send(format!("421{join}")).await;
        let ack = ada.receive().await;
        let ack: Value = serde_json::from_str(ack.strip_prefix("431").unwrap()).unwrap();
        assert_eq!((&ack[0]["recovered"], &ack[0]["offset"]), (&json!(true), &json!(since)));
        for number in since..10 {
            assert_eq!(ada.hears("messages").await, json!([{"name": "nat", "text": number.to_string()}]));
            for other in ["response", "my response", "the_response"] {
                ada.hears(other).await;
            }
        }
    }
}

#[tokio::test]
async fn pictures_come_back_as_negatives_to_the_sender_alone() {
    let server = TestServer::start().await;
    let picture = png(7);
    let attachment = format!("b{}", STANDARD.encode(&picture));
    let mut bob = Client::websocket(&server).await;
    for event_name in ["image", "message"] {
        let header = |id: &str| format!(r#"451-{id}["{event_name}",{{"_placeholder":true,"num":0}}]"#);
        let mut polling = Client::polling(&server).await;
        polling.send(format!("{}\u{1e}{attachment}", header(""))).await;
        let Client::WebSocket(mut ws) = Client::websocket(&server).await else { unreachable!() };
        ws.send(header("5")).await;
        ws.send_binary(picture.clone()).await;
        let mut ws = Client::WebSocket(ws);
        let placeholder = r#"{"_placeholder":true,"num":0}]"#;
        assert_eq!(polling.receive().await, format!(r#"451-["image",{placeholder}"#));
        let negative = polling.receive().await;
        assert_eq!(ws.receive().await, format!(r#"451-["image",{placeholder}"#));
        assert_eq!(ws.receive().await, negative);
        assert_eq!(ws.receive().await, format!("461-5[{placeholder}"));
        assert_eq!(ws.receive().await, negative);
        check_png(7, &STANDARD.decode(&negative[1..]).unwrap());
    }
    let Client::WebSocket(mut ws) = Client::websocket(&server).await else { unreachable!() };
    ws.send(r#"451-["image",{"_placeholder":true,"num":0}]"#).await;
    ws.send_binary(vec![1, 2, 3]).await;
    assert_eq!(Client::WebSocket(ws).hears("refused").await["code"], "not_an_image");
    bob.emit("message", json!("nothing came before this")).await;
    bob.hears("response").await;
}

/// A BMP of about so many bytes, all white.
fn white_bmp(bytes: u32) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    let image = RgbImage::from_pixel(1000, bytes / 3000, Rgb([255; 3]));
    image.write_to(&mut file, ImageFormat::Bmp).unwrap();
    file.into_inner()
}

#[tokio::test]
async fn a_picture_fills_a_packet_up_to_its_bound() {
    let server = TestServer::start().await;
    let header = r#"451-["image",{"_placeholder":true,"num":0}]"#;
    let Client::WebSocket(mut ws) = Client::websocket(&server).await else { unreachable!() };
    let picture = white_bmp(8_300_000);
    ws.send(header).await;
    ws.send_binary(picture.clone()).await;
    assert_eq!(ws.receive().await.text(), header);
    let negative = ws.receive().await.binary();
    assert_eq!((negative.len(), negative.last()), (picture.len(), Some(&0)));
    // Base64 takes a third more.
    let mut polling = Client::polling(&server).await;
    let picture = white_bmp(6_200_000);
    polling.send(format!("{header}\u{1e}b{}", STANDARD.encode(&picture))).await;
    assert_eq!(polling.receive().await, header);
    let negative = STANDARD.decode(&polling.receive().await[1..]).unwrap();
    assert_eq!((negative.len(), negative.last()), (picture.len(), Some(&0)));
    let Client::Polling(polling) = polling else { unreachable!() };
    let too_large = STANDARD.encode(white_bmp(6_400_000));
    assert_eq!(polling.post(format!("{header}\u{1e}b{too_large}")).await.status, 413);
}

#[tokio::test]
async fn members_of_the_door_are_counted_as_they_come_and_go() {
    let server = TestServer::start().await;
    let mut native = server.native("room=lobby").await;
    let ada = Client::polling(&server).await;
    assert_eq!(native.next(&["join"]).await["members"], 2);
    let bob = Client::websocket(&server).await;
    assert_eq!(native.next(&["join"]).await["members"], 3);
    drop(bob);
    assert_eq!(native.next(&["leave"]).await["members"], 2);
    let Client::Polling(ada) = ada else { unreachable!() };
    ada.send("41\u{1e}1").await;
    assert_eq!(native.next(&["leave"]).await["members"], 1);
}

#[tokio::test]
async fn a_client_that_vanishes_from_its_poll_leaves() {
    let server = TestServer::start().await;
    let mut native = server.native("room=lobby").await;
    let Client::Polling(ada) = Client::polling(&server).await else { unreachable!() };
    native.next(&["join"]).await;
    let sid = ada.open["sid"].as_str().unwrap();
    let mut socket = server.socket().await;
    let request = format!("GET /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nHost: x\r\n\r\n");
    socket.send(request.as_bytes()).await;
    drop(socket);
    assert_eq!(native.next(&["leave"]).await["members"], 1);
}

#[tokio::test]
async fn shutdown_says_goodbye_by_either_transport() {
    let server = TestServer::start().await;
    let Client::Polling(polling) = Client::polling(&server).await else { unreachable!() };
    let Client::WebSocket(mut ws) = Client::websocket(&server).await else { unreachable!() };
    let stopping = async {
        // Parked before it is answered that the server is ready.
        tokio::task::yield_now().await;
        assert_eq!(server.http().get("/health/ready", &[]).await.status, 200);
        server.stop();
    };
    let (parked, ()) = tokio::join!(polling.get(), stopping);
    assert_eq!((parked.status, &parked.body[..]), (200, &b"1"[..]));
    assert_eq!(ws.receive().await, Received::Closed(Some(1012)));
    server.stopped().await;
}
