//! A client of server-sent events, by the rules of the HTML standard.

use std::collections::VecDeque;
use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::within_deadline;

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SseEvent {
    /// Its id.
    pub id: String,
    /// Its data.
    pub data: Value,
}

/// A connection; HTTP/1.0, so that the body comes as it is.
#[derive(Debug)]
pub struct SseClient {
    stream: BufReader<TcpStream>,
    /// The head of the answer.
    pub head: String,
    /// Comments that came so far.
    pub comments: usize,
}

impl SseClient {
    /// Asks for a path, with the position of an earlier event.
    ///
    /// # Panics
    ///
    /// When there is no answer.
    pub async fn connect(address: SocketAddr, path: &str, last_event_id: Option<&str>) -> Self {
        let stream = within_deadline("a connection", TcpStream::connect(address)).await.expect("a connection");
        let mut stream = BufReader::new(stream);
        let id = last_event_id.map_or_else(String::new, |id| format!("Last-Event-ID: {id}\r\n"));
        let request = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\nAccept: text/event-stream\r\n{id}\r\n");
        within_deadline("a send", stream.write_all(request.as_bytes())).await.expect("a connection");
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let count = within_deadline("an answer", stream.read_line(&mut head)).await.expect("an answer");
            assert!(count > 0, "the answer breaks off: {head}");
        }
        Self { stream, head, comments: 0 }
    }

    /// The next event, or `None` at the end of the stream.
    ///
    /// # Panics
    ///
    /// When the stream breaks off, or an event is not as ours are.
    pub async fn next(&mut self) -> Option<SseEvent> {
        let (mut id, mut data) = (None, VecDeque::new());
        loop {
            let mut line = String::new();
            let read = within_deadline("an event", self.stream.read_line(&mut line)).await.expect("a stream");
            if read == 0 {
                return None;
            }
            match line.trim_end_matches('\n') {
                "" if data.is_empty() => {}
                "" => {
                    let data = data.iter().map(String::as_str).collect::<Vec<_>>().join("\n");
                    let data = serde_json::from_str(&data).expect("JSON");
                    return Some(SseEvent { id: id.expect("every event has an id"), data });
                }
                line if line.starts_with(':') => self.comments += 1,
                line => match line.split_once(": ").expect("a field") {
                    ("id", value) => id = Some(value.to_owned()),
                    ("data", value) => data.push_back(value.to_owned()),
                    (field, _) => panic!("the field {field} is not used"),
                },
            }
        }
    }
}
