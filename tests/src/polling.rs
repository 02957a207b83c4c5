//! A client of Engine.IO's HTTP long-polling, packet by packet.

use std::collections::VecDeque;
use std::sync::Arc;

use hyper::Method;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::http::{Answer, Http};
use crate::within_deadline;

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
    pub async fn begin(http: Http) -> Self {
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

/// Packets that come before somebody receives them; then it is not polled.
const UNRECEIVED_MAX: usize = 64;

/// A client that always has a poll under way, as real ones do; it vanishes
/// when it is dropped.
#[derive(Debug)]
pub struct Poller {
    session: Arc<Polling>,
    packets: mpsc::Receiver<String>,
    polling: AbortHandle,
}

impl Poller {
    /// Begins to poll.
    #[must_use]
    pub fn begin(session: Polling) -> Self {
        let session = Arc::new(session);
        let (sender, packets) = mpsc::channel(UNRECEIVED_MAX);
        let polling = tokio::spawn(poll(Arc::clone(&session), sender)).abort_handle();
        Self { session, packets, polling }
    }

    /// The session that is polled.
    #[must_use]
    pub fn session(&self) -> &Polling {
        &self.session
    }

    /// The next packet; nothing when the session is over.
    pub async fn receive(&mut self) -> Option<String> {
        within_deadline("a packet", self.packets.recv()).await.filter(|packet| packet != CLOSE)
    }
}

impl Drop for Poller {
    fn drop(&mut self) {
        self.polling.abort();
    }
}

/// The packet that ends a session.
const CLOSE: &str = "1";

async fn poll(session: Arc<Polling>, packets: mpsc::Sender<String>) {
    // A server that stops takes no more connections.
    while let Some(answer) = session.http.try_request(Method::GET, &session.path, &[], "").await {
        if answer.status != 200 {
            return;
        }
        for packet in std::str::from_utf8(&answer.body).expect("text").split('\u{1e}') {
            if packets.send(packet.to_owned()).await.is_err() || packet == CLOSE {
                return;
            }
        }
    }
}
