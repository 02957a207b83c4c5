//! What must hold of `invert` for any bytes at all, and how to change files so
//! that the changes reach what is behind their checksums.
//!
//! The targets in `fuzz_targets/` are nothing but a call of one of the checks
//! and one of [`mutate`].

mod check;
mod container;
mod jpeg_paths;
mod mutate;
mod pixels;

pub use check::{check, check_only};
pub use jpeg_paths::check_jpeg_paths;
pub use mutate::mutate;
