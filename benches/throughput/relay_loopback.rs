//! The whole server on loopback: one client of the raw relay speaks, all
//! listen. Deliveries per second while a window of messages is under way, and
//! the latency of one message at a time.
#![expect(clippy::print_stdout, reason = "criterion measures throughput; the latencies are printed beside it")]

use std::time::Duration;

use benches::relay::{Relay, Talk};
use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use hdrhistogram::Histogram;

/// Clients, and messages under way. Chosen: what keeps the server busy without
/// filling the sockets' buffers.
const ROOMS: [(usize, usize); 4] = [(1, 1000), (32, 1000), (200, 256), (1000, 64)];

const PAYLOAD_BYTES: usize = 100;

/// Windows per iteration, so that its beginning and its end weigh little.
const WINDOWS: usize = 4;

/// Chosen: well below what the server delivers when it writes message by
/// message, so that one does not meet the next; in a small room a message each
/// millisecond, the timer's own step.
const LATENCY_DELIVERIES_PER_SEC: f64 = 20_000.0;
const LATENCY_MESSAGES_MAX_PER_SEC: f64 = 1_000.0;
const LATENCY_SECS: f64 = 2.0;

/// The latencies of one room.
struct Row {
    clients: usize,
    messages_per_sec: f64,
    latencies_us: Histogram<u64>,
}

pub(crate) fn raw_relay(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("negaphone/raw_relay");
    group.sampling_mode(SamplingMode::Flat).sample_size(10);
    let mut rows = Vec::new();
    for (clients, window) in ROOMS {
        let messages = (WINDOWS * window) as u64;
        group.throughput(Throughput::Elements(messages * clients as u64));
        // Only what the filter lets through is started.
        let mut relay = None;
        group.bench_function(BenchmarkId::from_parameter(clients), |bencher| {
            let relay = relay.get_or_insert_with(|| Relay::start(clients));
            bencher.iter_custom(|iterations| {
                relay.flood(Talk { messages: iterations * messages, payload_bytes: PAYLOAD_BYTES }, window)
            });
        });
        rows.extend(relay.map(|mut relay| latencies(&mut relay, clients)));
    }
    group.finish();
    print(&rows);
}

fn latencies(relay: &mut Relay, clients: usize) -> Row {
    let messages_per_sec = (LATENCY_DELIVERIES_PER_SEC / clients as f64).min(LATENCY_MESSAGES_MAX_PER_SEC);
    let talk = Talk { messages: (messages_per_sec * LATENCY_SECS) as u64, payload_bytes: PAYLOAD_BYTES };
    let latencies_us = relay.latencies(talk, Duration::from_secs_f64(1.0 / messages_per_sec));
    Row { clients, messages_per_sec, latencies_us }
}

fn print(rows: &[Row]) {
    if rows.is_empty() {
        return;
    }
    println!("One message at a time, from before its write until each client has read it, in microseconds:");
    println!(
        "{:>7} {:>10} {:>10} {:>8} {:>8} {:>8} {:>8}",
        "clients", "messages/s", "deliveries", "p50", "p99", "p99.9", "max"
    );
    for Row { clients, messages_per_sec, latencies_us } in rows {
        let [p50, p99, p99_9] = [0.5, 0.99, 0.999].map(|quantile| latencies_us.value_at_quantile(quantile));
        let (deliveries, max) = (latencies_us.len(), latencies_us.max());
        println!("{clients:>7} {messages_per_sec:>10.0} {deliveries:>10} {p50:>8} {p99:>8} {p99_9:>8} {max:>8}");
    }
    println!();
}
