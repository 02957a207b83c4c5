//! All tests of the stores from outside: one binary, linked once.
#![expect(clippy::unwrap_used, reason = "where a test meets nothing that it expects, it has failed")]

mod contract;
mod epochs;
mod files;
mod fixture;
mod memory;
mod retention;
