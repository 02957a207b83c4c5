//! Clients that come and go at every door of a running server, and what is left
//! of them: `soak --address 127.0.0.1:8080 --tcp-pair 127.0.0.1:5555 --tcp-room
//! 127.0.0.1:5002 --pid 1234 --seconds 60`.
//!
//! Some say good-bye, some vanish, some break off in the middle of a word.
//! Afterwards the server's memory, tasks and descriptors must be where they
//! were before.
#![expect(clippy::print_stdout, reason = "figures are what this program is for")]
#![expect(clippy::unwrap_used, reason = "where a client meets nothing that it expects, the server has failed")]

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use clap::Parser;
use serde_json::json;
use tests::{DEADLINE, Http, Poller, Polling, RawSocket, Received, SseClient, TcpClient, WsClient};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

/// Chosen: few enough to fill their histories first, enough to keep rooms small.
const ROOMS: usize = 8;
/// What the history of a room keeps in memory.
const HISTORY_MESSAGES: usize = 10_000;

/// Who comes and goes, by turns; a new door is one more line.
const GUESTS: [Guest; 21] = [
    Guest::Native(Leaving::GoodBye),
    Guest::Native(Leaving::Vanishing),
    Guest::Raw(Leaving::GoodBye),
    Guest::Raw(Leaving::Vanishing),
    Guest::Image(Leaving::GoodBye),
    Guest::Image(Leaving::Vanishing),
    Guest::Channels(Leaving::GoodBye),
    Guest::Channels(Leaving::Vanishing),
    Guest::Htmx(Leaving::GoodBye),
    Guest::Htmx(Leaving::Vanishing),
    Guest::SocketIo(Leaving::GoodBye),
    Guest::SocketIo(Leaving::Vanishing),
    Guest::SocketIoPolling(Leaving::GoodBye),
    Guest::SocketIoPolling(Leaving::Vanishing),
    Guest::TcpRoom(Leaving::GoodBye),
    Guest::TcpRoom(Leaving::Vanishing),
    Guest::TcpPair,
    Guest::Sse,
    Guest::Http,
    Guest::HalfRequest,
    Guest::HalfFrame,
];

/// More memory than before that is no leak. Chosen: what the allocator keeps
/// of peaks, which ever longer runs do not add to.
const MEMORY_MARGIN_KIB: u64 = 48 << 10;
/// Descriptors and tasks more than before that are no leak: our own request's.
const FEW: u64 = 4;

#[derive(Debug, Clone, Copy, Parser)]
struct Arguments {
    /// Where the server listens
    #[arg(long)]
    address: SocketAddr,
    /// Where its TCP pairs are
    #[arg(long)]
    tcp_pair: SocketAddr,
    /// Where its TCP room is
    #[arg(long)]
    tcp_room: SocketAddr,
    /// Its process
    #[arg(long)]
    pid: u32,
    /// How long clients come and go
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// How many are connected at a time
    #[arg(long, default_value_t = 2000)]
    clients: usize,
}

#[derive(Debug, Clone, Copy)]
enum Guest {
    Native(Leaving),
    Raw(Leaving),
    Image(Leaving),
    Channels(Leaving),
    Htmx(Leaving),
    SocketIo(Leaving),
    SocketIoPolling(Leaving),
    TcpRoom(Leaving),
    TcpPair,
    Sse,
    Http,
    /// Begins a request and goes.
    HalfRequest,
    /// Begins a message and goes.
    HalfFrame,
}

#[derive(Debug, Clone, Copy)]
enum Leaving {
    GoodBye,
    Vanishing,
}

/// What the server has at a moment.
#[derive(Debug, Clone, Copy)]
struct Holdings {
    memory_kib: u64,
    descriptors: u64,
    tasks: u64,
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    fill_histories(arguments.address).await;
    // The first guests make everything grow that grows once.
    let warm_up = Duration::from_secs(arguments.seconds / 4).max(Duration::from_secs(5));
    come_and_go(&arguments, warm_up).await;
    let before = settled(&arguments, None).await;
    println!("before: {before:?}");
    let visits = come_and_go(&arguments, Duration::from_secs(arguments.seconds)).await;
    let during = Holdings::of(&arguments).await;
    println!("during: {during:?}, {visits} visits");
    let after = settled(&arguments, Some(before)).await;
    println!("after:  {after:?}");
    assert!(after.memory_kib <= before.memory_kib + MEMORY_MARGIN_KIB, "memory did not come back");
}

