//! Members that come by a WebSocket.

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::member::{Goodbye, Member, Refusal, earlier_messages};
use crate::native::NativeClient;
use crate::server::TestServer;
use crate::websocket::{Received, WsClient};

/// Reads until the server closes.
async fn goodbye(ws: &mut WsClient) -> Goodbye {
    loop {
        if let Received::Closed(code) = ws.receive().await {
            return code.map_or(Goodbye::EndOfStream, Goodbye::Close);
        }
    }
}

/// A member of the native door.
#[derive(Debug)]
pub struct NativeMember(NativeClient);

#[async_trait]
impl Member for NativeMember {
    async fn enter(server: &TestServer, room: &str) -> Self {
        let mut client = server.native(&format!("room={room}&name=native")).await;
        for _ in 0..earlier_messages(&client.welcome) {
            client.next(&["chat", "data", "image", "bytes"]).await;
        }
        Self(client)
    }

    async fn say(&mut self, text: &str) {
        self.0.say(text).await;
    }

    async fn hears(&mut self) -> String {
        self.0.hears().await
    }

    async fn refused(&mut self) -> Refusal {
        Refusal::Told(self.0.next(&["error"]).await["message"].as_str().expect("words").to_owned())
    }

    async fn goodbye(&mut self) -> Goodbye {
        goodbye(self.0.ws()).await
    }

    async fn leave(self: Box<Self>) {
        self.0.close().await;
    }
}

/// A member of the raw relay.
#[derive(Debug)]
pub struct RawMember(WsClient);

#[async_trait]
impl Member for RawMember {
    async fn enter(server: &TestServer, room: &str) -> Self {
        Self(server.until_joined(room, server.ws(&format!("/ws/raw/{room}"))).await)
    }

    async fn say(&mut self, text: &str) {
        self.0.send(text).await;
    }

    async fn hears(&mut self) -> String {
        let text = self.0.receive().await.text();
        text.split_once(": ").map_or(text.clone(), |(_, said)| said.to_owned())
    }

    async fn refused(&mut self) -> Refusal {
        Refusal::Ended(self.goodbye().await)
    }

    async fn goodbye(&mut self) -> Goodbye {
        goodbye(&mut self.0).await
    }

    async fn leave(self: Box<Self>) {
        self.0.close().await;
    }
}

/// A member of the Channels style chat.
#[derive(Debug)]
pub struct ChannelsMember(WsClient);

impl ChannelsMember {
    async fn next(&mut self) -> String {
        let frame: Value = serde_json::from_str(&self.0.receive().await.text()).expect("JSON");
        frame["message"].as_str().expect("every frame has a string message").to_owned()
    }
}

#[async_trait]
impl Member for ChannelsMember {
    async fn enter(server: &TestServer, room: &str) -> Self {
        Self(server.until_joined(room, server.ws(&format!("/ws/chat/{room}/"))).await)
    }

    async fn say(&mut self, text: &str) {
        self.0.send(json!({ "message": text }).to_string()).await;
    }

    async fn hears(&mut self) -> String {
        let message = self.next().await;
        message.split_once(": ").map_or(message.clone(), |(_, said)| said.to_owned())
    }

    async fn refused(&mut self) -> Refusal {
        loop {
            if let Some(why) = self.next().await.strip_prefix("error: ") {
                return Refusal::Told(why.to_owned());
            }
        }
    }

    async fn goodbye(&mut self) -> Goodbye {
        goodbye(&mut self.0).await
    }

    async fn leave(self: Box<Self>) {
        self.0.close().await;
    }
}

/// A member that is a page of htmx.
#[derive(Debug)]
pub struct HtmxMember(WsClient);

impl HtmxMember {
    /// What the next element for this id holds.
    async fn next(&mut self, id: &str, swap: &str) -> String {
        let begin = format!(r#"<div id="{id}" hx-swap-oob="{swap}">"#);
        loop {
            let frame = self.0.receive().await.text();
            if let Some(inner) = frame.strip_prefix(&begin).and_then(|rest| rest.strip_suffix("</div>")) {
                return inner.to_owned();
            }
        }
    }
}

#[async_trait]
impl Member for HtmxMember {
    async fn enter(server: &TestServer, room: &str) -> Self {
        let mut member = Self(server.ws(&format!("/ws/htmx?room={room}&name=htmx")).await);
        member.next("chat_room", "innerHTML:#chat_room").await;
        member
    }

    async fn say(&mut self, text: &str) {
        self.0.send(json!({"chat_message": text, "HEADERS": {"HX-Request": "true"}}).to_string()).await;
    }

    async fn hears(&mut self) -> String {
        let line = self.next("chat_room", "beforeend").await;
        let said = line.strip_prefix("<p><b>").and_then(|rest| rest.strip_suffix("</p>")).expect("one paragraph");
        let (name, text) = said.split_once("</b> ").expect("a name");
        assert!(!name.contains('<') && !text.contains('<'), "markup that is not inert: {line}");
        unescape(text)
    }

    async fn refused(&mut self) -> Refusal {
        let inner = self.next("errors", "innerHTML:#errors").await;
        let why = inner.strip_prefix("<p>").and_then(|rest| rest.strip_suffix("</p>")).expect("one paragraph");
        Refusal::Told(unescape(why))
    }

    async fn goodbye(&mut self) -> Goodbye {
        goodbye(&mut self.0).await
    }

    async fn leave(self: Box<Self>) {
        self.0.close().await;
    }
}

/// What a browser shows for text in HTML.
fn unescape(html: &str) -> String {
    let mut text = html.to_owned();
    for (entity, character) in [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")] {
        text = text.replace(entity, character);
    }
    text
}
