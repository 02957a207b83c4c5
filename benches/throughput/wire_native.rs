//! A chat message through the native door's codecs: in as a masked frame that
//! holds a JSON command, out as an unmasked frame that holds a JSON message.

use std::hint::black_box;

use benches::frame::{self, masked_frame};
use bytes::BytesMut;
use criterion::{BenchmarkId, Criterion, Throughput};
use wire::native::{self, Command, Message, NativeLimits};
use wire::websocket::{Decoder, DecoderLimits, Event, Opcode, put_frame_with};

const SIZES: [(&str, usize); 2] = [("100B", 100), ("16KiB", 16 << 10)];

/// Prose with a letter outside ASCII now and then, and nothing to escape.
const PROSE: &str = "En megafon for negativer: den som roper i et rom, høres av alle som er der. ";

fn text(bytes: usize) -> String {
    let prose = PROSE.repeat(bytes / PROSE.len() + 1);
    prose[..prose.floor_char_boundary(bytes)].to_owned()
}

pub(crate) fn decode_chat(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("wire/decode_chat");
    let limits = NativeLimits::default();
    for (size, bytes) in SIZES {
        let command = serde_json::json!({ "type": "chat", "text": text(bytes), "id": "c1" }).to_string();
        let frame = masked_frame(frame::Opcode::Text, command.as_bytes());
        let mut decoder = Decoder::new(DecoderLimits::default());
        group.throughput(Throughput::Bytes(frame.len() as u64));
        group.bench_with_input(BenchmarkId::from_parameter(size), &frame, |bencher, frame| {
            bencher.iter(|| {
                let mut input = black_box(frame.as_slice());
                let event = decoder.next(&mut input).expect("the frame is right");
                let Some(Event::Text(text)) = event else { panic!("a text message became {event:?}") };
                let command = native::parse(text.as_str(), &limits).expect("the command is right");
                let Command::Chat { text, .. } = &command else { panic!("a chat command became {command:?}") };
                text.len()
            });
        });
    }
    group.finish();
}

pub(crate) fn encode_chat(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("wire/encode_chat");
    for (size, bytes) in SIZES {
        let text = text(bytes);
        let message = Message::Chat {
            room: "lobby",
            offset: 123_456,
            time: "2026-11-21T22:17:03.120Z",
            from: "ada",
            text: &text,
            id: Some("c1"),
        };
        let mut out = BytesMut::new();
        put(&message, &mut out);
        group.throughput(Throughput::Bytes(out.len() as u64));
        group.bench_with_input(BenchmarkId::from_parameter(size), &message, |bencher, message| {
            bencher.iter(|| {
                out.clear();
                put(black_box(message), &mut out);
                out.len()
            });
        });
    }
    group.finish();
}

fn put(message: &Message<'_>, out: &mut BytesMut) {
    put_frame_with(out, Opcode::Text, |out| message.put(out));
}
