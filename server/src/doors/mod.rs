//! One file per protocol: each translates between its wire and the hub, and
//! none knows another.

pub(crate) mod channels;
pub(crate) mod health;
pub(crate) mod htmx;
pub(crate) mod http;
pub(crate) mod image;
pub(crate) mod metrics;
pub(crate) mod native;
pub(crate) mod page;
pub(crate) mod params;
pub(crate) mod raw;
pub(crate) mod socketio;
pub(crate) mod sse;
pub(crate) mod tcp_pair;
pub(crate) mod tcp_room;
mod upgrade;
