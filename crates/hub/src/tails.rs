//! Ends those who lag most, while all tapes together hold too much for members
//! who lag.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::sleep;

use crate::hub::Hub;
use crate::leave::Leave;
use crate::session::{Session, Sink};
use crate::tape_space::TapeSpace;

/// Between two looks at all members. Chosen: who was ended has let go of its
/// tail by then.
const CUT_INTERVAL: Duration = Duration::from_millis(100);

/// Runs until the hub is gone.
pub(crate) async fn cut_tails<S: Sink>(hub: Weak<Hub<S>>, space: Arc<TapeSpace>) {
    loop {
        space.exceeded().await;
        while space.is_exceeded() {
            let Some(hub) = hub.upgrade() else { return };
            end_longest(&hub.sessions());
            drop(hub);
            // Nothing tells when their doors have let go of what they held.
            sleep(CUT_INTERVAL).await;
        }
    }
}

/// Ends those who lag most, and who lag at least half as much: nearly all of a
/// room's slow readers hold the same bytes.
fn end_longest<S: Sink>(sessions: &[Arc<Session<S>>]) {
    let lags: Vec<u64> = sessions.iter().map(Session::lag_bytes).collect();
    let Some(longest) = lags.iter().max().filter(|longest| **longest > 0) else { return };
    let lagging = sessions.iter().zip(&lags).filter(|(_, lag)| **lag > longest / 2);
    let mut ended = 0;
    for (session, _) in lagging {
        session.end(Leave::TooSlow);
        ended += 1;
    }
    tracing::warn!(longest_bytes = longest, ended, "too much waits for slow readers: the slowest were ended");
}
