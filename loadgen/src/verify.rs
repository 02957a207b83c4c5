//! What each receiver should hear, and what it heard.

use std::collections::HashMap;
use std::ops::Range;

use crate::payload::{Label, Payloads, Reading};

/// What an arriving frame is: exactly one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// Not ours.
    Foreign,
    /// Ours, damaged.
    Corrupted,
    /// This receiver had it already.
    Duplicated,
    /// New, but after a later one of its sender.
    Reordered(Label),
    /// New, in its place.
    InOrder(Label),
}

/// Counts of arrivals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Not ours.
    pub foreign: u64,
    /// Ours, damaged.
    pub corrupted: u64,
    /// Had already.
    pub duplicated: u64,
    /// After a later one.
    pub reordered: u64,
    /// New and intact, in whatever order.
    pub intact: u64,
}

impl Counts {
    /// Adds another receiver's.
    pub fn add(&mut self, other: Self) {
        self.foreign += other.foreign;
        self.corrupted += other.corrupted;
        self.duplicated += other.duplicated;
        self.reordered += other.reordered;
        self.intact += other.intact;
    }
}

/// What one receiver has heard. Memory: a few words per sender, and one range
/// per gap.
#[derive(Debug, Default)]
pub struct Receiver {
    heard: HashMap<u32, Heard>,
    counts: Counts,
}

/// Of one sender.
#[derive(Debug, Default)]
struct Heard {
    /// Everything below was heard, or is in a gap.
    next: u32,
    /// In order; not heard yet.
    gaps: Vec<Range<u32>>,
}

impl Receiver {
    /// Counts an arriving payload.
    pub fn take(&mut self, payloads: &Payloads, payload: &[u8]) -> Arrival {
        let arrival = match payloads.read(payload) {
            Reading::Foreign => Arrival::Foreign,
            Reading::Corrupted => Arrival::Corrupted,
            Reading::Intact(label) => self.heard.entry(label.sender).or_default().take(label),
        };
        match arrival {
            Arrival::Foreign => self.counts.foreign += 1,
            Arrival::Corrupted => self.counts.corrupted += 1,
            Arrival::Duplicated => self.counts.duplicated += 1,
            Arrival::Reordered(_) => {
                self.counts.reordered += 1;
                self.counts.intact += 1;
            }
            Arrival::InOrder(_) => self.counts.intact += 1,
        }
        arrival
    }

    /// Its counts so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The sequence numbers below `sent` that were not heard of `sender`.
    pub fn missing(&self, sender: u32, sent: u32) -> impl Iterator<Item = u32> {
        let (next, gaps) = self.heard.get(&sender).map_or((0, &[][..]), |heard| (heard.next, &heard.gaps[..]));
        gaps.iter().cloned().flatten().take_while(move |&sequence| sequence < sent).chain(next..sent.max(next))
    }
}

impl Heard {
    fn take(&mut self, label: Label) -> Arrival {
        let sequence = label.sequence;
        if sequence >= self.next {
            if sequence > self.next {
                self.gaps.push(self.next..sequence);
            }
            self.next = sequence + 1;
            return Arrival::InOrder(label);
        }
        let place = self.gaps.partition_point(|gap| gap.end <= sequence);
        match self.gaps.get(place).cloned() {
            Some(gap) if gap.contains(&sequence) => {
                let rest = [gap.start..sequence, sequence + 1..gap.end].into_iter().filter(|part| !part.is_empty());
                self.gaps.splice(place..=place, rest);
                Arrival::Reordered(label)
            }
            _ => Arrival::Duplicated,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receive(sequences: &[u32]) -> Receiver {
        let payloads = Payloads::new("run", 1, 100);
        let mut receiver = Receiver::default();
        for &sequence in sequences {
            receiver.take(&payloads, &payloads.make(Label { sender: 0, sequence, due_us: 0 }));
        }
        receiver
    }

    fn check(sequences: &[u32], reordered: u64, duplicated: u64, missing: &[u32]) {
        let receiver = receive(sequences);
        let counts = receiver.counts();
        assert_eq!((counts.reordered, counts.duplicated), (reordered, duplicated), "{sequences:?}");
        assert_eq!(receiver.missing(0, 6).collect::<Vec<_>>(), missing, "{sequences:?}");
    }

    #[test]
    fn arrivals_are_counted_exactly() {
        check(&[0, 1, 2, 3, 4, 5], 0, 0, &[]);
        check(&[0, 2, 1, 3, 4, 5], 1, 0, &[]);
        check(&[0, 1, 3, 4, 5], 0, 0, &[2]);
        check(&[0, 1, 1, 2, 3, 4, 5, 5], 0, 2, &[]);
        check(&[5, 4, 3, 2, 1, 0], 5, 0, &[]);
        check(&[0, 5, 2, 2, 5], 1, 2, &[1, 3, 4]);
        check(&[2], 0, 0, &[0, 1, 3, 4, 5]);
        check(&[], 0, 0, &[0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn senders_are_counted_apart() {
        let payloads = Payloads::new("run", 1, 100);
        let mut receiver = Receiver::default();
        for (sender, sequence) in [(0, 0), (1, 0), (1, 1), (0, 1)] {
            let payload = payloads.make(Label { sender, sequence, due_us: 0 });
            assert!(matches!(receiver.take(&payloads, &payload), Arrival::InOrder(_)));
        }
        assert_eq!(receiver.take(&payloads, b"something else"), Arrival::Foreign);
        assert_eq!(receiver.counts().foreign, 1);
    }
}
