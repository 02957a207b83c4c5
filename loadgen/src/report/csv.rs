//! A line for each interval.

use std::io::Write;

use crate::outcome::Outcome;

pub(super) fn make(outcome: &Outcome) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    writeln!(
        out,
        "at_s,for_s,sent,received,errors,connected,latency_p50_ms,latency_p90_ms,latency_p99_ms,latency_p999_ms,\
         latency_max_ms,fanout_p99_ms,lateness_max_ms,cpu_s,run_queue_s"
    )?;
    for interval in &outcome.intervals {
        let counts = [interval.sent, interval.received, interval.errors, interval.connected];
        write!(out, "{},{}", interval.at_s, interval.for_s)?;
        for count in counts {
            write!(out, ",{count}")?;
        }
        // Nothing arrived: nothing is written, rather than a latency of zero.
        match interval.latency_ms {
            Some(ms) => write!(out, ",{},{},{},{},{}", ms.p50, ms.p90, ms.p99, ms.p999, ms.max)?,
            None => write!(out, ",,,,,")?,
        }
        let own = [interval.fanout_p99_ms, interval.lateness_max_ms, interval.cpu_s, interval.run_queue_s];
        writeln!(out, ",{},{},{},{}", own[0], own[1], own[2], own[3])?;
    }
    Ok(out)
}
