//! The way out to one socket: packets as its transport frames them.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use hub::{Ends, Piece};
use tokio::sync::OwnedSemaphorePermit;
use wire::engineio::{self, Packet, SEPARATOR, Transport};
use wire::websocket::{Opcode, put_frame, put_frame_with};

use crate::pieces::{Held, pieces};
use crate::sink::Session;

/// A session and how it is written to.
#[derive(Debug, Clone)]
pub(super) struct Out {
    pub(super) session: Arc<Session>,
    pub(super) transport: Transport,
}

impl Out {
    /// Queues a Socket.IO packet, which `put` appends.
    pub(super) fn send(&self, put: impl FnOnce(&mut BytesMut)) {
        self.session.push(self.message(put));
    }

    /// A Socket.IO packet, ready to be queued.
    pub(super) fn message(&self, put: impl FnOnce(&mut BytesMut)) -> Bytes {
        let mut out = BytesMut::new();
        put_message(self.transport, &mut out, put);
        out.freeze()
    }

    /// Queues packets with the same bytes as the one attachment of each;
    /// `permit` is given back when the last of them is written.
    pub(super) fn send_binary(
        &self,
        headers: &[Bytes],
        bytes: Vec<u8>,
        permit: OwnedSemaphorePermit,
        fragment_max_bytes: usize,
    ) {
        match self.transport {
            Transport::Polling => {
                let mut out = BytesMut::new();
                for header in headers {
                    out.put_slice(header);
                    engineio::put_binary(&mut out, &bytes);
                }
                let whole = Bytes::from_owner(Held::new(out.into(), permit));
                self.session.push_pieces([Piece::message(whole)]);
            }
            Transport::WebSocket => {
                let bytes = Bytes::from_owner(Held::new(bytes, permit));
                for header in headers {
                    // Attachments follow at once: nothing of the room goes between.
                    let header = Piece { bytes: header.clone(), ends: Ends::Frame };
                    let attachment = pieces(Opcode::Binary, bytes.clone(), fragment_max_bytes);
                    self.session.push_pieces(std::iter::once(header).chain(attachment));
                }
            }
        }
    }
}

/// Appends an Engine.IO message as its transport frames it; over polling
/// every packet ends with the separator.
pub(super) fn put_message(transport: Transport, out: &mut BytesMut, put: impl FnOnce(&mut BytesMut)) {
    let put = |out: &mut BytesMut| {
        out.put_u8(b'4');
        put(out);
    };
    match transport {
        Transport::Polling => {
            put(out);
            out.put_u8(SEPARATOR);
        }
        Transport::WebSocket => put_frame_with(out, Opcode::Text, put),
    }
}

/// An Engine.IO packet of a few characters, such as a ping.
pub(super) fn control(transport: Transport, text: &str) -> Bytes {
    let mut out = BytesMut::new();
    match transport {
        Transport::Polling => {
            out.put_slice(text.as_bytes());
            out.put_u8(SEPARATOR);
        }
        Transport::WebSocket => put_frame(&mut out, Opcode::Text, text.as_bytes()),
    }
    out.freeze()
}

/// A packet that was meant for polling as a WebSocket message.
pub(super) fn frame(packet: &Packet) -> Bytes {
    let mut out = BytesMut::new();
    match packet {
        Packet::Binary(bytes) => put_frame(&mut out, Opcode::Binary, bytes),
        text => put_frame_with(&mut out, Opcode::Text, |out| text.put_text(out)),
    }
    out.freeze()
}
