//! How times are written.

use std::cell::RefCell;
use std::sync::Arc;

use hub::Timestamp;
use jiff::tz::TimeZone;

thread_local! {
    /// The last one that was written: messages that are stored together have the same.
    static LAST: RefCell<Option<(Timestamp, Arc<str>)>> = const { RefCell::new(None) };
}

/// UTC with milliseconds, such as `2026-11-21T22:17:03.120Z` (RFC 3339).
#[must_use]
pub(crate) fn format(time: Timestamp) -> Arc<str> {
    LAST.with_borrow_mut(|last| match last {
        Some((at, text)) if *at == time => Arc::clone(text),
        _ => Arc::clone(&last.insert((time, write(time))).1),
    })
}

fn write(time: Timestamp) -> Arc<str> {
    // Only a clock set beyond the year 9999 could fail here.
    let time = jiff::Timestamp::from_millisecond(time.0).unwrap_or(jiff::Timestamp::MAX);
    format!("{time:.3}").into()
}

/// The time of day at some place, such as `2026-11-21 22:17:03`.
#[must_use]
pub(crate) fn format_local(time: Timestamp, zone: &TimeZone) -> String {
    let time = jiff::Timestamp::from_millisecond(time.0).unwrap_or(jiff::Timestamp::MAX);
    time.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_milliseconds_and_a_z() {
        for _ in 0..2 {
            assert_eq!(&*format(Timestamp(0)), "1970-01-01T00:00:00.000Z");
            assert_eq!(&*format(Timestamp(1_795_385_823_120)), "2026-11-22T22:17:03.120Z");
        }
    }

    #[test]
    fn local_times_follow_the_clocks_of_their_place() {
        let oslo = TimeZone::get("Europe/Oslo").unwrap();
        assert_eq!(format_local(Timestamp(1_795_385_823_120), &TimeZone::UTC), "2026-11-22 22:17:03");
        assert_eq!(format_local(Timestamp(1_795_385_823_120), &oslo), "2026-11-22 23:17:03");
        assert_eq!(format_local(Timestamp(1_782_512_223_000), &oslo), "2026-06-27 00:17:03");
    }
}
