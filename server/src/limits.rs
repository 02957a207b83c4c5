//! Every bound of the server: its default, its unit, its reason. What happens
//! when one is hit stands in the line that checks it.

use std::time::Duration;

use history::{MemoryLimits, RedisLimits, SqliteLimits};
use hub::HubLimits;
use invert::Limits as ImageLimits;
use wire::native::NativeLimits;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// All bounds, as the program was set.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Rooms, tapes, queues.
    pub hub: HubLimits,
    /// The history in memory.
    pub memory: MemoryLimits,
    /// The history in files.
    pub sqlite: SqliteLimits,
    /// The history in Redis.
    pub redis: RedisLimits,
    /// Text, data and ids of the native door and of HTTP.
    pub native: NativeLimits,
    /// Pixels, frames and bytes of a picture.
    pub image: ImageLimits,
    /// How many may be connected.
    pub connections: ConnectionLimits,
    /// WebSocket connections.
    pub session: SessionLimits,
    /// Socket.IO.
    pub socketio: SocketIoLimits,
    /// Pictures waiting to be inverted.
    pub pool: PoolLimits,
    /// HTTP requests.
    pub http: HttpLimits,
    /// The doors of plain TCP.
    pub tcp: TcpLimits,
    /// How often a peer may do something.
    pub rates: Rates,
}

/// Bounds on connections, whatever is spoken on them.
#[derive(Debug, Clone)]
pub struct ConnectionLimits {
    /// At a time, in all: one more is answered 503.
    pub max: usize,
    /// At a time, of one address (IPv6: one /64 network), which loopback and
    /// trusted proxies are not: one more is answered 429.
    pub per_address_max: usize,
    /// Made, and waiting to be looked at; the system drops one more, or resets
    /// it later. Chosen: a room full of people who come back at once; Linux
    /// allows 4096 unless told otherwise.
    pub waiting_max: u32,
    /// Connections that are being told so; one more is closed without a word.
    pub refusals_max: usize,
    /// Whoever is to be told so has to ask in this time.
    pub refusal_max: Duration,
}

/// Descriptors that are left for files, stores and those who are refused.
const DESCRIPTORS_RESERVED: u64 = 512;

impl ConnectionLimits {
    /// As many connections as `descriptors` allow: half of them where there are
    /// few.
    #[must_use]
    pub fn max_for(descriptors: u64) -> usize {
        let max = descriptors.saturating_sub(DESCRIPTORS_RESERVED).max(descriptors / 2);
        usize::try_from(max).unwrap_or(usize::MAX)
    }
}

/// Bounds of a WebSocket connection.
#[derive(Debug, Clone)]
pub struct SessionLimits {
    /// One text frame: a base64 picture of 6 MB. Close 1009.
    pub text_frame_max_bytes: usize,
    /// One binary picture. Close 1009.
    pub image_max_bytes: usize,
    /// One raw message. Close 1009.
    pub raw_message_max_bytes: usize,
    /// A larger frame asks for its share of `inbound_max_bytes` first.
    pub announce_min_bytes: usize,
    /// Messages under way towards the server, all connections together: large
    /// frames wait unread.
    pub inbound_max_bytes: usize,
    /// So long; then close 1013.
    pub inbound_wait_max: Duration,
    /// A message must arrive at this rate or more over any `pace_window`, else
    /// close 1008; a peer that drains at this rate is alive.
    pub pace_min_bytes_per_sec: u64,
    /// See above.
    pub pace_window: Duration,
    /// The server asks for a sign of life this often: proxies cut at 60 s. A
    /// peer silent for two intervals is dropped.
    pub ping_interval: Duration,
    /// Pings of a peer; one more closes with 1008.
    pub ping_rate: Rate,
    /// Messages of a native or image peer that make no sense, per minute;
    /// one more closes with 1008.
    pub nonsense_max_per_minute: u32,
    /// Pictures of one connection under way; one more is refused (native) or
    /// not read (image door).
    pub images_max: usize,
    /// Answers of one connection that wait for a picture before them; then the
    /// peer is not read.
    pub answers_max: usize,
    /// Bytes that wait for a request which takes them, such as the body of SSE;
    /// then its session's socket counts as full.
    pub pipe_max_bytes: usize,
    /// Stored messages that a new member is given.
    pub history_messages: u64,
    /// Bytes per fragment of a negative, so that pings pass between them.
    pub fragment_max_bytes: usize,
    /// A close frame must be taken within this time; then the connection is
    /// cut. Chosen: a reader that was too slow gets to its close frame when it
    /// goes on soon.
    pub close_write_max: Duration,
    /// After a close frame input is read and dropped for so long …
    pub linger_max: Duration,
    /// … or until so much came: closing with unread input resets the
    /// connection, and the peer loses the frame.
    pub linger_max_bytes: usize,
}

