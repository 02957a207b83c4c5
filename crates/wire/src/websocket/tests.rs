//! The decoder against a client that masks, and against bad clients.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use super::*;

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// Small enough to be hit by hand.
const LIMITS: DecoderLimits =
    DecoderLimits { message_max_bytes: 70_000, text_max_bytes: 1000, announce_min_bytes: 300, empty_fragments_max: 2 };

/// A client's frame: our own with the mask bit set and the key put in.
fn frame(fin: Fin, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut bytes = frame_header(fin, opcode, payload.len()).as_ref().to_vec();
    bytes[1] |= 0x80;
    bytes.extend(KEY);
    bytes.extend(payload.iter().enumerate().map(|(i, byte)| byte ^ KEY[i % 4]));
    bytes
}

fn last(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    frame(Fin::Last, opcode, payload)
}

fn more(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    frame(Fin::More, opcode, payload)
}

/// A header as given, a key, no payload.
fn header(bytes: &[u8]) -> Vec<u8> {
    [bytes, &KEY].concat()
}

/// Feeds the pieces one after the other, to the first error or the end.
fn decode<'a>(
    limits: &DecoderLimits,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<Event>, Result<(), ProtocolError>) {
    let mut decoder = Decoder::new(limits.clone());
    let mut events = Vec::new();
    for mut piece in pieces {
        loop {
            match decoder.next(&mut piece) {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(error) => return (events, Err(error)),
            }
        }
        assert!(piece.is_empty(), "the decoder asks for more and has not taken what is there");
    }
    (events, Ok(()))
}

#[track_caller]
fn check(frames: &[Vec<u8>], expected: &[Event]) {
    let bytes = frames.concat();
    assert_eq!(decode(&LIMITS, [&bytes[..]]), (expected.to_vec(), Ok(())), "in one piece");
    assert_eq!(decode(&LIMITS, bytes.chunks(1)), (expected.to_vec(), Ok(())), "byte by byte");
}

#[track_caller]
fn check_error(frames: &[Vec<u8>], expected: ProtocolError, code: u16) {
    let bytes = frames.concat();
    for (_, result) in [decode(&LIMITS, [&bytes[..]]), decode(&LIMITS, bytes.chunks(1))] {
        assert_eq!(result, Err(expected));
    }
    assert_eq!(expected.close_code().as_u16(), code);
}

fn text(text: &str) -> Event {
    Event::Text(text.to_owned().into())
}

fn binary(bytes: &[u8]) -> Event {
    Event::Binary(Bytes::copy_from_slice(bytes))
}

fn control(bytes: &[u8]) -> ControlPayload {
    ControlPayload(Bytes::copy_from_slice(bytes))
}

#[test]
fn an_idle_decoder_is_small() {
    assert!(size_of::<Decoder>() <= 128, "{} bytes", size_of::<Decoder>());
}

#[test]
fn the_masked_sample_of_the_standard_is_read() {
    // RFC 6455 §5.7.
    let sample = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    check(&[sample.to_vec()], &[text("Hello")]);
}

#[test]
fn messages_of_every_length_form_are_read() {
    for length in [0, 1, 125, 126, 299] {
        let payload = vec![b'x'; length];
        check(&[last(Opcode::Binary, &payload)], &[binary(&payload)]);
    }
    let payload: Vec<u8> = (0..65_536_u32).map(|i| (i % 251) as u8).collect();
    check(&[last(Opcode::Binary, &payload)], &[Event::Begins { message_bytes: 65_536 }, binary(&payload)]);
}

#[test]
fn fragments_become_one_message_and_control_frames_pass_between_them() {
    check(
        &[
            more(Opcode::Text, "bl\u{e5}".as_bytes()),
            last(Opcode::Ping, b"p"),
            more(Opcode::Continuation, b""),
            last(Opcode::Pong, b""),
            last(Opcode::Continuation, b"b"),
            last(Opcode::Binary, b"next"),
        ],
        &[Event::Ping(control(b"p")), Event::Pong(control(b"")), text("blåb"), binary(b"next")],
    );
}

