//! A member that reads server-sent events, and speaks by requests.

use async_trait::async_trait;

use crate::member::{Goodbye, Member, Refusal, earlier_messages};
use crate::member_http::HttpMember;
use crate::server::TestServer;
use crate::sse::SseClient;

/// Hears by one and says by the other.
#[derive(Debug)]
pub struct SseMember {
    events: SseClient,
    requests: HttpMember,
}

#[async_trait]
impl Member for SseMember {
    async fn enter(server: &TestServer, room: &str) -> Self {
        let mut events = server.sse(&format!("/rooms/{room}/events?name=sse"), None).await;
        let welcome = events.next().await.expect("a welcome").data;
        for _ in 0..earlier_messages(&welcome) {
            events.next().await.expect("an earlier message");
        }
        Self { events, requests: HttpMember::enter(server, room).await }
    }

    async fn say(&mut self, text: &str) {
        self.requests.say(text).await;
    }

    async fn hears(&mut self) -> String {
        let event = self.events.next().await.expect("a message");
        event.data["text"].as_str().expect("a text").to_owned()
    }

    async fn refused(&mut self) -> Refusal {
        self.requests.refused().await
    }

    async fn goodbye(&mut self) -> Goodbye {
        while self.events.next().await.is_some() {}
        Goodbye::EndOfStream
    }

    async fn leave(self: Box<Self>) {}
}
