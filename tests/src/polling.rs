//! A client of Engine.IO's HTTP long-polling, packet by packet.

use std::collections::VecDeque;

use serde_json::Value;

use crate::http::{Answer, Http};

/// A session.
#[derive(Debug)]
pub struct Polling {
    http: Http,
    path: String,
    received: VecDeque<String>,
    /// What the server opened it with.
    pub open: Value,
}

impl Polling {
    /// Opens one.
    ///
    /// # Panics
    ///
    /// When the server does not.
    pub(crate) async fn begin(http: Http) -> Self {
        let answer = http.get("/socket.io/?EIO=4&transport=polling", &[]).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "text/plain; charset=UTF-8"));
        let open: Value = serde_json::from_slice(&answer.body[1..]).expect("an open packet");
        let sid = open["sid"].as_str().expect("an id");
        let path = format!("/socket.io/?EIO=4&transport=polling&sid={sid}");
        Self { http, path, received: VecDeque::new(), open }
    }

    /// The path at which a WebSocket takes the session over.
    #[must_use]
    pub fn websocket_path(&self) -> String {
        self.path.replace("polling", "websocket")
    }

    /// `GET`.
    pub async fn get(&self) -> Answer {
        self.http.get(&self.path, &[]).await
    }

    /// `POST`.
    pub async fn post(&self, body: impl Into<bytes::Bytes>) -> Answer {
        self.http.post(&self.path, &[("content-type", "text/plain;charset=UTF-8")], body).await
    }

    /// Sends a packet.
    ///
    /// # Panics
    ///
    /// When it is not taken.
    pub async fn send(&self, packet: impl Into<bytes::Bytes>) {
        let answer = self.post(packet).await;
        assert_eq!((answer.status, &answer.body[..]), (200, &b"ok"[..]));
    }

    /// The next packet, pings left out.
    ///
    /// # Panics
    ///
    /// When the session is over.
    pub async fn receive(&mut self) -> String {
        loop {
            if let Some(packet) = self.received.pop_front() {
                if packet == "2" {
                    continue;
                }
                return packet;
            }
            let answer = self.get().await;
            assert_eq!(answer.status, 200);
            let body = std::str::from_utf8(&answer.body).expect("text");
            self.received.extend(body.split('\u{1e}').map(str::to_owned));
        }
    }
}