#[test]
fn a_character_may_be_cut_by_fragments() {
    let euro = "€".as_bytes();
    check(&[more(Opcode::Text, &euro[..1]), last(Opcode::Continuation, &euro[1..])], &[text("€")]);
}

#[test]
fn control_frames_carry_up_to_125_bytes() {
    let payload = [7; 125];
    check(&[last(Opcode::Ping, &payload)], &[Event::Ping(control(&payload))]);
}

#[test]
fn nothing_after_a_close_frame_is_looked_at() {
    check(&[last(Opcode::Close, b""), vec![0xFF; 20]], &[Event::Close(None)]);
}

#[test]
fn a_close_frame_may_come_inside_a_message_and_say_why() {
    let code = CloseCode::NORMAL;
    let reason = CloseReason { code, text: "bye".into() };
    check(&[more(Opcode::Text, b"x"), last(Opcode::Close, b"\x03\xe8bye")], &[Event::Close(Some(reason))]);
}

#[test]
fn large_frames_are_announced_before_their_payload_is_taken() {
    let bytes = last(Opcode::Binary, &[1; 300]);
    let mut input = &bytes[..];
    let mut decoder = Decoder::new(LIMITS);
    assert_eq!(decoder.next(&mut input), Ok(Some(Event::Begins { message_bytes: 300 })));
    assert_eq!(input.len(), 300);
    assert!(decoder.is_mid_message());
    assert_eq!(decoder.next(&mut input), Ok(Some(binary(&[1; 300]))));
    assert!(!decoder.is_mid_message());
}

#[test]
fn small_fragments_are_announced_when_they_sum_up() {
    check(
        &[
            more(Opcode::Binary, &[1; 200]),
            more(Opcode::Continuation, &[1; 99]),
            more(Opcode::Continuation, &[1; 1]),
            more(Opcode::Continuation, &[1; 299]),
            last(Opcode::Continuation, &[1; 300]),
        ],
        &[Event::Begins { message_bytes: 300 }, Event::Begins { message_bytes: 599 }, binary(&[1; 899])],
    );
}

#[test]
fn a_message_in_one_frame_is_gathered_in_a_buffer_of_its_length() {
    let bytes = last(Opcode::Binary, &[1; 200]);
    let (mut events, _) = decode(&LIMITS, bytes.chunks(7));
    let Some(Event::Binary(payload)) = events.pop() else { panic!("{events:?}") };
    // The only owner gets the very buffer.
    assert_eq!(Vec::from(payload).capacity(), 200);
}

#[test]
fn an_error_stays() {
    let mut decoder = Decoder::new(LIMITS);
    assert_eq!(decoder.next(&mut &header(&[0x81, 0x00])[..]), Err(ProtocolError::Unmasked));
    assert_eq!(decoder.next(&mut &last(Opcode::Text, b"hei")[..]), Err(ProtocolError::Unmasked));
    assert!(!decoder.is_mid_message());
}

#[test]
fn an_unmasked_frame_is_1002() {
    check_error(&[vec![0x81, 0x01, b'x']], ProtocolError::Unmasked, 1002);
}

#[test]
fn a_reserved_bit_is_1002() {
    for first_byte in [0xC1, 0xA1, 0x91] {
        check_error(&[header(&[first_byte, 0x80])], ProtocolError::ReservedBit { first_byte }, 1002);
    }
}

#[test]
fn a_reserved_opcode_is_1002() {
    for opcode in (0x3..=0x7).chain(0xB..=0xF) {
        check_error(&[header(&[0x80 | opcode, 0x80])], ProtocolError::ReservedOpcode { opcode }, 1002);
    }
}

#[test]
fn a_stray_continuation_is_1002() {
    check_error(&[last(Opcode::Continuation, b"x")], ProtocolError::StrayContinuation, 1002);
    check_error(&[last(Opcode::Text, b"x"), more(Opcode::Continuation, b"x")], ProtocolError::StrayContinuation, 1002);
}

