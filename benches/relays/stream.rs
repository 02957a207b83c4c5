//! The one stream of a room: every member has to get exactly these bytes.
//!
//! The first member to whom a message comes has it taken apart and checked;
//! from then on its frame is what all others are compared with, byte for byte.
//! So a delivery costs a comparison, and nothing goes unchecked.

use std::collections::VecDeque;
use std::iter::zip;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use benches::frame::split_frame;

use crate::dialect::{Dialect, Meaning};
use crate::message;

/// What has been said, as long as somebody has not heard it.
#[derive(Debug)]
pub(crate) struct Stream {
    dialect: Dialect,
    message_bytes: usize,
    /// Frames, from `base` on.
    bytes: Vec<u8>,
    base: u64,
    frames: VecDeque<Frame>,
    /// Frames that all have heard and that are gone from `frames`.
    settled: u64,
    /// How many members have heard exactly the settled frames and so many more.
    members: VecDeque<usize>,
    speakers: Vec<Spoken>,
}

#[derive(Debug)]
struct Frame {
    ends_at: u64,
    speaker: usize,
    sent_at: Instant,
}

/// What a speaker has sent.
#[derive(Debug, Default)]
struct Spoken {
    sequence: u64,
    /// When each of those was sent that nobody has heard yet.
    sent_at: VecDeque<Instant>,
}

/// How far a member has heard.
#[derive(Debug, Default)]
pub(crate) struct Place {
    at: u64,
    frames: u64,
}

impl Stream {
    pub(crate) fn new(dialect: Dialect, members: usize, speakers: usize, message_bytes: usize) -> Self {
        Self {
            dialect,
            message_bytes,
            bytes: Vec::new(),
            base: 0,
            frames: VecDeque::new(),
            settled: 0,
            members: VecDeque::from([members]),
            speakers: (0..speakers).map(|_| Spoken::default()).collect(),
        }
    }

    /// A speaker sends a message; returns which one it is.
    pub(crate) fn send(&mut self, speaker: usize, at: Instant) -> u64 {
        let spoken = &mut self.speakers[speaker];
        spoken.sent_at.push_back(at);
        spoken.sequence + spoken.sent_at.len() as u64 - 1
    }

    /// Whether all that was sent has been heard by all.
    pub(crate) fn is_settled(&self) -> bool {
        self.frames.is_empty() && self.speakers.iter().all(|spoken| spoken.sent_at.is_empty())
    }

    /// A member is not waited for any more.
    pub(crate) fn leave(&mut self, place: &Place) {
        self.members[(place.frames - self.settled) as usize] -= 1;
    }

    /// Takes what came for a member; returns how many of the bytes are whole
    /// frames, and calls `heard` with when each message was sent.
    pub(crate) fn take(&mut self, place: &mut Place, input: &[u8], mut heard: impl FnMut(Instant)) -> Result<usize> {
        let before = place.frames;
        let mut rest = input;
        loop {
            let known = &self.bytes[(place.at - self.base) as usize..];
            let same_until = place.at + common(known, rest) as u64;
            let index = self.frames.partition_point(|frame| frame.ends_at <= same_until);
            let border = index.checked_sub(1).map_or(place.at, |last| self.frames[last].ends_at.max(place.at));
            place.frames = self.settled + index as u64;
            rest = &rest[(border - place.at) as usize..];
            place.at = border;
            let Some((frame, after)) = split_frame(rest) else { break };
            match self.dialect.understand(&frame) {
                Meaning::Aside => {}
                Meaning::Said(text) if index == self.frames.len() => {
                    self.check_new(text)?;
                    self.append(&rest[..rest.len() - after.len()], text)?;
                    continue;
                }
                meaning => bail!("message {} differs from what others got: {meaning:?}", place.frames + 1),
            }
            rest = after;
        }
        for frame in before..place.frames {
            heard(self.frames[(frame - self.settled) as usize].sent_at);
        }
        self.members[(before - self.settled) as usize] -= 1;
        self.members[(place.frames - self.settled) as usize] += 1;
        Ok(input.len() - rest.len())
    }

    /// It has to be what its speaker said next.
    fn check_new(&self, text: &[u8]) -> Result<()> {
        let speaker = message::speaker(text).context("a message without a speaker")?;
        let spoken = self.speakers.get(speaker).context("a message of nobody")?;
        let expected = message::text(speaker, spoken.sequence, self.message_bytes);
        if text != expected || spoken.sent_at.is_empty() {
            bail!("{} came, {} was due", String::from_utf8_lossy(text), String::from_utf8_lossy(&expected));
        }
        Ok(())
    }

    fn append(&mut self, frame: &[u8], text: &[u8]) -> Result<()> {
        let speaker = message::speaker(text).context("a message without a speaker")?;
        let spoken = &mut self.speakers[speaker];
        spoken.sequence += 1;
        let sent_at = spoken.sent_at.pop_front().context("a message that was not sent")?;
        self.bytes.extend_from_slice(frame);
        let ends_at = self.base + self.bytes.len() as u64;
        self.frames.push_back(Frame { ends_at, speaker, sent_at });
        self.members.push_back(0);
        Ok(())
    }

    /// Lets go of what all have heard: of each message its speaker, and when
    /// it was sent.
    pub(crate) fn settle(&mut self, mut settled: impl FnMut(usize, Instant)) {
        let mut ends_at = self.base;
        while self.members[0] == 0 && !self.frames.is_empty() {
            self.members.pop_front();
            self.settled += 1;
            if let Some(frame) = self.frames.pop_front() {
                ends_at = frame.ends_at;
                settled(frame.speaker, frame.sent_at);
            }
        }
        self.bytes.drain(..(ends_at - self.base) as usize);
        self.base = ends_at;
    }
}

/// How many bytes at the beginning are the same.
fn common(one: &[u8], other: &[u8]) -> usize {
    let count = one.len().min(other.len());
    // Nearly always all of them are, and comparing them all at once is fast.
    if one[..count] == other[..count] {
        return count;
    }
    zip(one, other).position(|(one, other)| one != other).unwrap_or(count)
}
