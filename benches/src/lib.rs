//! What the benches share: a running relay with many cheap clients, and
//! pictures made from a seed.
//!
//! Nothing here is measured for its own sake. The clients check what they are
//! given, since a relay that loses messages is fast.

pub mod client;
pub mod frame;
pub mod machine;
pub mod page;
pub mod picture;
pub mod process;
pub mod program;
pub mod relay;
mod window;
