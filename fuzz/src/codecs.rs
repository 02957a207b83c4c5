//! What the other doors read: packets, commands, forms, chunks of plain TCP.

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::Corpus;
use wire::html_json::{self, Strings};
use wire::native::{self, Command, NativeLimits};
use wire::socketio::{self, Args};
use wire::tcp_pair::{self, FIELD_MAX_BYTES, Field};
use wire::tcp_room::{CHUNK_MAX_BYTES, Chunk, Line, Parts, Splitter, is_http_request};
use wire::utf8::Utf8;
use wire::{base64_image, channels, engineio, htmx, image_json};

use crate::pieces::pieces;

/// Tight, so that every bound is met.
const MAX_BYTES: usize = 64;
const NATIVE: NativeLimits =
    NativeLimits { text_max_bytes: MAX_BYTES, data_max_bytes: MAX_BYTES, data_depth_max: 4, id_max_bytes: 8 };
const SOCKETIO: socketio::Limits =
    socketio::Limits { attachments_max: 2, packet_max_bytes: 2 * MAX_BYTES, namespace_max_bytes: 8 };

/// The first byte says who reads the others.
///
/// # Panics
///
/// When something does not hold.
pub fn check_codecs(input: &[u8]) -> Corpus {
    let Some((&which, bytes)) = input.split_first() else { return Corpus::Reject };
    let text = str::from_utf8(bytes);
    match (which % 8, text) {
        (0, Ok(text)) => check_native(text),
        (1, Ok(text)) => check_engineio(text),
        (2, _) => check_socketio(bytes),
        (3, Ok(text)) => check_images(text),
        (4, Ok(text)) => check_texts(text),
        (5, _) => check_splitter(bytes),
        (6, _) => check_fields(bytes),
        (7, Ok(text)) => check_html(text),
        _ => return Corpus::Reject,
    }
    Corpus::Keep
}

fn check_native(text: &str) {
    match native::parse(text, &NATIVE) {
        Ok(command) => {
            assert!(command.id().is_none_or(|id| (1..=NATIVE.id_max_bytes).contains(&id.len())), "{command:?}");
            match command {
                Command::Chat { text, .. } => assert!(text.len() <= NATIVE.text_max_bytes),
                Command::Data { data, .. } => {
                    assert!(data.get().len() <= NATIVE.data_max_bytes && text.contains(data.get()));
                }
                Command::Image { .. } | Command::Ping { .. } => {}
            }
        }
        Err(error) => {
            // What is told to the peer is no larger for what it sent.
            assert!(error.message.len() <= 4 * MAX_BYTES, "{error:?}");
        }
    }
}

fn check_engineio(text: &str) {
    for packet in engineio::packets(Utf8::from(text.to_owned())).flatten() {
        let mut out = BytesMut::new();
        engineio::put_packet(&mut out, &packet);
        let body = Utf8::try_from(out.freeze()).expect("packets are text");
        let again: Vec<_> = engineio::packets(body).collect();
        // Behind the last separator there is an empty packet.
        assert_eq!(again[0].as_ref(), Ok(&packet));
        assert_eq!(again.len(), 2);
    }
}

/// Messages with a byte of 0xFF between them, which no text has; those that are
/// no text are attachments.
fn check_socketio(bytes: &[u8]) {
    let mut decoder = socketio::Decoder::new(SOCKETIO);
    for message in bytes.split(|byte| *byte == 0xFF) {
        let decoded = match Utf8::try_from(Bytes::copy_from_slice(message)) {
            Ok(text) => decoder.text(&text),
            Err(_) => decoder.binary(Bytes::copy_from_slice(message)),
        };
        if let Ok(Some(packet)) = decoded {
            check_packet(&packet);
        }
    }
}

fn check_packet(packet: &socketio::Packet) {
    use socketio::Packet;
    let mut out = BytesMut::new();
    packet.put_text(&mut out);
    let text = Utf8::try_from(out.freeze()).expect("a packet is text");
    let mut decoder = socketio::Decoder::new(socketio::Limits::default());
    let mut again = decoder.text(&text).expect("a packet can be read again");
    if let Packet::Event { payload, .. } | Packet::Ack { payload, .. } = packet {
        assert!(payload.attachments.len() <= SOCKETIO.attachments_max);
        for attachment in &payload.attachments {
            assert_eq!(again, None);
            again = decoder.binary(attachment.clone()).expect("an attachment is due");
        }
        let args = Args::of(payload);
        assert!(args.is_none_or(|args| args.first.len() <= args.count));
    }
    assert_eq!(again.as_ref(), Some(packet));
}

