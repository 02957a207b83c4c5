//! Packets in the body of a request or of its answer.

use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use base64::engine::{DecodePaddingMode, Engine};
use base64::{alphabet, encoded_len};
use bytes::{BufMut, Bytes, BytesMut};

use super::packet::{Packet, PacketError};
use crate::utf8::Utf8;

/// Stands between packets: a control character that no JSON contains, the
/// base64 of bytes even less.
pub const SEPARATOR: u8 = 0x1e;

/// What clients send, with padding or without.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The packets of a body, in their order; bytes come as `b` and base64.
pub fn packets(body: Utf8) -> impl Iterator<Item = Result<Packet, PacketError>> {
    let mut rest = Some(body.into_bytes());
    std::iter::from_fn(move || {
        let mut packet = rest.take()?;
        if let Some(at) = packet.iter().position(|byte| *byte == SEPARATOR) {
            rest = Some(packet.split_off(at + 1));
            packet.truncate(at);
        }
        Some(parse(packet))
    })
}

fn parse(packet: Bytes) -> Result<Packet, PacketError> {
    match packet.first() {
        Some(b'b') => {
            LENIENT.decode(&packet[1..]).map(|bytes| Packet::Binary(bytes.into())).map_err(|_| PacketError::NotBase64)
        }
        // A part of a text between ASCII characters is text.
        _ => Packet::parse(&Utf8::from_checked(packet)),
    }
}

/// Appends a packet and the separator behind it, which a body's last packet
/// loses again.
pub fn put_packet(out: &mut BytesMut, packet: &Packet) {
    match packet {
        Packet::Binary(bytes) => put_binary(out, bytes),
        text => {
            text.put_text(out);
            out.put_u8(SEPARATOR);
        }
    }
}

/// Appends a binary packet and the separator behind it.
pub fn put_binary(out: &mut BytesMut, bytes: &[u8]) {
    out.put_u8(b'b');
    let start = out.len();
    let length = encoded_len(bytes.len(), true).expect("what fits into memory thrice has a length");
    out.resize(start + length, 0);
    STANDARD.encode_slice(bytes, &mut out[start..]).expect("the length was asked for");
    out.put_u8(SEPARATOR);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_packet() -> impl Strategy<Value = Packet> {
        // A separator in a text is the one thing that cannot be sent.
        let text = "[^\u{1e}]{0,20}".prop_map(Utf8::from);
        prop_oneof![
            text.clone().prop_map(Packet::Open),
            Just(Packet::Close),
            text.clone().prop_map(Packet::Ping),
            text.clone().prop_map(Packet::Pong),
            text.prop_map(Packet::Message),
            Just(Packet::Upgrade),
            Just(Packet::Noop),
            proptest::collection::vec(any::<u8>(), 0..20).prop_map(|bytes| Packet::Binary(bytes.into())),
        ]
    }

    proptest! {
        #[test]
        fn packets_are_read_as_they_were_written(sent in proptest::collection::vec(any_packet(), 1..10)) {
            let mut body = BytesMut::new();
            for packet in &sent {
                put_packet(&mut body, packet);
            }
            body.truncate(body.len() - 1);
            let body = Utf8::try_from(body.freeze()).unwrap();
            let read: Result<Vec<_>, _> = packets(body).collect();
            prop_assert_eq!(read.unwrap(), sent);
        }

        #[test]
        fn any_text_is_packets_or_an_error(body in any::<String>()) {
            let separators = body.bytes().filter(|byte| *byte == SEPARATOR).count();
            prop_assert_eq!(packets(Utf8::from(body)).count(), separators + 1);
        }
    }

    #[track_caller]
    fn check(body: &'static str, expected: &Result<Vec<Packet>, PacketError>) {
        assert_eq!(packets(Utf8::from(body)).collect::<Result<Vec<_>, _>>().as_ref(), expected.as_ref(), "{body:?}");
    }

    #[test]
    fn the_examples_of_the_specification() {
        check("4hello", &Ok(vec![Packet::Message("hello".into())]));
        check(
            "4hello\u{1e}2\u{1e}4world",
            &Ok(vec![Packet::Message("hello".into()), Packet::Ping("".into()), Packet::Message("world".into())]),
        );
        check(
            "4hello\u{1e}bAQIDBA==",
            &Ok(vec![Packet::Message("hello".into()), Packet::Binary(Bytes::from_static(&[1, 2, 3, 4]))]),
        );
        check("bAQIDBA", &Ok(vec![Packet::Binary(Bytes::from_static(&[1, 2, 3, 4]))]));
    }

    #[test]
    fn what_is_no_packet() {
        check("", &Err(PacketError::Empty));
        check("4a\u{1e}", &Err(PacketError::Empty));
        check("abc", &Err(PacketError::UnknownKind));
        check("é", &Err(PacketError::UnknownKind));
        check("7", &Err(PacketError::UnknownKind));
        check("b===", &Err(PacketError::NotBase64));
        check("b!", &Err(PacketError::NotBase64));
    }
}
