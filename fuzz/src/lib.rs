//! What must hold of `invert` for any bytes at all, and how to change files so
//! that the changes reach what is behind their checksums.
//!
//! The targets in `fuzz_targets/` are nothing but a call of [`check`] or
//! [`check_only`] and one of [`mutate`].

mod check;
mod container;
mod mutate;
mod pixels;

pub use check::{check, check_only};
pub use mutate::mutate;
