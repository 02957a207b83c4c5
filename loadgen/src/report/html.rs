//! The report that people look at: one file, without scripts, with nothing loaded from elsewhere.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::charts;
use crate::exit::Verdict;
use crate::outcome::{Outcome, Percentiles};
use crate::tally::RoomTally;

/// Stalls that are listed.
const STALLS_SHOWN: usize = 20;
/// Rooms that are listed: those with most faults.
const ROOMS_SHOWN: usize = 20;
const STYLE: &str = include_str!("report.css");

pub(super) fn make(outcome: &Outcome) -> std::io::Result<Vec<u8>> {
    Ok(page(outcome).into_string().into_bytes())
}

fn page(outcome: &Outcome) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "loadgen " (outcome.scenario) ": " (outcome.verdict) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    (head(outcome))
                    (cards(outcome))
                    (thresholds(outcome))
                    @for plot in charts::all(outcome) {
                        section.plot {
                            h2 { (plot.title) span.unit { (plot.unit) } }
                            (legend(&plot))
                            (PreEscaped(plot.svg()))
                            p.note { (plot.note) }
                        }
                    }
                    (times(outcome))
                    (books(outcome))
                    (rooms(outcome))
                    (stalls(outcome))
                    (generator(outcome))
                }
            }
        }
    }
}

fn head(outcome: &Outcome) -> Markup {
    let class = match outcome.verdict {
        Verdict::Passed => "good",
        Verdict::ThresholdsCrossed | Verdict::Failed => "bad",
        Verdict::GeneratorLimited | Verdict::Interrupted => "doubtful",
    };
    html! {
        header {
            div.verdict.(class) { (outcome.verdict) }
            h1 { (outcome.scenario) " " small { (outcome.url) } }
            p.lead { (lead(outcome)) }
            @if let Some(reason) = &outcome.reason { p.reason.(class) { (reason) } }
            p.meta {
                (outcome.started) " · " (outcome.clients) " clients · " (format!("{:.1}", outcome.duration_s)) " s · seed "
                (outcome.seed) " · run " (outcome.run_id)
            }
        }
    }
}

/// The run in a sentence.
fn lead(outcome: &Outcome) -> String {
    let tally = &outcome.tally;
    if outcome.scenario == "connect" {
        return format!(
            "{} of {} connections made, {} failed.",
            whole(outcome.connected()),
            whole(outcome.clients.into()),
            whole(tally.connect_errors)
        );
    }
    let faults = [Some(tally.lost), tally.corrupted, tally.duplicated, tally.reordered];
    let wrong: u64 = faults.into_iter().flatten().sum();
    let books = match (wrong, tally.duplicated, tally.corrupted) {
        (1.., ..) => "with faults that are listed below",
        (0, Some(_), _) => "every one in its place, intact and once",
        (0, None, Some(_)) => "every one as it should be",
        (0, None, None) => "by the word of the server",
    };
    let times = outcome.latency_ms.map_or(String::new(), |ms| {
        format!(
            " Half of them within {} ms, 99 of 100 within {} ms of when they were due.",
            fixed(ms.p50),
            fixed(ms.p99)
        )
    });
    let (sent, received) = nouns(outcome);
    format!(
        "{} of {} {sent} sent, {} of {} {received} received, {books}.{times}",
        whole(tally.sent),
        whole(tally.scheduled),
        whole(tally.received),
        whole(tally.expected)
    )
}

/// What was sent, and what came of it.
fn nouns(outcome: &Outcome) -> (&'static str, &'static str) {
    if outcome.scenario == "image" { ("pictures", "negatives") } else { ("messages", "deliveries") }
}

fn cards(outcome: &Outcome) -> Markup {
    let tally = &outcome.tally;
    let (sent, received) = nouns(outcome);
    let rate = |count: u64| if outcome.duration_s > 0.0 { count as f64 / outcome.duration_s } else { 0.0 };
    let card = |name: &str, value: String, unit: &str| {
        html! { div.card { div.name { (name) } div.value { (value) " " small { (unit) } } } }
    };
    let times = |name: &str, ms: Option<Percentiles>, of: fn(Percentiles) -> f64| {
        html! { @if let Some(ms) = ms { (card(name, fixed(of(ms)), "ms")) } }
    };
    html! {
        div.cards {
            @if tally.sent > 0 {
                (card("sent", whole(rate(tally.sent) as u64), &format!("{sent}/s")))
                (card("received", whole(rate(tally.received) as u64), &format!("{received}/s")))
            }
            (times("latency, median", outcome.latency_ms, |ms| ms.p50))
            (times("latency, p99", outcome.latency_ms, |ms| ms.p99))
            (times("last one, p99", outcome.fanout_ms.map(|fanout| fanout.last), |ms| ms.p99))
            @if outcome.latency_ms.is_none() {
                (card("connected", whole(outcome.connected()), "clients"))
                (times("connect, median", outcome.connect_ms, |ms| ms.p50))
                (times("connect, p99", outcome.connect_ms, |ms| ms.p99))
            }
            @if tally.expected > 0 { (card("lost", whole(tally.lost), received)) }
        }
    }
}

fn thresholds(outcome: &Outcome) -> Markup {
    html! {
        @if !outcome.thresholds.is_empty() {
            ul.thresholds {
                @for threshold in &outcome.thresholds {
                    li.(if threshold.passed { "good" } else { "bad" }) {
                        (if threshold.passed { "✓ " } else { "✗ " }) code { (threshold.expression) }
                        span.was { (threshold.value.map_or("not measured".to_owned(), |value| value.to_string())) }
                    }
                }
            }
        }
    }
}

