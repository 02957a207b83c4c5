//! The server that all generators meet: one thread, `epoll`, an echo or a
//! broadcast, nothing else, so that the generator is what is measured. It
//! counts what it is sent, which is what all figures rest on, and stalls when
//! it is told to.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::fd::OwnedFd;
use socket2::{Domain, Socket, Type};
use wire::websocket::handshake::accept_key;

/// Connections that wait to be accepted, at most.
const BACKLOG: i32 = 4096;
const SCRATCH_BYTES: usize = 256 << 10;
const EVENTS_MAX: usize = 1024;
/// The listener among the events.
const LISTENER: u64 = u64::MAX;
/// How often the end and a stall are looked for when nothing comes.
const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
/// RFC 6455 §5.2: FIN, opcode, mask, length, key.
const HEADER_BYTES: usize = 6;
const OPCODE_TEXT: u8 = 0x1;
const OPCODE_BINARY: u8 = 0x2;
const OPCODE_CLOSE: u8 = 0x8;
const OPCODE_PING: u8 = 0x9;
const OPCODE_PONG: u8 = 0xA;

/// Who is sent a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hearers {
    Sender,
    Everybody,
}

/// What came so far.
#[derive(Debug, Default)]
struct Counts {
    messages: AtomicU64,
    connections: AtomicU64,
    /// Nanoseconds that it is to stall.
    stall_ns: AtomicU64,
    is_over: AtomicBool,
}

/// A server on a thread of its own; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    counts: Arc<Counts>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(hearers: Hearers) -> Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
        socket.listen(BACKLOG)?;
        let listener = TcpListener::from(socket);
        listener.set_nonblocking(true)?;
        let (address, counts) = (listener.local_addr()?, Arc::new(Counts::default()));
        let mut hall = Hall::new(listener, hearers, Arc::clone(&counts))?;
        let thread = thread::Builder::new().name("server".into()).spawn(move || {
            hall.run().expect("the system serves");
        })?;
        Ok(Self { address, counts, thread: Some(thread) })
    }

    /// Messages that it was sent so far.
    pub(crate) fn messages(&self) -> u64 {
        self.counts.messages.load(Ordering::Relaxed)
    }

    /// Connections that it has taken so far.
    pub(crate) fn connections(&self) -> u64 {
        self.counts.connections.load(Ordering::Relaxed)
    }

    /// Nothing happens for so long, from now on.
    pub(crate) fn stall(&self, length: Duration) {
        self.counts.stall_ns.store(length.as_nanos() as u64, Ordering::Relaxed);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.counts.is_over.store(true, Ordering::Relaxed);
        // Why it panicked stands on the terminal.
        self.thread.take().map(JoinHandle::join);
    }
}

struct Hall {
    listener: TcpListener,
    hearers: Hearers,
    counts: Arc<Counts>,
    epoll: OwnedFd,
    guests: Vec<Option<Guest>>,
    scratch: Vec<u8>,
    /// What everybody is sent after this turn.
    news: Vec<u8>,
}

struct Guest {
    stream: TcpStream,
    is_upgraded: bool,
    /// Bytes of a request or a frame that is not complete.
    tail: Vec<u8>,
    out: Vec<u8>,
}

