//! The bounds of the hub; their defaults and reasons stand in the server.

use std::time::Duration;

/// Every bound of the hub. When a bound is hit:
#[derive(Debug, Clone)]
pub struct HubLimits {
    /// Lag of a member behind its tape, in bytes: it ends as
    /// [`Leave::TooSlow`](crate::Leave::TooSlow).
    pub tape_tail_max_bytes: u64,
    /// Bytes that all tapes together hold for members who lag: those who lag
    /// most end as [`Leave::TooSlow`](crate::Leave::TooSlow).
    pub tapes_max_bytes: u64,
    /// First allocation of a tape, in bytes; they double.
    pub segment_min_bytes: usize,
    /// Largest ordinary allocation of a tape, in bytes; a larger message gets
    /// one of its own.
    pub segment_max_bytes: usize,
    /// Bytes taken for one write to a socket; more waits for the next.
    pub write_max_bytes: usize,
    /// Sockets written to before the pump lets others run.
    pub pump_yield_sockets: usize,
    /// Bytes written before the pump lets others run.
    pub pump_yield_bytes: u64,
    /// Members of a room whom one worker writes to before another one helps.
    pub shard_min_sockets: usize,
    /// Largest message, in bytes: refused as too large.
    pub message_max_bytes: usize,
    /// Messages waiting for the store: publishers wait (or are refused) until
    /// half of them are stored.
    pub queue_max_messages: usize,
    /// Bytes waiting for the store: the same.
    pub queue_max_bytes: usize,
    /// Messages given to the store at once.
    pub batch_max_messages: usize,
    /// Private answers waiting for a session, in bytes: it is not read.
    pub private_max_bytes: usize,
    /// A session over that bound that drains less than this over any
    /// `drain_window` ends as too slow.
    pub drain_min_bytes_per_sec: u64,
    /// See above.
    pub drain_window: Duration,
    /// Rooms in memory: for a further one, those that nobody uses are let go,
    /// and when all are used it is refused.
    pub rooms_max: usize,
    /// After this time without members a room leaves memory.
    pub room_idle: Duration,
    /// Members above which comings and goings are told as a count only.
    pub presence_names_max: usize,
    /// That count is told at most this often.
    pub presence_interval: Duration,
    /// Messages read from the store at once for a member that catches up.
    pub catch_up_page_messages: usize,
    /// Positions are compared with the store this often, where other nodes
    /// store into it, too.
    pub compare_interval: Duration,
    /// Messages of a room that came from other nodes before their turn; then
    /// they are let go, and read from the store.
    pub ahead_max_messages: usize,
    /// Messages before such a one come within this time; then they are read
    /// from the store.
    pub hole_patience: Duration,
    /// What a sender says after a message that was refused is refused, too,
    /// until it says that one again; after this time it has given it up.
    pub refused_retry_max: Duration,
    /// Senders of whom that is remembered; more are taken at their word.
    pub refused_senders_max: usize,
}

impl HubLimits {
    /// The largest message for a tape's tail: an eighth, so that a reader one
    /// message behind is never too slow.
    #[must_use]
    pub fn message_max_for_tail(tape_tail_max_bytes: u64) -> usize {
        usize::try_from(tape_tail_max_bytes / 8).unwrap_or(usize::MAX)
    }
}
