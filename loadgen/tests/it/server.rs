//! Servers with a known fault. They stop when they are dropped.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

/// More than any test has under way.
const QUEUE_MAX: usize = 1 << 16;

/// Who gets a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speech {
    /// Its sender.
    Echo,
    /// All of the room, which is the path.
    Raw,
    /// All of the room but its sender.
    Others,
    /// All of the room, in negaphone's JSON.
    Native,
}

/// What goes wrong, at each receiver or sender by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Nothing,
    /// Every 10th delivery is not made.
    Drop,
    /// Every 10th delivery is made twice.
    Double,
    /// Every 10th delivery comes after the next one.
    Swap,
    /// Every 10th delivery is damaged.
    Corrupt,
    /// Every 10th delivery follows a frame that nobody asked for.
    Chatter,
    /// Rooms are one.
    Leak,
    /// The 10th message waits so long, and all behind it.
    Stall(Duration),
    /// The connection is closed once it is open.
    CloseAtOnce,
    /// The connection of the first client is closed at its 10th delivery.
    CloseFirst,
    /// Nothing is read.
    Deaf,
    /// Every 10th message is refused.
    Refuse,
    /// Every 10th message gets no answer, but is delivered.
    NoAck,
    /// A member finds 25 older messages in its room.
    Backlog,
}

pub(crate) struct Server {
    address: SocketAddr,
    _tasks: Mutex<JoinSet<()>>,
}

struct Hall {
    speech: Speech,
    fault: Fault,
    seats: Mutex<Vec<Arc<Seat>>>,
    messages: AtomicU64,
}

struct Seat {
    number: usize,
    room: String,
    tx: mpsc::Sender<Message>,
    deliveries: Mutex<Deliveries>,
}

#[derive(Default)]
struct Deliveries {
    count: u64,
    held: Option<Message>,
}

impl Server {
    pub(crate) async fn start(speech: Speech, fault: Fault) -> Self {
        let hall = Arc::new(Hall { speech, fault, seats: Mutex::default(), messages: AtomicU64::new(0) });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(Arc::clone(&hall).serve(stream));
            }
        });
        Self { address, _tasks: Mutex::new(tasks) }
    }

    /// With the room as the path.
    pub(crate) fn url(&self) -> String {
        format!("ws://{}/{{room}}", self.address)
    }
}

impl Hall {
    async fn serve(self: Arc<Self>, stream: TcpStream) {
        let mut room = String::new();
        #[expect(clippy::result_large_err, reason = "the signature is the library's")]
        let take_room = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
            room = request.uri().path().to_owned();
            Ok(response)
        };
        let socket = tokio_tungstenite::accept_hdr_async(stream, take_room).await.unwrap();
        if self.fault == Fault::Leak {
            room.clear();
        }
        let (mut sink, mut source) = socket.split();
        if self.fault == Fault::CloseAtOnce {
            sink.close().await.ok();
            return;
        }
        let (tx, mut rx) = mpsc::channel(QUEUE_MAX);
        let seat = {
            let mut seats = self.seats.lock();
            let number = seats.len();
            seats.push(Arc::new(Seat { number, room, tx, deliveries: Mutex::default() }));
            Arc::clone(&seats[number])
        };
        self.welcome(&seat);
        let writing = async {
            while let Some(message) = rx.recv().await {
                let is_close = message.is_close();
                if sink.send(message).await.is_err() || is_close {
                    return;
                }
            }
        };
        let reading = async {
            if self.fault == Fault::Deaf {
                return std::future::pending().await;
            }
            while let Some(Ok(message)) = source.next().await {
                if message.is_close() {
                    return;
                }
                self.take(&seat, message).await;
            }
        };
        tokio::select! {
            () = writing => {}
            () = reading => {}
        }
    }

    fn welcome(&self, seat: &Seat) {
        if self.speech != Speech::Native {
            return;
        }
        let backlog = if self.fault == Fault::Backlog { 25 } else { 0 };
        let welcome = json!({"type": "welcome", "room": "r", "name": "n", "offset": 0, "head": backlog, "members": 1});
        seat.send(Message::text(welcome.to_string()));
        for offset in 1..=backlog {
            let old = json!({"type": "chat", "offset": offset, "from": "x", "text": "old"});
            seat.send(Message::text(old.to_string()));
        }
    }

    async fn take(&self, sender: &Seat, message: Message) {
        if !message.is_text() {
            return;
        }
        let count = self.messages.fetch_add(1, Ordering::Relaxed) + 1;
        if let (Fault::Stall(duration), 10) = (self.fault, count) {
            // The stall is what this server is for.
            tokio::time::sleep(duration).await;
        }
        if self.speech == Speech::Native {
            return self.take_native(sender, &message, count);
        }
        self.spread(sender, &message);
    }

    fn take_native(&self, sender: &Seat, message: &Message, count: u64) {
        let chat: Value = serde_json::from_str(message.to_text().unwrap()).unwrap();
        let id = &chat["id"];
        if self.fault == Fault::Refuse && count.is_multiple_of(10) {
            let error = json!({"type": "error", "code": "rate_limited", "message": "no", "id": id});
            return sender.send(Message::text(error.to_string()));
        }
        let event = json!({"type": "chat", "offset": 25 + count, "from": "n", "text": chat["text"], "id": id});
        self.spread(sender, &Message::text(event.to_string()));
        if self.fault != Fault::NoAck || !count.is_multiple_of(10) {
            let ack = json!({"type": "ack", "id": id, "offset": 25 + count, "epoch": "e"});
            sender.send(Message::text(ack.to_string()));
        }
    }

    fn spread(&self, sender: &Seat, message: &Message) {
        // Held throughout, so that all receivers see one order.
        let seats = self.seats.lock();
        for seat in seats.iter() {
            let is_for_it = match self.speech {
                Speech::Echo => seat.number == sender.number,
                Speech::Raw | Speech::Native => seat.room == sender.room,
                Speech::Others => seat.room == sender.room && seat.number != sender.number,
            };
            if is_for_it {
                seat.deliver(message, self.fault);
            }
        }
    }
}

impl Seat {
    fn send(&self, message: Message) {
        // A client that is gone gets nothing more.
        self.tx.try_send(message).ok();
    }

    fn deliver(&self, message: &Message, fault: Fault) {
        let mut deliveries = self.deliveries.lock();
        deliveries.count += 1;
        let is_tenth = deliveries.count.is_multiple_of(10);
        if self.number == 0 && deliveries.count == 10 && fault == Fault::CloseFirst {
            return self.send(Message::Close(None));
        }
        match fault {
            Fault::Drop if is_tenth => {}
            Fault::Swap if is_tenth => deliveries.held = Some(message.clone()),
            Fault::Corrupt if is_tenth => self.send(damaged(message)),
            Fault::Double if is_tenth => {
                self.send(message.clone());
                self.send(message.clone());
            }
            Fault::Chatter if is_tenth => {
                self.send(Message::text("what's up?"));
                self.send(message.clone());
            }
            _ => self.send(message.clone()),
        }
        if !is_tenth && let Some(held) = deliveries.held.take() {
            self.send(held);
        }
    }
}

/// The last letter of the payload becomes one that no payload ends with.
fn damaged(message: &Message) -> Message {
    let mut text = message.to_text().unwrap().to_owned();
    text.pop();
    Message::text(text + "!")
}