/// Bounds of Socket.IO, beside those of [`SessionLimits`].
#[derive(Debug, Clone)]
pub struct SocketIoLimits {
    /// One packet with its attachments, a WebSocket message, or the body of a
    /// POST: the announced `maxPayload`. Close 1009, HTTP 413.
    pub packet_max_bytes: usize,
    /// Attachments of one packet; more close with 1002.
    pub attachments_max: usize,
    /// A polling client answers a ping in this time or is dropped; shorter
    /// than the time between pings.
    pub ping_timeout: Duration,
    /// A client enters the main namespace in this time or is dropped. Chosen:
    /// as the reference does.
    pub enter_max: Duration,
    /// Rooms of one socket: `too_many_rooms`.
    pub rooms_max: usize,
    /// Sessions that are polled: HTTP 503.
    pub polling_sessions_max: usize,
    /// The same from one address: HTTP 429.
    pub polling_sessions_per_address_max: usize,
    /// What waits for the next GET outside of the tapes.
    pub pipe_max_bytes: usize,
}

/// Bounds of the image pool.
#[derive(Debug, Clone)]
pub struct PoolLimits {
    /// Threads: one per core.
    pub threads: usize,
    /// Pictures that wait: `overloaded`, HTTP 503.
    pub queue_max_jobs: usize,
    /// Bytes of pictures that wait: the same.
    pub queue_max_bytes: usize,
    /// Pixels of a picture after which a thread keeps its working memory for
    /// the next one. Chosen: what phones take; the memory for a larger one is
    /// given back.
    pub scratch_max_pixels: u64,
}

/// Bounds of HTTP.
#[derive(Debug, Clone)]
pub struct HttpLimits {
    /// A request's header must be there in this time; then the connection is
    /// cut.
    pub header_read_max: Duration,
    /// Bytes of a request's header: 431.
    pub header_max_bytes: usize,
    /// A body that is no picture: a chat form with its overhead. 413.
    pub body_max_bytes: usize,
    /// After the last answer on a connection input is read and dropped for so
    /// long …
    pub linger_max: Duration,
    /// … or until so much came: else the peer may lose the answer.
    pub linger_max_bytes: usize,
    /// Messages of one answer.
    pub page_max_messages: usize,
    /// A peer whose system has not acknowledged or taken anything of an answer
    /// for so long is gone: two heartbeats of SSE, whose readers say nothing.
    pub unacknowledged_max: Duration,
    /// After a stop was asked for, requests and sessions have so long: longer
    /// than a close frame may take.
    pub drain_max: Duration,
}

/// Bounds of the doors of plain TCP. There is no language to refuse anything
/// in: who hits a bound is answered by the end of the stream.
#[derive(Debug, Clone)]
pub struct TcpLimits {
    /// What came without anything behind it for so long is a whole message:
    /// there is no framing.
    pub silence: Duration,
    /// After so long without a byte the system asks for a sign of life: the
    /// protocols have no pings.
    pub probe_after: Duration,
    /// And as often from then on.
    pub probe_interval: Duration,
    /// A peer whose system has not acknowledged or taken anything for so long
    /// is gone.
    pub unacknowledged_max: Duration,
    /// After the end of our stream input is read and dropped for so long.
    /// Chosen: who types a message at that moment still gets to read why
    /// nobody answers …
    pub linger_max: Duration,
    /// … or until so much came …
    pub linger_max_bytes: usize,
    /// … but only for so long when the program stops.
    pub linger_at_stop_max: Duration,
    /// Talks of two.
    pub pair: TcpPairLimits,
    /// The room.
    pub room: TcpRoomLimits,
}

