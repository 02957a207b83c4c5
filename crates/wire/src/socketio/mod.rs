//! Socket.IO, protocol 5: events, acks and namespaces inside Engine.IO
//! messages (<https://github.com/socketio/socket.io-protocol>).
//!
//! ```text
//! <kind>[<attachments>-][<namespace>,][<ack id>][JSON]     then each attachment as a binary message
//! ```
//!
//! What is not here: who is connected to which namespace, and what events
//! mean.

mod args;
mod decoder;
mod encode;
mod packet;
#[cfg(test)]
mod tests;

pub use args::{Arg, Args};
pub use decoder::Decoder;
pub use encode::{put_binary_ack, put_binary_event, put_connect_error, put_connected, put_event};
pub use packet::{DecodeError, Limits, Namespace, Packet, Payload};