fn check_images(text: &str) {
    if let Ok(image) = base64_image::decode(text, MAX_BYTES) {
        assert!(image.bytes.len() <= MAX_BYTES);
        let mut out = BytesMut::new();
        image_json::put_image(&mut out, image.notation, "image/png", &image.bytes);
        let again = image_json::parse(str::from_utf8(&out).expect("JSON"), MAX_BYTES).expect("our own image");
        assert_eq!(again.bytes, image.bytes);
    }
    if let Ok(image) = image_json::parse(text, MAX_BYTES) {
        assert!(image.bytes.len() <= MAX_BYTES);
    }
}

fn check_texts(text: &str) {
    if let Ok(message) = channels::parse(text, MAX_BYTES) {
        assert!(message.len() <= MAX_BYTES);
        let mut out = BytesMut::new();
        channels::put(&mut out, &message);
        assert_eq!(channels::parse(str::from_utf8(&out).expect("JSON"), MAX_BYTES).expect("our own"), message);
    }
    if let Ok(form) = htmx::parse(text, MAX_BYTES) {
        assert!(form.message.len() <= MAX_BYTES);
    }
}

/// The seed of the cuts stands first.
fn check_splitter(bytes: &[u8]) {
    let Some((&seed, bytes)) = bytes.split_first() else { return };
    // Less than a chunk of others may have, or more than a client receives at once.
    let max_bytes = if seed.is_multiple_of(2) { MAX_BYTES } else { 2 * CHUNK_MAX_BYTES };
    let whole = chunks(max_bytes, std::iter::once(bytes));
    assert_eq!(chunks(max_bytes, pieces(bytes, seed)), whole, "it matters how the bytes are cut");
    for sent in whole.0 {
        assert!(Parts::of(&sent).name().is_none_or(|name| sent.contains(name)));
        for shown in Line::as_sent(&sent).chunks().map(|parts| parts.concat()) {
            assert!(shown.len() <= CHUNK_MAX_BYTES, "{shown:?}");
            // Colours begin with the one that there may be.
            let controls = shown.replace('\u{1b}', "").chars().filter(|char| char.is_control()).count();
            assert_eq!(controls, 0, "{shown:?}");
        }
    }
    // Any answer is right that comes without a panic.
    let _ = is_http_request(bytes);
}

/// All chunks, and what silence makes of the rest, or that one is too long.
fn chunks<'a>(max_bytes: usize, pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<String>, Option<Option<String>>) {
    let mut splitter = Splitter::new(max_bytes);
    let mut chunks = Vec::new();
    for piece in pieces {
        splitter.push(piece);
        loop {
            match splitter.next_chunk() {
                Ok(Some(chunk)) => chunks.push(chunk.into_string()),
                Ok(None) => break,
                Err(_) => return (chunks, None),
            }
        }
    }
    (chunks, Some(splitter.take_rest().map(Chunk::into_string)))
}

fn check_fields(bytes: &[u8]) {
    // Longer than a client receives at once.
    let bytes = bytes.repeat(1 + 2 * FIELD_MAX_BYTES / bytes.len().max(1));
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        match tcp_pair::next_field(rest) {
            Field::Whole(length) => {
                assert!((1..=FIELD_MAX_BYTES).contains(&length));
                rest = &rest[length..];
            }
            Field::Open => {
                assert!(str::from_utf8(&rest[rest.len() - rest.len().min(3)..]).is_err());
                return;
            }
        }
    }
}

fn check_html(text: &str) {
    let Ok(before) = serde_json::from_str::<serde_json::Value>(text) else { return };
    for strings in [Strings::ValuesOnly, Strings::All] {
        let mut out = BytesMut::new();
        html_json::put_escaped(&mut out, text, strings);
        let out = str::from_utf8(&out).expect("JSON");
        let after: serde_json::Value = serde_json::from_str(out).expect("JSON stays JSON");
        assert_eq!(before.is_object(), after.is_object());
        if matches!(strings, Strings::All) {
            assert!(!out.contains(['<', '>']), "{out}");
        }
    }
}
