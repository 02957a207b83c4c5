//! Full batches into the stores; the time of a batch of 1,024 messages.

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use tokio::runtime::Builder;

#[path = "../history/mode.rs"]
mod mode;

use mode::{Mode, Opened, append};

const BATCH: u64 = 1024;
const ROOMS: [usize; 2] = [10, 1000];

pub(crate) fn append_batches(criterion: &mut Criterion) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut group = criterion.benchmark_group("history/append");
    group.throughput(Throughput::Elements(BATCH)).sample_size(20);
    for mode in Mode::ALL {
        for rooms in ROOMS {
            let folder = tempfile::tempdir().expect("a folder");
            let Opened { store, redis: _redis } = runtime.block_on(mode.open(folder.path()));
            let mut number = 0;
            let mut batch = || {
                let mut next = || {
                    number += 1;
                    append(number as usize % rooms, number)
                };
                (0..BATCH).map(|_| next()).collect::<Vec<_>>()
            };
            group.bench_function(BenchmarkId::new(mode.name(), rooms), |bencher| {
                bencher.iter_batched(
                    &mut batch,
                    |batch| runtime.block_on(store.append(batch)),
                    BatchSize::PerIteration,
                );
            });
            runtime.block_on(store.close());
        }
    }
}
