//! The page of limits: every bound of the program, with its default.

use std::collections::BTreeMap;

use negaphone::limits::Limits;

const PAGE: &str = include_str!("../../docs/limits.md");

/// What the page says of each limit, by its name.
fn told() -> BTreeMap<String, String> {
    let rows = PAGE.lines().filter(|line| line.starts_with("| `"));
    rows.flat_map(|row| {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let mut names = cells[1].split(", ").map(|name| name.trim_matches('`'));
        let first = names.next().unwrap();
        // The others of a row are of the same group.
        let (group, _) = first.rsplit_once('.').unwrap_or_default();
        let names = std::iter::once(first.to_owned()).chain(names.map(move |name| format!("{group}.{name}")));
        let defaults = cells[3].split("; ").map(str::to_owned);
        names.zip(defaults).collect::<Vec<_>>()
    })
    .collect()
}

/// Every limit and its default as the page writes it; of those that depend on
/// the machine or are rates, the name alone.
fn held() -> Vec<(String, Option<String>)> {
    let debug = format!("{:#?}", Limits::new(1 << 20, 32 << 20));
    let (mut path, mut limits) = (Vec::new(), Vec::new());
    for line in debug.lines().map(|line| line.trim().trim_end_matches(',')) {
        if line.starts_with(['}', ')']) {
            path.pop();
            continue;
        }
        let (name, value) = line.split_once(": ").unwrap_or_default();
        let full = path.iter().copied().chain([name]).filter(|name| !name.is_empty()).collect::<Vec<_>>().join(".");
        let is_in_rate = full.ends_with(".burst") || full.ends_with(".per_sec");
        let is_rate = value.starts_with("Rate ") || value.starts_with("Some(");
        if line.ends_with(['{', '(']) {
            path.push(name);
        }
        if is_rate || matches!(&*full, "connections.max" | "pool.threads") {
            limits.push((full, None));
        } else if !line.ends_with('{') && !is_in_rate {
            let default = write(name, value);
            limits.push((full, Some(default)));
        }
    }
    limits
}

fn write(name: &str, value: &str) -> String {
    if let Ok(number) = value.parse() {
        return if name.contains("bytes") { write_bytes(number) } else { write_number(number) };
    }
    let milliseconds: u64 = match value.strip_suffix("ms") {
        Some(milliseconds) => milliseconds.parse().unwrap(),
        None => value.strip_suffix('s').unwrap().parse::<u64>().unwrap() * 1000,
    };
    match (milliseconds / 1000, milliseconds % 1000) {
        (_, 1..) => format!("{milliseconds} ms"),
        (86_400, 0) => "1 day".to_owned(),
        (seconds, 0) if seconds.is_multiple_of(86_400) => format!("{} days", seconds / 86_400),
        (seconds, 0) if seconds.is_multiple_of(3600) => format!("{} h", seconds / 3600),
        (seconds @ 121.., 0) => format!("{} min", seconds / 60),
        (seconds, 0) => format!("{seconds} s"),
    }
}

fn write_bytes(bytes: u64) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let unit = units.into_iter().find(|(size, _)| bytes.is_multiple_of(*size));
    unit.map_or_else(|| write_number(bytes), |(size, unit)| format!("{} {unit}", bytes / size))
}

fn write_number(number: u64) -> String {
    let digits = number.to_string();
    let places = digits.chars().enumerate();
    let with_commas = places.flat_map(|(place, digit)| {
        let is_thousand = place > 0 && (digits.len() - place).is_multiple_of(3);
        is_thousand.then_some(',').into_iter().chain([digit])
    });
    with_commas.collect()
}

#[test]
fn every_bound_is_on_the_page_with_its_default() {
    let told = told();
    let held = held();
    assert!(held.len() > 100, "the limits are not understood: {held:?}");
    for (name, default) in held {
        let Some(on_page) = told.get(&name) else { panic!("{name} is not in docs/limits.md") };
        if let Some(default) = default {
            // What follows a default says of what it is one.
            let is_told = on_page == &default || on_page.starts_with(&format!("{default}, "));
            assert!(is_told, "{name} is {default}, and {on_page} in docs/limits.md");
        }
    }
}
