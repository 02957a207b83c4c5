//! All tests of the stores from outside: one binary, linked once.
#![expect(clippy::unwrap_used, reason = "where a test meets nothing that it expects, it has failed")]

mod clusters;
mod contract;
mod epochs;
mod files;
mod fixture;
mod memory;
mod on_runtime;
#[expect(unreachable_pub, reason = "this file belongs to `tests`, too")]
#[path = "../../../../tests/src/port.rs"]
mod port;
mod redis;
#[expect(unreachable_pub, reason = "this file belongs to `tests`, too")]
#[path = "../../../../tests/src/redis_cluster.rs"]
mod redis_cluster;
#[expect(unreachable_pub, reason = "this file belongs to `tests`, too")]
#[path = "../../../../tests/src/redis_server.rs"]
mod redis_server;
mod retention;
