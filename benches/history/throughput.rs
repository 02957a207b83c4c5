//! Full batches, one after another.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::cpu::{micros_each, used, used_by_redis};
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
    let opened = mode.open(folder.path()).await;
    let store = &opened.store;
    let all = || used(None) + used_by_redis(&opened);
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
        let (begin, cpu_before) = (Instant::now(), all());
        let appended = store.append(batch).await;
        took += begin.elapsed();
        cpu += all() - cpu_before;
        assert!(appended.iter().all(Result::is_ok), "something was refused");
    }
    store.close().await;
    let bytes = size(folder.path());
    Figures {
        per_sec: number as f64 / took.as_secs_f64(),
        cpu_us: micros_each(cpu, number),
        disk_bytes: (mode != Mode::Memory).then_some(bytes as f64 / number as f64),
    }
}

/// Of all files in a folder and those in it.
fn size(folder: &Path) -> u64 {
    let of_entry = |entry: fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    fs::read_dir(folder).expect("a folder").flatten().map(of_entry).sum()
}
