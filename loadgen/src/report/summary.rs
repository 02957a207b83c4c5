//! The table at the end.

use std::fmt::{self, Write};

use crate::drift::Drift;
use crate::exit::Verdict;
use crate::outcome::{Outcome, Percentiles};
use crate::tally::{RoomTally, Tally};

/// Stalls that are shown one by one.
const STALLS_SHOWN: usize = 5;
/// Rooms that are shown one by one: those with most faults.
const ROOMS_SHOWN: usize = 5;
/// Pictures whose latencies are shown.
const FILES_SHOWN: usize = 20;

pub(super) fn table(outcome: &Outcome) -> String {
    let mut out = String::new();
    write_all(&mut out, outcome).expect("a string takes everything");
    out
}

fn write_all(out: &mut String, outcome: &Outcome) -> fmt::Result {
    let Outcome { scenario, url, clients, duration_s, seed, run_id, .. } = outcome;
    let s = if *clients == 1 { "" } else { "s" };
    writeln!(out, "\n{scenario}  {clients} client{s}, {duration_s:.1} s, {url}  (seed {seed}, run {run_id})\n")?;
    if !outcome.has_begun {
        writeln!(out, "  connections  failed {}", outcome.tally.connect_errors)?;
        return write_verdict(out, outcome);
    }
    write_counts(out, outcome)?;
    write_times(out, outcome)?;
    write_stalls(out, outcome)?;
    write_drift(out, outcome)?;
    let generator = outcome.generator;
    writeln!(
        out,
        "\n  generator    {:.2} s CPU, {:.2} s waiting for a core, {} pauses of its own\n",
        generator.cpu_s, generator.run_queue_s, generator.pauses
    )?;
    for threshold in &outcome.thresholds {
        let sign = if threshold.passed { "✓" } else { "✗" };
        let value = threshold.value.map_or("not measured".to_owned(), |value| value.to_string());
        writeln!(out, "  {sign} {}  ({value})", threshold.expression)?;
    }
    write_verdict(out, outcome)
}

fn write_counts(out: &mut String, outcome: &Outcome) -> fmt::Result {
    let tally = &outcome.tally;
    if outcome.scenario == "connect" {
        let made = outcome.connected();
        let Tally { connect_errors, disconnects, .. } = tally;
        return writeln!(
            out,
            "  connections  made {made}  failed {connect_errors}  closed by the server {disconnects}"
        );
    }
    let rate = |count: u64| match outcome.duration_s {
        0.0 => String::new(),
        seconds => format!(" ({:.1}/s)", count as f64 / seconds),
    };
    write!(out, "  messages     scheduled {}  sent {}{}", tally.scheduled, tally.sent, rate(tally.sent))?;
    writeln!(out, "  refused {}  errors {}", tally.refused, tally.errors)?;
    writeln!(out, "  deliveries   expected {}  received {}{}", tally.expected, tally.received, rate(tally.received))?;
    write!(out, "               lost {}", tally.lost)?;
    let further = [
        ("duplicated", tally.duplicated),
        ("reordered", tally.reordered),
        ("corrupted", tally.corrupted),
        ("foreign", tally.foreign),
    ];
    for (name, count) in further.into_iter().filter_map(|(name, count)| Some((name, count?))) {
        write!(out, "  {name} {count}")?;
    }
    write!(out, "\n  connections  failed {}  closed by the server {}", tally.connect_errors, tally.disconnects)?;
    writeln!(out, "{}", tally.resumed.map_or(String::new(), |count| format!("  resumed {count}")))?;
    write_rooms(out, outcome)
}

fn write_rooms(out: &mut String, outcome: &Outcome) -> fmt::Result {
    let mut faulty: Vec<&RoomTally> = outcome.rooms.iter().filter(|room| room.faults() > 0).collect();
    if faulty.is_empty() {
        return Ok(());
    }
    faulty.sort_by_key(|room| std::cmp::Reverse(room.faults()));
    writeln!(out, "\n  rooms with faults: {} of {}", faulty.len(), outcome.rooms.len())?;
    for room in faulty.iter().take(ROOMS_SHOWN) {
        write!(out, "    {}  expected {}", room.room, room.expected)?;
        for (name, count) in room.faults_by_name().into_iter().filter_map(|(name, count)| Some((name, count?))) {
            write!(out, "  {name} {count}")?;
        }
        writeln!(out)?;
    }
    if faulty.len() > ROOMS_SHOWN {
        writeln!(out, "    …")?;
    }
    Ok(())
}

fn write_times(out: &mut String, outcome: &Outcome) -> fmt::Result {
    let fanout = outcome.fanout_ms.as_ref();
    let rows = [
        ("latency, as intended", outcome.latency_ms),
        ("  from actual send", outcome.naive_latency_ms),
        ("  first receiver", fanout.map(|fanout| fanout.first)),
        ("  median receiver", fanout.map(|fanout| fanout.median)),
        ("  last receiver", fanout.map(|fanout| fanout.last)),
    ];
    let own = [("connect", outcome.connect_ms), ("generator's lateness", outcome.lateness_ms)];
    let files = outcome.by_file.iter().take(FILES_SHOWN).map(|(name, times)| (format!("  {name}"), *times));
    let rows: Vec<_> =
        (rows.into_iter().filter_map(named).chain(files)).chain(own.into_iter().filter_map(named)).collect();
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n  {:<22} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}", "ms", "p50", "p90", "p99", "p99.9", "max", "mean")?;
    for (name, Percentiles { p50, p90, p99, p999, max, mean }) in rows {
        let name: String = name.chars().take(22).collect();
        writeln!(out, "  {name:<22} {p50:>8.2} {p90:>8.2} {p99:>8.2} {p999:>8.2} {max:>8.2} {mean:>8.2}")?;
    }
    Ok(())
}

fn named((name, times): (&str, Option<Percentiles>)) -> Option<(String, Percentiles)> {
    Some((name.to_owned(), times?))
}

fn write_stalls(out: &mut String, outcome: &Outcome) -> fmt::Result {
    if outcome.stalls.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n  stalls of the server: {}", outcome.stalls.len())?;
    for stall in outcome.stalls.iter().take(STALLS_SHOWN) {
        writeln!(out, "    at {:.2} s for {} ms", stall.at_s, stall.for_ms)?;
    }
    if outcome.stalls.len() > STALLS_SHOWN {
        writeln!(out, "    …")?;
    }
    Ok(())
}

fn write_drift(out: &mut String, outcome: &Outcome) -> fmt::Result {
    let Some(Drift { before_ms, after_ms, change, low, high }) = outcome.drift else { return Ok(()) };
    let [change, low, high] = [change, low, high].map(|part| part * 100.0);
    writeln!(
        out,
        "\n  drift        p99 of the first third {before_ms:.2} ms, of the last {after_ms:.2} ms: {change:+.1} % \
         ({low:+.1} … {high:+.1})"
    )
}

fn write_verdict(out: &mut String, outcome: &Outcome) -> fmt::Result {
    write!(out, "\n  {}", outcome.verdict)?;
    if let Some(reason) = &outcome.reason {
        write!(out, ": {reason}")?;
    }
    if outcome.verdict == Verdict::GeneratorLimited {
        write!(
            out,
            "\n  These figures say little about the server: use fewer clients, a lower rate or a larger machine."
        )?;
    }
    writeln!(out, "\n")
}
