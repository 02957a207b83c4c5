//! A WebSocket whose halves are used at the same time, for pictures: they are few and large.

use std::time::Duration;

use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::connection::Stream;
use super::gate::{ConnectError, Gate, Request};

/// Largest message that is taken: a picture of a generous server.
const MESSAGE_MAX_BYTES: usize = 128 << 20;

/// A connection.
pub type Socket = WebSocketStream<Stream>;

/// Connects and upgrades.
///
/// # Errors
///
/// When that fails, or takes too long.
pub async fn connect(gate: &Gate, request: &Request<'_>, within: Duration) -> Result<Socket, ConnectError> {
    let opening = gate.open_stream(request);
    let (stream, rest, _) = timeout(within, opening).await.map_err(|_| ConnectError::Timeout(within))??;
    let config = WebSocketConfig::default()
        .write_buffer_size(0)
        .max_message_size(Some(MESSAGE_MAX_BYTES))
        .max_frame_size(Some(MESSAGE_MAX_BYTES));
    Ok(WebSocketStream::from_partially_read(stream, rest, Role::Client, Some(config)).await)
}
