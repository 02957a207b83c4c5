//! The page.

use std::io;
use std::path::Path;

use benches::page;

use crate::Row;
use crate::case::{Case, IDLE_CONNECTIONS, OPENED, ROOMS};
use crate::crowd::Talk;
use crate::held::Strain;
use crate::relay::Kind;

/// The tables so far.
#[derive(Debug)]
pub(crate) struct Page(String);

impl Page {
    pub(crate) fn new(rounds: usize) -> Self {
        Self(page::begin(&format!("`cargo xtask relays`; medians of {rounds} runs.")))
    }

    /// Appends a table about a case; returns it.
    pub(crate) fn case(&mut self, case: &Case, rows: &[Row]) -> &str {
        let begin = self.0.len();
        let is_large = case.message_bytes >= 1 << 10;
        let cost = if is_large { "CPU a MiB, µs" } else { "CPU a delivery, ns" };
        let base = rows.iter().find(|row| row.kind == Kind::BunRaw && row.fault.is_none());
        self.line(format!("\n### {}\n", case.title));
        self.line(format!("| relay | deliveries/s | × Bun | {cost} | × Bun | p50, ms | p99, ms | load idle |"));
        self.line("|---|--:|--:|--:|--:|--:|--:|--:|");
        for row in rows {
            if let Some(fault) = &row.fault {
                self.line(format!("| {} | {fault} | | | | | | |", row.kind.name()));
                continue;
            }
            let rate = row.median(|run| run.deliveries_per_sec);
            let cpu_ns = row.median(|run| run.cpu_ns_per_delivery);
            let cost = if is_large {
                format!("{:.0}", cpu_ns / 1e3 * (1 << 20) as f64 / case.message_bytes as f64)
            } else {
                format!("{cpu_ns:.0}")
            };
            let times =
                |figure: f64, base: Option<f64>| base.map_or("–".to_owned(), |base| format!("{:.2}", figure / base));
            let rates = times(rate, base.map(|base| base.median(|run| run.deliveries_per_sec)));
            let costs = times(cpu_ns, base.map(|base| base.median(|run| run.cpu_ns_per_delivery)));
            let [p50, p99] = [row.median(|run| run.p50_us), row.median(|run| run.p99_us)].map(milliseconds);
            let idle = row.median(|run| run.load_idle) * 100.0;
            self.line(format!(
                "| {} | {} | {rates} | {cost} | {costs} | {p50} | {p99} | {idle:.0} % |",
                row.kind.name(),
                rounded(rate),
            ));
        }
        if matches!(case.talk, Talk::Flood { .. }) {
            self.line("\nLatency: from sending until all have heard.");
        }
        &self.0[begin..]
    }

    /// Appends what an idle connection takes; returns it.
    pub(crate) fn idle(&mut self, weights: &[(Kind, f64)]) -> &str {
        let begin = self.0.len();
        self.line(format!("\n### Memory of an idle connection, {IDLE_CONNECTIONS} of them\n"));
        self.line("| relay | KiB |\n|---|--:|");
        for (kind, kib) in weights {
            self.line(format!("| {} | {kib:.2} |", kind.name()));
        }
        &self.0[begin..]
    }

    /// Appends what our relay holds under strain; returns it.
    pub(crate) fn held(&mut self, quiet: Strain, stalled: Strain, opened_secs: f64, rooms_mib: [f64; 2]) -> &str {
        let begin = self.0.len();
        self.line("\n### negaphone under strain\n\n| p99 of a delivery, ms | without | with |\n|---|--:|--:|");
        for (what, strain) in [
            ("a quiet room of 10, beside a flooded room of 5,000 on the same processor", quiet),
            ("a room of 1,000, 16 KiB messages, one reader of which has stopped", stalled),
        ] {
            self.line(format!("| {what} | {:.2} | {:.2} |", strain.without_ms, strain.under_ms));
        }
        self.line(format!("\n{OPENED} connections to one process, opened one after another: {opened_secs:.1} s."));
        let [early, late] = rooms_mib;
        self.line(format!("\nResident memory after {} rooms were read one after another: {early:.0} MiB; after {ROOMS}: {late:.0} MiB.", ROOMS / 10));
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

/// A relay may be too slow for one latency in a run.
fn milliseconds(us: f64) -> String {
    if us > 0.0 { format!("{:.2}", us / 1e3) } else { "–".to_owned() }
}

fn rounded(rate: f64) -> String {
    if rate >= 1e6 { format!("{:.2} M", rate / 1e6) } else { format!("{:.0} k", rate / 1e3) }
}