#[test]
fn a_new_message_inside_fragments_is_1002() {
    for opcode in [Opcode::Text, Opcode::Binary] {
        check_error(&[more(Opcode::Text, b"x"), last(opcode, b"x")], ProtocolError::MessageInsideMessage, 1002);
    }
}

#[test]
fn a_long_control_frame_is_1002() {
    for opcode in [Opcode::Ping, Opcode::Pong, Opcode::Close] {
        check_error(&[last(opcode, &[b'x'; 126])], ProtocolError::LongControl, 1002);
    }
}

#[test]
fn a_fragmented_control_frame_is_1002() {
    for opcode in [Opcode::Ping, Opcode::Pong, Opcode::Close] {
        check_error(&[more(opcode, b"")], ProtocolError::FragmentedControl, 1002);
    }
}

#[test]
fn a_close_payload_of_one_byte_is_1002() {
    check_error(&[last(Opcode::Close, b"\x03")], ProtocolError::CutCloseCode, 1002);
}

#[test]
fn a_close_code_that_may_not_be_sent_is_1002() {
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535_u16] {
        check_error(&[last(Opcode::Close, &code.to_be_bytes())], ProtocolError::InvalidCloseCode { code }, 1002);
    }
}

#[test]
fn every_other_close_code_is_taken() {
    for code in (1000..=1003).chain(1007..=1014).chain([3000, 3999, 4000, 4999_u16]) {
        let (events, result) = decode(&LIMITS, [&last(Opcode::Close, &code.to_be_bytes())[..]]);
        let [Event::Close(Some(reason))] = &events[..] else { panic!("{code}: {events:?} {result:?}") };
        assert_eq!(reason.code.as_u16(), code);
    }
}

#[test]
fn a_length_with_its_highest_bit_is_1002() {
    let mut bytes = vec![0x82, 0xFF];
    bytes.extend(((1_u64 << 63) + 1).to_be_bytes());
    check_error(&[header(&bytes)], ProtocolError::LengthOverflow { payload_bytes: (1 << 63) + 1 }, 1002);
}

#[test]
fn a_length_that_is_not_in_its_shortest_form_is_1002() {
    let check_length = |length: &[u8], payload_bytes| {
        let bytes = [&[0x82], length].concat();
        check_error(&[header(&bytes)], ProtocolError::NonMinimalLength { payload_bytes }, 1002);
    };
    check_length(&[0xFE, 0, 125], 125);
    check_length(&[0xFF, 0, 0, 0, 0, 0, 0, 0, 5], 5);
    check_length(&[0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], 65_535);
}

#[test]
fn text_that_is_not_utf8_is_1007() {
    for bad in [&b"\xff"[..], b"ab\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"cut \xe2\x82"] {
        check_error(&[last(Opcode::Text, bad)], ProtocolError::TextNotUtf8, 1007);
        check_error(&[more(Opcode::Text, b"x"), last(Opcode::Continuation, bad)], ProtocolError::TextNotUtf8, 1007);
    }
}

#[test]
fn bad_text_is_refused_before_its_frame_is_complete() {
    let bytes = last(Opcode::Text, b"\xffand much more");
    let (_, result) = decode(&LIMITS, [&bytes[..7]]);
    assert_eq!(result, Err(ProtocolError::TextNotUtf8));
}

#[test]
fn a_close_reason_that_is_not_utf8_is_1007() {
    check_error(&[last(Opcode::Close, b"\x03\xe8\xff")], ProtocolError::ReasonNotUtf8, 1007);
}

#[test]
fn a_declared_length_above_the_bound_is_1009_without_its_payload() {
    let (message_bytes, message_max_bytes) = (70_001, LIMITS.message_max_bytes);
    let too_big = ProtocolError::TooBig { message_bytes, message_max_bytes };
    check_error(&[header(&[0x82, 0xFF, 0, 0, 0, 0, 0, 1, 0x11, 0x71])], too_big, 1009);
}

