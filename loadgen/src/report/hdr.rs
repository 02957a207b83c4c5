//! HdrHistogram's own files: an interval log, and a percentile distribution.

use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::IntervalLogWriterBuilder;

use crate::outcome::Outcome;

/// Lines for each halving of the distance to 100 %, as HdrHistogram's tools have.
const TICKS_PER_HALF: u32 = 5;

/// The latencies of each interval, in microseconds.
pub(super) fn log(outcome: &Outcome) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    let start: jiff::Timestamp = outcome.started.parse().map_err(io::Error::other)?;
    let since_epoch =
        Duration::try_from(start.duration_since(jiff::Timestamp::UNIX_EPOCH)).map_err(io::Error::other)?;
    let start = SystemTime::UNIX_EPOCH + since_epoch;
    let mut log = IntervalLogWriterBuilder::new()
        .add_comment(&format!("loadgen {} {}, microseconds", outcome.scenario, outcome.url))
        .with_start_time(start)
        .with_base_time(start)
        .begin_log_with(&mut out, &mut serializer)?;
    for interval in &outcome.intervals {
        let [at, length] = [interval.at_s, interval.for_s].map(Duration::from_secs_f64);
        log.write_histogram(&interval.histogram.0, at, length, None)
            .map_err(|error| io::Error::other(format!("{error:?}")))?;
    }
    Ok(out)
}

/// The latency's percentiles, in milliseconds.
pub(super) fn percentiles(outcome: &Outcome) -> io::Result<Vec<u8>> {
    let histogram = &outcome.histograms.latency.0;
    let mut out = Vec::new();
    writeln!(out, "{:>12} {:>17} {:>10} {:>14}\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)")?;
    for step in histogram.iter_quantiles(TICKS_PER_HALF) {
        let (value, quantile) = (step.value_iterated_to() as f64 / 1e3, step.quantile());
        let below = histogram.count_between(0, step.value_iterated_to());
        let inverse = if quantile < 1.0 { format!("{:.2}", 1.0 / (1.0 - quantile)) } else { "inf".to_owned() };
        writeln!(out, "{value:>12.3} {quantile:>17.12} {below:>10} {inverse:>14}")?;
    }
    writeln!(out, "#[Mean    = {:>12.3}, StdDeviation   = {:>12.3}]", histogram.mean() / 1e3, histogram.stdev() / 1e3)?;
    writeln!(out, "#[Max     = {:>12.3}, Total count    = {:>12}]", histogram.max() as f64 / 1e3, histogram.len())?;
    Ok(out)
}
