//! The contract of the native door, shape by shape.

use bytes::BytesMut;
use proptest::prelude::*;

use super::*;
use crate::error_code::ErrorCode;

const LIMITS: NativeLimits = NativeLimits { text_max_bytes: 8, data_max_bytes: 40, data_depth_max: 3, id_max_bytes: 4 };

/// A command as one line: everything that is in it.
fn shown(command: Command<'_>) -> String {
    let (what, id) = match command {
        Command::Chat { text, id } => (format!("chat {text}"), id),
        Command::Data { data, id } => (format!("data {data}"), id),
        Command::Image { data, id, share } => (format!("image {data} share={share}"), id),
        Command::Ping { id } => ("ping".into(), id),
    };
    id.map_or(what.clone(), |id| format!("{what} id={id}"))
}

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(parse(text, &LIMITS).map(shown).as_deref(), Ok(expected));
}

/// `words` have to stand in the message.
#[track_caller]
fn check_refused(text: &str, code: ErrorCode, id: Option<&str>, words: &str) {
    let error = parse(text, &LIMITS).map(shown).unwrap_err();
    assert_eq!((error.code, error.id.as_deref()), (code, id), "{text}: {error}");
    assert!(error.message.contains(words), "{text}: {error}");
}

#[test]
fn a_chat_is_read_with_and_without_id() {
    check(r#"{"type":"chat","text":"hei"}"#, "chat hei");
    check(r#"{"type":"chat","text":"hei","id":"c1"}"#, "chat hei id=c1");
}

#[test]
fn escapes_white_space_and_the_order_of_fields_do_not_matter() {
    check(
        "\t{ \"id\" : \"c\\u0031\" ,\r\n \"text\":\"bl\\u00e5\\n\", \"t\\u0079pe\":\"ch\\u0061t\" } ",
        "chat blå\n id=c1",
    );
}

#[test]
fn unknown_fields_are_ignored_and_null_is_no_value() {
    check(r#"{"type":"chat","text":"hei","x":{"y":[1]},"id":null,"share":7}"#, "chat hei");
}

#[test]
fn data_is_kept_byte_for_byte() {
    check(
        r#"{"type":"data","data": { "a":1.0,  "b":"\u0061" } ,"id":"c2"}"#,
        r#"data { "a":1.0,  "b":"\u0061" } id=c2"#,
    );
}

#[test]
fn any_json_is_data() {
    for json in ["null", "true", "-1e3", "\"x\"", "[]"] {
        check(&format!(r#"{{"type":"data","data":{json}}}"#), &format!("data {json}"));
    }
}

#[test]
fn an_image_is_private_unless_it_says_otherwise() {
    check(r#"{"type":"image","data":"aGVp"}"#, "image aGVp share=false");
    check(r#"{"type":"image","data":"aGVp","share":false}"#, "image aGVp share=false");
    check(r#"{"type":"image","data":"data:a\/b","id":"i1","share":true}"#, "image data:a/b share=true id=i1");
}

#[test]
fn a_ping_may_have_an_id() {
    check(r#"{"type":"ping"}"#, "ping");
    check(r#"{"type":"ping","id":"p1"}"#, "ping id=p1");
}

#[test]
fn what_is_no_json_object_is_bad_json() {
    for text in [
        "",
        "hei",
        "null",
        "\"chat\"",
        "[\"chat\",\"hei\"]",
        "{",
        "{\"type\":\"ping\"}}",
        "{'type':'ping'}",
        "\u{a0}{}",
    ] {
        check_refused(text, ErrorCode::BadJson, None, "");
    }
}

#[test]
fn an_unknown_type_is_repeated_but_not_in_full() {
    check_refused(r#"{"type":"chta","id":"c1"}"#, ErrorCode::UnknownType, Some("c1"), "\"chta\"");
    let long = "å".repeat(1000);
    let error = parse(&format!(r#"{{"type":"{long}"}}"#), &LIMITS).map(shown).unwrap_err();
    assert!(error.message.len() < 100, "{error}");
}

#[test]
fn a_bad_field_is_named_and_the_id_comes_back() {
    let check_bad = |text, id, field| check_refused(text, ErrorCode::BadField, id, field);
    check_bad(r#"{"id":"c1"}"#, Some("c1"), "type is missing");
    check_bad(r#"{"type":7,"id":"c1"}"#, Some("c1"), "type is not a string");
    check_bad(r#"{"type":"chat","id":"c1"}"#, Some("c1"), "text is missing");
    check_bad(r#"{"type":"chat","text":null,"id":"c1"}"#, Some("c1"), "text is missing");
    check_bad(r#"{"type":"chat","text":["hei"],"id":"c1"}"#, Some("c1"), "text is not a string");
    check_bad(r#"{"type":"chat","text":"\ud800","id":"c1"}"#, Some("c1"), "text is not a string");
    check_bad(r#"{"type":"data","id":"c1"}"#, Some("c1"), "data is missing");
    check_bad(r#"{"type":"image","id":"i1"}"#, Some("i1"), "data is missing");
    check_bad(r#"{"type":"image","data":null,"id":"i1"}"#, Some("i1"), "data is not a string");
    check_bad(r#"{"type":"image","data":"","share":1,"id":"i1"}"#, Some("i1"), "share");
    check_bad(r#"{"type":"chat","text":"hei","id":1}"#, None, "id is not a string");
    check_bad(r#"{"type":"chat","text":"hei","id":""}"#, None, "id is empty");
    check_bad(r#"{"type":"chat","text":"hei","text":"hopp"}"#, None, "text");
}

#[test]
fn what_is_above_its_bound_is_too_large() {
    let check_large = |text, id, field| check_refused(text, ErrorCode::TooLarge, id, field);
    check(r#"{"type":"chat","text":"12345678"}"#, "chat 12345678");
    check_large(r#"{"type":"chat","text":"123456789","id":"c1"}"#, Some("c1"), "text has 9 bytes, 8");
    check(r#"{"type":"chat","text":"\u0031234567\u0038"}"#, "chat 12345678");
    check_large(r#"{"type":"ping","id":"12345"}"#, None, "id has 5 bytes, 4");
    let long = format!(r#"{{"type":"data","data":"{}","id":"c1"}}"#, "x".repeat(39));
    check_large(&long, Some("c1"), "data has 41 bytes, 40");
    check(r#"{"type":"data","data":[{"a":[1]}]}"#, r#"data [{"a":[1]}]"#);
    check_large(r#"{"type":"data","data":[{"a":[[1]]}],"id":"c1"}"#, Some("c1"), "data is nested 4 deep, 3");
}

#[test]
fn deep_nesting_does_not_overflow_the_stack() {
    let deep = 8 << 20;
    let limits = NativeLimits { data_max_bytes: usize::MAX, ..LIMITS };
    let (open, close) = ("[".repeat(deep), "]".repeat(deep));
    assert_eq!(parse(&open, &limits).map(shown).unwrap_err().code, ErrorCode::BadJson);
    let cut = format!(r#"{{"type":"data","data":{open}"#);
    assert_eq!(parse(&cut, &limits).map(shown).unwrap_err().code, ErrorCode::BadJson);
    let whole = format!(r#"{{"type":"data","data":{open}{close}}}"#);
    assert_eq!(parse(&whole, &limits).map(shown).unwrap_err().code, ErrorCode::TooLarge);
}

#[track_caller]
fn check_put(message: &Message<'_>, expected: &str) {
    let mut out = BytesMut::from("before");
    message.put(&mut out);
    assert_eq!(std::str::from_utf8(&out).unwrap(), format!("before{expected}"));
    serde_json::from_str::<serde_json::Value>(expected).unwrap();
}

#[test]
fn a_welcome_says_whether_it_recovered_only_when_asked() {
    let (room, name, session, epoch) = ("lobby", "ada", Some("s"), "e");
    let welcome = |recovered| Message::Welcome {
        room,
        name,
        session,
        epoch,
        offset: 41,
        head: 91,
        members: 3,
        durability: "os",
        recovered,
    };
    let told = r#"{"type":"welcome","room":"lobby","name":"ada","session":"s","epoch":"e","offset":41,"head":91,"members":3,"durability":"os""#;
    check_put(&welcome(None), &format!("{told}}}"));
    check_put(&welcome(Some(true)), &format!(r#"{told},"recovered":true}}"#));
    check_put(&welcome(Some(false)), &format!(r#"{told},"recovered":false}}"#));
}

#[test]
fn room_messages_begin_with_their_place() {
    let (room, offset, time, from) = ("lobby", 42, "2026-11-21T22:17:03.120Z", "ada");
    let place = r#""room":"lobby","offset":42,"time":"2026-11-21T22:17:03.120Z","from":"ada""#;
    let id = Some("c\"1");

    let chat = |id| Message::Chat { room, offset, time, from, text: "he\"i\n", id };
    check_put(&chat(None), &format!(r#"{{"type":"chat",{place},"text":"he\"i\n"}}"#));
    check_put(&chat(id), &format!(r#"{{"type":"chat",{place},"text":"he\"i\n","id":"c\"1"}}"#));

    let data = |id| Message::Data { room, offset, time, from, data: br#"{ "a" : 1.0 }"#, id };
    check_put(&data(None), &format!(r#"{{"type":"data",{place},"data":{{ "a" : 1.0 }}}}"#));
    check_put(&data(id), &format!(r#"{{"type":"data",{place},"data":{{ "a" : 1.0 }},"id":"c\"1"}}"#));

    let image =
        Message::Image { room, offset, time, from, url: "/images/x", format: "jpeg", width: 4, height: 3, id: None };
    let told = r#""url":"/images/x","format":"jpeg","width":4,"height":3"#;
    check_put(&image, &format!(r#"{{"type":"image",{place},{told}}}"#));

    let bytes = Message::Bytes { room, offset, time, from, size: 7 };
    check_put(&bytes, &format!(r#"{{"type":"bytes",{place},"size":7}}"#));
}

#[test]
fn in_a_large_room_only_the_count_is_told() {
    check_put(&Message::Join { name: Some("ada"), members: 4 }, r#"{"type":"join","name":"ada","members":4}"#);
    check_put(&Message::Join { name: None, members: 4000 }, r#"{"type":"join","members":4000}"#);
    check_put(&Message::Leave { name: Some("ada"), members: 3 }, r#"{"type":"leave","name":"ada","members":3}"#);
    check_put(&Message::Leave { name: None, members: 3999 }, r#"{"type":"leave","members":3999}"#);
}

#[test]
fn private_answers_carry_the_id_where_there_is_one() {
    let id = Some("x1");
    check_put(
        &Message::Ack { id: "c1", offset: 42, epoch: "e" },
        r#"{"type":"ack","id":"c1","offset":42,"epoch":"e"}"#,
    );
    let negative = |id| Message::Negative { id, format: "png", data: b"hei!" };
    check_put(&negative(id), r#"{"type":"negative","id":"x1","format":"png","data":"aGVpIQ=="}"#);
    check_put(&negative(None), r#"{"type":"negative","format":"png","data":"aGVpIQ=="}"#);
    let error = |id, image| Message::Error { code: ErrorCode::ImageTooLarge, message: "m", id, image };
    check_put(&error(id, Some(3)), r#"{"type":"error","code":"image_too_large","message":"m","id":"x1","image":3}"#);
    check_put(&error(None, None), r#"{"type":"error","code":"image_too_large","message":"m"}"#);
    check_put(&Message::Pong { id }, r#"{"type":"pong","id":"x1"}"#);
    check_put(&Message::Pong { id: None }, r#"{"type":"pong"}"#);
}

proptest! {
    #[test]
    fn no_text_does_harm(text: String) {
        let _ = parse(&text, &LIMITS);
    }

    #[test]
    fn no_mixture_of_json_parts_does_harm(parts in prop::collection::vec(prop::sample::select(vec![
        "{", "}", "[", "]", ":", ",", "\"", "\\", "\"type\":\"data\"", "\"data\":", "\"id\":\"1\"", "null", "\\u", "é", "1",
    ]), 0..20)) {
        let text = format!("{{{}", parts.concat());
        if let Ok(Command::Data { data, .. }) = parse(&text, &LIMITS) {
            prop_assert!(data.get().len() <= LIMITS.data_max_bytes);
        }
    }
}
