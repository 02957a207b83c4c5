//! What a native client is told.

use bytes::{BufMut, BytesMut};

use crate::base64_image;
use crate::error_code::ErrorCode;
use crate::json_object::Object;

/// A message to a native client; the fields stand on the wire in this order.
///
/// `time` is UTC as RFC 3339 writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message<'a> {
    /// The first message of every stream.
    Welcome {
        /// Where the client is.
        room: &'a str,
        /// Under which name.
        name: &'a str,
        /// The secret by which the client's ids are known again; absent where
        /// it only reads.
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
        data: &'a [u8],
        /// The sender's.
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
        name: Option<&'a str>,
        /// How many there are.
        members: usize,
    },
    /// Somebody left.
    Leave {
        /// Who; absent in a large room.
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
        id: Option<&'a str>,
        /// For example `png`.
        format: &'a str,
        /// The negative; goes out as base64.
        data: &'a [u8],
    },
    /// Something was refused.
    Error {
        /// For programs.
        code: ErrorCode,
        /// For people.
        message: &'a str,
        /// The client's, where it could be read.
        id: Option<&'a str>,
        /// Which binary message of the connection, from 1.
        image: Option<u64>,
    },
    /// The answer to a ping.
    Pong {
        /// The client's.
        id: Option<&'a str>,
    },
}

impl Message<'_> {
    /// Appends the message as compact JSON.
    pub fn put(&self, out: &mut BytesMut) {
        let object = match *self {
            Self::Welcome { room, name, session, epoch, offset, head, members, durability, recovered } => {
                let object = Object::begin(out, "type", "welcome")
                    .text("room", room)
                    .text("name", name)
                    .optional_text("session", session)
                    .text("epoch", epoch)
                    .number("offset", offset)
                    .number("head", head)
                    .number("members", members as u64)
                    .text("durability", durability);
                match recovered {
                    Some(recovered) => object.bool("recovered", recovered),
                    None => object,
                }
            }
            Self::Chat { room, offset, time, from, text, id } => {
                said(out, "chat", room, offset, time, from).text("text", text).optional_text("id", id)
            }
            Self::Data { room, offset, time, from, data, id } => said(out, "data", room, offset, time, from)
                .field("data", |out| out.put_slice(data))
                .optional_text("id", id),
            Self::Image { room, offset, time, from, url, format, width, height, id } => {
                said(out, "image", room, offset, time, from)
                    .text("url", url)
                    .text("format", format)
                    .number("width", width.into())
                    .number("height", height.into())
                    .optional_text("id", id)
            }
            Self::Bytes { room, offset, time, from, size } => {
                said(out, "bytes", room, offset, time, from).number("size", size as u64)
            }
            Self::Join { name, members } => presence(out, "join", name, members),
            Self::Leave { name, members } => presence(out, "leave", name, members),
            Self::Ack { id, offset, epoch } => {
                Object::begin(out, "type", "ack").text("id", id).number("offset", offset).text("epoch", epoch)
            }
            Self::Negative { id, format, data } => Object::begin(out, "type", "negative")
                .optional_text("id", id)
                .text("format", format)
                .field("data", |out| {
                    out.put_u8(b'"');
                    base64_image::put_base64(out, data);
                    out.put_u8(b'"');
                }),
            Self::Error { code, message, id, image } => {
                let object = Object::begin(out, "type", "error")
                    .text("code", code.as_str())
                    .text("message", message)
                    .optional_text("id", id);
                match image {
                    Some(image) => object.number("image", image),
                    None => object,
                }
            }
            Self::Pong { id } => Object::begin(out, "type", "pong").optional_text("id", id),
        };
        object.end();
    }
}

/// What all that is said in a room begins with.
fn said<'a>(out: &'a mut BytesMut, kind: &str, room: &str, offset: u64, time: &str, from: &str) -> Object<'a> {
    Object::begin(out, "type", kind).text("room", room).number("offset", offset).text("time", time).text("from", from)
}

fn presence<'a>(out: &'a mut BytesMut, kind: &str, name: Option<&str>, members: usize) -> Object<'a> {
    Object::begin(out, "type", kind).optional_text("name", name).number("members", members as u64)
}
