//! Fixtures: a real server on a free port, and one client per door.
//!
//! The WebSocket clients are tokio-tungstenite's, which shares no code with
//! the server.

pub mod fault_proxy;
mod http;
mod member;
mod member_http;
mod member_socketio;
mod member_sse;
mod member_tcp;
mod member_websocket;
mod native;
mod nginx;
mod polling;
mod port;
mod process;
mod python;
mod raw_socket;
mod redis_cluster;
mod redis_server;
pub mod resuming;
mod server;
mod sse;
mod tcp;
mod websocket;

use std::future::Future;
use std::time::Duration;

pub use http::{Answer, Http};
pub use member::{AnyMember, Door, Goodbye, Member, Refusal};
pub use member_http::HttpMember;
pub use member_socketio::{SocketIoMember, Transport};
pub use member_sse::SseMember;
pub use member_tcp::TcpRoomMember;
pub use member_websocket::{ChannelsMember, HtmxMember, NativeMember, RawMember};
pub use native::NativeClient;
pub use nginx::{Front, Nginx};
pub use polling::{Poller, Polling};
pub use port::lasting_address;
pub use process::ServerProcess;
pub use python::PythonClient;
pub use raw_socket::{Frame, RawSocket};
pub use redis_cluster::RedisCluster;
pub use redis_server::RedisServer;
pub use server::TestServer;
pub use sse::{SseClient, SseEvent};
pub use tcp::TcpClient;
pub use websocket::{Received, WsClient};

/// Whatever a test waits for comes within this time, or never.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Waits with the one deadline.
///
/// # Panics
///
/// When it is over.
pub async fn within_deadline<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what} did not come within {DEADLINE:?}"),
    }
}
