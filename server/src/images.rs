//! A bounded pool of threads around `invert`, beside the async workers.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use bytes::Bytes;
use invert::{InvertError, Inverted, Limits as ImageLimits};
use parking_lot::{Condvar, Mutex};
use thiserror::Error;
use tokio::sync::oneshot;

use crate::limits::PoolLimits;

/// The pool; its threads end when it is dropped.
#[derive(Debug)]
pub(crate) struct ImagePool {
    shared: Arc<Shared>,
}

/// Names those whose pictures take turns: a connection or a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Owner(u64);

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
    image_limits: ImageLimits,
    queue: Mutex<Queue>,
    filled: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    /// Whose turn it is next.
    turns: VecDeque<Owner>,
    jobs: HashMap<Owner, VecDeque<Job>>,
    count: usize,
    bytes: usize,
    owners: u64,
    is_closed: bool,
}

#[derive(Debug)]
struct Job {
    file: Bytes,
    tx: oneshot::Sender<Result<Inverted, ImageError>>,
}

impl ImagePool {
    /// Starts the threads.
    ///
    /// # Errors
    ///
    /// When the system gives none.
    pub(crate) fn start(limits: PoolLimits, image_limits: ImageLimits) -> std::io::Result<Self> {
        let threads = limits.threads;
        let shared = Arc::new(Shared { limits, image_limits, queue: Mutex::default(), filled: Condvar::new() });
        for index in 0..threads {
            let shared = Arc::clone(&shared);
            thread::Builder::new().name(format!("image-{index}")).spawn(move || work(&shared))?;
        }
        Ok(Self { shared })
    }

    /// A new name for somebody who will send pictures.
    pub(crate) fn owner(&self) -> Owner {
        let mut queue = self.shared.queue.lock();
        queue.owners += 1;
        Owner(queue.owners)
    }

    /// Queues a picture.
    ///
    /// # Errors
    ///
    /// When too many wait already.
    pub(crate) fn submit(&self, owner: Owner, file: Bytes) -> Result<Pending, ImageError> {
        let limits = &self.shared.limits;
        let mut queue = self.shared.queue.lock();
        let fits = queue.count < limits.queue_max_jobs && queue.bytes + file.len() <= limits.queue_max_bytes;
        // An empty queue lets one picture in, whatever its size.
        if !fits && queue.count > 0 {
            return Err(ImageError::Overloaded);
        }
        let (tx, rx) = oneshot::channel();
        queue.push(owner, Job { file, tx });
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

impl Queue {
    fn push(&mut self, owner: Owner, job: Job) {
        self.count += 1;
        self.bytes += job.file.len();
        let jobs = self.jobs.entry(owner).or_default();
        if jobs.is_empty() {
            self.turns.push_back(owner);
        }
        jobs.push_back(job);
    }

    /// The next picture of the one whose turn it is, who then waits for all
    /// others.
    fn pop(&mut self) -> Option<Job> {
        let owner = self.turns.pop_front()?;
        let jobs = self.jobs.get_mut(&owner)?;
        let job = jobs.pop_front()?;
        if jobs.is_empty() {
            self.jobs.remove(&owner);
        } else {
            self.turns.push_back(owner);
        }
        self.count -= 1;
        self.bytes -= job.file.len();
        Some(job)
    }
}

fn work(shared: &Shared) {
    while let Some(Job { file, tx }) = next_job(shared) {
        // Who asked has gone away.
        if tx.is_closed() {
            continue;
        }
        // A codec that panics on a strange file costs that file's sender an answer, not everybody a thread.
        let result = catch_unwind(AssertUnwindSafe(|| invert::invert(&file, &shared.image_limits)));
        let answer = match result {
            Ok(inverted) => inverted.map_err(ImageError::from),
            Err(_) => {
                tracing::error!(file_bytes = file.len(), "a codec panicked");
                Err(ImageError::Internal)
            }
        };
        // Who asked may have gone away meanwhile.
        tx.send(answer).ok();
    }
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

    fn job(queue: &mut Queue, owner: u64, text: &'static str) {
        let (tx, _) = oneshot::channel();
        queue.push(Owner(owner), Job { file: Bytes::from_static(text.as_bytes()), tx });
    }

    #[test]
    fn owners_take_turns_and_each_keeps_its_order() {
        let mut queue = Queue::default();
        for text in ["a1", "a2", "a3"] {
            job(&mut queue, 1, text);
        }
        job(&mut queue, 2, "b1");
        job(&mut queue, 3, "c1");
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).map(|job| job.file).collect();
        assert_eq!(order, ["a1", "b1", "c1", "a2", "a3"]);
        assert_eq!((queue.count, queue.bytes, queue.jobs.len()), (0, 0, 0));
    }

    #[test]
    fn a_full_pool_refuses_at_once() {
        let limits = PoolLimits { threads: 0, queue_max_jobs: 2, queue_max_bytes: 10 };
        let pool = ImagePool::start(limits, ImageLimits::default()).unwrap();
        let owner = pool.owner();
        let waiting = [b"0123456789abc".as_slice(), b""].map(|file| pool.submit(owner, Bytes::from_static(file)));
        assert!(waiting[0].is_ok(), "an empty queue takes a large picture");
        assert!(matches!(waiting[1], Err(ImageError::Overloaded)));
    }
}
