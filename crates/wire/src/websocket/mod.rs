//! The server's side of RFC 6455: strict, whatever way the input is cut.
//!
//! Masked frames come in, unmasked frames go out. What is not here:
//! extensions (RSV bits are an error), the client's side, and any policy but
//! the bounds in [`DecoderLimits`].

mod close;
mod decoder;
mod encode;
mod error;
mod frame;
pub mod handshake;
mod mask;
#[cfg(test)]
mod tests;
mod types;

pub use close::{CloseCode, CloseReason, REASON_MAX_BYTES};
pub use decoder::Decoder;
pub use encode::{
    Fragment, FrameHeader, close_frame, empty_close_frame, fragments, frame_header, ping_frame, pong_frame, put_frame,
    put_frame_with,
};
pub use error::ProtocolError;
pub use types::{CONTROL_MAX_BYTES, ControlPayload, DecoderLimits, Event, Fin, Opcode};

pub use crate::utf8::Utf8;
