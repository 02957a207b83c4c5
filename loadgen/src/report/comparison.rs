//! Two runs side by side, as Markdown for a pull request.

use std::fmt::Write;

use crate::compare::{Change, Comparison, Figure};

pub(super) fn markdown(comparison: &Comparison) -> String {
    let mut out = String::new();
    write_all(&mut out, comparison).expect("a string takes everything");
    out
}

fn write_all(out: &mut String, comparison: &Comparison) -> std::fmt::Result {
    let result = if comparison.is_regression() { "worse" } else { "not worse" };
    writeln!(out, "### loadgen {}: {result}\n", comparison.scenario)?;
    writeln!(out, "| | before | after | change | 95 % interval | |")?;
    writeln!(out, "|---|---:|---:|---:|---:|---|")?;
    // Counts that are zero in both runs are good news that needs no row each.
    let is_told = |figure: &&Figure| figure.change.is_some() || figure.before + figure.after > 0.0;
    for figure in comparison.figures.iter().filter(is_told) {
        let sign = match figure.judgement {
            Change::Worse => "**worse**",
            Change::Better => "better",
            Change::Same => "",
        };
        let Figure { name, before, after, .. } = figure;
        match figure.change {
            Some(change) => {
                let [middle, low, high] = [change.change, change.low, change.high].map(|part| part * 100.0);
                write!(out, "| {name} | {before:.2} ms | {after:.2} ms | {middle:+.1} % | {low:+.1} … {high:+.1} % |")?;
            }
            None => write!(out, "| {name} | {before} | {after} | | |")?,
        }
        writeln!(out, " {sign} |")?;
    }
    let clean: Vec<_> =
        comparison.figures.iter().filter(|figure| !is_told(figure)).map(|figure| &*figure.name).collect();
    if !clean.is_empty() {
        writeln!(out, "\nNone in either run: {}.", clean.join(", "))?;
    }
    writeln!(
        out,
        "\nA time is worse when its whole interval is above +{:.0} % (bootstrap over the intervals of both runs).",
        comparison.tolerance * 100.0
    )?;
    let [before, after] = &comparison.urls;
    if before != after {
        writeln!(out, "Before: `{before}`, after: `{after}`.")?;
    }
    Ok(())
}
