//! Any bytes, cut anywhere, to a session of a real server: what it makes of
//! them is what the decoder makes of all of them at once.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tests::{RawSocket, TestServer};
use wire::websocket::{Decoder, DecoderLimits, Event};

const MESSAGE_MAX_BYTES: usize = 300;

/// First bytes of frames: mostly those that there are.
fn head() -> impl Strategy<Value = u8> {
    prop_oneof![
        12 => prop::sample::select(vec![0x81_u8, 0x82, 0x01, 0x02, 0x00, 0x80, 0x89, 0x8A]),
        1 => Just(0x88_u8),
        1 => any::<u8>(),
    ]
}

/// Text for the most part, and of a length that may be too long.
fn payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => "[a-zæ€😀]{0,12}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..20),
        1 => (100..MESSAGE_MAX_BYTES + 20).prop_map(|length| vec![b'x'; length]),
    ]
}

/// Frames, and what somebody may have made of them on the way.
#[derive(Debug, Clone)]
struct Input {
    frames: Vec<(u8, Vec<u8>)>,
    flipped: Option<(prop::sample::Index, u8)>,
    missing_bytes: usize,
}

impl Input {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> =
            self.frames.iter().flat_map(|(head, payload)| RawSocket::masked(*head, payload)).collect();
        if let Some((place, bits)) = self.flipped {
            let place = place.index(bytes.len());
            bytes[place] ^= bits;
        }
        bytes.truncate(bytes.len() - self.missing_bytes.min(bytes.len()));
        bytes
    }
}

fn input() -> impl Strategy<Value = Input> {
    let frames = prop::collection::vec((head(), payload()), 1..12);
    let flipped = prop::option::weighted(0.3, (any::<prop::sample::Index>(), any::<u8>()));
    (frames, flipped, prop_oneof![3 => Just(0), 1 => 1..8_usize]).prop_map(|(frames, flipped, missing_bytes)| Input {
        frames,
        flipped,
        missing_bytes,
    })
}

/// What others hear, and what comes back.
#[derive(Debug, Default, PartialEq, Eq)]
struct Meaning {
    /// First byte and payload.
    messages: Vec<(u8, Vec<u8>)>,
    pongs: Vec<Vec<u8>>,
    /// The code of the close frame, if it has one, where the session ends.
    end: Option<Option<u16>>,
}

/// What a decoder makes of bytes in one piece, and how many of them it reads.
fn meaning(bytes: &[u8]) -> (Meaning, usize) {
    let max = MESSAGE_MAX_BYTES;
    let limits = DecoderLimits { message_max_bytes: max, text_max_bytes: max, ..DecoderLimits::default() };
    let (mut decoder, mut rest, mut meaning) = (Decoder::new(limits), bytes, Meaning::default());
    while meaning.end.is_none() {
        match decoder.next(&mut rest) {
            Ok(None) => break,
            Ok(Some(Event::Text(text))) => meaning.messages.push((0x81, text.as_bytes().to_vec())),
            Ok(Some(Event::Binary(bytes))) => meaning.messages.push((0x82, bytes.to_vec())),
            Ok(Some(Event::Ping(payload))) => meaning.pongs.push(payload.as_ref().to_vec()),
            Ok(Some(Event::Pong(_) | Event::Begins { .. })) => {}
            Ok(Some(Event::Close(reason))) => meaning.end = Some(reason.map(|reason| reason.code.as_u16())),
            Err(error) => meaning.end = Some(Some(error.close_code().as_u16())),
        }
    }
    (meaning, bytes.len() - rest.len())
}

/// The next message that somebody hears: the server's pings are none.
async fn message(socket: &mut RawSocket) -> (u8, Vec<u8>) {
    loop {
        let frame = socket.frame().await.expect("the room goes on");
        if frame.head != 0x89 {
            return (frame.head, frame.payload);
        }
    }
}

/// The pings whose answers these are. RFC 6455 §5.5.3: pings that come while
/// another answer is under way are answered by the last one's alone.
fn all_pings(pongs: &[Vec<u8>], pings: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut rest = pings.iter();
    let are_in_order = pongs.iter().all(|pong| rest.any(|ping| ping == pong));
    if are_in_order && pongs.last() == pings.last() { pings.to_vec() } else { pongs.to_vec() }
}

/// Sends the pieces, and watches what they do.
async fn watch(server: &TestServer, room: &str, pieces: impl Iterator<Item = &[u8]>, expected: &Meaning) -> Meaning {
    let path = format!("/ws/raw/{room}");
    let (mut observer, mut sender) = (server.socket().await, server.socket().await);
    assert_eq!((observer.upgrade(&path).await, sender.upgrade(&path).await), (101, 101));
    // Heard by the observer, it is seated.
    observer.send(&RawSocket::masked(0x81, b"begin")).await;
    assert_eq!(message(&mut observer).await.1, b"begin");
    for piece in pieces {
        sender.send(piece).await;
    }
    let mut found = Meaning::default();
    // Where the session does not end, it owes an answer to the last ping.
    while expected.end.is_some() || found.pongs.last() != expected.pongs.last() {
        let Some(frame) = sender.frame().await else { break };
        match frame.head {
            0x8A => found.pongs.push(frame.payload),
            0x88 => found.end = Some(frame.close_code()),
            // It hears itself, too, in no order with its private answers.
            _ => {}
        }
    }
    found.pongs = all_pings(&found.pongs, &expected.pongs);
    while found.messages.len() < expected.messages.len() {
        found.messages.push(message(&mut observer).await);
    }
    observer.send(&RawSocket::masked(0x81, b"end")).await;
    assert_eq!(message(&mut observer).await.1, b"end", "more was heard than was said");
    found
}

#[test]
fn any_bytes_mean_the_same_however_they_are_cut() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(TestServer::with(|config| config.raw_message_max_bytes = MESSAGE_MAX_BYTES));
    let rooms = AtomicUsize::new(0);
    // Each is four connections: fewer than usual, where nobody asks for more.
    let cases = std::env::var("PROPTEST_CASES").map_or(64, |cases| cases.parse().expect("a number"));
    let mut runner = TestRunner::new(ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() });
    let cuts = prop::collection::vec(1..30_usize, 1..20);
    let result = runner.run(&(input(), cuts), |(input, cuts)| {
        let bytes = input.bytes();
        let (expected, read_bytes) = meaning(&bytes);
        // Behind its end, a session may be gone before all is sent.
        let bytes = &bytes[..read_bytes];
        let (mut rest, mut cuts) = (bytes, cuts.iter().cycle());
        let pieces = std::iter::from_fn(|| {
            let (piece, behind) = rest.split_at(rest.len().min(*cuts.next()?));
            rest = behind;
            (!piece.is_empty()).then_some(piece)
        });
        let room = rooms.fetch_add(1, Relaxed);
        let cut = runtime.block_on(watch(&server, &format!("~cut{room}"), pieces, &expected));
        prop_assert_eq!(&cut, &expected);
        let whole = runtime.block_on(watch(&server, &format!("~whole{room}"), std::iter::once(bytes), &expected));
        prop_assert_eq!(&whole, &expected);
        Ok(())
    });
    result.unwrap();
}
