//! The entropy-coded data of scans: bits are flipped where they lie.

mod band_reference;
pub(super) mod buffers;
mod cursor;
mod dc;
#[expect(unsafe_code, reason = "two walks at once through raw pointers: explained in docs/decisions/0003")]
mod fast;
pub(super) mod groups;
pub(super) mod interval;
pub(super) mod mean_scan;
pub(super) mod means;
pub(super) mod progressive;
mod refinement;
mod restarts;
mod select;
pub(super) mod sequential;
mod splice;
mod stuffing;
