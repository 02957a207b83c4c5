//! Full batches, one after another.

use std::fs;
use std::time::{Duration, Instant};

use crate::cpu::{micros_each, used};
use crate::mode::{Mode, append};

pub(crate) const BATCH: usize = 1024;
/// As many as the rooms may hold, so that nothing is deleted.
const BATCHES: u64 = 600;

pub(crate) struct Figures {
    pub(crate) per_sec: f64,
    pub(crate) cpu_us: f64,
    pub(crate) disk_bytes: Option<f64>,
}

pub(crate) async fn measure(mode: Mode, rooms: usize) -> Figures {
    let folder = tempfile::tempdir().expect("a folder");
    let store = mode.open(folder.path());
    let mut number = 0;
    let mut took = Duration::ZERO;
    let mut cpu = Duration::ZERO;
    for _ in 0..BATCHES {
        let batch = (0..BATCH)
            .map(|_| {
                number += 1;
                append(number as usize % rooms, number)
            })
            .collect();
        let (begin, cpu_before) = (Instant::now(), used(None));
        let appended = store.append(batch).await;
        took += begin.elapsed();
        cpu += used(None) - cpu_before;
        assert!(appended.iter().all(Result::is_ok), "something was refused");
    }
    store.close().await;
    let size = |entry: fs::DirEntry| entry.metadata().map_or(0, |metadata| metadata.len());
    let bytes: u64 = fs::read_dir(folder.path()).expect("a folder").flatten().map(size).sum();
    Figures {
        per_sec: number as f64 / took.as_secs_f64(),
        cpu_us: micros_each(cpu, number),
        disk_bytes: (mode != Mode::Memory).then_some(bytes as f64 / number as f64),
    }
}
