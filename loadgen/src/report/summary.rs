//! The table at the end.

use std::fmt::Write;

use crate::outcome::{Outcome, Percentiles, Verdict};

/// Stalls that are shown one by one.
const STALLS_SHOWN: usize = 5;

pub(super) fn table(outcome: &Outcome) -> String {
    let mut out = String::new();
    write(&mut out, outcome).expect("a string takes everything");
    out
}

fn write(out: &mut String, outcome: &Outcome) -> std::fmt::Result {
    let tally = &outcome.tally;
    writeln!(out, "\n{} on {}, {:.1} s", outcome.scenario, outcome.url, outcome.duration_s)?;
    writeln!(out, "\n  messages     scheduled {}  sent {}  refused {}", tally.scheduled, tally.sent, tally.refused)?;
    writeln!(out, "  deliveries   expected {}  received {}", tally.expected, tally.received)?;
    writeln!(
        out,
        "               lost {}  duplicated {}  reordered {}  corrupted {}  foreign {}",
        tally.lost, tally.duplicated, tally.reordered, tally.corrupted, tally.foreign
    )?;
    writeln!(
        out,
        "  connections  errors {}  disconnects {}  error answers {}",
        tally.connect_errors, tally.disconnects, tally.errors
    )?;
    if outcome.duration_s > 0.0 {
        let rate = |count: u64| count as f64 / outcome.duration_s;
        writeln!(out, "  rates        {:.1} sent/s  {:.1} received/s", rate(tally.sent), rate(tally.received))?;
    }
    write_times(out, outcome)?;
    write_stalls(out, outcome)?;
    let generator = outcome.generator;
    let pauses = generator.pauses;
    writeln!(
        out,
        "\n  generator    {:.2} s CPU, {:.2} s waiting for a core, {pauses} pauses",
        generator.cpu_s, generator.run_queue_wait_s
    )?;
    writeln!(out)?;
    for threshold in &outcome.thresholds {
        let sign = if threshold.passed { "✓" } else { "✗" };
        let value = threshold.value.map_or("not measured".to_owned(), |value| value.to_string());
        writeln!(out, "  {sign} {} ({value})", threshold.expression)?;
    }
    if let Some(failure) = &outcome.failure {
        writeln!(out, "\n  {failure}")?;
    }
    writeln!(out, "\n  {}", verdict(outcome.verdict))
}

fn write_times(out: &mut String, outcome: &Outcome) -> std::fmt::Result {
    writeln!(out, "\n  ms                      p50       p90       p99     p99.9       max      mean")?;
    let fanout = outcome.fanout_ms.as_ref();
    let rows = [
        ("latency (intended)", outcome.latency_ms),
        ("  from actual send", outcome.naive_latency_ms),
        ("fan-out first", fanout.map(|fanout| fanout.first)),
        ("fan-out median", fanout.map(|fanout| fanout.median)),
        ("fan-out last", fanout.map(|fanout| fanout.last)),
        ("connect", outcome.connect_ms),
        ("own lateness", outcome.lateness_ms),
    ];
    for (name, times) in rows {
        if let Some(Percentiles { p50, p90, p99, p999, max, mean }) = times {
            writeln!(out, "  {name:<18} {p50:>9.2} {p90:>9.2} {p99:>9.2} {p999:>9.2} {max:>9.2} {mean:>9.2}")?;
        }
    }
    Ok(())
}

fn write_stalls(out: &mut String, outcome: &Outcome) -> std::fmt::Result {
    if outcome.stalls.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n  stalls of the server: {}", outcome.stalls.len())?;
    for stall in outcome.stalls.iter().take(STALLS_SHOWN) {
        writeln!(out, "    at {:.2} s for {:.0} ms", stall.at_s, stall.for_ms)?;
    }
    Ok(())
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::ThresholdsCrossed => "thresholds crossed",
        Verdict::GeneratorLimited => {
            "generator-limited: the load was not sent on time; these figures say nothing about the server"
        }
        Verdict::Failed => "failed: the run could not be carried through",
        Verdict::Interrupted => "interrupted",
    }
}
