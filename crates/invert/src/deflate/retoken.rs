//! Literals and copies of one stream, used again for another one that differs
//! from it byte by byte in much the same way.

use super::finder::{Finder, common};
use super::runs::push_runs;
use super::{DISTANCE_MAX, LENGTH_MAX, LENGTH_MIN, Sequence, Tokens};

/// Bytes that a window must have behind what is in use.
pub(crate) const SPARE_BYTES: usize = super::reader::WINDOW_SPARE_BYTES;

/// A copy is about as long, in bits, as this many literals.
const COPY_TOKENS: usize = 3;

/// Chosen: with so many tokens before it, a copy at the beginning that does not
/// fit decides nothing.
const EARLY_TOKENS: usize = 200;

/// Chosen: of a long copy most can be mended with a few tokens, however much of
/// it is behind the byte that does not fit.
const LOST_BYTES_MAX: usize = 8;

/// Chosen: what is shorter is hardly longer as literals.
const WORTHWHILE_BYTES: usize = 6;

/// Chosen on the same pictures as how hard to look for copies: where one in so
/// many tokens more would be needed to mend copies, runs are shorter.
const RUNS_SENSITIVITY: usize = 10;
/// Chosen: and where it is one in so many, also than the copies that do fit.
const ALL_RUNS_SENSITIVITY: usize = 6;

/// How hard to look for copies where too few of the old ones fit.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Search {
    /// Places that are compared for each byte.
    pub(crate) tries: u32,
    /// A copy that is shorter waits to see whether the next byte begins a longer
    /// one.
    pub(crate) patience: usize,
    /// It begins when one in so many tokens more would be needed without.
    pub(crate) sensitivity: usize,
    /// The same before anything is written that tells how long the new stream
    /// will be; never where zero.
    pub(crate) early_sensitivity: usize,
    /// It leaves copies alone that were shorter.
    pub(crate) shortest: usize,
    /// Runs are enough, and nothing is looked for, as long as the new stream is at
    /// most this long, in percent of the old one.
    pub(crate) runs_percent_max: usize,
}

/// How long the new stream is so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Outlook {
    /// Nothing is written yet, and small pictures never get further.
    #[default]
    Unknown,
    /// Short enough for runs.
    Short,
    /// Too long: copies have to be found.
    Long,
}

/// Finds new copies where the old ones do not fit.
#[derive(Debug, Default)]
pub(crate) struct Retoken {
    finder: Finder,
    /// Distances that are worth a try, that of pixels first.
    likely: [usize; 4],
    search: Search,
    outlook: Outlook,
    /// Old literals and copies of late, in literals.
    old_tokens: usize,
    /// Bytes of late whose copies did not fit, more than those copies cost.
    lost_bytes: usize,
    has_finder: bool,
}

/// A part of the new bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part<'a> {
    /// What is there of the bytes, the part and what stands before it; followed
    /// by [`SPARE_BYTES`] of anything.
    pub(crate) window: &'a [u8],
    /// Bytes that have left the front of the window, modulo 2^32.
    pub(crate) passed_bytes: u32,
    /// Where the part begins.
    pub(crate) from: usize,
    /// Where it ends.
    pub(crate) to: usize,
}

impl Retoken {
    /// Begins a stream whose copies are likely to come from these distances, of
    /// which the first is that of pixels.
    pub(crate) fn begin(&mut self, likely: [usize; 4], search: Search) {
        self.likely = likely;
        self.search = search;
        self.outlook = Outlook::Unknown;
        (self.old_tokens, self.lost_bytes) = (EARLY_TOKENS, 0);
        self.has_finder = false;
    }

    /// Expects many copies that do not fit, and nothing else to be told of the
    /// bytes: runs are allowed from the beginning. Where only a few do not fit,
    /// mending them is quicker and shorter.
    pub(crate) fn expect_noise(&mut self) {
        if self.outlook == Outlook::Unknown {
            self.outlook = Outlook::Short;
        }
    }

    /// Whether copies were looked for since then.
    pub(crate) fn has_searched(&self) -> bool {
        self.has_finder
    }

    /// Looks harder, or less hard, after so many bytes of either stream.
    pub(crate) fn balance(&mut self, old_bytes: usize, new_bytes: usize) {
        let is_short = new_bytes.saturating_mul(100) <= old_bytes.saturating_mul(self.search.runs_percent_max);
        self.outlook = if is_short { Outlook::Short } else { Outlook::Long };
    }