/// So that what is said later takes the place of what was said.
async fn fill_histories(address: SocketAddr) {
    let filling = (0..ROOMS).map(|room| async move {
        let mut ws = WsClient::connect(&format!("ws://{address}/ws/raw/~soak-{room}")).await;
        for _ in 0..HISTORY_MESSAGES / 100 {
            for _ in 0..100 {
                ws.send("a few words, as people say them").await;
            }
            for _ in 0..100 {
                ws.receive().await;
            }
        }
        ws.close().await;
    });
    filling.collect::<JoinSet<()>>().join_all().await;
}

/// Lets guests come and go for so long; returns how often one came.
async fn come_and_go(arguments: &Arguments, length: Duration) -> u64 {
    let (arguments, until) = (*arguments, Instant::now() + length);
    let clients = u32::try_from(arguments.clients).expect("a number of clients");
    let slots = (0..arguments.clients).map(|slot| async move {
        // All at once would be too many for a busy machine to speak in time.
        sleep(length / 3 * slot as u32 / clients).await;
        let (mut turn, mut visits) = (slot, 0);
        while Instant::now() < until {
            visit(arguments, GUESTS[turn % GUESTS.len()], turn % ROOMS, stay(turn)).await;
            visits += 1;
            // A prime, so that a slot sees all guests and rooms.
            turn += 7919;
        }
        visits
    });
    // Each a task of its own: many in one would share its turns, and none be soon enough.
    slots.collect::<JoinSet<u64>>().join_all().await.iter().sum()
}

/// From one second to twelve: some come often, some stay.
fn stay(turn: usize) -> Duration {
    Duration::from_millis(1000 + ((turn as u64 * 2_654_435_761) >> 7) % 11_000)
}

async fn visit(arguments: Arguments, guest: Guest, room: usize, stay: Duration) {
    let Arguments { address, tcp_pair, tcp_room, .. } = arguments;
    let talk = async |path: String, says: Vec<String>, leaving| {
        let mut ws = WsClient::connect(&format!("ws://{address}{path}")).await;
        for text in says {
            ws.send(text).await;
        }
        listen(&mut ws, stay).await;
        leave(ws, leaving).await;
    };
    let json = |value: serde_json::Value| vec![value.to_string()];
    match guest {
        Guest::Native(leaving) => {
            let says = json(json!({"type": "chat", "text": "hei", "id": "1"}));
            talk(format!("/ws?room=~soak-{room}"), says, leaving).await;
        }
        Guest::Raw(leaving) => talk(format!("/ws/raw/~soak-{room}"), vec!["hei".to_owned()], leaving).await,
        Guest::Image(leaving) => {
            let mut ws = WsClient::connect(&format!("ws://{address}/ws/image")).await;
            ws.send_binary(bmp()).await;
            assert_eq!(ws.receive().await.binary().len(), bmp().len());
            listen(&mut ws, stay).await;
            leave(ws, leaving).await;
        }
        Guest::Channels(leaving) => {
            talk(format!("/ws/chat/~soak-{room}/"), json(json!({"message": "hei"})), leaving).await;
        }
        Guest::Htmx(leaving) => {
            talk(format!("/ws/htmx?room=~soak-{room}"), json(json!({"chat_message": "hei"})), leaving).await;
        }
        Guest::SocketIo(leaving) => {
            talk("/socket.io/?EIO=4&transport=websocket".to_owned(), socket_io(room).into(), leaving).await;
        }
        Guest::SocketIoPolling(leaving) => poll(address, room, stay, leaving).await,
        Guest::TcpRoom(leaving) => say_a_line(tcp_room, stay, leaving).await,
        Guest::TcpPair => {
            let mut tcp = TcpClient::connect(tcp_pair).await;
            tcp.send("ada").await;
            hear(&mut tcp, stay).await;
        }
        Guest::Sse => {
            let mut events = SseClient::connect(address, &format!("/rooms/~soak-{room}/events"), None).await;
            let reading = async { while events.next().await.is_some() {} };
            tokio::time::timeout(stay, reading).await.expect_err("the stream goes on");
        }
        Guest::Http => {
            let http = Http::new(format!("http://{address}"));
            let path = format!("/rooms/~soak-{room}/messages");
            assert_eq!(http.post_json(&path, &json!({"name": "ada", "text": "hei"})).await.status, 201);
            assert_eq!(http.post("/invert", &[], bmp()).await.status, 200);
        }
        Guest::HalfRequest => {
            let mut socket = RawSocket::connect(address).await;
            socket.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Le").await;
            sleep(stay).await;
        }
        Guest::HalfFrame => {
            let mut socket = RawSocket::connect(address).await;
            assert_eq!(socket.upgrade("/ws/image").await, 101);
            let frame = RawSocket::masked(0x82, &[0; 200_000]);
            socket.send(&frame[..100_000]).await;
            sleep(stay).await;
        }
    }
}

