//! How times are written.

use hub::Timestamp;

/// UTC with milliseconds, such as `2026-11-21T22:17:03.120Z` (RFC 3339).
#[must_use]
pub(crate) fn format(time: Timestamp) -> String {
    // Only a clock set beyond the year 9999 could fail here.
    let time = jiff::Timestamp::from_millisecond(time.0).unwrap_or(jiff::Timestamp::MAX);
    format!("{time:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_milliseconds_and_a_z() {
        assert_eq!(format(Timestamp(0)), "1970-01-01T00:00:00.000Z");
        assert_eq!(format(Timestamp(1_795_385_823_120)), "2026-11-22T22:17:03.120Z");
    }
}
