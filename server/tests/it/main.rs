//! The program as one starts it.
#![expect(clippy::unwrap_used, reason = "where a test meets nothing that it expects, it has failed")]

mod history_files;
mod invert_files;