/// Reads what comes for so long, and answers pings.
async fn listen(ws: &mut WsClient, stay: Duration) {
    let listening = async {
        loop {
            if let Received::Closed(code) = ws.receive_at_all().await {
                panic!("closed with {code:?}");
            }
        }
    };
    tokio::time::timeout(stay, listening).await.ok();
}

/// Takes what comes for so long, or until the other one has left.
async fn hear(tcp: &mut TcpClient, stay: Duration) {
    let hearing = async { while !tcp.receive_bytes(2048).await.is_empty() {} };
    tokio::time::timeout(stay, hearing).await.ok();
}

/// Enters, goes into a room and speaks there.
fn socket_io(room: usize) -> [String; 3] {
    let room = format!("~soak-{room}");
    let join = json!(["join", {"username": "ada", "room": room}]);
    let say = json!(["receive_msg", {"user_name": "ada", "message": "hei", "room": room}]);
    ["40".to_owned(), format!("42{join}"), format!("42{say}")]
}

async fn poll(address: SocketAddr, room: usize, stay: Duration, leaving: Leaving) {
    let mut poller = Poller::begin(Polling::begin(Http::new(format!("http://{address}"))).await);
    for packet in socket_io(room) {
        poller.session().send(packet).await;
    }
    let polling = async { while poller.receive().await.is_some() {} };
    tokio::time::timeout(stay, polling).await.expect_err("the session goes on");
    match leaving {
        Leaving::GoodBye => poller.session().send("41\u{1e}1").await,
        Leaving::Vanishing => drop(poller),
    }
}

async fn say_a_line(address: SocketAddr, stay: Duration, leaving: Leaving) {
    let mut tcp = TcpClient::connect(address).await;
    tcp.send("\u{1b}[31m[2026-11-28 20:00:00] ada<SEP>hei\u{1b}[39m").await;
    hear(&mut tcp, stay).await;
    match leaving {
        Leaving::GoodBye => tcp.send("q").await,
        Leaving::Vanishing => tcp.reset(),
    }
}

async fn leave(ws: WsClient, leaving: Leaving) {
    match leaving {
        Leaving::GoodBye => drop(ws.close().await),
        Leaving::Vanishing => drop(ws),
    }
}

/// Two pixels.
fn bmp() -> Vec<u8> {
    let mut file = b"BM\x3E\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x02\0\0\0\x01\0\0\0\x01\0\x18\0".to_vec();
    file.resize(0x36, 0);
    file.extend([1, 2, 3, 4, 5, 6, 0, 0]);
    file
}

/// What the server has when all guests are gone: when tasks and descriptors are
/// as few as before or, for the first time, change no more.
async fn settled(arguments: &Arguments, before: Option<Holdings>) -> Holdings {
    let begin = Instant::now();
    let mut last = Holdings::of(arguments).await;
    loop {
        // Half a request is closed within ten seconds, a message that does not go on within two windows of thirty.
        sleep(Duration::from_secs(1)).await;
        let now = Holdings::of(arguments).await;
        let is_settled = before.map_or(now.tasks == last.tasks && now.descriptors == last.descriptors, |before| {
            now.tasks <= before.tasks + FEW && now.descriptors <= before.descriptors + FEW
        });
        if is_settled {
            return now;
        }
        assert!(begin.elapsed() < DEADLINE * 3, "tasks and descriptors do not come back: {now:?}, before: {before:?}");
        last = now;
    }
}

impl Holdings {
    async fn of(arguments: &Arguments) -> Self {
        let folder = format!("/proc/{}", arguments.pid);
        let status = fs::read_to_string(format!("{folder}/status")).unwrap();
        let metrics = Http::new(format!("http://{}", arguments.address)).get("/metrics", &[]).await;
        let metrics = String::from_utf8(metrics.body.to_vec()).unwrap();
        Self {
            memory_kib: number_after(&status, "VmRSS:"),
            descriptors: fs::read_dir(format!("{folder}/fd")).unwrap().count() as u64,
            tasks: number_after(&metrics, "negaphone_tasks "),
        }
    }
}

fn number_after(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}