/// Bounds of TCP pairs.
#[derive(Debug, Clone)]
pub struct TcpPairLimits {
    /// A nick must come within this time.
    pub nick_wait_max: Duration,
    /// Those who have sent none; more wait to be let in.
    pub newcomers_max: usize,
    /// Time without a message, and without a partner.
    pub idle_max: Duration,
    /// The rest of a character must come within this time; then what came is
    /// passed on as it is.
    pub character_wait_max: Duration,
    /// Bytes that are kept of what somebody sends when it is not its turn;
    /// then it is not read.
    pub ahead_max_bytes: usize,
    /// A message must be taken within this time.
    pub write_max: Duration,
}

/// Bounds of the TCP room.
#[derive(Debug, Clone)]
pub struct TcpRoomLimits {
    /// One chunk of a member: a text of its bound, and what stands around it.
    pub chunk_max_bytes: usize,
    /// Time in which a member says nothing and is told nothing. Chosen: longer
    /// than a lesson.
    pub idle_max: Duration,
    /// Writes to one member are at least so far apart, since a client takes
    /// what it receives at once for one message. Chosen: a program that waits
    /// wakes up in that time, and no person sees it.
    pub write_gap_min: Duration,
    /// A client is taken to receive once in this time, also on a busy machine,
    /// and is sent no more in it than it receives at once.
    pub receive_time: Duration,
    /// When more waits for a member, whole chunks leave together, as many as a
    /// client receives at once.
    pub crowd_min_bytes: usize,
    /// When so much waits for a member, it is written as fast as it is read;
    /// more waits on the tape.
    pub flood_min_bytes: usize,
    /// What is on its way from the tape to there.
    pub pipe_max_bytes: usize,
}

/// How often.
#[derive(Debug, Clone)]
pub struct Rates {
    /// Messages of one connection or, at HTTP, of one address; `None`: no
    /// bound. The door's `rate_limited`, HTTP 429.
    pub messages: Option<Rate>,
    /// New rooms of one address; the same.
    pub new_rooms: Option<Rate>,
    /// Addresses whose rates are remembered; then the fullest buckets are
    /// forgotten.
    pub addresses_max: usize,
}

/// So many, and then as many a second.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// At once.
    pub burst: f64,
    /// From then on.
    pub per_sec: f64,
}

