//! The floor beneath any load generator: one thread, `epoll`, nothing but the
//! system calls that a message needs, a check of its number and a histogram.
//!
//! It trusts the server, keeps no books, tells nobody how it is: what a
//! generator takes beyond this is what it does for its user.
#![expect(clippy::print_stdout, reason = "its result goes there")]

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use benches::client::{ACCEPT, KEY};
use benches::frame::{MASK, Opcode, masked_frame, split_frame};
use clap::Parser;
use hdrhistogram::Histogram;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::fd::OwnedFd;
use serde_json::json;

/// Sender, number and time when it was due, each of 8 bytes.
const NUMBERS_BYTES: usize = 24;
/// What is sent is due together when it is due within this time, so that the
/// loop wakes at most so often for sending.
const WAKE_MIN: Duration = Duration::from_millis(1);
/// First byte of a whole binary message.
const BINARY: u8 = 0x82;
const SCRATCH_BYTES: usize = 64 << 10;
const EVENTS_MAX: usize = 256;

/// Sends, receives, and prints what it found as JSON.
#[derive(Debug, Parser)]
struct Arguments {
    address: SocketAddr,
    #[arg(long)]
    clients: usize,
    #[arg(long)]
    seconds: f64,
    /// Bytes of a message
    #[arg(long, default_value_t = 64)]
    size: usize,
    /// Messages a second of all clients; without it each client sends when it has heard its last one
    #[arg(long)]
    rate: Option<f64>,
    /// Also read at most once a millisecond: cheaper, and all times are late by up to that
    #[arg(long)]
    sleepy: bool,
    /// Connect and send nothing
    #[arg(long)]
    idle: bool,
}

struct Client {
    stream: TcpStream,
    /// The beginning of a frame that is not complete.
    tail: Vec<u8>,
    /// The frame that it sends, but for its numbers.
    frame: Vec<u8>,
    sent: u64,
    /// How many it has heard of each sender.
    heard: Vec<u64>,
}

struct Floor {
    arguments: Arguments,
    epoll: OwnedFd,
    clients: Vec<Client>,
    latencies_us: Histogram<u64>,
    scratch: Vec<u8>,
    start: Instant,
    /// Messages sent by all.
    sent: u64,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    rlimit::increase_nofile_limit(u64::MAX).context("no descriptors")?;
    ensure!(arguments.size >= NUMBERS_BYTES, "a message has room for its numbers");
    let length = Duration::from_secs_f64(arguments.seconds);
    let mut floor = Floor::connect(arguments)?;
    if floor.arguments.idle {
        while floor.start.elapsed() < length {
            floor.read(length.saturating_sub(floor.start.elapsed()))?;
        }
    } else if floor.arguments.rate.is_some() {
        floor.open_loop(length)?;
    } else {
        floor.closed_loop(length)?;
    }
    println!("{}", floor.result());
    Ok(())
}

