//! Which plots a report has, and what goes into them.

use super::plot::{Band, Fill, Line, Plot, Scale, time_marks};
use crate::figures::IntervalFigures;
use crate::outcome::{Outcome, Percentiles};

/// Percentiles of the curve: each nine has the same width.
const QUANTILES: [f64; 17] =
    [0.0, 0.25, 0.5, 0.684, 0.8, 0.9, 0.95, 0.975, 0.99, 0.995, 0.9975, 0.999, 0.9995, 0.99975, 0.9999, 0.99999, 1.0];
/// Where 100 % is drawn, in nines.
const NINES_MAX: f64 = 5.5;
/// A shorter interval has no rate.
const RATE_MIN_S: f64 = 0.2;

pub(super) fn all(outcome: &Outcome) -> Vec<Plot> {
    let mut plots = Vec::new();
    if outcome.latency_ms.is_some() {
        plots.push(latency(outcome));
        plots.push(percentiles(outcome));
        plots.push(sent(outcome));
        plots.push(received(outcome));
    } else {
        plots.push(connections(outcome));
    }
    if outcome.fanout_ms.is_some() {
        plots.push(fanout(outcome));
    }
    plots.push(errors(outcome));
    plots.push(lateness(outcome));
    plots.push(processor(outcome));
    plots
}

/// A line with a point in the middle of each interval.
fn line(
    outcome: &Outcome,
    (name, class): (&'static str, &'static str),
    value: impl Fn(&IntervalFigures) -> Option<f64>,
) -> Line {
    let points = outcome.intervals.iter().map(|interval| (interval.at_s + interval.for_s / 2.0, value(interval)));
    Line { name, class, points: points.collect(), fill: Fill::None }
}

fn over_time(outcome: &Outcome, title: &'static str, unit: &'static str, lines: Vec<Line>) -> Plot {
    let end = outcome.intervals.last().map_or(0.0, |interval| interval.at_s + interval.for_s);
    let x_max = outcome.duration_s.max(end);
    let warm_up = Band { from: 0.0, to: outcome.warm_up_s, class: "warm-up" };
    let mut bands: Vec<Band> = if outcome.warm_up_s > 0.0 { vec![warm_up] } else { Vec::new() };
    let stall = |at: f64, ms: u64| Band { from: at, to: at + ms as f64 / 1e3, class: "stall" };
    bands.extend(outcome.stalls.iter().map(|one| stall(one.at_s, one.for_ms)));
    Plot { title, unit, note: "", lines, bands, scale: Scale::FromZero, marks: time_marks(x_max), x_max }
}

fn latency(outcome: &Outcome) -> Plot {
    let of = |pick: fn(Percentiles) -> f64| move |interval: &IntervalFigures| interval.latency_ms.map(pick);
    let lines = vec![
        line(outcome, ("max", "c3"), of(|ms| ms.max)),
        line(outcome, ("p99", "c2"), of(|ms| ms.p99)),
        line(outcome, ("p50", "c1"), of(|ms| ms.p50)),
    ];
    let plot = over_time(outcome, "Latency over time", "ms, logarithmic", lines);
    let note =
        "From the moment a message was due to its arrival at each receiver. Grey: warm-up. Red: the server stalled.";
    Plot { scale: Scale::Logarithmic, note, ..plot }
}

fn percentiles(outcome: &Outcome) -> Plot {
    let histograms = &outcome.histograms;
    let nines = |quantile: f64| if quantile < 1.0 { -(1.0 - quantile).log10() } else { NINES_MAX };
    let curve = |histogram: &hdrhistogram::Histogram<u64>| {
        let at = |quantile: f64| (histogram.value_at_quantile(quantile).min(histogram.max())) as f64 / 1e3;
        QUANTILES.iter().map(|&quantile| (nines(quantile), (!histogram.is_empty()).then(|| at(quantile)))).collect()
    };
    let line = |name, class, histogram| Line { name, class, points: curve(histogram), fill: Fill::None };
    let marks = [0.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 1.0];
    Plot {
        title: "Latency by percentile",
        unit: "ms, logarithmic",
        note: "How many deliveries took how long: each nine has the same width, so the slowest are not hidden. \
               The naive curve, from when a message left, is what a tool sees that waits for the server.",
        lines: vec![
            line("the generator's own lateness", "c4", &histograms.lateness.0),
            line("naive", "c3", &histograms.naive_latency.0),
            line("from the intended time", "c1", &histograms.latency.0),
        ],
        bands: Vec::new(),
        scale: Scale::Logarithmic,
        marks: marks.iter().map(|&quantile| (nines(quantile), format!("{} %", percent(quantile)))).collect(),
        x_max: NINES_MAX,
    }
}

