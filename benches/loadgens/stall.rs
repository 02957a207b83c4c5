//! Who says what of a server that stalls: the same server, the same stalls, and
//! what theory says of them.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hdrhistogram::Histogram;
use serde_json::Value;

use crate::generator::{Generator, Kind, Load, Pace, Programs};
use crate::measure::wait_until;
use crate::server::{Hearers, Server};

/// A second in every ten, three times.
pub(crate) const STALL: Duration = Duration::from_secs(1);
pub(crate) const EVERY: Duration = Duration::from_secs(10);
const FIRST: Duration = Duration::from_secs(8);
const STALLS: u32 = 3;
pub(crate) const LOAD: Load =
    Load { pace: Pace::Timer, clients: 100, rate: 1000.0, length: Duration::from_secs(38), is_broadcast: false };

/// Who is asked, and how it sends.
const WITNESSES: [(Kind, Pace, &str); 5] = [
    (Kind::Floor, Pace::Timer, "when due"),
    (Kind::Loadgen, Pace::Timer, "when due"),
    (Kind::K6Websockets, Pace::Timer, "by `setInterval`"),
    (Kind::K6Ws, Pace::AnswerThenWait, "100 ms after the answer"),
    (Kind::K6Ws, Pace::Arrival, "by `constant-arrival-rate`, a connection each"),
];

/// Percentiles in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Latency {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) max: f64,
}

/// What a generator says.
#[derive(Debug)]
pub(crate) struct Testimony {
    pub(crate) name: String,
    /// Messages that the server was sent.
    pub(crate) sent: u64,
    pub(crate) latency: Latency,
}

/// All that were asked, and what theory says.
#[derive(Debug)]
pub(crate) struct Trial {
    pub(crate) testimonies: Vec<Testimony>,
    pub(crate) theory: Latency,
}

/// Asks all of them at once: the load is light, and the stalls are the same.
pub(crate) fn hear(programs: &Programs) -> Result<Trial> {
    let mut asked = Vec::new();
    for (kind, pace, how) in WITNESSES {
        let server = Server::start(Hearers::Sender)?;
        let generator = Generator::start(kind, &Load { pace, ..LOAD }, server.address, programs)?;
        asked.push((kind, how, server, generator));
    }
    for (_, _, server, generator) in &mut asked {
        wait_until(generator, || server.messages() > 0)?;
    }
    let begin = Instant::now();
    for number in 0..STALLS {
        thread::park_timeout((FIRST + EVERY * number).saturating_sub(begin.elapsed()));
        asked.iter().for_each(|(_, _, server, _)| server.stall(STALL));
    }
    let testimonies = asked.into_iter().map(|(kind, how, server, generator)| {
        let found = generator.finish()?;
        let latency =
            latency(kind, &found).with_context(|| format!("{} says nothing of latency: {found}", kind.name()))?;
        Ok(Testimony { name: format!("{}, {how}", kind.name()), sent: server.messages(), latency })
    });
    Ok(Trial { testimonies: testimonies.collect::<Result<_>>()?, theory: theory()? })
}

fn latency(kind: Kind, found: &Value) -> Option<Latency> {
    let (times, [p50, p99, p999]) = match kind {
        Kind::Floor | Kind::SleepyFloor | Kind::Loadgen => (&found["latency_ms"], ["p50", "p99", "p999"]),
        Kind::K6Ws | Kind::K6Websockets => (&found["metrics"]["latency"], ["med", "p(99)", "p(99.9)"]),
        Kind::Artillery => return None,
    };
    let at = |name: &str| times[name].as_f64();
    Some(Latency { p50: at(p50)?, p99: at(p99)?, p999: at(p999)?, max: at("max")? })
}

/// A message that is due in a stall is answered at its end; any other at once.
fn theory() -> Result<Latency> {
    let mut latencies_us = Histogram::<u64>::new(3)?;
    let interval = 1.0 / LOAD.rate;
    for k in 0..(LOAD.length.as_secs_f64() * LOAD.rate) as u64 {
        let due = k as f64 * interval;
        let into_stall = (due - FIRST.as_secs_f64()) % EVERY.as_secs_f64();
        let is_met = (0.0..STALL.as_secs_f64()).contains(&into_stall) && due < (FIRST + EVERY * STALLS).as_secs_f64();
        let left = if is_met { STALL.as_secs_f64() - into_stall } else { 0.0 };
        latencies_us.record((left * 1e6) as u64)?;
    }
    let at = |quantile| latencies_us.value_at_quantile(quantile) as f64 / 1e3;
    Ok(Latency { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1.0) })
}
