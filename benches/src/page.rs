//! A page of figures: what people wrote stands above, what was measured below.

use std::path::Path;
use std::{fs, io};

use crate::machine::{machine, today};

/// What a page says before this is written by people and stays.
const FIRST_HEADING: &str = "## Figures";

/// How the figures begin: where and when they were taken, and `how`.
#[must_use]
pub fn begin(how: &str) -> String {
    format!("{FIRST_HEADING}\n\n{}, {}. {how}\n", machine(), today())
}

/// Replaces the figures of a page.
///
/// # Errors
///
/// When it cannot be written.
pub fn write(page: &Path, figures: &str) -> io::Result<()> {
    let before = fs::read_to_string(page).unwrap_or_default();
    let text = before.split(FIRST_HEADING).next().unwrap_or_default();
    fs::write(page, text.to_owned() + figures)
}
