//! A WebSocket connection to the server under test.

use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config, tungstenite};

/// Read buffer of a connection. Chosen: the library's own 128 KiB each would
/// be 1.2 GiB at 10,000 clients.
const READ_BUFFER_BYTES: usize = 8 * 1024;
/// Largest message that is taken: a picture of a generous server.
const MESSAGE_MAX_BYTES: usize = 128 << 20;

/// A connection.
pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Why there is none.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// Not in time.
    #[error("no connection within {0:?}")]
    Timeout(Duration),
    /// Refused, or not a WebSocket.
    #[error(transparent)]
    WebSocket(#[from] Box<tungstenite::Error>),
}

/// Connects and upgrades.
///
/// # Errors
///
/// When that fails, or takes too long.
pub async fn connect(url: &str, within: Duration) -> Result<Socket, ConnectError> {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_message_size(Some(MESSAGE_MAX_BYTES))
        .max_frame_size(Some(MESSAGE_MAX_BYTES));
    // Small messages are to leave at once.
    let connecting = connect_async_with_config(url, Some(config), true);
    let connected = timeout(within, connecting).await.map_err(|_| ConnectError::Timeout(within))?;
    connected.map(|(socket, _)| socket).map_err(|error| Box::new(error).into())
}
