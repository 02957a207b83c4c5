//! Engine.IO, protocol 4: packets over HTTP long-polling or a WebSocket
//! (<https://github.com/socketio/engine.io-protocol>).
//!
//! What is not here: the sessions, their clock, and protocol 3.

mod handshake;
mod packet;
mod payload;

pub use handshake::{Open, RequestError, Transport};
pub use packet::{CLOSE, NOOP, PING, PROBE, PROBE_ANSWER, Packet, PacketError};
pub use payload::{SEPARATOR, packets, put_binary, put_packet};
