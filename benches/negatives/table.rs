//! The page.

use std::io;
use std::path::Path;

use benches::page;

use crate::case::Case;
use crate::{Measured, Row};

/// What 99 dB stand for.
const EXACT: f64 = 99.0;

/// Replaces the tables of the page.
pub(crate) fn write(
    path: &Path,
    runs: usize,
    timed: &[(Case, Vec<Row>)],
    losses: &[(Case, Vec<Row>)],
) -> io::Result<()> {
    page::write(path, &tables(runs, timed, losses))
}

fn tables(runs: usize, timed: &[(Case, Vec<Row>)], losses: &[(Case, Vec<Row>)]) -> String {
    let mut page = page::begin(&format!("`cargo xtask negatives`; medians of {runs} runs, all tools by turns."));
    for (case, rows) in timed {
        timing(&mut page, case, rows);
    }
    page.push_str("\n## What gets lost\n\nAs found in the negatives above and in these files.\n");
    for (case, rows) in losses {
        lost(&mut page, case, rows);
    }
    page
}

/// A table of one file, the fastest first.
fn timing(page: &mut String, case: &Case, rows: &[Row]) {
    let mut rows: Vec<&Row> = rows.iter().collect();
    rows.sort_by(|one, other| one.ms.unwrap_or(f64::MAX).total_cmp(&other.ms.unwrap_or(f64::MAX)));
    let mut line = |text: String| page.extend([text.as_str(), "\n"]);
    line(format!("\n### {}\n", case.title));
    line("| tool | ms | Mpx/s | size | once, dB | levels | twice, dB | lost |".to_owned());
    line("|---|--:|--:|--:|--:|--:|--:|---|".to_owned());
    for row in rows {
        let ms = row.ms.map_or("–".to_owned(), |ms| if ms < 1.0 { format!("{ms:.3}") } else { format!("{ms:.2}") });
        let speed = row.ms.map_or("–".to_owned(), |ms| format!("{:.0}", row.megapixels / ms * 1e3));
        line(match &row.outcome {
            Ok(measured) => {
                let Measured { size, largest, .. } = measured;
                let (once, twice) = (decibel(measured.psnr), twice(measured));
                format!(
                    "| {} | {ms} | {speed} | ×{size:.3} | {once} | {largest} | {twice} | {} |",
                    row.tool,
                    words(&measured.lost)
                )
            }
            Err(reason) => format!("| {} | {ms} | {speed} | | | | | {reason} |", row.tool),
        });
    }
}

/// A list of what each tool loses of one file.
fn lost(page: &mut String, case: &Case, rows: &[Row]) {
    let mut line = |text: String| page.extend([text.as_str(), "\n"]);
    line(format!("\n### {}\n", case.title));
    line("| tool | size | once, dB | twice, dB | lost |".to_owned());
    line("|---|--:|--:|--:|---|".to_owned());
    for row in rows {
        line(match &row.outcome {
            Ok(measured) => {
                let (once, twice) = (decibel(measured.psnr), twice(measured));
                format!("| {} | ×{:.3} | {once} | {twice} | {} |", row.tool, measured.size, words(&measured.lost))
            }
            Err(reason) => format!("| {} | | | | {reason} |", row.tool),
        });
    }
}

fn decibel(psnr: f64) -> String {
    if psnr >= EXACT { "exact".to_owned() } else { format!("{psnr:.1}") }
}

fn twice(measured: &Measured) -> String {
    if measured.same_twice { "same file".to_owned() } else { decibel(measured.psnr_twice) }
}

fn words(lost: &[String]) -> String {
    if lost.is_empty() { "nothing".to_owned() } else { lost.join(", ") }
}
