//! Everything whose throughput criterion measures, in one program: it is linked
//! once. `cargo bench --bench throughput -- relay` runs what has that word in
//! its name.

mod history_append;
mod hub_fanout;
mod invert_formats;
mod relay_loopback;
mod wire_native;

use criterion::{criterion_group, criterion_main};

criterion_group!(
    benches,
    wire_native::decode_chat,
    wire_native::encode_chat,
    hub_fanout::fanout,
    history_append::append_batches,
    relay_loopback::raw_relay,
    invert_formats::invert_formats,
);
criterion_main!(benches);
