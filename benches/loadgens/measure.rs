//! What a generator takes, seen from outside: the system says what it used, the
//! server what it sent.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::generator::{Generator, Kind, Load, Programs};
use crate::server::{Hearers, Server};

/// Before anything is counted. Chosen: until a just-in-time compiler has seen the loop.
const WARM_UP: Duration = Duration::from_millis(1500);
/// Nobody needs longer to begin.
const BEGIN_MAX: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(5);

/// What a run of messages showed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    /// Of messages that arrived at a client.
    pub(crate) deliveries_per_sec: f64,
    /// Microseconds of the generator's processor time.
    pub(crate) cpu_us: f64,
}

/// What connections showed that do nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Idle {
    pub(crate) clients: usize,
    /// Most memory that the generator had.
    pub(crate) memory_mib: f64,
    /// Microseconds of its processor time for each connection.
    pub(crate) cpu_us: f64,
}

/// Measures messages for `time`.
pub(crate) fn messages(kind: Kind, load: &Load, time: Duration, programs: &Programs) -> Result<Cost> {
    let server = Server::start(if load.is_broadcast { Hearers::Everybody } else { Hearers::Sender })?;
    let load = Load { length: time + WARM_UP * 2, ..*load };
    let mut generator = Generator::start(kind, &load, server.address, programs)?;
    wait_until(&mut generator, || server.messages() > 0)?;
    thread::park_timeout(WARM_UP);
    let (begin, cpu, messages) = (Instant::now(), generator.processor_time()?, server.messages());
    thread::park_timeout(time);
    let (elapsed, cpu) = (begin.elapsed(), generator.processor_time()? - cpu);
    let hearers = if load.is_broadcast { load.clients } else { 1 };
    let deliveries = ((server.messages() - messages) * hearers as u64) as f64;
    ensure!(deliveries > 0.0 && !generator.has_ended()?, "{} ended early", kind.name());
    if matches!(kind, Kind::Floor | Kind::SleepyFloor | Kind::Loadgen) {
        // Both check what comes, and say so by how they end.
        generator.finish()?;
    }
    Ok(Cost { deliveries_per_sec: deliveries / elapsed.as_secs_f64(), cpu_us: cpu.as_secs_f64() * 1e6 / deliveries })
}

/// Measures connections that are made and held.
pub(crate) fn idle(kind: Kind, load: &Load, programs: &Programs) -> Result<Idle> {
    let server = Server::start(Hearers::Sender)?;
    let mut generator = Generator::start(kind, load, server.address, programs)?;
    wait_until(&mut generator, || server.connections() > 0)?;
    // What it took to start is not the connections'.
    let (cpu, early) = (generator.processor_time()?, server.connections());
    wait_until(&mut generator, || server.connections() >= load.clients as u64)?;
    let cpu = generator.processor_time()? - cpu;
    thread::park_timeout(Duration::from_secs(1));
    let memory_mib = generator.memory_mib()?;
    Ok(Idle {
        clients: load.clients,
        memory_mib,
        cpu_us: cpu.as_secs_f64() * 1e6 / (load.clients as u64 - early) as f64,
    })
}

pub(crate) fn wait_until(generator: &mut Generator, mut is_so: impl FnMut() -> bool) -> Result<()> {
    let end = Instant::now() + BEGIN_MAX;
    while !is_so() {
        ensure!(!generator.has_ended()?, "the generator ended early");
        ensure!(Instant::now() < end, "the generator does not get on");
        thread::park_timeout(POLL);
    }
    Ok(())
}

/// The middle one.
pub(crate) fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.into_iter().collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
