//! The time of day.

use std::time::{SystemTime, UNIX_EPOCH};

use hub::Timestamp;

/// Milliseconds since 1970, UTC.
pub(crate) fn unix_time() -> Timestamp {
    // A clock before 1970 is wrong anyway; messages keep their order whatever it says.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
