//! Bytes to values and back for every door. Pure: no sockets, no clock, no
//! async, no randomness.
//!
//! Nothing here knows rooms, members or images: a door translates these
//! values into what the hub understands.

pub mod base64_image;
pub mod channels;
pub mod character;
pub mod engineio;
pub mod error_code;
pub mod html_json;
pub mod htmx;
pub mod image_json;
mod json;
mod json_object;
pub mod native;
pub mod socketio;
pub mod tcp_pair;
pub mod tcp_room;
pub mod utf8;
pub mod websocket;
