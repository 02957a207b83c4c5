//! What a page of figures says about where and when they were taken.

use std::fmt::Write;
use std::fs;
use std::process::Command;

/// Processor and system, as they call themselves.
#[must_use]
pub fn machine() -> String {
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processor.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let system = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let system = system.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    let mut text = String::new();
    write!(text, "One core of {}", model.map_or("an unknown processor", |(_, model)| model))
        .expect("memory can be written to");
    if let Some(system) = system {
        write!(text, ", {}", system.trim_matches('"')).expect("memory can be written to");
    }
    text
}

/// The date, in words.
#[must_use]
pub fn today() -> String {
    let date = Command::new("date").arg("+%-d %B %Y").env("LC_ALL", "C").output();
    date.map(|date| String::from_utf8_lossy(&date.stdout).trim().to_owned()).unwrap_or_default()
}
