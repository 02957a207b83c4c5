//! What keeping messages costs, and what it brings: `cargo xtask history`.
//!
//! Prints the tables that stand in `docs/history.md`; of the modes alone that
//! its arguments name, if there are any.
#![expect(clippy::print_stdout, reason = "the tables are what this program is for")]

mod cpu;
mod mode;
mod paced;
mod recovery;
mod throughput;

use std::time::Duration;

use benches::machine::{machine, today};
use mode::Mode;
use tokio::runtime::{Builder, Runtime};

/// Messages a second that come one by one.
const RATES: [u64; 2] = [1_000, 20_000];
const ROOMS: [usize; 2] = [10, 1_000];
/// For each rate and mode.
const PACED_FOR: Duration = Duration::from_secs(5);

fn main() {
    println!("{}, {}. `cargo xtask history`.\n", machine(), today());
    throughput();
    paced();
    recovery();
}

/// Those that were asked for.
fn chosen<const COUNT: usize>(modes: [Mode; COUNT]) -> impl Iterator<Item = Mode> {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    modes.into_iter().filter(move |mode| asked.is_empty() || asked.iter().any(|name| name == mode.name()))
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn throughput() {
    println!("In batches of {}, 100 bytes each, every message with a key for retries:\n", throughput::BATCH);
    println!("| history | rooms | messages/s | CPU a message, µs | bytes a message on disk |");
    println!("|---|--:|--:|--:|--:|");
    for mode in chosen(Mode::ALL) {
        for rooms in ROOMS {
            let figures = runtime().block_on(throughput::measure(mode, rooms));
            let size = figures.disk_bytes.map_or("–".to_owned(), |bytes| format!("{bytes:.0}"));
            let (rate, cpu) = (figures.per_sec, figures.cpu_us);
            println!("| {} | {rooms} | {rate:.0} | {cpu:.1} | {size} |", mode.name());
        }
    }
}

fn paced() {
    println!("\nOne by one, into 10 rooms, through the hub:\n");
    println!(
        "| history | messages/s | ack p50, ms | ack p99, ms | CPU of the writer, or of Redis, a message, µs | all CPU a message, µs |"
    );
    println!("|---|--:|--:|--:|--:|--:|");
    for mode in chosen(Mode::ALL) {
        for rate in RATES {
            let figures = runtime().block_on(paced::measure(mode, rate, PACED_FOR));
            let writer = figures.writer_us.map_or("–".to_owned(), |us| format!("{us:.1}"));
            let (p50, p99, all) = (figures.p50_ms, figures.p99_ms, figures.all_us);
            println!("| {} | {rate} | {p50:.2} | {p99:.2} | {writer} | {all:.1} |", mode.name());
        }
    }
}

fn recovery() {
    println!(
        "\nUntil a client that missed {} messages has them all (median of {}):\n",
        recovery::MISSED,
        recovery::RUNS
    );
    println!("| history | ms after it began to connect |");
    println!("|---|--:|");
    for mode in chosen([Mode::Os, Mode::Redis]) {
        let took = runtime().block_on(recovery::measure(mode));
        println!("| {} | {:.0} |", mode.name(), took.as_secs_f64() * 1e3);
    }
}
