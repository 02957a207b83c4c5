use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use super::*;
use crate::utf8::Utf8;

fn decoder() -> Decoder {
    Decoder::new(Limits::default())
}

fn event(json: &'static str, id: Option<u64>, attachments: &[&'static [u8]]) -> Packet {
    let attachments = attachments.iter().map(|bytes| Bytes::from_static(bytes)).collect();
    Packet::Event { namespace: Namespace::default(), id, payload: Payload { json: json.into(), attachments } }
}

#[track_caller]
fn check(text: &'static str, expected: &Packet) {
    assert_eq!(decoder().text(&text.into()).as_ref(), Ok(&Some(expected.clone())), "{text}");
    let mut out = BytesMut::new();
    expected.put_text(&mut out);
    assert_eq!(out, text);
}

#[track_caller]
fn check_error(text: &'static str, expected: DecodeError) {
    assert_eq!(decoder().text(&text.into()), Err(expected), "{text}");
}

#[test]
fn the_examples_of_the_specification() {
    let main = Namespace::default;
    let admin = || Namespace::named("/admin");
    check("0", &Packet::Connect { namespace: main(), json: None });
    check(
        r#"0{"sid":"oSO0OpakMV_3jnilAAAA"}"#,
        &Packet::Connect { namespace: main(), json: Some(r#"{"sid":"oSO0OpakMV_3jnilAAAA"}"#.into()) },
    );
    check(
        r#"0/admin,{"token":"123"}"#,
        &Packet::Connect { namespace: admin(), json: Some(r#"{"token":"123"}"#.into()) },
    );
    check(
        r#"4{"message":"Not authorized"}"#,
        &Packet::ConnectError { namespace: main(), json: r#"{"message":"Not authorized"}"#.into() },
    );
    check("1/admin,", &Packet::Disconnect { namespace: admin() });
    check(r#"2["foo"]"#, &event(r#"["foo"]"#, None, &[]));
    check(r#"212["foo"]"#, &event(r#"["foo"]"#, Some(12), &[]));
    check(
        r#"2/admin,["bar"]"#,
        &Packet::Event {
            namespace: admin(),
            id: None,
            payload: Payload { json: r#"["bar"]"#.into(), attachments: Vec::new() },
        },
    );
    check(
        r#"3/admin,13["bar"]"#,
        &Packet::Ack {
            namespace: admin(),
            id: 13,
            payload: Payload { json: r#"["bar"]"#.into(), attachments: Vec::new() },
        },
    );
}

#[test]
fn a_namespace_ends_at_its_comma_or_with_the_packet() {
    let connect = |name| Packet::Connect { namespace: Namespace::named(name), json: None };
    assert_eq!(decoder().text(&"0/random".into()), Ok(Some(connect("/random"))));
    assert_eq!(decoder().text(&"0/,".into()), Ok(Some(connect("/"))));
    assert!(Namespace::named("/").is_main());
}

#[test]
fn attachments_follow_at_once() {
    let mut decoder = decoder();
    let json = r#"["baz",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]"#;
    assert_eq!(decoder.text(&format!("52-{json}").into()), Ok(None));
    assert_eq!(decoder.binary(Bytes::from_static(b"one")), Ok(None));
    let packet = decoder.binary(Bytes::from_static(b"two")).unwrap().unwrap();
    assert_eq!(
        packet,
        event(r#"["baz",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]"#, None, &[b"one", b"two"])
    );
    let Packet::Event { payload, .. } = &packet else { panic!("an event") };
    let args = Args::of(payload).unwrap();
    assert_eq!((&*args.name, args.count), ("baz", 2));
    assert!(matches!(args.first[..], [Arg::Binary(two), Arg::Binary(one)] if two == "two" && one == "one"));
    assert_eq!(decoder.binary(Bytes::from_static(b"three")), Err(DecodeError::UnexpectedBinary));
    assert_eq!(decoder.text(&r#"51-["a",{"_placeholder":true,"num":0}]"#.into()), Ok(None));
    assert_eq!(decoder.text(&r#"2["a"]"#.into()), Err(DecodeError::AttachmentsMissing { missing: 1 }));
}

#[test]
fn attachments_are_bounded_in_number_and_in_bytes() {
    check_error("59-[\"a\"]", DecodeError::TooManyAttachments { attachments: 9, attachments_max: 8 });
    let mut decoder = Decoder::new(Limits { packet_max_bytes: 60, ..Limits::default() });
    assert_eq!(decoder.text(&r#"52-["a",{"_placeholder":true,"num":0},1]"#.into()), Ok(None));
    assert_eq!(decoder.binary(Bytes::from_static(&[0; 10])), Ok(None));
    assert_eq!(decoder.binary(Bytes::from_static(&[0; 11])), Err(DecodeError::TooLarge { packet_max_bytes: 60 }));
}

#[test]
fn what_is_no_packet() {
    for text in ["", "abc", "7", "é"] {
        check_error(text, DecodeError::UnknownKind);
    }
    for text in [
        "2",
        "2{}",
        "2[]",
        "2[",
        "2abc[\"a\"]",
        r#"2["a"]x"#,
        "2[null]",
        "2[[1]]",
        r#"2["disconnect"]"#,
        "0[]",
        "0\"a\"",
        "01{}",
        "1{}",
        "4",
        "4[]",
        "3",
        "31",
        "31{}",
    ] {
        check_error(text, DecodeError::BadPayload);
    }
    for text in ["5[\"a\"]", "5-[\"a\"]", "5x-[\"a\"]", "51[\"a\"]", "599999999999999999999-[\"a\"]"] {
        check_error(text, DecodeError::BadAttachments);
    }
    for text in ["299999999999999999999[\"a\"]", "3[\"a\"]"] {
        check_error(text, DecodeError::BadId);
    }
    let text = format!("0/{}", "n".repeat(256));
    assert_eq!(decoder().text(&text.into()), Err(DecodeError::NamespaceTooLong { bytes: 257, bytes_max: 256 }));
}

#[test]
fn placeholders_and_attachments_belong_together() {
    let args = |json: &'static str, attachments: usize| {
        let payload = Payload { json: json.into(), attachments: vec![Bytes::new(); attachments] };
        Args::of(&payload).map(|args| args.first.len())
    };
    assert_eq!(args(r#"["a",{"_placeholder":true,"num":0}]"#, 1), Some(1));
    assert_eq!(args(r#"["a",{"_placeholder":true,"num":1}]"#, 1), None);
    assert_eq!(args(r#"["a",{"deep":{"_placeholder":true,"num":0}}]"#, 1), None);
    assert_eq!(args(r#"["a",1]"#, 1), None);
    // Without attachments it is an object like any other.
    assert_eq!(args(r#"["a",{"_placeholder":true,"num":0}]"#, 0), Some(1));
}

#[test]
fn of_a_million_arguments_a_few_are_kept() {
    let json = format!("[\"a\"{}]", ",0".repeat(1_000_000));
    let payload = Payload { json: json.into(), attachments: Vec::new() };
    let args = Args::of(&payload).unwrap();
    assert_eq!((args.count, args.first.len()), (1_000_000, 4));
    assert!(args.only().is_none());
}

#[test]
fn our_own_packets() {
    let put = |put: &dyn Fn(&mut BytesMut)| {
        let mut out = BytesMut::new();
        put(&mut out);
        String::from_utf8(out.to_vec()).unwrap()
    };
    assert_eq!(put(&|out| put_connected(out, "abc")), r#"0{"sid":"abc"}"#);
    assert_eq!(
        put(&|out| put_connect_error(out, &Namespace::named("/random"), "Invalid namespace")),
        r#"4/random,{"message":"Invalid namespace"}"#
    );
    assert_eq!(put(&|out| put_event(out, "response", |out| out.extend_from_slice(b"{}"))), r#"2["response",{}]"#);
    assert_eq!(put(&|out| put_binary_event(out, "image")), r#"51-["image",{"_placeholder":true,"num":0}]"#);
    assert_eq!(put(&|out| put_binary_ack(out, 7)), r#"61-7[{"_placeholder":true,"num":0}]"#);
}

fn any_namespace() -> impl Strategy<Value = Namespace> {
    prop_oneof![Just(Namespace::default()), "/[a-zæ/]{0,8}".prop_map(|name| Namespace::named(&name))]
}

fn any_payload(first: &'static str) -> impl Strategy<Value = Payload> {
    let values =
        proptest::collection::vec(prop_oneof![any::<i32>().prop_map(|n| n.to_string()), "\"[a-zæ {}]{0,5}\""], 0..4);
    (values, proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..9), 0..4)).prop_map(
        move |(values, attachments)| Payload {
            json: Utf8::from(format!(
                "[{first}{}]",
                values.iter().map(|value| format!(",{value}")).collect::<String>()
            )),
            attachments: attachments.into_iter().map(Bytes::from).collect(),
        },
    )
}

fn any_event() -> impl Strategy<Value = Packet> {
    (any_namespace(), any::<Option<u64>>(), any_payload("\"event\""))
        .prop_map(|(namespace, id, payload)| Packet::Event { namespace, id, payload })
}

fn any_packet() -> impl Strategy<Value = Packet> {
    let json = || Utf8::from(r#"{"a":[1]}"#);
    prop_oneof![
        (any_namespace(), any::<bool>())
            .prop_map(move |(namespace, has)| Packet::Connect { namespace, json: has.then(json) }),
        any_namespace().prop_map(|namespace| Packet::Disconnect { namespace }),
        any_namespace().prop_map(move |namespace| Packet::ConnectError { namespace, json: json() }),
        any_event(),
        (any_namespace(), any::<u64>(), any_payload("0")).prop_map(|(namespace, id, payload)| Packet::Ack {
            namespace,
            id,
            payload
        }),
    ]
}

proptest! {
    #[test]
    fn packets_are_read_as_they_were_written(sent in proptest::collection::vec(any_packet(), 1..6)) {
        let mut decoder = decoder();
        for packet in sent {
            let mut out = BytesMut::new();
            packet.put_text(&mut out);
            let mut read = decoder.text(&Utf8::try_from(out.freeze()).unwrap()).unwrap();
            if let Packet::Event { payload, .. } | Packet::Ack { payload, .. } = &packet {
                for attachment in &payload.attachments {
                    prop_assert_eq!(&read, &None, "complete before its attachments");
                    read = decoder.binary(attachment.clone()).unwrap();
                }
            }
            prop_assert_eq!(read, Some(packet));
        }
    }

    #[test]
    fn any_messages_are_packets_or_errors(messages in proptest::collection::vec((any::<bool>(), "[0-9]?[0-9/,\\[\\]{}\"a-]{0,12}"), 1..8)) {
        let mut decoder = decoder();
        for (is_text, message) in messages {
            let decoded = if is_text { decoder.text(&message.into()) } else { decoder.binary(message.into()) };
            if let Ok(Some(Packet::Event { payload, .. })) = decoded {
                assert!(Args::of(&payload).is_none_or(|args| args.first.len() <= args.count));
            }
        }
    }

    #[test]
    fn an_event_that_is_cut_short_is_an_error(packet in any_event(), keep in 0usize..40) {
        let mut out = BytesMut::new();
        packet.put_text(&mut out);
        let text = String::from_utf8(out.to_vec()).unwrap();
        let cut = &text[..text.floor_char_boundary(keep.min(text.len().saturating_sub(1)))];
        prop_assert!(decoder().text(&Utf8::from(cut.to_owned())).is_err(), "{}", cut);
    }
}
