//! Why a session ends.

/// Every reason to end a session; each door puts it into its own language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Leave {
    /// The peer is gone, or said that it goes.
    Gone,
    /// The peer did not read fast enough; it has a hole, and a hole is never
    /// skipped.
    TooSlow,
    /// The peer gave no sign of life.
    Silent,
    /// The store did not take a message that the door has no way to refuse.
    StoreDown,
    /// The server stops or restarts, or the room has begun a new life because
    /// some of its history is lost; the peer should come back.
    Restart,
}
