//! What a peer that does nothing wrong is told over the bare wire.

use serde_json::{Value, json};
use tests::{Frame, RawSocket, TestServer};

fn masked(head: u8, payload: &[u8]) -> Vec<u8> {
    RawSocket::masked(head, payload)
}

/// All frames that the server answers an input with, the close frame included.
async fn conversation(path: &str, input: &[u8], cut: usize) -> Vec<Frame> {
    let server = TestServer::start().await;
    let mut socket = server.socket().await;
    assert_eq!(socket.upgrade(path).await, 101);
    for part in input.chunks(cut) {
        socket.send(part).await;
    }
    let mut frames = Vec::new();
    while let Some(frame) = socket.frame().await {
        frames.push(frame);
    }
    frames
}

#[tokio::test]
async fn input_in_single_bytes_is_the_same_conversation_at_the_raw_door() {
    let parts = [
        masked(0x81, "æøå 😀".as_bytes()),
        // A letter is split between two fragments, and a pong stands between them.
        masked(0x01, b"\xC3"),
        masked(0x8A, b"unasked"),
        masked(0x80, b"\xA6"),
        masked(0x82, &[7; 300]),
        masked(0x82, &[8; 70_000]),
        masked(0x81, b""),
        masked(0x88, &1000u16.to_be_bytes()),
    ];
    let input = parts.concat();
    let expected = [
        (0x81, "æøå 😀".as_bytes().to_vec()),
        (0x81, "æ".as_bytes().to_vec()),
        (0x82, vec![7; 300]),
        (0x82, vec![8; 70_000]),
        (0x81, Vec::new()),
        (0x88, 1000u16.to_be_bytes().to_vec()),
    ]
    .map(|(head, payload)| Frame { head, payload });
    for cut in [input.len(), 1000, 1] {
        assert_eq!(conversation("/ws/raw/c", &input, cut).await, expected, "in parts of {cut}");
    }
}

#[tokio::test]
async fn input_in_single_bytes_is_the_same_conversation_at_the_native_door() {
    let input = [
        masked(0x81, br#"{"type":"chat","text":"hei","id":"1"}"#),
        masked(0x81, b"nonsense"),
        masked(0x01, br#"{"type":"data","da"#),
        masked(0x80, br#"ta":[1],"id":"2"}"#),
        masked(0x81, br#"{"type":"ping","id":"3"}"#),
        masked(0x88, &1000u16.to_be_bytes()),
    ]
    .concat();
    for cut in [input.len(), 1] {
        let mut frames = conversation("/ws?room=c&name=ada", &input, cut).await;
        assert_eq!(frames.pop().unwrap().close_code(), Some(1000));
        let told: Vec<Value> = frames.iter().map(|frame| serde_json::from_slice(&frame.payload).unwrap()).collect();
        let of = |kind: &str| told.iter().filter(|message| message["type"] == kind).collect::<Vec<_>>();
        assert_eq!(told[0]["type"], "welcome");
        assert_eq!((&of("chat")[0]["text"], &of("data")[0]["data"]), (&json!("hei"), &json!([1])));
        let acks: Vec<_> = of("ack").iter().map(|ack| (&ack["id"], &ack["offset"])).collect();
        assert_eq!(acks, [(&json!("1"), &json!(1)), (&json!("2"), &json!(2))], "in parts of {cut}");
        assert_eq!((of("error").len(), &of("error")[0]["code"]), (1, &json!("bad_json")));
        assert_eq!(of("pong"), [&json!({"type": "pong", "id": "3"})]);
    }
}

#[tokio::test]
async fn of_several_pings_the_latest_is_always_answered_and_none_twice() {
    // RFC 6455 §5.5.3: earlier ones may be left out, as they are while their answers cannot be sent yet.
    let pings = (0..20u8).flat_map(|number| masked(0x89, &[number])).collect::<Vec<_>>();
    let server = TestServer::start().await;
    let mut socket = server.socket().await;
    assert_eq!(socket.upgrade("/ws/raw/c").await, 101);
    socket.send(&pings).await;
    socket.send(&masked(0x81, b"next")).await;
    let mut answered = Vec::new();
    let mut next = 0;
    while answered.last() != Some(&19) || next == 0 {
        let frame = socket.frame().await.unwrap();
        match frame.head {
            0x8A => answered.push(frame.payload[0]),
            head => {
                assert_eq!((head, frame.payload.as_slice()), (0x81, &b"next"[..]));
                next += 1;
            }
        }
    }
    assert!(answered.is_sorted_by(|earlier, later| earlier < later), "{answered:?}");
    socket.send(&masked(0x88, b"")).await;
    assert_eq!(socket.frame().await, Some(Frame { head: 0x88, payload: Vec::new() }), "nothing is left to say");
}