    /// Adds to `tokens` what makes the bytes of a part, by way of `sequences`,
    /// which made other bytes in their place.
    pub(crate) fn retoken(&mut self, part: Part<'_>, sequences: &[Sequence], tokens: &mut Tokens) {
        let window = part.window;
        tokens.make_room(part.to - part.from);
        (self.old_tokens, self.lost_bytes) = (self.old_tokens / 2, self.lost_bytes / 2);
        // Where the old token begins, and up to where new ones reach.
        let (mut at, mut done) = (part.from, part.from);
        for sequence in sequences {
            let end = at + sequence.literals as usize;
            if done < end {
                tokens.push_literals(window, done, end);
                done = end;
            }
            let (length, distance) = (usize::from(sequence.length), usize::from(sequence.distance));
            at = end + length;
            if done >= at {
                continue;
            }
            let left = at - done;
            self.old_tokens += sequence.literals as usize + COPY_TOKENS;
            let same = common(window, done, distance, left);
            if same == left && left >= LENGTH_MIN {
                tokens.push_copy(left, distance);
                done = at;
            } else {
                self.lost_bytes += (left - same).saturating_sub(COPY_TOKENS).min(LOST_BYTES_MAX);
                let may_run = self.outlook == Outlook::Short;
                done = if may_run && self.are_lost(ALL_RUNS_SENSITIVITY) {
                    push_runs(window, (done, part.to), self.likely[0], tokens);
                    return;
                } else if may_run && self.are_lost(RUNS_SENSITIVITY) {
                    push_runs(window, (done, at), self.likely[0], tokens);
                    at
                } else if left >= self.search.shortest && self.are_lost(self.sensitivity()) {
                    self.search(part, (done, at), distance, tokens)
                } else {
                    self.mend(window, (done, at), distance, tokens)
                };
            }
        }
    }

    /// That of the search.
    fn sensitivity(&self) -> usize {
        match self.outlook {
            Outlook::Unknown => self.search.early_sensitivity,
            Outlook::Short | Outlook::Long => self.search.sensitivity,
        }
    }

    /// Whether one in `sensitivity` tokens more would be needed if copies were
    /// mended.
    fn are_lost(&self, sensitivity: usize) -> bool {
        self.lost_bytes * sensitivity > self.old_tokens
    }

    /// Makes the bytes of a copy that fits only in parts: by the same distance
    /// again behind what differs, by a likely one if much is left, or as
    /// literals.
    fn mend(&self, window: &[u8], (from, to): (usize, usize), distance: usize, tokens: &mut Tokens) -> usize {
        let mut at = from;
        while at < to {
            let left = to - at;
            let mut best = (common(window, at, distance, left), distance);
            if left >= WORTHWHILE_BYTES && best.0 < left {
                best = self.likely(window, at, left, best);
            }
            at += push_best(window, at, best, tokens);
        }
        at
    }

    /// A copy from a likely distance that is longer than the best one.
    fn likely(&self, window: &[u8], at: usize, most: usize, mut best: (usize, usize)) -> (usize, usize) {
        for &likely in self.likely.iter().filter(|&&likely| (1..=at.min(DISTANCE_MAX)).contains(&likely)) {
            let length = common(window, at, likely, most);
            if length > best.0 {
                best = (length, likely);
            }
        }
        best
    }

    /// Makes the bytes of a copy by whatever stands before, also beyond its end.
    fn search(&mut self, part: Part<'_>, (from, to): (usize, usize), distance: usize, tokens: &mut Tokens) -> usize {
        let search = self.search;
        if !self.has_finder {
            self.finder.clear();
            self.has_finder = true;
        }
        let mut at = from;
        let mut waiting = None;
        while at < to {
            let best = waiting.take().unwrap_or_else(|| self.longest(part, at, distance, search.tries));
            if best.0 >= LENGTH_MIN && best.0 < search.patience && at + 1 < to {
                let next = self.longest(part, at + 1, distance, search.tries);
                if next.0 > best.0 {
                    tokens.push_literals(part.window, at, at + 1);
                    at += 1;
                    waiting = Some(next);
                    continue;
                }
            }
            at += push_best(part.window, at, best, tokens);
        }
        at
    }

    fn longest(&mut self, part: Part<'_>, at: usize, distance: usize, tries: u32) -> (usize, usize) {
        let most = part.to - at;
        let best = (common(part.window, at, distance, most.min(LENGTH_MAX)), distance);
        self.finder.learn(part.window, (at, part.to), part.passed_bytes);
        let mut best = self.finder.longest(part.window, (at, most), part.passed_bytes, best, tries);
        if best.0 <= LENGTH_MIN {
            best = self.likely(part.window, at, most.min(LENGTH_MAX), best);
        }
        best
    }
}

/// Adds a copy if it is long enough, or a literal; returns how long it is.
fn push_best(window: &[u8], at: usize, (length, distance): (usize, usize), tokens: &mut Tokens) -> usize {
    // Chosen: three literals are shorter than a short copy from far away.
    if length > LENGTH_MIN || (length == LENGTH_MIN && distance <= 4096) {
        tokens.push_copy(length, distance);
        length
    } else {
        tokens.push_literals(window, at, at + 1);
        1
    }
}