fn percent(quantile: f64) -> String {
    let text = format!("{:.3}", quantile * 100.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn sent(outcome: &Outcome) -> Plot {
    let note = "Messages that left, of all clients together: the load that was made.";
    Plot { note, ..rate(outcome, "Messages sent", ("sent", "c2"), |interval| interval.sent) }
}

fn received(outcome: &Outcome) -> Plot {
    let note = "New and intact deliveries at all receivers together.";
    Plot { note, ..rate(outcome, "Deliveries received", ("received", "c1"), |interval| interval.received) }
}

fn rate(
    outcome: &Outcome,
    title: &'static str,
    (name, class): (&'static str, &'static str),
    count: fn(&IntervalFigures) -> u64,
) -> Plot {
    let per_second = |interval: &IntervalFigures| {
        // Behind the load nothing is due: silence there is no rate. Some milliseconds say nothing about one.
        let is_told = interval.at_s < outcome.duration_s || count(interval) > 0;
        (is_told && interval.for_s >= RATE_MIN_S).then(|| count(interval) as f64 / interval.for_s)
    };
    let rate = line(outcome, (name, class), per_second);
    over_time(outcome, title, "per second", vec![Line { fill: Fill::Tinted, ..rate }])
}

fn connections(outcome: &Outcome) -> Plot {
    let per_second = |interval: &IntervalFigures| Some(interval.connected as f64 / interval.for_s.max(1e-3));
    let connected = line(outcome, ("connections made", "c1"), per_second);
    over_time(outcome, "Connections", "per second", vec![Line { fill: Fill::Tinted, ..connected }])
}

fn fanout(outcome: &Outcome) -> Plot {
    let last = |interval: &IntervalFigures| (interval.fanout_p99_ms > 0.0).then_some(interval.fanout_p99_ms);
    let lines = vec![line(outcome, ("last receiver, p99", "c2"), last)];
    let note = "How long 99 of 100 messages took to reach the last member of their room.";
    Plot { note, ..over_time(outcome, "Fan-out completion", "ms", lines) }
}

fn errors(outcome: &Outcome) -> Plot {
    let errors = line(outcome, ("errors", "c3"), |interval| Some(interval.errors as f64));
    let note = "Refusals, error answers, damaged, doubled and swapped deliveries, closed connections. \
                What was lost is known only at the end: see the books.";
    Plot { note, ..over_time(outcome, "Errors", "in each interval", vec![Line { fill: Fill::Tinted, ..errors }]) }
}

fn lateness(outcome: &Outcome) -> Plot {
    let late = line(outcome, ("latest message", "c4"), |interval| Some(interval.lateness_max_ms));
    let note = "How late the generator itself sent, at worst. This is in the latency too: it must be small beside it.";
    let plot = over_time(outcome, "The generator's own lateness", "ms", vec![Line { fill: Fill::Tinted, ..late }]);
    Plot { note, ..plot }
}

fn processor(outcome: &Outcome) -> Plot {
    let share = |seconds: f64, interval: &IntervalFigures| Some(100.0 * seconds / interval.for_s.max(1e-3));
    let lines = vec![
        line(outcome, ("waiting for a core", "c3"), |interval| share(interval.run_queue_s, interval)),
        line(outcome, ("processor", "c1"), |interval| share(interval.cpu_s, interval)),
    ];
    let note =
        "Near 100 % of one core the generator may be the limit; waiting means that something else took its core.";
    Plot { note, ..over_time(outcome, "The generator's processor", "% of one core", lines) }
}