impl Floor {
    fn connect(arguments: Arguments) -> Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let mut clients = Vec::with_capacity(arguments.clients);
        for number in 0..arguments.clients {
            let client = Client::connect(&arguments)?;
            epoll::add(&epoll, &client.stream, EventData::new_u64(number as u64), EventFlags::IN)?;
            clients.push(client);
        }
        let (latencies_us, scratch) = (Histogram::new(3)?, vec![0; SCRATCH_BYTES]);
        Ok(Self { arguments, epoll, clients, latencies_us, scratch, start: Instant::now(), sent: 0 })
    }

    /// Each client sends when it has heard its last message.
    fn closed_loop(&mut self, length: Duration) -> Result<()> {
        (0..self.clients.len()).try_for_each(|client| self.send(client, self.start.elapsed()))?;
        while self.start.elapsed() < length {
            self.read(length)?;
        }
        Ok(())
    }

    /// Every message is sent when it is due, by the clients in turn.
    fn open_loop(&mut self, length: Duration) -> Result<()> {
        let interval = Duration::from_secs_f64(1.0 / self.arguments.rate.context("an open loop has a rate")?);
        let due_at = |k: u64| interval.mul_f64(k as f64);
        loop {
            let woken = self.start.elapsed();
            if woken >= length {
                return Ok(());
            }
            while due_at(self.sent) <= woken {
                let client = self.sent as usize % self.clients.len();
                self.send(client, due_at(self.sent))?;
            }
            let next = due_at(self.sent).max(woken + WAKE_MIN);
            loop {
                let left = next.saturating_sub(self.start.elapsed());
                if left.is_zero() {
                    break;
                }
                if self.arguments.sleepy {
                    let (seconds, nanos) = (left.as_secs().try_into()?, left.subsec_nanos().into());
                    // Woken early or not, what has come is read.
                    let _ = rustix::thread::nanosleep(&Timespec { tv_sec: seconds, tv_nsec: nanos });
                    self.read(Duration::ZERO)?;
                    break;
                }
                self.read(left)?;
            }
        }
    }

    fn send(&mut self, number: usize, due: Duration) -> Result<()> {
        let client = &mut self.clients[number];
        let numbers = [number as u64, client.sent, due.as_micros() as u64];
        let start = client.frame.len() - self.arguments.size;
        let place = &mut client.frame[start..][..NUMBERS_BYTES];
        let bytes = numbers.iter().flat_map(|number| number.to_be_bytes());
        for ((place, byte), key) in place.iter_mut().zip(bytes).zip(MASK.iter().cycle()) {
            *place = byte ^ key;
        }
        // A floor against which something has piled up measures nothing.
        let written = client.stream.write(&client.frame)?;
        ensure!(written == client.frame.len(), "the server does not read");
        client.sent += 1;
        self.sent += 1;
        Ok(())
    }

    /// Waits so long for something to come, and reads all that has.
    fn read(&mut self, wait: Duration) -> Result<()> {
        let mut events = [const { std::mem::MaybeUninit::<Event>::uninit() }; EVENTS_MAX];
        let wait = Timespec { tv_sec: wait.as_secs().try_into()?, tv_nsec: wait.subsec_nanos().into() };
        let (events, _) = epoll::wait(&self.epoll, &mut events, Some(&wait))?;
        for event in events {
            self.read_one(event.data.u64() as usize)?;
        }
        Ok(())
    }

    fn read_one(&mut self, number: usize) -> Result<()> {
        let (client, scratch) = (&mut self.clients[number], &mut self.scratch);
        let tail_bytes = client.tail.len();
        scratch[..tail_bytes].copy_from_slice(&client.tail);
        let count = match client.stream.read(&mut scratch[tail_bytes..]) {
            Ok(0) => bail!("the server closed a connection"),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let now_us = self.start.elapsed().as_micros() as u64;
        let mut input = &scratch[..tail_bytes + count];
        let mut is_answered = false;
        while let Some((frame, rest)) = split_frame(input) {
            input = rest;
            ensure!(frame.first_byte == BINARY, "something strange came");
            let ([sender, sequence, due_us], _) = numbers(frame.payload).context("a message without its numbers")?;
            let expected = client.heard.get_mut(sender as usize).context("a message of nobody")?;
            ensure!(sequence == *expected, "message {expected} was due, {sequence} came");
            *expected += 1;
            self.latencies_us.record(now_us.saturating_sub(due_us))?;
            is_answered |= sender as usize == number;
        }
        client.tail.clear();
        client.tail.extend_from_slice(input);
        if is_answered && self.arguments.rate.is_none() {
            self.send(number, Duration::from_micros(now_us))?;
        }
        Ok(())
    }

    fn result(&self) -> serde_json::Value {
        let at = |quantile| self.latencies_us.value_at_quantile(quantile) as f64 / 1e3;
        json!({
            "sent": self.sent,
            "received": self.latencies_us.len(),
            "latency_ms": {"p50": at(0.5), "p99": at(0.99), "p999": at(0.999), "max": at(1.0)},
        })
    }
}

impl Client {
    fn connect(arguments: &Arguments) -> Result<Self> {
        let address = arguments.address;
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let request = format!(
            "GET / HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
        );
        stream.write_all(request.as_bytes())?;
        let mut answer = [0; 1024];
        let count = stream.read(&mut answer)?;
        let answer = String::from_utf8_lossy(&answer[..count]);
        ensure!(answer.contains(ACCEPT) && answer.ends_with("\r\n\r\n"), "the server did not upgrade: {answer}");
        stream.set_nonblocking(true)?;
        let (frame, senders) = if arguments.idle {
            (Vec::new(), 0)
        } else {
            (masked_frame(Opcode::Binary, &vec![b'x'; arguments.size]), arguments.clients)
        };
        Ok(Self { stream, tail: Vec::new(), frame, sent: 0, heard: vec![0; senders] })
    }
}

/// Splits the numbers off a message.
fn numbers(payload: &[u8]) -> Option<([u64; 3], &[u8])> {
    let (bytes, rest) = payload.split_first_chunk::<NUMBERS_BYTES>()?;
    let (words, _) = bytes.as_chunks::<8>();
    Some(([words[0], words[1], words[2]].map(u64::from_be_bytes), rest))
}
