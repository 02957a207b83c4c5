//! The machine-readable result.

use std::fs;
use std::path::Path;

use crate::outcome::Outcome;

/// Writes the machine-readable result.
///
/// # Errors
///
/// When the file cannot be written.
pub fn write_json(outcome: &Outcome, path: &Path) -> std::io::Result<()> {
    let mut json = serde_json::to_string_pretty(outcome)?;
    json.push('\n');
    fs::write(path, json)
}
