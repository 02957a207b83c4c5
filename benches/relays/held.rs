//! What our relay promises under strain, measured: nobody else pays for a
//! flood, for a reader that has stopped, for many connections.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::crowd::{Crowd, Talk};
use crate::relay::{Kind, Programs, Relay};

const OURS: Kind = Kind::NegaphoneRaw;
/// Chosen: some hundred messages in a quiet room.
const RUN: Duration = Duration::from_secs(3);
/// Rooms asked for at once.
const PIPELINED: usize = 32;
/// How the answer about a room ends in which nothing was said.
const EMPTY_ROOM: &[u8] = br#""messages":[]}"#;
const WARM_UP: Duration = Duration::from_millis(500);

/// Milliseconds of the 99th percentile, without a strain and under it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Strain {
    pub(crate) without_ms: f64,
    pub(crate) under_ms: f64,
}

/// A quiet room of ten on the processor on which a room of 5,000 is flooded.
pub(crate) fn quiet_room_beside_a_flood(programs: &Programs) -> Result<Strain> {
    let relay = Relay::start(OURS, programs)?;
    let mut quiet = Crowd::enter(&relay, "quiet", 10, 100)?;
    quiet.say(Talk::Paced { interval: Duration::from_millis(5) });
    let without_ms = p99_ms(&mut [&mut quiet])?;
    let mut flooded = Crowd::enter(&relay, "flooded", 5000, 100)?;
    flooded.say(Talk::Flood { window: 64 });
    let under_ms = p99_ms(&mut [&mut quiet, &mut flooded])?;
    quiet.finish()?;
    flooded.finish()?;
    Ok(Strain { without_ms, under_ms })
}

/// One of a thousand has stopped reading; the latency of the others.
pub(crate) fn stalled_reader(programs: &Programs) -> Result<Strain> {
    let relay = Relay::start(OURS, programs)?;
    let mut crowd = Crowd::enter(&relay, "bench", 1000, 16 << 10)?;
    crowd.say(Talk::Paced { interval: Duration::from_millis(50) });
    let without_ms = p99_ms(&mut [&mut crowd])?;
    let _stalled = crowd.stall_one()?;
    let under_ms = p99_ms(&mut [&mut crowd])?;
    crowd.finish()?;
    Ok(Strain { without_ms, under_ms })
}

/// MiB of memory after a tenth of so many rooms, and after all, were opened one
/// after another by reading them.
pub(crate) fn rooms_touched(programs: &Programs, rooms: usize) -> Result<[f64; 2]> {
    let relay = Relay::start(OURS, programs)?;
    let mut stream = TcpStream::connect(relay.address)?;
    let mut mib = Vec::new();
    for (after, until) in [(0, rooms / 10), (rooms / 10, rooms)] {
        for first in (after..until).step_by(PIPELINED) {
            read_rooms(&mut stream, first..(first + PIPELINED).min(until))?;
        }
        mib.push(relay.resident_bytes()? as f64 / (1 << 20) as f64);
    }
    Ok([mib[0], mib[1]])
}

fn read_rooms(stream: &mut TcpStream, rooms: Range<usize>) -> Result<()> {
    let count = rooms.len();
    let requests: String =
        rooms.map(|room| format!("GET /rooms/r{room}/messages?limit=1 HTTP/1.1\r\nHost: relay\r\n\r\n")).collect();
    stream.write_all(requests.as_bytes())?;
    let mut answers = Vec::new();
    // A room in which nothing was said is answered with a list of nothing.
    while memchr::memmem::find_iter(&answers, EMPTY_ROOM).count() < count {
        let mut buffer = [0; 16 << 10];
        let read = stream.read(&mut buffer)?;
        answers.extend_from_slice(&buffer[..read]);
        let is_refused =
            memchr::memmem::find_iter(&answers, b"HTTP/1.1 ").any(|at| !answers[at + 9..].starts_with(b"200"));
        ensure!(read > 0 && !is_refused, "a room was refused: {}", String::from_utf8_lossy(&answers));
    }
    Ok(())
}

/// Of the first crowd.
fn p99_ms(crowds: &mut [&mut Crowd]) -> Result<f64> {
    let begin = Instant::now();
    let mut is_warm = false;
    while begin.elapsed() < WARM_UP + RUN {
        for crowd in &mut *crowds {
            crowd.take_turn()?;
        }
        if !is_warm && begin.elapsed() > WARM_UP {
            crowds[0].count_anew();
            is_warm = true;
        }
    }
    Ok(crowds[0].count_anew().latencies_us.value_at_quantile(0.99) as f64 / 1e3)
}

/// Seconds in which so many connections were opened, all of which then hear a
/// message.
pub(crate) fn opened(programs: &Programs, connections: usize) -> Result<f64> {
    let relay = Relay::start(OURS, programs)?;
    let begin = Instant::now();
    let mut crowd = Crowd::enter(&relay, "bench", connections, 100)?;
    let opened_secs = begin.elapsed().as_secs_f64();
    crowd.say(Talk::Flood { window: 1 });
    crowd.run(Duration::from_millis(100))?;
    crowd.finish()?;
    Ok(opened_secs)
}
