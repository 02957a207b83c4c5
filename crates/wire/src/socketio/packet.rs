//! The nouns of the protocol.

use bytes::Bytes;
use thiserror::Error;

use crate::utf8::Utf8;

/// Bounds on what a peer may send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Attachments of one packet.
    pub attachments_max: usize,
    /// Bytes of one packet, its attachments included.
    pub packet_max_bytes: usize,
    /// A namespace's name.
    pub namespace_max_bytes: usize,
}

impl Default for Limits {
    /// 8 attachments; 8 MiB; names of 256 bytes.
    fn default() -> Self {
        Self { attachments_max: 8, packet_max_bytes: 8 << 20, namespace_max_bytes: 256 }
    }
}

/// A channel of its own within a connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Namespace(Option<Box<str>>);

impl Namespace {
    /// `name` begins with a slash.
    pub(super) fn named(name: &str) -> Self {
        Self((name != "/").then(|| name.into()))
    }

    /// Its name, such as `/` or `/admin`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or("/")
    }

    /// Whether it is `/`, which is not written out.
    #[must_use]
    pub fn is_main(&self) -> bool {
        self.0.is_none()
    }
}

/// A JSON array and the bytes that it refers to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Payload {
    /// Valid JSON: an array, not empty in an event.
    pub json: Utf8,
    /// In `json` each has a placeholder.
    pub attachments: Vec<Bytes>,
}

/// What one side tells the other, its attachments included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet {
    /// Wants to enter a namespace; as an answer, has entered.
    Connect {
        /// Which.
        namespace: Namespace,
        /// A JSON object.
        json: Option<Utf8>,
    },
    /// Leaves a namespace.
    Disconnect {
        /// Which.
        namespace: Namespace,
    },
    /// Something happened; also with attachments.
    Event {
        /// Where.
        namespace: Namespace,
        /// Wanted in the ack, where one is wanted.
        id: Option<u64>,
        /// The event's name and its arguments.
        payload: Payload,
    },
    /// Answers an event; also with attachments.
    Ack {
        /// Where.
        namespace: Namespace,
        /// The event's.
        id: u64,
        /// Arguments.
        payload: Payload,
    },
    /// A namespace was not entered.
    ConnectError {
        /// Which.
        namespace: Namespace,
        /// A JSON object.
        json: Utf8,
    },
}

/// Why something is no packet; the connection cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// A first character that stands for no kind.
    #[error("a Socket.IO packet of an unknown kind")]
    UnknownKind,
    /// Not a number and a dash.
    #[error("the number of attachments is not a number and a dash")]
    BadAttachments,
    /// More than a packet may have.
    #[error("a packet with {attachments} attachments, {attachments_max} are allowed")]
    TooManyAttachments {
        /// That many.
        attachments: u64,
        /// The bound.
        attachments_max: usize,
    },
    /// A name above its bound.
    #[error("a namespace of {bytes} bytes, {bytes_max} are allowed")]
    NamespaceTooLong {
        /// That many.
        bytes: usize,
        /// The bound.
        bytes_max: usize,
    },
    /// Larger than fits 64 bits, or missing in an ack.
    #[error("the ack id is not a number")]
    BadId,
    /// Not JSON, or JSON of a shape that this kind of packet does not have.
    #[error("the payload does not fit its kind of packet")]
    BadPayload,
    /// Text where an attachment is due.
    #[error("text where {missing} attachments are missing")]
    AttachmentsMissing {
        /// That many.
        missing: usize,
    },
    /// Bytes that no packet announced.
    #[error("bytes that no packet announced")]
    UnexpectedBinary,
    /// Above the bound, its attachments included.
    #[error("a packet of more than {packet_max_bytes} bytes")]
    TooLarge {
        /// The bound.
        packet_max_bytes: usize,
    },
}
