//! The page.

use std::io;
use std::path::Path;

use benches::page;

use crate::Row;
use crate::case::Case;
use crate::foreign::Visit;
use crate::generator::Kind;
use crate::measure::Idle;
use crate::stall::{self, Latency, Trial};

/// The tables so far.
#[derive(Debug)]
pub(crate) struct Page(String);

impl Page {
    pub(crate) fn new(rounds: usize) -> Self {
        Self(page::begin(&format!(
            "`cargo xtask loadgens`; medians of {rounds} runs by turns for the floor and loadgen, one run for the others."
        )))
    }

    /// Appends a table about a case; returns it.
    pub(crate) fn case(&mut self, case: &Case, rows: &[Row]) -> &str {
        let begin = self.0.len();
        self.line(format!("\n### {}\n", case.title));
        self.line(format!(
            "| generator | CPU a {}, µs | × floor | messages/s received |\n|---|--:|--:|--:|",
            case.unit
        ));
        let base = rows.first().map_or(f64::NAN, |row| row.median(|cost| cost.cpu_us));
        for row in rows {
            let cpu_us = row.median(|cost| cost.cpu_us);
            let rate = row.median(|cost| cost.deliveries_per_sec);
            self.line(format!("| {} | {cpu_us:.1} | {:.2} | {rate:.0} |", row.kind.name(), cpu_us / base));
        }
        &self.0[begin..]
    }

    /// Appends what idle connections take; returns it.
    pub(crate) fn idle(&mut self, rows: &[(Kind, Idle)]) -> &str {
        let begin = self.0.len();
        self.line("\n### Connections that are made and held\n");
        self.line("| generator | connections | most memory, MiB | CPU a connection, µs |\n|---|--:|--:|--:|");
        for (kind, idle) in rows {
            let Idle { clients, memory_mib, cpu_us } = idle;
            self.line(format!("| {} | {clients} | {memory_mib:.1} | {cpu_us:.0} |", kind.name()));
        }
        &self.0[begin..]
    }

    /// Appends who said what of a stalling server; returns it.
    pub(crate) fn trial(&mut self, trial: &Trial) -> &str {
        let begin = self.0.len();
        let due = stall::LOAD.length.as_secs_f64() * stall::LOAD.rate;
        let (length, every) = (stall::STALL.as_secs(), stall::EVERY.as_secs());
        self.line(format!("\n### A server that stalls for {length} s every {every} s\n"));
        self.line(format!(
            "{due:.0} messages in {} s. Latency in milliseconds, as the generator tells it.\n",
            stall::LOAD.length.as_secs()
        ));
        self.line("| generator, and when it sends | not sent | p50 | p99 | p99.9 | max |\n|---|--:|--:|--:|--:|--:|");
        self.line(format!("| theory | 0 % | {} |", latency(trial.theory)));
        for testimony in &trial.testimonies {
            let unsent = (1.0 - testimony.sent as f64 / due).max(0.0) * 100.0;
            self.line(format!("| {} | {unsent:.0} % | {} |", testimony.name, latency(testimony.latency)));
        }
        &self.0[begin..]
    }

    /// Appends what loadgen found at servers of others; returns it.
    pub(crate) fn foreign(&mut self, visits: &[Visit]) -> &str {
        let begin = self.0.len();
        self.line("\n### loadgen at servers of others\n");
        self.line(
            "Echo: 50 clients, 500 messages a second. Broadcast: 20 clients hear all of 100 messages a second.\n",
        );
        self.line(
            "| server | sent | expected | received | lost, doubled, swapped, damaged | p50, ms | p99, ms | verdict |",
        );
        self.line("|---|--:|--:|--:|--:|--:|--:|---|");
        for Visit { name, result } in visits {
            let of = |name: &str| &result[name];
            let faults = ["lost", "duplicated", "reordered", "corrupted"].map(|name| of(name).to_string()).join(", ");
            let [p50, p99] = ["p50", "p99"].map(|name| result["latency_ms"][name].as_f64().unwrap_or(f64::NAN));
            self.line(format!(
                "| {name} | {} | {} | {} | {faults} | {p50:.2} | {p99:.2} | {} |",
                of("sent"),
                of("expected"),
                of("received"),
                of("verdict").as_str().unwrap_or_default()
            ));
        }
        &self.0[begin..]
    }

    fn line(&mut self, text: impl AsRef<str>) {
        self.0.push_str(text.as_ref());
        self.0.push('\n');
    }

    /// Replaces the tables of the page.
    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        page::write(path, &self.0)
    }
}

fn latency(latency: Latency) -> String {
    let Latency { p50, p99, p999, max } = latency;
    format!("{p50:.1} | {p99:.0} | {p999:.0} | {max:.0}")
}