#[test]
fn the_largest_length_is_1009_and_nothing_is_reserved_for_it() {
    let message_bytes = u64::MAX >> 1;
    let too_big = ProtocolError::TooBig { message_bytes, message_max_bytes: LIMITS.message_max_bytes };
    check_error(&[header(&[&[0x82, 0xFF, 0x7F], &[0xFF; 7][..]].concat())], too_big, 1009);
}

#[test]
fn fragments_that_sum_past_the_bound_are_1009_by_the_header() {
    let payload = [1; 40_000];
    let header_only = last(Opcode::Continuation, &payload)[..8].to_vec();
    let too_big = ProtocolError::TooBig { message_bytes: 80_000, message_max_bytes: LIMITS.message_max_bytes };
    check_error(&[more(Opcode::Binary, &payload), header_only], too_big, 1009);
}

#[test]
fn text_has_a_bound_of_its_own() {
    let too_big = ProtocolError::TooBig { message_bytes: 1001, message_max_bytes: 1000 };
    check_error(&[last(Opcode::Text, &[b'x'; 1001])], too_big, 1009);
}

#[test]
fn too_many_empty_fragments_are_1008() {
    let empty = || more(Opcode::Continuation, b"");
    check(&[more(Opcode::Text, b""), empty(), last(Opcode::Continuation, b"")], &[text("")]);
    check_error(
        &[more(Opcode::Text, b""), empty(), empty()],
        ProtocolError::TooManyEmptyFragments { empty_fragments_max: 2 },
        1008,
    );
}

