//! Bad frames over a raw socket: each gets its close frame, and then the end.

use tests::{RawSocket, TestServer};

async fn check(input: &[u8], code: u16) {
    let server = TestServer::with(|config| config.raw_message_max_bytes = 1000).await;
    for cut in [input.len(), 1] {
        let mut socket = server.socket().await;
        assert_eq!(socket.upgrade("/ws/raw/frames").await, 101);
        for part in input.chunks(cut) {
            socket.send(part).await;
        }
        let frame = socket.frame().await.expect("a close frame");
        assert_eq!(frame.close_code(), Some(code), "in parts of {cut}: {frame:?}");
        assert_eq!(socket.frame().await, None, "the end follows the close frame");
    }
}

macro_rules! refused {
    ($($name:ident: $input:expr => $code:literal;)*) => {$(
        #[tokio::test]
        async fn $name() {
            let input: Vec<u8> = $input.into();
            check(&input, $code).await;
        }
    )*};
}

fn masked(head: u8, payload: &[u8]) -> Vec<u8> {
    RawSocket::masked(head, payload)
}

/// A header that says more than follows.
fn header(bytes: &[u8]) -> Vec<u8> {
    [bytes, &[0; 4]].concat()
}

refused! {
    an_unmasked_frame: b"\x81\x02hi" => 1002;
    a_reserved_bit: masked(0xC1, b"hi") => 1002;
    another_reserved_bit: masked(0x91, b"hi") => 1002;
    a_reserved_data_opcode: masked(0x83, b"hi") => 1002;
    a_reserved_control_opcode: masked(0x8B, b"hi") => 1002;
    a_stray_continuation: masked(0x80, b"hi") => 1002;
    text_inside_fragments: [masked(0x01, b"a"), masked(0x81, b"b")].concat() => 1002;
    a_long_control_frame: masked(0x89, &[0; 126]) => 1002;
    a_fragmented_control_frame: masked(0x09, b"hi") => 1002;
    a_close_payload_of_one_byte: masked(0x88, b"x") => 1002;
    close_code_999: masked(0x88, &999u16.to_be_bytes()) => 1002;
    close_code_1005: masked(0x88, &1005u16.to_be_bytes()) => 1002;
    close_code_5000: masked(0x88, &5000u16.to_be_bytes()) => 1002;
    a_length_with_bit_63: header(b"\x82\xFF\x80\0\0\0\0\0\0\x01") => 1002;
    a_length_that_is_not_minimal: header(b"\x82\xFE\0\x05") => 1002;
    invalid_utf8_in_text: masked(0x81, b"\xC0\x80") => 1007;
    invalid_utf8_in_a_close_reason: masked(0x88, b"\x03\xE8\xFF") => 1007;
    a_declared_length_over_the_bound: header(b"\x82\xFE\x03\xE9") => 1009;
    fragments_that_sum_past_the_bound: [masked(0x02, &[0; 600]), masked(0x80, &[0; 600])].concat() => 1009;
    too_many_empty_fragments: [masked(0x02, b""), masked(0x00, b"").repeat(1025)].concat() => 1008;
}

#[tokio::test]
async fn a_close_is_answered_with_its_code() {
    check(&masked(0x88, &1000u16.to_be_bytes()), 1000).await;
    check(&masked(0x88, b"\x0f\xa0bye"), 4000).await;
}

#[tokio::test]
async fn a_ping_is_answered_with_its_payload_also_between_fragments() {
    let server = TestServer::start().await;
    let mut socket = server.socket().await;
    assert_eq!(socket.upgrade("/ws/raw/frames").await, 101);
    socket.send(&masked(0x01, b"he")).await;
    socket.send(&masked(0x89, b"are you there?")).await;
    let pong = socket.frame().await.unwrap();
    assert_eq!((pong.head, pong.payload.as_slice()), (0x8A, &b"are you there?"[..]));
    socket.send(&masked(0x80, b"i")).await;
    let message = socket.frame().await.unwrap();
    assert_eq!((message.head, message.payload.as_slice()), (0x81, &b"hei"[..]));
}

#[tokio::test]
async fn frames_that_come_with_the_handshake_are_not_lost() {
    let server = TestServer::start().await;
    let mut socket = server.socket().await;
    let handshake = "GET /ws/raw/early HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: keep-alive, \
                     Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let mut bytes = handshake.as_bytes().to_vec();
    bytes.extend(masked(0x81, b"early"));
    socket.send(&bytes).await;
    let (status, head) = socket.request("").await;
    assert_eq!(status, 101);
    assert!(head.to_lowercase().contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="), "{head}");
    assert_eq!(socket.frame().await.unwrap().payload, b"early");
}

#[tokio::test]
async fn a_message_of_many_fragments_is_one_message() {
    let server = TestServer::start().await;
    let mut socket = server.socket().await;
    assert_eq!(socket.upgrade("/ws/raw/frames").await, 101);
    let mut bytes = masked(0x02, &[0; 1000]);
    for part in 1..100u8 {
        bytes.extend(masked(0x00, &[part; 1000]));
    }
    bytes.extend(masked(0x80, b""));
    socket.send(&bytes).await;
    let message = socket.frame().await.unwrap();
    let expected: Vec<u8> = (0..100u8).flat_map(|part| [part; 1000]).collect();
    assert_eq!((message.head, message.payload == expected), (0x82, true));
}

#[tokio::test]
async fn a_flood_of_pings_is_closed_with_1008() {
    let server = TestServer::start().await;
    let mut socket = server.socket().await;
    assert_eq!(socket.upgrade("/ws/raw/frames").await, 101);
    socket.send(&masked(0x89, b"ping").repeat(1500)).await;
    let code = loop {
        let frame = socket.frame().await.expect("a close frame");
        if let Some(code) = frame.close_code() {
            break code;
        }
    };
    assert_eq!(code, 1008);
}

#[tokio::test]
async fn what_was_said_right_before_a_good_bye_is_answered_before_it() {
    let server = TestServer::start().await;
    let mut socket = server.socket().await;
    assert_eq!(socket.upgrade("/ws/raw/bye").await, 101);
    let mut bytes = masked(0x81, b"hei").repeat(500);
    bytes.extend(masked(0x88, &1000u16.to_be_bytes()));
    socket.send(&bytes).await;
    for _ in 0..500 {
        assert_eq!(socket.frame().await.unwrap().payload, b"hei");
    }
    assert_eq!(socket.frame().await.unwrap().close_code(), Some(1000));
}
