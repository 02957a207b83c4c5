//! A member of the TCP room.

use async_trait::async_trait;

use crate::member::{Goodbye, Member, Refusal};
use crate::server::TestServer;
use crate::tcp::TcpClient;

/// Ends every chunk.
const RESET: &[u8] = b"\x1b[39m";

/// Sends chunks and receives what is shown of them.
#[derive(Debug)]
pub struct TcpRoomMember {
    client: TcpClient,
    /// What came behind the last chunk.
    unread: Vec<u8>,
}

impl TcpRoomMember {
    async fn receive(&mut self) -> Vec<u8> {
        self.client.receive_bytes(1024).await
    }
}

#[async_trait]
impl Member for TcpRoomMember {
    async fn enter(server: &TestServer, room: &str) -> Self {
        assert_eq!(server.running().tcp_room_name(), room, "there is one room behind that door");
        Self { client: server.until_joined(room, server.tcp_room()).await, unread: Vec::new() }
    }

    async fn say(&mut self, text: &str) {
        self.client.send(format!("\u{1b}[31m[2026-11-21 22:17:03] tcp<SEP>{text}\u{1b}[39m")).await;
    }

    async fn hears(&mut self) -> String {
        let end = loop {
            if let Some(position) = self.unread.windows(RESET.len()).position(|bytes| bytes == RESET) {
                break position;
            }
            let received = self.receive().await;
            assert!(!received.is_empty(), "the stream goes on");
            self.unread.extend(received);
        };
        let chunk: Vec<u8> = self.unread.drain(..end + RESET.len()).take(end).collect();
        let chunk = String::from_utf8(chunk).expect("whole characters");
        let line = chunk.split_once("] ").expect("a time").1;
        line.split_once(": ").expect("a name").1.to_owned()
    }

    async fn refused(&mut self) -> Refusal {
        Refusal::Ended(self.goodbye().await)
    }

    async fn goodbye(&mut self) -> Goodbye {
        while !self.receive().await.is_empty() {}
        Goodbye::EndOfStream
    }

    async fn leave(mut self: Box<Self>) {
        self.client.send("q").await;
    }
}
