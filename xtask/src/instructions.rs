//! A gate for speed that no busy machine can open or close: instructions
//! counted, not seconds.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::{install, step};

/// That of the crate gungraun in `Cargo.lock`: it runs with no other.
const GUNGRAUN_RUNNER: &str = "0.20.0";

/// What each bench took when it was last accepted.
const ACCEPTED: &str = "benches/instructions.json";

/// How much more a bench may take, in percent (chosen: another compiler or
/// processor moves them by one or two).
const ROOM_PERCENT: u64 = 5;

/// Instructions of each bench, by its name.
type Counts = BTreeMap<String, u64>;

/// What to do with the counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// Hold them against what was accepted.
    Compare,
    /// Accept them.
    Accept,
}

/// Counts the instructions of negatives.
///
/// # Errors
///
/// When the benches cannot be run, or one of them takes more than it may.
pub(crate) fn run(sh: &Shell, then: Then) -> Result<()> {
    let runner = install::for_instructions(sh, GUNGRAUN_RUNNER)?;
    let _runner = sh.push_env("GUNGRAUN_RUNNER", runner);
    let bench = cmd!(sh, "cargo bench --package benches --features instructions --bench invert_instructions");
    let counts = counts(&step::read(bench.args(["--", "--output-format=json"]))?)?;
    if then == Then::Accept {
        let mut text = serde_json::to_string_pretty(&counts).context("the counts cannot be written")?;
        text.push('\n');
        sh.write_file(ACCEPTED, text)?;
        println!("{} counts are in {ACCEPTED}", counts.len());
        return Ok(());
    }
    let accepted = serde_json::from_str(&sh.read_file(ACCEPTED)?).with_context(|| format!("{ACCEPTED} is damaged"))?;
    let breaches = compare(&accepted, &counts);
    if breaches.is_empty() {
        return Ok(());
    }
    bail!("{}; if it must be so, run `cargo xtask instructions --accept`", breaches.join("; "))
}

/// Reads gungraun's output, one JSON object a line.
fn counts(lines: &str) -> Result<Counts> {
    let count = |line: &str| -> Result<(String, u64)> {
        let bench: Value = serde_json::from_str(line).context("gungraun's output is no JSON")?;
        let count = bench.pointer("/profiles/0/data/total/metrics/Ir/values/new").and_then(Value::as_u64);
        let name = bench.pointer("/id").and_then(Value::as_str);
        Option::zip(name.map(str::to_owned), count).with_context(|| format!("no instructions in {line}"))
    };
    lines.lines().filter(|line| line.starts_with('{')).map(count).collect()
}

/// Prints each bench beside what it may take; returns what is wrong, in words.
fn compare(accepted: &Counts, counts: &Counts) -> Vec<String> {
    let mut breaches = Vec::new();
    for (name, &count) in counts {
        let Some(&before) = accepted.get(name) else {
            breaches.push(format!("{name} was never accepted"));
            continue;
        };
        let percent = count as f64 / before as f64 * 100.0;
        println!("{name:20} {count:>12} instructions, {percent:.1} % of what was accepted");
        if count > before + before * ROOM_PERCENT / 100 {
            breaches.push(format!("{name} takes {percent:.1} % of the instructions that were accepted"));
        }
    }
    let gone = accepted.keys().filter(|name| !counts.contains_key(*name));
    breaches.extend(gone.map(|name| format!("{name} was not run")));
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(counts: &[(&str, u64)]) -> Counts {
        counts.iter().map(|&(name, count)| (name.to_owned(), count)).collect()
    }

    #[test]
    fn a_bench_may_take_a_little_more_and_any_less() {
        let accepted = table(&[("jpeg", 1000), ("gif", 100)]);
        assert_eq!(compare(&accepted, &table(&[("jpeg", 1050), ("gif", 1)])), [""; 0]);
        assert_eq!(
            compare(&accepted, &table(&[("jpeg", 1051), ("gif", 100)])),
            ["jpeg takes 105.1 % of the instructions that were accepted"]
        );
    }

    #[test]
    fn a_bench_that_is_new_or_gone_is_told() {
        assert_eq!(
            compare(&table(&[("gif", 100)]), &table(&[("jpeg", 1)])),
            ["jpeg was never accepted", "gif was not run"]
        );
    }

    #[test]
    fn counts_are_read_from_what_gungraun_prints() {
        let line = |id, ir| {
            format!(
                r#"{{"id":"{id}","profiles":[{{"data":{{"total":{{"metrics":{{"Ir":{{"values":{{"new":{ir}}}}}}}}}}}}}]}}"#
            )
        };
        let lines = format!("a warning\n{}\n{}\n", line("jpeg", 12), line("gif", 3));
        assert_eq!(counts(&lines).unwrap(), table(&[("gif", 3), ("jpeg", 12)]));
        assert!(counts(r#"{"id":"jpeg","profiles":[]}"#).is_err());
    }
}