fn legend(plot: &super::plot::Plot) -> Markup {
    html! {
        p.legend { @for line in &plot.lines { span { i.(line.class) {} (line.name) } } }
    }
}

fn times(outcome: &Outcome) -> Markup {
    let fanout = outcome.fanout_ms.as_ref();
    let rows = [
        ("latency, from when a message was due", outcome.latency_ms),
        ("the same from when it left", outcome.naive_latency_ms),
        ("first receiver of a message", fanout.map(|fanout| fanout.first)),
        ("median receiver", fanout.map(|fanout| fanout.median)),
        ("last receiver", fanout.map(|fanout| fanout.last)),
        ("to connect, upgrade included", outcome.connect_ms),
        ("the generator's own lateness", outcome.lateness_ms),
    ];
    let files = outcome.by_file.iter().map(|(name, ms)| (name.as_str(), Some(*ms)));
    html! {
        section {
            h2 { "Times" span.unit { "ms" } }
            table {
                tr { th {} th { "p50" } th { "p90" } th { "p99" } th { "p99.9" } th { "max" } th { "mean" } }
                @for (name, ms) in rows.into_iter().chain(files) {
                    @if let Some(ms) = ms {
                        tr {
                            td { (name) }
                            @for value in [ms.p50, ms.p90, ms.p99, ms.p999, ms.max, ms.mean] { td { (fixed(value)) } }
                        }
                    }
                }
            }
        }
    }
}

fn books(outcome: &Outcome) -> Markup {
    let tally = &outcome.tally;
    // Without messages only the last two mean something.
    let first = if outcome.scenario == "connect" { 11 } else { 0 };
    let rows = [
        ("scheduled", Some(tally.scheduled), "messages that were due"),
        ("sent", Some(tally.sent), "messages that left"),
        ("refused", Some(tally.refused), "messages that the server did not take"),
        ("expected", Some(tally.expected), "deliveries that should have been"),
        ("received", Some(tally.received), "deliveries that were"),
        ("lost", Some(tally.lost), "of which nothing came"),
        ("duplicated", tally.duplicated, "that came again"),
        ("reordered", tally.reordered, "that came after a later one of their sender"),
        ("corrupted", tally.corrupted, "that came damaged"),
        ("foreign", tally.foreign, "frames that are not of this run"),
        ("errors", Some(tally.errors), "complaints of the server, messages without an answer"),
        ("disconnects", Some(tally.disconnects), "connections that the server or the network closed"),
        ("connect_errors", Some(tally.connect_errors), "connections that were not made"),
        ("resumed", tally.resumed, "clients that came back and went on"),
    ];
    html! {
        section {
            h2 { "Books" }
            table.books {
                @for (name, count, meaning) in rows.into_iter().skip(first) {
                    @if let Some(count) = count { tr { td { (name) } td { (whole(count)) } td.meaning { (meaning) } } }
                }
            }
        }
    }
}

fn rooms(outcome: &Outcome) -> Markup {
    let mut rooms: Vec<&RoomTally> = outcome.rooms.iter().collect();
    rooms.sort_by_key(|room| std::cmp::Reverse(room.faults()));
    let measured = rooms.first().map(|room| room.faults_by_name());
    let faults = measured.into_iter().flatten().filter_map(|(name, count)| count.map(|_| name));
    html! {
        @if !rooms.is_empty() {
            section {
                h2 { "Rooms" span.unit { (rooms.len()) } }
                table {
                    tr {
                        @for name in ["", "clients", "sent", "expected", "received"].into_iter().chain(faults) { th { (name) } }
                    }
                    @for room in rooms.iter().take(ROOMS_SHOWN) {
                        tr {
                            td { (room.room) }
                            td { (room.clients) }
                            @for count in [room.sent, room.expected, room.received] { td { (whole(count)) } }
                            @for count in room.faults_by_name().into_iter().filter_map(|(_, count)| count) {
                                td { (whole(count)) }
                            }
                        }
                    }
                }
                @if rooms.len() > ROOMS_SHOWN { p.note { "Those with most faults; the JSON result lists all." } }
            }
        }
    }
}

fn stalls(outcome: &Outcome) -> Markup {
    html! {
        @if !outcome.stalls.is_empty() {
            section {
                h2 { "Stalls of the server" span.unit { (outcome.stalls.len()) } }
                table {
                    tr { th { "from the start, s" } th { "for, ms" } }
                    @for stall in outcome.stalls.iter().take(STALLS_SHOWN) {
                        tr { td { (format!("{:.2}", stall.at_s)) } td { (stall.for_ms) } }
                    }
                }
                @if outcome.stalls.len() > STALLS_SHOWN { p.note { "The JSON result lists all." } }
            }
        }
    }
}

fn generator(outcome: &Outcome) -> Markup {
    let own = &outcome.generator;
    html! {
        section {
            h2 { "Can this be believed?" }
            p.note {
                "The generator used " (fixed(own.cpu_s)) " s of processor time, waited " (fixed(own.run_queue_s))
                " s for a core, paused " (own.pauses) " times for 50 ms or more, and found a socket's buffer full "
                (own.blocked) " times. Messages leave when they are due, whatever the server does, and latency counts from \
                 that moment. When the generator itself was the limit, the verdict says so."
            }
        }
    }
}

/// Digits in threes.
fn whole(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

fn fixed(value: f64) -> String {
    if value < 10.0 { format!("{value:.2}") } else { format!("{value:.1}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_stand_in_threes() {
        let texts = [0, 999, 1000, 1_234_567].map(whole);
        assert_eq!(texts, ["0", "999", "1\u{202f}000", "1\u{202f}234\u{202f}567"]);
    }
}
