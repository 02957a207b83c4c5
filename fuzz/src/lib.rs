//! What must hold of `invert` and `wire` for any bytes at all, and how to change
//! files so that the changes reach what is behind their checksums.
//!
//! The targets in `fuzz_targets/` are nothing but a call of one of the checks
//! and, for files, one of [`mutate`].

mod check;
mod codecs;
mod container;
mod frames;
mod jpeg_paths;
mod mutate;
mod pieces;
mod pixels;

pub use check::{check, check_only};
pub use codecs::check_codecs;
pub use frames::check_frames;
pub use jpeg_paths::check_jpeg_paths;
pub use mutate::mutate;