impl SessionLimits {
    /// What must arrive within this time.
    pub(crate) fn pace_min_bytes(&self, within: Duration) -> u64 {
        let bytes = u128::from(self.pace_min_bytes_per_sec) * within.as_millis() / 1000;
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}

impl Rate {
    /// So many, and then as many a minute.
    #[must_use]
    pub fn per_minute(count: u32) -> Self {
        Self { burst: f64::from(count), per_sec: f64::from(count) / 60.0 }
    }
}

impl Limits {
    /// The bounds for a raw message size and a tape's tail as asked for.
    #[must_use]
    pub fn new(raw_message_max_bytes: usize, tape_tail_max_bytes: u64) -> Self {
        // Eight of the largest message fit into the tail, so that a reader one message behind is not too slow.
        let tape_tail_max_bytes = tape_tail_max_bytes.max(8 * raw_message_max_bytes as u64);
        Self {
            hub: hub_limits(tape_tail_max_bytes),
            memory: MemoryLimits::default(),
            sqlite: SqliteLimits::default(),
            redis: RedisLimits::default(),
            native: NativeLimits::default(),
            image: ImageLimits::default(),
            connections: ConnectionLimits {
                max: ConnectionLimits::max_for(1024),
                per_address_max: 256,
                waiting_max: 4096,
                refusals_max: 256,
                refusal_max: Duration::from_secs(2),
            },
            session: session_limits(raw_message_max_bytes),
            socketio: SocketIoLimits {
                packet_max_bytes: 8 * MIB,
                attachments_max: 8,
                ping_timeout: Duration::from_secs(20),
                enter_max: Duration::from_secs(45),
                rooms_max: 16,
                polling_sessions_max: 20_000,
                polling_sessions_per_address_max: 256,
                pipe_max_bytes: 64 * KIB,
            },
            pool: PoolLimits {
                threads: std::thread::available_parallelism().map_or(1, usize::from),
                queue_max_jobs: 256,
                queue_max_bytes: 256 * MIB,
                scratch_max_pixels: 16_800_000,
            },
            http: HttpLimits {
                header_read_max: Duration::from_secs(10),
                header_max_bytes: 64 * KIB,
                body_max_bytes: 256 * KIB,
                linger_max: Duration::from_secs(2),
                linger_max_bytes: MIB,
                page_max_messages: 1000,
                unacknowledged_max: Duration::from_secs(50),
                drain_max: Duration::from_secs(15),
            },
            tcp: tcp_limits(),
            rates: Rates {
                messages: Some(Rate { burst: 200.0, per_sec: 50.0 }),
                new_rooms: Some(Rate::per_minute(60)),
                addresses_max: 100_000,
            },
        }
    }
}

fn hub_limits(tape_tail_max_bytes: u64) -> HubLimits {
    HubLimits {
        tape_tail_max_bytes,
        // A single reader's tail is within it.
        tapes_max_bytes: (2 * tape_tail_max_bytes).max(256 * MIB as u64),
        segment_min_bytes: 4 * KIB,
        segment_max_bytes: 256 * KIB,
        write_max_bytes: 64 * KIB,
        pump_yield_sockets: 64,
        pump_yield_bytes: 256 * KIB as u64,
        shard_min_sockets: 512,
        message_max_bytes: HubLimits::message_max_for_tail(tape_tail_max_bytes),
        queue_max_messages: 16_384,
        queue_max_bytes: 16 * MIB,
        batch_max_messages: 1024,
        private_max_bytes: 256 * KIB,
        drain_min_bytes_per_sec: 8 * KIB as u64,
        drain_window: Duration::from_secs(30),
        rooms_max: 100_000,
        room_idle: Duration::from_secs(60),
        // Chosen: a room in which people can still know each other.
        presence_names_max: 100,
        presence_interval: Duration::from_secs(1),
        catch_up_page_messages: 500,
        compare_interval: Duration::from_secs(5),
        ahead_max_messages: 4096,
        // Chosen: an answer of the store that is under way is here by then.
        hole_patience: Duration::from_millis(20),
        // Chosen: longer than it takes to hear of a refusal and to come back.
        refused_retry_max: Duration::from_secs(2),
        refused_senders_max: 10_000,
    }
}

fn session_limits(raw_message_max_bytes: usize) -> SessionLimits {
    SessionLimits {
        text_frame_max_bytes: 8 * MIB,
        image_max_bytes: 32 * MIB,
        raw_message_max_bytes,
        announce_min_bytes: 64 * KIB,
        inbound_max_bytes: 512 * MIB,
        inbound_wait_max: Duration::from_secs(30),
        pace_min_bytes_per_sec: 8 * KIB as u64,
        pace_window: Duration::from_secs(30),
        ping_interval: Duration::from_secs(25),
        ping_rate: Rate { burst: 1000.0, per_sec: 100.0 },
        nonsense_max_per_minute: 100,
        images_max: 4,
        answers_max: 64,
        pipe_max_bytes: 64 * KIB,
        history_messages: 50,
        fragment_max_bytes: 64 * KIB,
        close_write_max: Duration::from_secs(10),
        linger_max: Duration::from_secs(2),
        linger_max_bytes: MIB,
    }
}

fn tcp_limits() -> TcpLimits {
    TcpLimits {
        silence: Duration::from_millis(30),
        probe_after: Duration::from_secs(25),
        probe_interval: Duration::from_secs(5),
        unacknowledged_max: Duration::from_secs(50),
        linger_max: Duration::from_secs(30),
        linger_max_bytes: MIB,
        linger_at_stop_max: Duration::from_secs(2),
        pair: TcpPairLimits {
            nick_wait_max: Duration::from_secs(30),
            newcomers_max: 1024,
            idle_max: Duration::from_secs(15 * 60),
            character_wait_max: Duration::from_secs(1),
            ahead_max_bytes: 16 * KIB,
            write_max: Duration::from_secs(10),
        },
        room: TcpRoomLimits {
            chunk_max_bytes: 17 * KIB,
            idle_max: Duration::from_secs(2 * 60 * 60),
            write_gap_min: Duration::from_millis(20),
            receive_time: Duration::from_millis(50),
            crowd_min_bytes: 2 * KIB,
            flood_min_bytes: 64 * KIB,
            pipe_max_bytes: 16 * KIB,
        },
    }
}