#[test]
fn server_frames_are_unmasked_and_have_the_shortest_length() {
    let check_header = |payload_bytes, expected: &[u8]| {
        assert_eq!(frame_header(Fin::Last, Opcode::Binary, payload_bytes).as_ref(), expected);
    };
    check_header(0, &[0x82, 0]);
    check_header(125, &[0x82, 125]);
    check_header(126, &[0x82, 126, 0, 126]);
    check_header(65_535, &[0x82, 126, 0xFF, 0xFF]);
    check_header(65_536, &[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    assert_eq!(frame_header(Fin::More, Opcode::Text, 1).as_ref(), [0x01, 1]);
}

#[test]
fn a_payload_written_in_place_gives_the_same_frame() {
    for length in [0, 1, 125, 126, 65_535, 65_536] {
        let payload = vec![b'x'; length];
        let (mut expected, mut out) = (BytesMut::from("before"), BytesMut::from("before"));
        put_frame(&mut expected, Opcode::Text, &payload);
        put_frame_with(&mut out, Opcode::Text, |out| out.extend_from_slice(&payload));
        assert_eq!(out, expected, "{length} bytes");
    }
}

#[test]
fn a_message_is_cut_into_fragments_without_a_copy() {
    let payload = Bytes::from(vec![7; 10]);
    let all: Vec<Fragment> = fragments(Opcode::Binary, payload.clone(), 4).collect();
    let headers: Vec<&[u8]> = all.iter().map(|fragment| &fragment.header[..]).collect();
    assert_eq!(headers, [&[0x02, 4][..], &[0x00, 4], &[0x80, 2]]);
    for (fragment, expected) in all.iter().zip(payload.chunks(4)) {
        assert_eq!((fragment.payload.as_ptr(), fragment.payload.len()), (expected.as_ptr(), expected.len()));
    }
}

#[test]
fn a_message_that_fits_is_one_frame_also_when_it_is_empty() {
    for payload in [&b""[..], b"1234"] {
        let all: Vec<Fragment> = fragments(Opcode::Text, Bytes::from_static(payload), 4).collect();
        assert_eq!(all.len(), 1);
        assert_eq!((&all[0].header[..], &all[0].payload[..]), (&[0x81, payload.len() as u8][..], payload));
    }
}

#[test]
fn a_close_frame_says_code_and_reason() {
    assert_eq!(&close_frame(CloseCode::RESTART, "bye")[..], b"\x88\x05\x03\xf4bye");
    assert_eq!(&close_frame(CloseCode::TOO_SLOW, "")[..], b"\x88\x02\x0f\xa1");
    assert_eq!(&empty_close_frame()[..], b"\x88\x00");
}

#[test]
fn a_long_reason_is_cut_between_characters() {
    let frame = close_frame(CloseCode::POLICY, &"æ".repeat(100));
    assert_eq!(frame.len(), 2 + 2 + 122);
    assert_eq!(std::str::from_utf8(&frame[4..]), Ok("æ".repeat(61).as_str()));
}

#[test]
fn pings_and_pongs_carry_their_payload() {
    assert_eq!(&ping_frame(b"x")[..], b"\x89\x01x");
    assert_eq!(&pong_frame(b"")[..], b"\x8a\x00");
}

/// What a client says: a message in fragments, or a control frame.
#[derive(Debug, Clone)]
enum Said {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
}

fn said() -> impl Strategy<Value = Said> {
    prop_oneof![
        any::<String>().prop_map(Said::Text),
        prop::collection::vec(any::<u8>(), 0..1000).prop_map(Said::Binary),
        prop::collection::vec(any::<u8>(), 0..=125).prop_map(Said::Ping),
        prop::collection::vec(any::<u8>(), 0..=125).prop_map(Said::Pong),
    ]
}

fn encode(said: &Said, fragment_max_bytes: usize) -> Vec<u8> {
    let message = |opcode, payload: &[u8]| {
        fragments(opcode, Bytes::copy_from_slice(payload), fragment_max_bytes)
            .flat_map(|Fragment { header, payload }| {
                let fin = if header[0] & 0x80 == 0 { Fin::More } else { Fin::Last };
                let opcode = Opcode::from_bits(header[0] & 0x0F).unwrap();
                frame(fin, opcode, &payload)
            })
            .collect()
    };
    match said {
        Said::Text(text) => message(Opcode::Text, text.as_bytes()),
        Said::Binary(bytes) => message(Opcode::Binary, bytes),
        Said::Ping(payload) => last(Opcode::Ping, payload),
        Said::Pong(payload) => last(Opcode::Pong, payload),
    }
}

fn heard(said: Said) -> Event {
    match said {
        Said::Text(text) => Event::Text(text.into()),
        Said::Binary(bytes) => Event::Binary(bytes.into()),
        Said::Ping(payload) => Event::Ping(ControlPayload(payload.into())),
        Said::Pong(payload) => Event::Pong(ControlPayload(payload.into())),
    }
}

/// Cuts `bytes` where the numbers say, in turn.
fn cut<'a>(mut bytes: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for &length in lengths.iter().cycle() {
        if bytes.is_empty() {
            break;
        }
        let (piece, rest) = bytes.split_at(length.min(bytes.len()));
        pieces.push(piece);
        bytes = rest;
    }
    pieces
}

proptest! {
    #[test]
    fn what_a_client_says_is_heard_however_it_is_cut(
        said in prop::collection::vec(said(), 1..6),
        fragment_max_bytes in 1..400_usize,
        lengths in prop::collection::vec(1..300_usize, 1..5),
    ) {
        let limits = DecoderLimits { announce_min_bytes: usize::MAX, ..DecoderLimits::default() };
        let bytes: Vec<u8> = said.iter().flat_map(|said| encode(said, fragment_max_bytes)).collect();
        let expected: Vec<Event> = said.into_iter().map(heard).collect();
        prop_assert_eq!(decode(&limits, cut(&bytes, &lengths)), (expected, Ok(())));
    }

    #[test]
    fn any_bytes_give_the_same_events_and_end_however_they_are_cut(
        start in prop::sample::select(vec![&b""[..], b"\x81\xfe", b"\x02\x80", b"\x01\x84", b"\x88\x83", b"\x89\x81"]),
        noise in prop::collection::vec(any::<u8>(), 0..600),
        lengths in prop::collection::vec(1..40_usize, 1..5),
    ) {
        let bytes = [start, &noise].concat();
        prop_assert_eq!(decode(&LIMITS, cut(&bytes, &lengths)), decode(&LIMITS, [&bytes[..]]));
    }
}
