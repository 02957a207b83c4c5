//! From values to packets.

use std::fmt::Write;

use bytes::{BufMut, BytesMut};
use serde::Serialize;

use super::packet::{Namespace, Packet, Payload};
use crate::json;

/// A payload that is one attachment.
const PLACEHOLDER: &[u8] = br#"{"_placeholder":true,"num":0}]"#;

/// Appends an event of the main namespace with one argument, which
/// `put_json` appends.
pub fn put_event(out: &mut BytesMut, name: &str, put_json: impl FnOnce(&mut BytesMut)) {
    out.put_slice(b"2[");
    json::put(out, &name);
    out.put_u8(b',');
    put_json(out);
    out.put_u8(b']');
}

/// Appends an event of the main namespace whose one argument is the binary
/// message that follows.
pub fn put_binary_event(out: &mut BytesMut, name: &str) {
    out.put_slice(b"51-[");
    json::put(out, &name);
    out.put_u8(b',');
    out.put_slice(PLACEHOLDER);
}

/// Appends the answer to an event of the main namespace, whose one argument
/// is the binary message that follows.
pub fn put_binary_ack(out: &mut BytesMut, id: u64) {
    write!(out, "61-{id}[").expect("memory can be written to");
    out.put_slice(PLACEHOLDER);
}

/// Appends that the main namespace was entered, under a public id.
pub fn put_connected(out: &mut BytesMut, sid: &str) {
    #[derive(Serialize)]
    struct Connected<'a> {
        sid: &'a str,
    }

    out.put_u8(b'0');
    json::put(out, &Connected { sid });
}

/// Appends that a namespace was not entered.
pub fn put_connect_error(out: &mut BytesMut, namespace: &Namespace, message: &str) {
    #[derive(Serialize)]
    struct ConnectError<'a> {
        message: &'a str,
    }

    out.put_u8(b'4');
    put_namespace(out, namespace);
    json::put(out, &ConnectError { message });
}

fn put_namespace(out: &mut BytesMut, namespace: &Namespace) {
    if !namespace.is_main() {
        out.put_slice(namespace.as_str().as_bytes());
        out.put_u8(b',');
    }
}

impl Packet {
    /// Appends the text of it; its attachments, if any, are to follow as
    /// binary messages.
    pub fn put_text(&self, out: &mut BytesMut) {
        match self {
            Self::Connect { namespace, json } => {
                out.put_u8(b'0');
                put_namespace(out, namespace);
                out.put_slice(json.as_ref().map_or(&[][..], |json| json.as_bytes()));
            }
            Self::Disconnect { namespace } => {
                out.put_u8(b'1');
                put_namespace(out, namespace);
            }
            Self::Event { namespace, id, payload } => put_payload(out, ['2', '5'], namespace, *id, payload),
            Self::Ack { namespace, id, payload } => put_payload(out, ['3', '6'], namespace, Some(*id), payload),
            Self::ConnectError { namespace, json } => {
                out.put_u8(b'4');
                put_namespace(out, namespace);
                out.put_slice(json.as_bytes());
            }
        }
    }
}

/// `kinds`: without attachments and with some.
fn put_payload(out: &mut BytesMut, kinds: [char; 2], namespace: &Namespace, id: Option<u64>, payload: &Payload) {
    let [plain, binary] = kinds;
    match payload.attachments.len() {
        0 => write!(out, "{plain}"),
        count => write!(out, "{binary}{count}-"),
    }
    .expect("memory can be written to");
    put_namespace(out, namespace);
    if let Some(id) = id {
        write!(out, "{id}").expect("memory can be written to");
    }
    out.put_slice(payload.json.as_bytes());
}
