//! A client of the native door that comes back: with its position, so that it
//! misses nothing, and with its session key, so that what it says again is
//! said once.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

/// Between two attempts to connect.
const RETRY_PAUSE: Duration = Duration::from_millis(30);

/// What a client does.
#[derive(Debug, Clone)]
pub struct Script {
    /// Where it connects to: each time to the next of them.
    pub addresses: Vec<SocketAddr>,
    /// Its room.
    pub room: String,
    /// The room's life, if it is known before anything was said: then it hears
    /// everything, however late it comes.
    pub epoch: Option<String>,
    /// Its name.
    pub name: String,
    /// How many messages it says.
    pub count: u64,
    /// One each so often.
    pub interval: Duration,
    /// Unanswered messages at a time.
    pub window: u64,
    /// When nothing came for so long, it connects anew.
    pub patience: Duration,
    /// Messages of all clients of the room: the last one has this offset.
    pub total: u64,
}

/// A message that was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Of which life of the room.
    pub epoch: String,
    /// Where.
    pub offset: u64,
    /// Who said it, and the how-manieth of that client's it is.
    pub said: (String, u64),
}

/// What a client went through.
#[derive(Debug, Default)]
pub struct Seen {
    /// Where each of its own messages was acked.
    pub acked: BTreeMap<u64, (String, u64)>,
    /// All that it heard.
    pub heard: Vec<Heard>,
    /// Connections that were made.
    pub connections: usize,
    /// How often it was told that something is missing.
    pub told_of_holes: usize,
    /// Holes and repeats that it was not told of.
    pub untold: Vec<String>,
}

/// Runs the script until all is acked and heard.
///
/// # Panics
///
/// When the server says something that makes no sense.
pub async fn run(script: Script) -> Seen {
    let position = script.epoch.clone().map(|epoch| (epoch, 0));
    let (start, seen) = (Instant::now(), Seen::default());
    let mut client = Client { start, script, attempts: 0, sent: 0, session: None, position, seen };
    while !client.is_done() {
        // Whatever ends a connection, the next one goes on from where it ended.
        client.connect_and_talk().await;
        sleep(RETRY_PAUSE).await;
    }
    client.seen
}

type Socket = WebSocketStream<TcpStream>;

struct Client {
    start: Instant,
    script: Script,
    /// To connect.
    attempts: usize,
    /// On the present connection, counted from the first message.
    sent: u64,
    session: Option<String>,
    position: Option<(String, u64)>,
    seen: Seen,
}

impl Client {
    fn is_done(&self) -> bool {
        let has_heard_all = self.position.as_ref().is_some_and(|(_, offset)| *offset >= self.script.total);
        self.acked() == self.script.count && has_heard_all
    }

    fn acked(&self) -> u64 {
        self.seen.acked.len() as u64
    }

    async fn connect_and_talk(&mut self) {
        let address = self.script.addresses[self.attempts % self.script.addresses.len()];
        self.attempts += 1;
        let connecting = async {
            let stream = TcpStream::connect(address).await.ok()?;
            stream.set_nodelay(true).ok()?;
            Some(Box::pin(client_async(self.url(address), stream)).await.ok()?.0)
        };
        let Ok(Some(mut socket)) = timeout(self.script.patience, connecting).await else { return };
        self.seen.connections += 1;
        // What is not acked is said again, in its order.
        self.sent = self.acked();
        while !self.is_done() {
            if self.step(&mut socket).await.is_break() {
                return;
            }
        }
        socket.close(None).await.ok();
    }

    fn url(&self, address: SocketAddr) -> String {
        let Script { room, name, .. } = &self.script;
        let mut url = format!("ws://{address}/ws?room={room}&name={name}");
        if let Some(session) = &self.session {
            url += &format!("&session={session}");
        }
        if let Some((epoch, offset)) = &self.position {
            url += &format!("&since={offset}&epoch={epoch}");
        }
        url
    }

