//! What a native client is told.

use bytes::{BufMut, BytesMut};
use serde::Serialize;

use crate::base64_image;
use crate::error_code::ErrorCode;
use crate::json;

/// A message to a native client; the fields stand on the wire in this order.
///
/// `time` is UTC as RFC 3339 writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Message<'a> {
    /// The first message of every stream.
    Welcome {
        /// Where the client is.
        room: &'a str,
        /// Under which name.
        name: &'a str,
        /// The secret by which the client's ids are known again; absent where
        /// it only reads.
        #[serde(skip_serializing_if = "Option::is_none")]
        session: Option<&'a str>,
        /// What offsets are relative to.
        epoch: &'a str,
        /// The next message has the one after it.
        offset: u64,
        /// The newest.
        head: u64,
        /// How many are in the room, at all doors.
        members: usize,
        /// What an acked message survives.
        durability: &'a str,
        /// The answer to a position that the client brought.
        #[serde(skip_serializing_if = "Option::is_none")]
        recovered: Option<bool>,
    },
    /// Somebody said something.
    Chat {
        /// Where.
        room: &'a str,
        /// The place in the room's order.
        offset: u64,
        /// When it was stored.
        time: &'a str,
        /// Who.
        from: &'a str,
        /// What.
        text: &'a str,
        /// The sender's.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a str>,
    },
    /// Somebody sent JSON.
    Data {
        /// Where.
        room: &'a str,
        /// The place in the room's order.
        offset: u64,
        /// When it was stored.
        time: &'a str,
        /// Who.
        from: &'a str,
        /// The bytes of a JSON value, copied as they are.
        #[serde(skip)]
        data: &'a [u8],
        /// The sender's.
        #[serde(skip)]
        id: Option<&'a str>,
    },
    /// Somebody shared a negative.
    Image {
        /// Where.
        room: &'a str,
        /// The place in the room's order.
        offset: u64,
        /// When it was stored.
        time: &'a str,
        /// Who.
        from: &'a str,
        /// From where it can be had.
        url: &'a str,
        /// For example `jpeg`.
        format: &'a str,
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
        /// The sender's.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a str>,
    },
    /// Somebody sent bytes, which this door does not show.
    Bytes {
        /// Where.
        room: &'a str,
        /// The place in the room's order.
        offset: u64,
        /// When it was stored.
        time: &'a str,
        /// Who.
        from: &'a str,
        /// How many bytes.
        size: usize,
    },
    /// Somebody came.
    Join {
        /// Who; absent in a large room.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<&'a str>,
        /// How many there are.
        members: usize,
    },
    /// Somebody left.
    Leave {
        /// Who; absent in a large room.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<&'a str>,
        /// How many there are.
        members: usize,
    },
    /// The message with this id is stored.
    Ack {
        /// The client's.
        id: &'a str,
        /// Its place in the room's order.
        offset: u64,
        /// What the offset is relative to.
        epoch: &'a str,
    },
    /// The answer to an image that came as JSON.
    Negative {
        /// The client's.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a str>,
        /// For example `png`.
        format: &'a str,
        /// The negative; goes out as base64.
        #[serde(skip)]
        data: &'a [u8],
    },
    /// Something was refused.
    Error {
        /// For programs.
        code: ErrorCode,
        /// For people.
        message: &'a str,
        /// The client's, where it could be read.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a str>,
        /// Which binary message of the connection, from 1.
        #[serde(skip_serializing_if = "Option::is_none")]
        image: Option<u64>,
    },
    /// The answer to a ping.
    Pong {
        /// The client's.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a str>,
    },
}

impl Message<'_> {
    /// Appends the message as compact JSON.
    pub fn put(&self, out: &mut BytesMut) {
        json::put(out, self);
        match *self {
            Self::Data { data, id, .. } => {
                reopen(out);
                out.put_slice(br#","data":"#);
                out.put_slice(data);
                if let Some(id) = id {
                    out.put_slice(br#","id":"#);
                    json::put(out, &id);
                }
                out.put_u8(b'}');
            }
            Self::Negative { data, .. } => {
                reopen(out);
                out.put_slice(br#","data":""#);
                base64_image::put_base64(out, data);
                out.put_slice(br#""}"#);
            }
            Self::Welcome { .. }
            | Self::Chat { .. }
            | Self::Image { .. }
            | Self::Bytes { .. }
            | Self::Join { .. }
            | Self::Leave { .. }
            | Self::Ack { .. }
            | Self::Error { .. }
            | Self::Pong { .. } => {}
        }
    }
}

/// Takes the brace off the object at the end, for further fields; what they
/// hold is spliced in without going through serde.
fn reopen(out: &mut BytesMut) {
    out.truncate(out.len() - 1);
}
