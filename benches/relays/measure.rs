//! One run of one relay.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::case::Case;
use crate::crowd::Crowd;
use crate::relay::{Kind, Programs, Relay};

/// Before anything is counted. Chosen: until memory is there and a just-in-time
/// compiler has seen the loop.
const WARM_UP: Duration = Duration::from_millis(400);

/// What a run of a case showed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub(crate) deliveries_per_sec: f64,
    /// Nanoseconds of the relay's processor time.
    pub(crate) cpu_ns_per_delivery: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    /// Share of the time in which the load had nothing to do.
    pub(crate) load_idle: f64,
}

/// Runs a case once, with a relay of its own.
pub(crate) fn run(case: &Case, kind: Kind, programs: &Programs, time: Duration) -> Result<Run> {
    let relay = Relay::start(kind, programs)?;
    let mut crowd = Crowd::enter(&relay, "bench", case.clients, case.message_bytes)?;
    crowd.say(case.talk);
    crowd.run(WARM_UP)?;
    let (begin, cpu_before) = (Instant::now(), relay.processor_time()?);
    crowd.count_anew();
    crowd.run(time)?;
    let tally = crowd.count_anew();
    let (elapsed, cpu) = (begin.elapsed(), relay.processor_time()? - cpu_before);
    crowd.finish()?;
    let deliveries = tally.deliveries as f64;
    let latency = |quantile| tally.latencies_us.value_at_quantile(quantile) as f64;
    Ok(Run {
        deliveries_per_sec: deliveries / elapsed.as_secs_f64(),
        cpu_ns_per_delivery: cpu.as_nanos() as f64 / deliveries,
        p50_us: latency(0.5),
        p99_us: latency(0.99),
        load_idle: tally.idle.as_secs_f64() / elapsed.as_secs_f64(),
    })
}

/// KiB of memory that each of `count` idle connections takes.
pub(crate) fn idle_kib(kind: Kind, programs: &Programs, count: usize) -> Result<f64> {
    let relay = Relay::start(kind, programs)?;
    // What is there once belongs to no connection.
    drop(Crowd::enter(&relay, "bench", 32, 100)?);
    let before = relay.resident_bytes()?;
    let mut crowd = Crowd::enter(&relay, "bench", count, 100)?;
    // A quiet room gives memory back.
    crowd.run(Duration::from_secs(3))?;
    Ok((relay.resident_bytes()? - before) as f64 / 1024.0 / count as f64)
}

/// The middle one.
pub(crate) fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.into_iter().collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
