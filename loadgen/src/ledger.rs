//! Every message sent: when it left, what the server said of it, how many have it.
//!
//! A table of each sender's messages in chunks that appear as they are used: 16 bytes a message,
//! plus 24 for every 256 that could be used.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

/// Messages in a chunk. Chosen: 4 KiB, a page.
const CHUNK: usize = 256;

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Fate {
    /// Not sent.
    Unsent,
    /// Sent; nothing was heard of it where acks are given.
    Sent,
    /// The server has it.
    Acked,
    /// The server did not take it.
    Refused,
}

/// What is known of an arriving message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flight {
    /// When it left, from the start of the load.
    pub sent_us: u64,
    /// How many have it now, this one included.
    pub place: u32,
}

#[derive(Debug)]
struct Entry {
    sent_us: AtomicU64,
    arrivals: AtomicU32,
    fate: AtomicU8,
}

type Chunk = Box<[Entry]>;

#[derive(Debug)]
struct Sender {
    sent: AtomicU32,
    chunks: Box<[OnceLock<Chunk>]>,
}

/// The messages of all senders.
#[derive(Debug)]
pub struct Ledger {
    messages_per_sender_max: u32,
    senders: Box<[Sender]>,
}

impl Ledger {
    /// For so many senders of up to so many messages each.
    #[must_use]
    pub fn new(senders: u32, messages_per_sender_max: u32) -> Self {
        let chunks = (messages_per_sender_max as usize).div_ceil(CHUNK);
        let sender = || Sender { sent: AtomicU32::new(0), chunks: (0..chunks).map(|_| OnceLock::new()).collect() };
        Self { messages_per_sender_max, senders: (0..senders).map(|_| sender()).collect() }
    }

    /// How many messages a sender may send.
    #[must_use]
    pub fn messages_per_sender_max(&self) -> u32 {
        self.messages_per_sender_max
    }

    /// Whether there can be such a message.
    #[must_use]
    pub fn has_room_for(&self, sender: u32, sequence: u32) -> bool {
        (sender as usize) < self.senders.len() && sequence < self.messages_per_sender_max
    }

    fn entry(&self, sender: u32, sequence: u32) -> Option<&Entry> {
        let chunk = self.senders.get(sender as usize)?.chunks.get(sequence as usize / CHUNK)?;
        chunk.get()?.get(sequence as usize % CHUNK)
    }

    /// A message is about to leave. Messages of one sender leave in order.
    ///
    /// # Panics
    ///
    /// When there is no room for it: [`Self::has_room_for`].
    pub fn sends(&self, sender: u32, sequence: u32, now_us: u64) {
        let sender = &self.senders[sender as usize];
        let entry = || Entry { sent_us: AtomicU64::new(0), arrivals: AtomicU32::new(0), fate: AtomicU8::new(0) };
        let chunk = sender.chunks[sequence as usize / CHUNK].get_or_init(|| (0..CHUNK).map(|_| entry()).collect());
        let entry = &chunk[sequence as usize % CHUNK];
        entry.sent_us.store(now_us, Ordering::Relaxed);
        entry.fate.store(Fate::Sent as u8, Ordering::Release);
    }

    /// A message has left.
    pub fn has_sent(&self, sender: u32, sequence: u32) {
        self.senders[sender as usize].sent.store(sequence + 1, Ordering::Release);
    }

    /// The server said what became of a message. Returns whether that was its first word about it.
    pub fn settle(&self, sender: u32, sequence: u32, fate: Fate) -> bool {
        let Some(entry) = self.entry(sender, sequence) else { return false };
        let (from, to) = (Fate::Sent as u8, fate as u8);
        entry.fate.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// A receiver has a message for the first time; `None` when it was not sent.
    pub fn arrives(&self, sender: u32, sequence: u32) -> Option<Flight> {
        let entry = self.entry(sender, sequence)?;
        if entry.fate.load(Ordering::Acquire) == Fate::Unsent as u8 {
            return None;
        }
        let place = entry.arrivals.fetch_add(1, Ordering::Relaxed) + 1;
        Some(Flight { sent_us: entry.sent_us.load(Ordering::Relaxed), place })
    }

    /// How many messages a sender has sent.
    #[must_use]
    pub fn sent_by(&self, sender: u32) -> u32 {
        self.senders[sender as usize].sent.load(Ordering::Acquire)
    }

    /// How many messages were sent.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.senders.iter().map(|sender| u64::from(sender.sent.load(Ordering::Acquire))).sum()
    }

    /// The messages of a sender that were sent and have another fate, in order.
    #[must_use]
    pub fn without_fate(&self, sender: u32, fate: Fate) -> Vec<u32> {
        let is_other = |sequence: &u32| {
            self.entry(sender, *sequence).is_some_and(|entry| entry.fate.load(Ordering::Relaxed) != fate as u8)
        };
        (0..self.sent_by(sender)).filter(is_other).collect()
    }

    /// When the first message left that nobody has, though it was not refused, of those that left after `after_us`.
    #[must_use]
    pub fn first_unheard_after(&self, after_us: u64) -> Option<u64> {
        let entries = self.senders.iter().flat_map(|sender| {
            let sent = sender.sent.load(Ordering::Acquire) as usize;
            sender.chunks.iter().map_while(OnceLock::get).flat_map(|chunk| chunk.iter()).take(sent)
        });
        let is_refused = |entry: &Entry| entry.fate.load(Ordering::Relaxed) == Fate::Refused as u8;
        let unheard = entries.filter(|entry| entry.arrivals.load(Ordering::Relaxed) == 0 && !is_refused(entry));
        unheard.map(|entry| entry.sent_us.load(Ordering::Relaxed)).filter(|sent_us| *sent_us > after_us).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_known_by_sender_and_sequence() {
        let ledger = Ledger::new(2, 600);
        for sequence in 0..600 {
            ledger.sends(1, sequence, u64::from(sequence) * 10);
            ledger.has_sent(1, sequence);
        }
        assert_eq!((ledger.sent_by(0), ledger.sent_by(1), ledger.sent()), (0, 600, 600));
        assert_eq!(ledger.arrives(1, 599), Some(Flight { sent_us: 5990, place: 1 }));
        assert_eq!(ledger.arrives(1, 599), Some(Flight { sent_us: 5990, place: 2 }));
        assert_eq!(ledger.arrives(0, 0), None, "not sent");
        assert_eq!(ledger.arrives(7, u32::MAX), None, "no such sender");
        assert_eq!(ledger.first_unheard_after(5000), Some(5010));
        assert!(ledger.settle(1, 501, Fate::Refused));
        assert_eq!(ledger.first_unheard_after(5000), Some(5020));
    }

    #[test]
    fn fates_are_listed() {
        let ledger = Ledger::new(1, 4);
        for sequence in 0..4 {
            ledger.sends(0, sequence, 0);
            ledger.has_sent(0, sequence);
        }
        assert!(ledger.settle(0, 0, Fate::Acked) && ledger.settle(0, 2, Fate::Refused));
        assert_eq!(ledger.without_fate(0, Fate::Acked), [1, 2, 3]);
    }
}
