//! All integration tests: one binary, linked once.
#![expect(clippy::unwrap_used, reason = "where a test meets nothing that it expects, it has failed")]

mod any_bytes;
mod architecture;
mod bad_network;
mod bounds;
mod channels;
mod connections;
mod conversation;
mod disk_errors;
mod doors;
mod durable;
mod framing;
mod handshake;
mod history;
mod htmx;
mod http;
mod images;
mod kill_monkey;
mod kill_monkey_redis;
mod limits;
mod limits_page;
mod loadgen;
mod metrics;
mod native;
mod nodes;
mod order;
mod presence;
mod proxy;
mod random_histories;
mod shutdown;
mod slow_reader;
mod socketio;
mod sse;
mod tcp_examples;
mod tcp_pair;
mod tcp_room;
