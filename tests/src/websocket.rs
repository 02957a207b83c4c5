//! An independent WebSocket client.

use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_rustls::rustls::ClientConfig;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config, connect_async_with_config,
};

use crate::within_deadline;

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// Text.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
    /// The end, with its code.
    Closed(Option<u16>),
}

impl Received {
    /// The text that it should be.
    ///
    /// # Panics
    ///
    /// When it is something else.
    #[must_use]
    pub fn text(self) -> String {
        let Self::Text(text) = self else { panic!("not text: {self:?}") };
        text
    }

    /// The bytes that it should be.
    ///
    /// # Panics
    ///
    /// When it is something else.
    #[must_use]
    pub fn binary(self) -> Vec<u8> {
        let Self::Binary(bytes) = self else { panic!("not binary: {self:?}") };
        bytes
    }
}

/// A connection.
#[derive(Debug)]
pub struct WsClient(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl WsClient {
    /// Connects.
    ///
    /// # Panics
    ///
    /// When the server does not let it in.
    pub async fn connect(url: &str) -> Self {
        Self::try_connect(url).await.expect("a WebSocket")
    }

    /// Connects; the status where the server says no.
    ///
    /// # Errors
    ///
    /// The HTTP status.
    ///
    /// # Panics
    ///
    /// When there is no answer.
    pub async fn try_connect(url: &str) -> Result<Self, u16> {
        let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        // Boxed: with TLS in it the future is too large for the stack of whoever waits for it.
        let connecting = Box::pin(connect_async_with_config(url, Some(config), true));
        match within_deadline("a connection", connecting).await {
            Ok((stream, _)) => Ok(Self(stream)),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("no answer from {url}: {error}"),
        }
    }

    /// Connects, where the URL says wss by whoever `tls` trusts; the status
    /// where the server says no.
    pub(crate) async fn try_connect_over_tls(request: Request, tls: Arc<ClientConfig>) -> Result<Self, u16> {
        let url = request.uri().clone();
        let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        let connecting = connect_async_tls_with_config(request, Some(config), true, Some(Connector::Rustls(tls)));
        match within_deadline("a connection", Box::pin(connecting)).await {
            Ok((stream, _)) => Ok(Self(stream)),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("no answer from {url}: {error}"),
        }
    }

    /// Sends text.
    ///
    /// # Panics
    ///
    /// When the connection is gone.
    pub async fn send(&mut self, text: impl Into<String>) {
        within_deadline("a send", self.0.send(Message::text(text.into()))).await.expect("a connection");
    }

    /// Sends bytes.
    ///
    /// # Panics
    ///
    /// When the connection is gone.
    pub async fn send_binary(&mut self, bytes: impl Into<bytes::Bytes>) {
        within_deadline("a send", self.0.send(Message::Binary(bytes.into()))).await.expect("a connection");
    }

    /// The next message; pings are answered on the way.
    pub async fn receive(&mut self) -> Received {
        within_deadline("a message", self.receive_at_all()).await
    }

    /// The next message, whenever it comes.
    pub async fn receive_at_all(&mut self) -> Received {
        loop {
            return match self.0.next().await {
                Some(Ok(Message::Text(text))) => Received::Text(text.to_string()),
                Some(Ok(Message::Binary(bytes))) => Received::Binary(bytes.to_vec()),
                Some(Ok(Message::Close(frame))) => Received::Closed(frame.map(|frame| frame.code.into())),
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                Some(Err(_)) | None => Received::Closed(None),
            };
        }
    }

    /// Says good-bye and waits for the answer.
    pub async fn close(mut self) -> Option<u16> {
        self.0.close(None).await.ok();
        loop {
            if let Received::Closed(code) = self.receive().await {
                return code;
            }
        }
    }
}
