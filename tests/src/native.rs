//! A client of the native door.

use serde_json::{Value, json};

use crate::websocket::{Received, WsClient};

/// A client that was welcomed.
#[derive(Debug)]
pub struct NativeClient {
    ws: WsClient,
    /// What it was welcomed with.
    pub welcome: Value,
}

impl NativeClient {
    /// Enters by a connection.
    ///
    /// # Panics
    ///
    /// When it is not welcomed.
    pub async fn join(mut ws: WsClient) -> Self {
        let welcome = serde_json::from_str(&ws.receive().await.text()).expect("JSON");
        Self { ws, welcome }
    }

    /// The connection beneath.
    pub fn ws(&mut self) -> &mut WsClient {
        &mut self.ws
    }

    /// Sends a JSON message.
    pub async fn send(&mut self, message: Value) {
        self.ws.send(message.to_string()).await;
    }

    /// Says something, without an id.
    pub async fn say(&mut self, text: &str) {
        self.send(json!({"type": "chat", "text": text})).await;
    }

    /// The next message of these types; others are passed over.
    ///
    /// # Panics
    ///
    /// When something else than JSON comes.
    pub async fn next(&mut self, kinds: &[&str]) -> Value {
        loop {
            let message: Value = serde_json::from_str(&self.ws.receive().await.text()).expect("JSON");
            if kinds.iter().any(|kind| message["type"] == *kind) {
                return message;
            }
        }
    }

    /// The next chat message's text.
    ///
    /// # Panics
    ///
    /// When it has none.
    pub async fn hears(&mut self) -> String {
        self.next(&["chat"]).await["text"].as_str().expect("a text").to_owned()
    }

    /// The code with which the server closes; what comes before is passed over.
    pub async fn closed(&mut self) -> Option<u16> {
        loop {
            if let Received::Closed(code) = self.ws.receive().await {
                return code;
            }
        }
    }

    /// Says good-bye.
    pub async fn close(self) {
        self.ws.close().await;
    }

    /// The query of somebody who comes back to where this client stood.
    ///
    /// # Panics
    ///
    /// When the welcome was none.
    #[must_use]
    pub fn position(&self, offset: u64) -> String {
        format!("since={offset}&epoch={}", self.welcome["epoch"].as_str().expect("an epoch"))
    }
}
