//! Members that come by Socket.IO, by either transport.

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::member::{Goodbye, Member, Refusal};
use crate::polling::Poller;
use crate::server::TestServer;
use crate::websocket::{Received, WsClient};

/// How packets get to the server and from there.
#[async_trait]
pub trait Transport: Send {
    /// Opens a session.
    async fn open(server: &TestServer) -> Self;

    /// Sends a packet.
    async fn send(&mut self, packet: String);

    /// The next packet.
    ///
    /// # Errors
    ///
    /// How it ended.
    async fn receive(&mut self) -> Result<String, Goodbye>;

    /// Closes the session.
    async fn close(self);
}

#[async_trait]
impl Transport for WsClient {
    async fn open(server: &TestServer) -> Self {
        server.ws("/socket.io/?EIO=4&transport=websocket").await
    }

    async fn send(&mut self, packet: String) {
        self.send(packet).await;
    }

    async fn receive(&mut self) -> Result<String, Goodbye> {
        match self.receive().await {
            Received::Closed(code) => Err(code.map_or(Goodbye::EndOfStream, Goodbye::Close)),
            packet => Ok(packet.text()),
        }
    }

    async fn close(self) {
        self.close().await;
    }
}

#[async_trait]
impl Transport for Poller {
    async fn open(server: &TestServer) -> Self {
        Self::begin(server.polling().await)
    }

    async fn send(&mut self, packet: String) {
        self.session().send(packet).await;
    }

    async fn receive(&mut self) -> Result<String, Goodbye> {
        self.receive().await.ok_or(Goodbye::EndOfSession)
    }

    async fn close(self) {
        self.session().send("1").await;
    }
}

/// Speaks the dialect that names its room.
#[derive(Debug)]
pub struct SocketIoMember<T> {
    transport: T,
    room: String,
}

impl<T: Transport> SocketIoMember<T> {
    async fn receive(&mut self) -> String {
        self.transport.receive().await.expect("the session goes on")
    }

    /// The value of the next event of this name; others are passed over.
    async fn next(&mut self, name: &str) -> Value {
        let begin = format!("42[{},", json!(name));
        loop {
            let packet = self.receive().await;
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
impl<T: Transport> Member for SocketIoMember<T> {
    async fn enter(server: &TestServer, room: &str) -> Self {
        let mut member = Self { transport: T::open(server).await, room: room.to_owned() };
        member.transport.send("40".to_owned()).await;
        let join = json!(["join", {"username": "socketio", "room": room}]);
        member.transport.send(format!("421{join}")).await;
        while !member.receive().await.starts_with("431[") {}
        member
    }

    async fn say(&mut self, text: &str) {
        let message = json!({"user_name": "socketio", "message": text, "room": self.room});
        self.transport.send(format!("42{}", json!(["receive_msg", message]))).await;
    }

    async fn hears(&mut self) -> String {
        shown(self.next("the_response").await["message"].as_str().expect("text"))
    }

    async fn refused(&mut self) -> Refusal {
        Refusal::Told(self.next("refused").await["message"].as_str().expect("words").to_owned())
    }

    async fn goodbye(&mut self) -> Goodbye {
        loop {
            if let Err(goodbye) = self.transport.receive().await {
                return goodbye;
            }
        }
    }

    async fn leave(mut self: Box<Self>) {
        self.transport.send("41".to_owned()).await;
        self.transport.close().await;
    }
}
