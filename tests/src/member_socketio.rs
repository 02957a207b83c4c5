//! A member that comes by Socket.IO.

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::member::{Goodbye, Member, Refusal};
use crate::server::TestServer;
use crate::websocket::{Received, WsClient};

/// Speaks the dialect that names its room.
#[derive(Debug)]
pub struct SocketIoMember {
    ws: WsClient,
    room: String,
}

impl SocketIoMember {
    /// The value of the next event of this name; others are passed over.
    async fn next(&mut self, name: &str) -> Value {
        let begin = format!("42[{},", json!(name));
        loop {
            let packet = self.ws.receive().await.text();
            if let Some(value) = packet.strip_prefix(&begin).and_then(|rest| rest.strip_suffix(']')) {
                return serde_json::from_str(value).expect("JSON");
            }
        }
    }
}

/// As a page shows it.
fn shown(escaped: &str) -> String {
    let text = escaped.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
    text.replace("&amp;", "&")
}

#[async_trait]
impl Member for SocketIoMember {
    async fn enter(server: &TestServer, room: &str) -> Self {
        let mut ws = server.ws("/socket.io/?EIO=4&transport=websocket").await;
        ws.send("40").await;
        ws.send(format!("421{}", json!(["join", {"username": "socketio", "room": room}]))).await;
        while !ws.receive().await.text().starts_with("431[") {}
        Self { ws, room: room.to_owned() }
    }

    async fn say(&mut self, text: &str) {
        let message = json!({"user_name": "socketio", "message": text, "room": self.room});
        self.ws.send(format!("42{}", json!(["receive_msg", message]))).await;
    }

    async fn hears(&mut self) -> String {
        shown(self.next("the_response").await["message"].as_str().expect("text"))
    }

    async fn refused(&mut self) -> Refusal {
        Refusal::Told(self.next("refused").await["message"].as_str().expect("words").to_owned())
    }

    async fn goodbye(&mut self) -> Goodbye {
        loop {
            if let Received::Closed(code) = self.ws.receive().await {
                return code.map_or(Goodbye::EndOfStream, Goodbye::Close);
            }
        }
    }
}
