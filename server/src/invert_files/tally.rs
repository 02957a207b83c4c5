//! What a run did, in numbers.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use super::{FileError, Outcome};

/// Counts of a run.
#[derive(Debug, Default)]
pub(super) struct Tally {
    negatives: u64,
    no_pictures: u64,
    read_bytes: u64,
    written_bytes: u64,
    /// By reason, of which there are few.
    failures: BTreeMap<&'static str, u64>,
}

impl Tally {
    pub(super) fn add(&mut self, outcome: &Result<Outcome, FileError>) {
        match outcome {
            Ok(Outcome::Inverted { read_bytes, written_bytes }) => {
                self.negatives += 1;
                self.read_bytes += read_bytes;
                self.written_bytes += written_bytes;
            }
            Ok(Outcome::NoPicture) => self.no_pictures += 1,
            Err(error) => self.failed(error.reason()),
        }
    }

    pub(super) fn failed(&mut self, reason: &'static str) {
        *self.failures.entry(reason).or_default() += 1;
    }

    pub(super) fn has_failures(&self) -> bool {
        !self.failures.is_empty()
    }

    /// One line for people.
    pub(super) fn summary(&self, elapsed: Duration) -> String {
        let secs = elapsed.as_secs_f64().max(f64::EPSILON);
        let per_sec = |count: u64| count as f64 / secs;
        let mut line = format!(
            "{} in {secs:.1} s: {:.0} files/s, {:.1} MB/s in, {:.1} MB/s out",
            counted(self.negatives, "negative"),
            per_sec(self.negatives),
            per_sec(self.read_bytes) / 1e6,
            per_sec(self.written_bytes) / 1e6,
        );
        // Writing to a string cannot fail.
        if self.has_failures() {
            let reasons: Vec<_> = self.failures.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
            write!(line, "; {} failed ({})", self.failures.values().sum::<u64>(), reasons.join(", ")).ok();
        }
        if self.no_pictures > 0 {
            write!(line, "; {} passed over", counted(self.no_pictures, "other file")).ok();
        }
        line
    }
}

fn counted(count: u64, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn the_summary_tells_how_many_how_fast_and_why_not() {
        let mut tally = Tally::default();
        for _ in 0..2 {
            tally.add(&Ok(Outcome::Inverted { read_bytes: 3_000_000, written_bytes: 1_500_000 }));
        }
        let line = tally.summary(Duration::from_secs(2));
        assert_eq!(line, "2 negatives in 2.0 s: 1 files/s, 3.0 MB/s in, 1.5 MB/s out");
        tally.add(&Ok(Outcome::NoPicture));
        tally.add(&Err(FileError::Read(io::ErrorKind::NotFound.into())));
        let line = tally.summary(Duration::from_secs(2));
        assert!(line.ends_with("out; 1 failed (1 cannot be read); 1 other file passed over"), "{line}");
    }
}
