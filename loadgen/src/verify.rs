//! What each receiver heard, and what that makes each arriving payload.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

use crate::payload::{Label, Payloads, Reading};

/// Gaps that one receiver remembers, summed over its senders; 8 bytes each. Chosen: a server that
/// loses so much is known by then. Of a forgotten gap only the size is kept, and a straggler that
/// would fill it counts as duplicated.
const GAPS_MAX: usize = 1 << 16;

/// What an arriving payload is: exactly one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// Not ours, or not for this receiver.
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

/// What one receiver has heard. Memory: a few words per sender, and one range per gap.
#[derive(Debug, Default)]
pub struct Receiver {
    heard: HashMap<u32, Heard, BuildHasherDefault<SenderHasher>>,
    gaps: usize,
    counts: Counts,
}

/// Senders are small numbers that the generator itself gave: a multiplication spreads them.
#[derive(Debug, Default)]
struct SenderHasher(u64);

impl Hasher for SenderHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }

    fn write_u32(&mut self, sender: u32) {
        // 2^64 divided by the golden ratio (Knuth, The Art of Computer Programming, 6.4).
        self.0 = (self.0 ^ u64::from(sender)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// Of one sender.
#[derive(Debug, Default)]
struct Heard {
    /// Everything below was heard, or is in a gap.
    next: u32,
    /// In order; not heard yet.
    gaps: Vec<Range<u32>>,
    /// Messages in gaps that are forgotten.
    forgotten: u64,
}

impl Receiver {
    /// Counts an arriving payload; `is_for_it` says whether this receiver should hear such a message at all.
    pub fn take(&mut self, payloads: &Payloads, payload: &[u8], is_for_it: impl Fn(Label) -> bool) -> Arrival {
        // The order of these questions is part of what the counts mean.
        let arrival = match payloads.read(payload) {
            Reading::Foreign => Arrival::Foreign,
            Reading::Corrupted => Arrival::Corrupted,
            Reading::Intact(label) if is_for_it(label) => self.hear(label),
            Reading::Intact(_) => Arrival::Foreign,
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

    /// Counts the answer to a message, where nothing else comes: it stands for the message.
    pub fn take_answer(&mut self, label: Label) {
        self.hear(label);
        self.counts.intact += 1;
    }

    fn hear(&mut self, label: Label) -> Arrival {
        let heard = self.heard.entry(label.sender).or_default();
        let before = heard.gaps.len();
        let arrival = heard.take(label);
        if self.gaps >= GAPS_MAX && heard.gaps.len() > before {
            let gap = heard.gaps.remove(0);
            heard.forgotten += gap.len() as u64;
        }
        self.gaps = self.gaps + heard.gaps.len() - before;
        arrival
    }

    /// Its counts so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// One more than the highest sequence number heard of `sender`.
    #[must_use]
    pub fn heard_up_to(&self, sender: u32) -> u32 {
        self.heard.get(&sender).map_or(0, |heard| heard.next)
    }

    /// How many messages below `sent` were not heard of `sender`, without those in `excused`, which is in order.
    #[must_use]
    pub fn missing(&self, sender: u32, sent: u32, excused: &[u32]) -> u64 {
        let of = |range: Range<u32>| {
            let range = range.start..range.end.min(sent).max(range.start);
            let below = |end: u32| excused.partition_point(|sequence| *sequence < end);
            range.len() as u64 - (below(range.end) - below(range.start)) as u64
        };
        let Some(heard) = self.heard.get(&sender) else { return of(0..sent) };
        heard.forgotten + heard.gaps.iter().cloned().map(of).sum::<u64>() + of(heard.next..sent.max(heard.next))
    }
}

impl Heard {
    fn take(&mut self, label: Label) -> Arrival {
        let sequence = label.sequence;
        if sequence >= self.next {
            if sequence > self.next {
                self.gaps.push(self.next..sequence);
            }
            self.next = sequence.saturating_add(1);
            return Arrival::InOrder(label);
        }
        let place = self.gaps.partition_point(|gap| gap.end <= sequence);
        match self.gaps.get(place).cloned() {
            Some(gap) if gap.contains(&sequence) => {
                let rest = [gap.start..sequence, sequence + 1..gap.end].into_iter().filter(|part| !part.is_empty());
                self.gaps.splice(place..=place, rest);
                Arrival::Reordered(label)
            }
            Some(_) | None => Arrival::Duplicated,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receive(sequences: impl IntoIterator<Item = u32>) -> Receiver {
        let payloads = Payloads::new("run", 1, 100);
        let mut receiver = Receiver::default();
        for sequence in sequences {
            receiver.take(&payloads, &payloads.make(Label { sender: 0, sequence, due_us: 0 }), |_| true);
        }
        receiver
    }

    fn check(sequences: &[u32], reordered: u64, duplicated: u64, missing: u64) {
        let receiver = receive(sequences.iter().copied());
        let counts = receiver.counts();
        assert_eq!((counts.reordered, counts.duplicated), (reordered, duplicated), "{sequences:?}");
        assert_eq!(receiver.missing(0, 6, &[]), missing, "{sequences:?}");
        assert_eq!(counts.intact, 6 - missing, "{sequences:?}");
    }

    #[test]
    fn arrivals_are_counted_exactly() {
        check(&[0, 1, 2, 3, 4, 5], 0, 0, 0);
        // A swap of two neighbours is one reordered, a gap is none.
        check(&[0, 2, 1, 3, 4, 5], 1, 0, 0);
        check(&[0, 1, 3, 4, 5], 0, 0, 1);
        check(&[0, 1, 1, 2, 3, 4, 5, 5], 0, 2, 0);
        check(&[5, 4, 3, 2, 1, 0], 5, 0, 0);
        check(&[0, 5, 2, 2, 5], 1, 2, 3);
        check(&[2], 0, 0, 5);
        check(&[], 0, 0, 6);
    }

    #[test]
    fn excused_messages_are_not_missing() {
        let receiver = receive([0, 3, 4]);
        assert_eq!(receiver.missing(0, 6, &[1, 5]), 1);
        assert_eq!(receiver.missing(0, 3, &[]), 2);
        assert_eq!(receiver.missing(7, 6, &[0, 1]), 4);
        assert_eq!(receiver.heard_up_to(0), 5);
    }

    #[test]
    fn forgotten_gaps_are_still_counted() {
        let odd = receive((0..GAPS_MAX as u32 + 10).map(|place| place * 2 + 1));
        assert_eq!(odd.gaps, GAPS_MAX);
        assert_eq!(odd.missing(0, (GAPS_MAX as u32 + 10) * 2, &[]), GAPS_MAX as u64 + 10);
    }

    #[test]
    fn payloads_are_classified_one_way_each() {
        let payloads = Payloads::new("run", 1, 100);
        let label = |sender, sequence| Label { sender, sequence, due_us: 0 };
        let mut damaged = payloads.make(label(0, 1));
        *damaged.last_mut().unwrap() ^= 1;
        let mut receiver = Receiver::default();
        let mut check = |payload: &[u8], expected| {
            assert_eq!(receiver.take(&payloads, payload, |label| label.sender < 2), expected);
        };
        check(b"something else", Arrival::Foreign);
        check(&damaged, Arrival::Corrupted);
        check(&Payloads::new("other", 1, 100).make(label(0, 0)), Arrival::Foreign);
        check(&payloads.make(label(9, 0)), Arrival::Foreign);
        check(&payloads.make(label(0, 0)), Arrival::InOrder(label(0, 0)));
        check(&payloads.make(label(1, 0)), Arrival::InOrder(label(1, 0)));
        check(&payloads.make(label(0, 2)), Arrival::InOrder(label(0, 2)));
        check(&payloads.make(label(0, 1)), Arrival::Reordered(label(0, 1)));
        check(&payloads.make(label(0, 1)), Arrival::Duplicated);
        assert_eq!(receiver.counts(), Counts { foreign: 3, corrupted: 1, duplicated: 1, reordered: 1, intact: 4 });
    }
}
