//! A bounded pool of threads around `invert`, beside the async workers.

mod queue;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use bytes::Bytes;
use invert::{InvertError, Inverted, Options, Scratch, Summary};
use parking_lot::{Condvar, Mutex};
use thiserror::Error;
use tokio::sync::oneshot;

use crate::limits::PoolLimits;
use crate::metrics::ImageMetrics;
use queue::{Job, Queue};

pub(crate) use queue::{Owner, Waiting};

/// The pool; its threads end when it is dropped.
#[derive(Debug)]
pub(crate) struct ImagePool {
    shared: Arc<Shared>,
}

/// Why there is no negative.
#[derive(Debug, Error)]
pub(crate) enum ImageError {
    /// Too many pictures wait already.
    #[error("too many pictures wait to be inverted; try again in a moment")]
    Overloaded,
    /// The picture is at fault.
    #[error(transparent)]
    Picture(#[from] InvertError),
    /// We are at fault.
    #[error("the picture could not be inverted")]
    Internal,
}

/// The negative, when it is made.
pub(crate) type Pending = oneshot::Receiver<Result<Inverted, ImageError>>;

#[derive(Debug)]
struct Shared {
    limits: PoolLimits,
    options: Options,
    metrics: ImageMetrics,
    queue: Mutex<Queue>,
    filled: Condvar,
}

impl ImagePool {
    /// Starts the threads.
    ///
    /// # Errors
    ///
    /// When the system gives none.
    pub(crate) fn start(limits: PoolLimits, options: Options, metrics: ImageMetrics) -> std::io::Result<Self> {
        let threads = limits.threads;
        let (queue, filled) = (Mutex::default(), Condvar::new());
        let shared = Arc::new(Shared { limits, options, metrics, queue, filled });
        for index in 0..threads {
            let shared = Arc::clone(&shared);
            thread::Builder::new().name(format!("image-{index}")).spawn(move || work(&shared))?;
        }
        Ok(Self { shared })
    }

    /// A new name for somebody who will send pictures.
    pub(crate) fn owner(&self) -> Owner {
        self.shared.queue.lock().owner()
    }

    /// How much waits at this moment.
    pub(crate) fn waiting(&self) -> Waiting {
        self.shared.queue.lock().waiting
    }

    /// Queues a picture.
    ///
    /// # Errors
    ///
    /// When too many wait already.
    pub(crate) fn submit(&self, owner: Owner, file: Bytes) -> Result<Pending, ImageError> {
        let limits = &self.shared.limits;
        let mut queue = self.shared.queue.lock();
        let Waiting { pictures, bytes } = queue.waiting;
        let fits = pictures < limits.queue_max_jobs && bytes + file.len() <= limits.queue_max_bytes;
        // An empty queue lets one picture in, whatever its size.
        if !fits && pictures > 0 {
            drop(queue);
            self.shared.metrics.refused(&ImageError::Overloaded);
            return Err(ImageError::Overloaded);
        }
        let (tx, rx) = oneshot::channel();
        queue.push(owner, Job { file, tx, queued_at: Instant::now() });
        drop(queue);
        self.shared.filled.notify_one();
        Ok(rx)
    }
}

impl Drop for ImagePool {
    fn drop(&mut self) {
        self.shared.queue.lock().is_closed = true;
        self.shared.filled.notify_all();
    }
}

fn work(shared: &Shared) {
    let metrics = &shared.metrics;
    let mut scratch = Scratch::default();
    while let Some(Job { file, tx, queued_at }) = next_job(shared) {
        // Who asked has gone away.
        if tx.is_closed() {
            continue;
        }
        metrics.waited(queued_at.elapsed());
        let begun = Instant::now();
        let result = invert(&file, &shared.options, &mut scratch);
        match &result {
            Ok(inverted) => metrics.inverted(inverted, file.len(), begun.elapsed()),
            Err(error) => metrics.refused(error),
        }
        let is_small = result.as_ref().is_ok_and(|inverted| {
            u64::from(inverted.width) * u64::from(inverted.height) <= shared.limits.scratch_max_pixels
        });
        if !is_small {
            scratch = Scratch::default();
        }
        // Who asked may have gone away meanwhile.
        tx.send(result).ok();
    }
}

fn invert(file: &[u8], options: &Options, scratch: &mut Scratch) -> Result<Inverted, ImageError> {
    let mut bytes = Vec::new();
    // A codec that panics on a strange file costs that file's sender an answer, not everybody a thread.
    let result = catch_unwind(AssertUnwindSafe(|| invert::invert_into(file, options, scratch, &mut bytes)));
    let Ok(result) = result else {
        tracing::error!(file_bytes = file.len(), "a codec panicked");
        return Err(ImageError::Internal);
    };
    let Summary { format, width, height, frames } = result?;
    Ok(Inverted { bytes, format, width, height, frames })
}

fn next_job(shared: &Shared) -> Option<Job> {
    let mut queue = shared.queue.lock();
    loop {
        if queue.is_closed {
            return None;
        }
        if let Some(job) = queue.pop() {
            return Some(job);
        }
        shared.filled.wait(&mut queue);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_pool_refuses_at_once() {
        let limits = PoolLimits { threads: 0, queue_max_jobs: 2, queue_max_bytes: 10, scratch_max_pixels: 0 };
        let pool = ImagePool::start(limits, Options::default(), ImageMetrics::default()).unwrap();
        let owner = pool.owner();
        let waiting = [b"0123456789abc".as_slice(), b""].map(|file| pool.submit(owner, Bytes::from_static(file)));
        assert!(waiting[0].is_ok(), "an empty queue takes a large picture");
        assert!(matches!(waiting[1], Err(ImageError::Overloaded)));
        assert_eq!(pool.waiting(), Waiting { pictures: 1, bytes: 13 });
    }
}
