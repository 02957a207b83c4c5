//! Socket.IO, packet by packet.

mod engine;
mod events;
mod moves;
mod packets;

use serde_json::{Value, json};
use tests::{Polling, Received, TestServer, WsClient};

/// A WebSocket on which a session was opened.
async fn websocket(server: &TestServer) -> WsClient {
    let mut ws = server.ws("/socket.io/?EIO=4&transport=websocket").await;
    assert!(ws.receive().await.text().starts_with("0{"));
    ws
}

/// Of a packet `42["name",value]`: the name and the value.
fn event(packet: &str) -> (String, Value) {
    let json = packet.strip_prefix("42").unwrap_or_else(|| panic!("not an event: {packet}"));
    let Value::Array(mut array) = serde_json::from_str(json).unwrap() else { panic!("not an array: {packet}") };
    assert_eq!(array.len(), 2, "{packet}");
    (array[0].as_str().unwrap().to_owned(), array.pop().unwrap())
}

/// A client in the main namespace, by either transport.
enum Client {
    Polling(Box<Polling>),
    WebSocket(Box<WsClient>),
}

/// How a client can be connected.
#[derive(Debug, Clone, Copy)]
enum Transport {
    Polling,
    WebSocket,
}

const TRANSPORTS: [Transport; 2] = [Transport::Polling, Transport::WebSocket];

impl Client {
    async fn by(transport: Transport, server: &TestServer) -> Self {
        match transport {
            Transport::Polling => Self::polling(server).await,
            Transport::WebSocket => Self::websocket(server).await,
        }
    }

    async fn polling(server: &TestServer) -> Self {
        Self::Polling(Box::new(server.polling().await)).enter().await
    }

    async fn websocket(server: &TestServer) -> Self {
        Self::WebSocket(Box::new(websocket(server).await)).enter().await
    }

    async fn enter(mut self) -> Self {
        self.send("40").await;
        assert!(self.receive().await.starts_with("40{\"sid\":\""));
        assert_eq!(event(&self.receive().await).0, "messages");
        self
    }

    async fn send(&mut self, packet: impl Into<String>) {
        match self {
            Self::Polling(polling) => polling.send(packet.into()).await,
            Self::WebSocket(ws) => ws.send(packet).await,
        }
    }

    async fn emit(&mut self, name: &str, value: Value) {
        self.send(format!("42{}", json!([name, value]))).await;
    }

    /// The next packet, pings left out; bytes as on polling.
    async fn receive(&mut self) -> String {
        match self {
            Self::Polling(polling) => polling.receive().await,
            Self::WebSocket(ws) => loop {
                match ws.receive().await {
                    Received::Text(text) if text == "2" => {}
                    Received::Text(text) => return text,
                    Received::Binary(bytes) => {
                        use base64::Engine;
                        return format!("b{}", base64::engine::general_purpose::STANDARD.encode(bytes));
                    }
                    Received::Closed(code) => panic!("closed with {code:?}"),
                }
            },
        }
    }

    /// The value of the next event, which has this name.
    async fn hears(&mut self, name: &str) -> Value {
        let packet = self.receive().await;
        let (heard, value) = event(&packet);
        assert_eq!(heard, name, "{packet}");
        value
    }
}
