//! What a message looks like on the way to a relay and back.

use benches::frame::{Opcode, ServerFrame, masked_frame};
use serde::Deserialize;

/// How a relay is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// A message is all of a frame.
    Raw,
    /// JSON as at negaphone's native door.
    Native,
    /// Socket.IO 5 in Engine.IO 4, over WebSocket alone.
    SocketIo,
}

/// First byte of whole frames (RFC 6455 §5.2).
const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const PING: u8 = 0x89;
const PONG: u8 = 0x8A;

/// What a frame of the server is to a member.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Meaning<'a> {
    /// Somebody said this in the room.
    Said(&'a [u8]),
    /// The answer to a member's ping: it is in the room.
    Present,
    /// For this member alone, or about comings and goings.
    Aside,
    /// Nothing that this dialect has.
    Strange,
}

/// Part of a message of the native door.
#[derive(Deserialize)]
struct Native<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    text: Option<&'a str>,
}

impl Dialect {
    /// The frame that says `text`, where in it the text begins, and where the
    /// masked bytes.
    pub(crate) fn say(self, text: &[u8]) -> (Vec<u8>, usize, usize) {
        let (opcode, before, after) = match self {
            Self::Raw => (Opcode::Binary, "", ""),
            Self::Native => (Opcode::Text, r#"{"type":"chat","text":""#, r#""}"#),
            Self::SocketIo => (Opcode::Text, r#"42["message",""#, r#""]"#),
        };
        let payload = [before.as_bytes(), text, after.as_bytes()].concat();
        let frame = masked_frame(opcode, &payload);
        let payload_at = frame.len() - payload.len();
        (frame, payload_at + before.len(), payload_at)
    }

    /// What a member sends after the handshake, to be answered once it is in
    /// the room.
    pub(crate) fn enter(self) -> Vec<u8> {
        match self {
            Self::Raw | Self::Native => masked_frame(Opcode::Ping, b""),
            Self::SocketIo => masked_frame(Opcode::Text, b"40"),
        }
    }

    pub(crate) fn understand<'a>(self, frame: &ServerFrame<'a>) -> Meaning<'a> {
        match (self, frame.first_byte) {
            (_, PING) => Meaning::Aside,
            (Self::Raw | Self::Native, PONG) => Meaning::Present,
            (Self::Raw, BINARY) => Meaning::Said(frame.payload),
            (Self::Native, TEXT) => match serde_json::from_slice(frame.payload) {
                Ok(Native { kind: "chat", text: Some(text) }) => Meaning::Said(text.as_bytes()),
                Ok(Native { kind: "welcome" | "join" | "leave", .. }) => Meaning::Aside,
                _ => Meaning::Strange,
            },
            (Self::SocketIo, TEXT) => {
                let said = frame.payload.strip_prefix(br#"42["message",""#);
                match said.and_then(|said| said.strip_suffix(br#""]"#)) {
                    Some(said) => Meaning::Said(said),
                    None if frame.payload.starts_with(b"40") => Meaning::Present,
                    None if frame.payload.starts_with(b"0{") => Meaning::Aside,
                    None => Meaning::Strange,
                }
            }
            _ => Meaning::Strange,
        }
    }
}
