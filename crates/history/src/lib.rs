//! The stores behind the hub's trait [`Store`](hub::Store).
//!
//! Knows rooms and messages, no doors and no sockets. There is one store, in
//! memory; `tests/contract.rs` says what any store must keep.

mod memory;

pub use memory::{MemoryLimits, MemoryStore};