impl Hall {
    fn new(listener: TcpListener, hearers: Hearers, counts: Arc<Counts>) -> Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
        let scratch = vec![0; SCRATCH_BYTES];
        Ok(Self { listener, hearers, counts, epoll, guests: Vec::new(), scratch, news: Vec::new() })
    }

    fn run(&mut self) -> Result<()> {
        while !self.counts.is_over.load(Ordering::Relaxed) {
            let mut events = [const { std::mem::MaybeUninit::<Event>::uninit() }; EVENTS_MAX];
            let (events, _) = epoll::wait(&self.epoll, &mut events, Some(&TICK))?;
            stall(Duration::from_nanos(self.counts.stall_ns.swap(0, Ordering::Relaxed)));
            for event in events {
                match event.data.u64() {
                    LISTENER => self.let_in()?,
                    guest => self.serve(guest as usize)?,
                }
            }
            if !self.news.is_empty() {
                self.tell_everybody()?;
            }
        }
        Ok(())
    }

    fn let_in(&mut self) -> Result<()> {
        loop {
            let stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context("no more connections can be taken"),
            };
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            let number = EventData::new_u64(self.guests.len() as u64);
            epoll::add(&self.epoll, &stream, number, EventFlags::IN | EventFlags::OUT | EventFlags::ET)?;
            self.guests.push(Some(Guest { stream, is_upgraded: false, tail: Vec::new(), out: Vec::new() }));
        }
    }

    /// Reads all that has come, and answers it.
    fn serve(&mut self, number: usize) -> Result<()> {
        let Some(guest) = &mut self.guests[number] else { return Ok(()) };
        loop {
            let tail_bytes = guest.tail.len();
            self.scratch[..tail_bytes].copy_from_slice(&guest.tail);
            let count = match guest.stream.read(&mut self.scratch[tail_bytes..]) {
                Ok(count) if count > 0 => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // It went, with or without a good-bye.
                Ok(_) | Err(_) => {
                    self.guests[number] = None;
                    return Ok(());
                }
            };
            let input = &mut self.scratch[..tail_bytes + count];
            let used = if guest.is_upgraded {
                let news = (self.hearers == Hearers::Everybody).then_some(&mut self.news);
                let taken = answer(input, &mut guest.out, news)?;
                self.counts.messages.fetch_add(taken.messages, Ordering::Relaxed);
                taken.bytes
            } else {
                let used = upgrade(input, &mut guest.out)?;
                if used > 0 {
                    guest.is_upgraded = true;
                    self.counts.connections.fetch_add(1, Ordering::Relaxed);
                }
                used
            };
            guest.tail.clear();
            guest.tail.extend_from_slice(&input[used..]);
            if tail_bytes + count < self.scratch.len() {
                break;
            }
        }
        if guest.flush().is_err() {
            self.guests[number] = None;
        }
        Ok(())
    }

    fn tell_everybody(&mut self) -> Result<()> {
        for place in &mut self.guests {
            let Some(guest) = place.as_mut().filter(|guest| guest.is_upgraded) else { continue };
            guest.out.extend_from_slice(&self.news);
            if guest.flush().is_err() {
                *place = None;
            }
        }
        self.news.clear();
        Ok(())
    }
}

impl Guest {
    /// Writes as much as is taken; the event of a free buffer brings the rest.
    fn flush(&mut self) -> std::io::Result<()> {
        if self.out.is_empty() {
            return Ok(());
        }
        match self.stream.write(&self.out) {
            Ok(count) => drop(self.out.drain(..count)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

fn stall(length: Duration) {
    let end = Instant::now() + length;
    while !length.is_zero() && Instant::now() < end {
        thread::park_timeout(end.saturating_duration_since(Instant::now()));
    }
}

/// Answers a request for an upgrade; returns its bytes, 0 when it is not
/// complete.
fn upgrade(input: &[u8], out: &mut Vec<u8>) -> Result<usize> {
    let Some(end) = input.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(0) };
    let head = std::str::from_utf8(&input[..end])?;
    let field = |line: &str| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("sec-websocket-key").then(|| value.trim().to_owned())
    };
    let key = head.lines().find_map(field).context("a request without a key")?;
    let accept = accept_key(key.as_bytes());
    write!(
        out,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )?;
    Ok(end + 4)
}

/// Whole frames.
#[derive(Debug, Default)]
struct Taken {
    bytes: usize,
    messages: u64,
}

/// Unmasks whole frames in place. Messages are appended to `news` where there
/// is such a thing, else to `out`, as a server sends them; good-byes and pings
/// are answered in `out`.
fn answer(input: &mut [u8], out: &mut Vec<u8>, mut news: Option<&mut Vec<u8>>) -> Result<Taken> {
    let mut taken = Taken::default();
    while let Some((header, _)) = input[taken.bytes..].split_first_chunk::<HEADER_BYTES>() {
        let [first, second, key @ ..] = *header;
        let payload_bytes = usize::from(second & 0x7F);
        ensure!(second & 0x80 != 0 && payload_bytes <= 125, "a generator sends short masked frames");
        let Some(payload) = input[taken.bytes..].get_mut(HEADER_BYTES..HEADER_BYTES + payload_bytes) else { break };
        payload.iter_mut().zip(key.iter().cycle()).for_each(|(byte, key)| *byte ^= key);
        let answer = match first & 0x0F {
            OPCODE_TEXT | OPCODE_BINARY => {
                taken.messages += 1;
                Some((first, news.as_deref_mut().unwrap_or(out)))
            }
            OPCODE_CLOSE => Some((first, &mut *out)),
            OPCODE_PING => Some((first & 0xF0 | OPCODE_PONG, &mut *out)),
            OPCODE_PONG => None,
            opcode => bail!("a frame of the opcode {opcode}"),
        };
        if let Some((first, out)) = answer {
            out.extend([first, second & 0x7F]);
            out.extend_from_slice(payload);
        }
        taken.bytes += HEADER_BYTES + payload_bytes;
    }
    Ok(taken)
}
