//! A member that reads and writes by requests.

use async_trait::async_trait;
use serde_json::json;

use crate::http::Http;
use crate::member::{Goodbye, Member, Refusal};
use crate::server::TestServer;

/// Asks for what is new.
#[derive(Debug)]
pub struct HttpMember {
    http: Http,
    room: String,
    epoch: String,
    offset: u64,
    refusal: Option<String>,
}

#[async_trait]
impl Member for HttpMember {
    async fn enter(server: &TestServer, room: &str) -> Self {
        let http = server.http();
        let page = http.get(&format!("/rooms/{room}/messages?limit=0"), &[]).await.json();
        Self {
            http,
            room: room.to_owned(),
            epoch: page["epoch"].as_str().expect("an epoch").to_owned(),
            offset: page["head"].as_u64().expect("a head"),
            refusal: None,
        }
    }

    async fn say(&mut self, text: &str) {
        let message = json!({"name": "http", "text": text});
        let answer = self.http.post_json(&format!("/rooms/{}/messages", self.room), &message).await;
        let refused = || answer.json()["error"]["message"].as_str().expect("words").to_owned();
        self.refusal = (answer.status != 201).then(refused);
    }

    async fn hears(&mut self) -> String {
        let Self { room, offset, epoch, .. } = self;
        let path = format!("/rooms/{room}/messages?since={offset}&epoch={epoch}&limit=1");
        loop {
            let page = self.http.get(&path, &[]).await.json();
            if let Some(message) = page["messages"].get(0) {
                self.offset += 1;
                assert_eq!(message["offset"], self.offset);
                return message["text"].as_str().expect("a text").to_owned();
            }
        }
    }

    async fn refused(&mut self) -> Refusal {
        Refusal::Told(self.refusal.take().expect("a refusal"))
    }

    async fn goodbye(&mut self) -> Goodbye {
        Goodbye::NotConnected
    }

    async fn leave(self: Box<Self>) {}
}