    /// Says the next message when it is due, or takes one in.
    async fn step(&mut self, socket: &mut Socket) -> ControlFlow<()> {
        let may_say =
            self.session.is_some() && self.sent < self.script.count && self.sent - self.acked() < self.script.window;
        let due = self.start + self.script.interval * u32::try_from(self.sent).unwrap_or(u32::MAX);
        tokio::select! {
            () = sleep_until(due), if may_say => {
                let id = self.sent + 1;
                let message = json!({"type": "chat", "text": id.to_string(), "id": id.to_string()});
                let sending = socket.send(Message::text(message.to_string()));
                match timeout(self.script.patience, sending).await {
                    Ok(Ok(())) => self.sent = id,
                    Ok(Err(_)) | Err(_) => return ControlFlow::Break(()),
                }
            }
            came = timeout(self.script.patience, socket.next()) => match came {
                Ok(Some(Ok(Message::Text(text)))) => return self.take(&serde_json::from_str(&text).expect("JSON")),
                Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => {}
                Ok(Some(Ok(_) | Err(_)) | None) | Err(_) => return ControlFlow::Break(()),
            },
        }
        ControlFlow::Continue(())
    }

    fn take(&mut self, message: &Value) -> ControlFlow<()> {
        let text = |key: &str| message[key].as_str().unwrap_or_default().to_owned();
        let number = |key: &str| message[key].as_u64().expect("a number");
        match message["type"].as_str() {
            Some("welcome") => {
                if message["recovered"] == false {
                    self.seen.told_of_holes += 1;
                }
                self.session = Some(text("session"));
                let begin = (text("epoch"), number("offset"));
                if message["recovered"] == true && self.position.as_ref() != Some(&begin) {
                    self.seen.untold.push(format!("from {:?} recovered to {begin:?}", self.position));
                }
                self.position = Some(begin);
            }
            Some("chat") => self.hear(number("offset"), (text("from"), text("text").parse().expect("a number"))),
            Some("ack") => {
                let epoch = text("epoch");
                self.seen.acked.insert(text("id").parse().expect("a number"), (epoch, number("offset")));
            }
            // Refused, with all that comes after it: said again on the next connection.
            Some("error") => return ControlFlow::Break(()),
            Some("join" | "leave") => {}
            other => panic!("the server says {other:?}"),
        }
        ControlFlow::Continue(())
    }

    fn hear(&mut self, offset: u64, said: (String, u64)) {
        let (epoch, last) = self.position.clone().expect("a welcome comes first");
        if offset != last + 1 {
            self.seen.untold.push(format!("{offset} after {last}"));
        }
        self.position = Some((epoch.clone(), offset));
        self.seen.heard.push(Heard { epoch, offset, said });
    }
}

/// What must be true of all clients of a room together.
///
/// # Panics
///
/// When it is not.
pub fn check(room: &[Seen], count: u64) {
    let mut places = BTreeMap::new();
    for seen in room {
        assert_eq!(seen.untold, [] as [&str; 0], "a hole or a repeat of which nobody was told");
        assert_eq!(seen.acked.len() as u64, count, "every message is acked");
        let mut last: BTreeMap<&str, u64> = BTreeMap::new();
        for heard in &seen.heard {
            let place = (heard.epoch.as_str(), heard.offset);
            let said = places.entry(place).or_insert(&heard.said);
            assert_eq!(*said, &heard.said, "two messages at {place:?}");
            let last = last.entry(&heard.said.0).or_default();
            assert!(*last < heard.said.1, "{:?} after {last}", heard.said);
            assert!(seen.told_of_holes > 0 || *last + 1 == heard.said.1, "{:?} after {last}", heard.said);
            *last = heard.said.1;
        }
    }
    for seen in room {
        for (number, (epoch, offset)) in &seen.acked {
            let said = places.get(&(epoch.as_str(), *offset));
            assert!(said.is_some_and(|said| said.1 == *number), "acked at {offset}, where {said:?} was heard");
        }
        let heard_all = seen.heard.len() as u64 == count * room.len() as u64;
        assert!(heard_all || seen.told_of_holes > 0, "acked and not heard by all");
    }
}
