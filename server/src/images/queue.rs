//! Pictures that wait for a thread: whoever sends them takes turns.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use bytes::Bytes;
use invert::Inverted;
use tokio::sync::oneshot;

use super::ImageError;

/// Names those whose pictures take turns: a connection or a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Owner(u64);

/// A picture, and who waits for its negative.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) file: Bytes,
    pub(super) tx: oneshot::Sender<Result<Inverted, ImageError>>,
    pub(super) queued_at: Instant,
}

/// How much waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// Pictures.
    pub(crate) pictures: usize,
    /// Their bytes.
    pub(crate) bytes: usize,
}

/// The pictures of all owners.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// Whose turn it is next.
    turns: VecDeque<Owner>,
    jobs: HashMap<Owner, VecDeque<Job>>,
    pub(super) waiting: Waiting,
    owners: u64,
    pub(super) is_closed: bool,
}

impl Queue {
    pub(super) fn owner(&mut self) -> Owner {
        self.owners += 1;
        Owner(self.owners)
    }

    pub(super) fn push(&mut self, owner: Owner, job: Job) {
        self.waiting.pictures += 1;
        self.waiting.bytes += job.file.len();
        let jobs = self.jobs.entry(owner).or_default();
        if jobs.is_empty() {
            self.turns.push_back(owner);
        }
        jobs.push_back(job);
    }

    /// The next picture of the one whose turn it is, who then waits for all
    /// others.
    pub(super) fn pop(&mut self) -> Option<Job> {
        let owner = self.turns.pop_front()?;
        let jobs = self.jobs.get_mut(&owner)?;
        let job = jobs.pop_front()?;
        if jobs.is_empty() {
            self.jobs.remove(&owner);
        } else {
            self.turns.push_back(owner);
        }
        self.waiting.pictures -= 1;
        self.waiting.bytes -= job.file.len();
        Some(job)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(queue: &mut Queue, owner: u64, text: &'static str) {
        let (tx, _) = oneshot::channel();
        let job = Job { file: Bytes::from_static(text.as_bytes()), tx, queued_at: Instant::now() };
        queue.push(Owner(owner), job);
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
        assert_eq!((queue.waiting, queue.jobs.len()), (Waiting::default(), 0));
    }
}
