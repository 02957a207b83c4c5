//! Members of one room, some of whom speak: one thread, one `epoll`, never
//! asleep, so that the relay is what is measured.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hdrhistogram::Histogram;
use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::fd::OwnedFd;

use crate::member::{self, Member};
use crate::message::Frames;
use crate::relay::Relay;
use crate::stream::Stream;

/// What is read at once: as much as a socket holds, and a frame's beginning.
const SCRATCH_BYTES: usize = 1 << 20;
/// Sockets that are read before another crowd has its turn. Chosen: so that it
/// waits for a tenth of a millisecond.
const SOCKETS_A_TURN: usize = 64;
/// Speakers of a flood: several, so that the relay has several to read from.
const SPEAKERS_MAX: usize = 32;
/// Longer takes only a relay that has lost something.
const SETTLE_MAX: Duration = Duration::from_secs(60);
const LATENCY_MAX: Duration = Duration::from_secs(60);

/// What is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Talk {
    Nothing,
    /// As much as possible while no more than so many messages are under way:
    /// sent, and not yet heard by all. Latencies are until all have heard.
    Flood {
        window: usize,
    },
    /// One message each interval, whatever the relay does. Latencies are from
    /// when a message was due, for each delivery.
    Paced {
        interval: Duration,
    },
}

/// The crowd.
pub(crate) struct Crowd {
    epoll: OwnedFd,
    events: Vec<Event>,
    scratch: Vec<u8>,
    members: Vec<Member>,
    stream: Stream,
    talk: Talk,
    speakers: Vec<Speaker>,
    due_at: Instant,
    pub(crate) tally: Tally,
}

#[derive(Debug)]
struct Speaker {
    frames: Frames,
    /// How many messages it may send.
    credit: usize,
}

/// What was heard.
#[derive(Debug, Clone)]
pub(crate) struct Tally {
    pub(crate) deliveries: u64,
    /// Time in which nothing had come.
    pub(crate) idle: Duration,
    pub(crate) latencies_us: Histogram<u64>,
}

impl Tally {
    fn new() -> Self {
        let latency_max_us = LATENCY_MAX.as_micros() as u64;
        let latencies_us = Histogram::new_with_bounds(1, latency_max_us, 3).expect("the bounds are right");
        Self { deliveries: 0, idle: Duration::ZERO, latencies_us }
    }
}

impl Crowd {
    /// Lets a crowd of `count` into `room`; it says messages of so many bytes.
    pub(crate) fn enter(relay: &Relay, room: &str, count: usize, message_bytes: usize) -> Result<Self> {
        let members = member::open(relay, room, count)?;
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        for (number, member) in members.iter().enumerate() {
            epoll::add(&epoll, &member.stream, EventData::new_u64(number as u64), EventFlags::IN)?;
        }
        let speakers = (0..count.min(SPEAKERS_MAX))
            .map(|speaker| Speaker { frames: Frames::new(relay.dialect, speaker, message_bytes), credit: 0 })
            .collect::<Vec<_>>();
        Ok(Self {
            epoll,
            events: Vec::with_capacity(SOCKETS_A_TURN),
            scratch: vec![0; SCRATCH_BYTES],
            stream: Stream::new(relay.dialect, count, speakers.len(), message_bytes),
            members,
            talk: Talk::Nothing,
            speakers,
            due_at: Instant::now(),
            tally: Tally::new(),
        })
    }

    /// Begins to talk.
    pub(crate) fn say(&mut self, talk: Talk) {
        self.talk = talk;
        self.due_at = Instant::now();
        let speakers = self.speakers.len();
        for (number, speaker) in self.speakers.iter_mut().enumerate() {
            speaker.credit = match talk {
                Talk::Flood { window } => window / speakers + usize::from(number < window % speakers),
                Talk::Nothing | Talk::Paced { .. } => 0,
            };
        }
    }

    /// Begins to count anew; returns what was counted.
    pub(crate) fn count_anew(&mut self) -> Tally {
        std::mem::replace(&mut self.tally, Tally::new())
    }

    /// The last member reads no more, and stays as long as what is returned.
    pub(crate) fn stall_one(&mut self) -> Result<Member> {
        let last = self.members.pop().context("nobody is there")?;
        last.buffer_little()?;
        epoll::delete(&self.epoll, &last.stream)?;
        self.stream.leave(&last.place);
        Ok(last)
    }

    /// Talks and listens for some time.
    pub(crate) fn run(&mut self, time: Duration) -> Result<()> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.take_turn()?;
        }
        Ok(())
    }

    /// Says no more, and listens until all have heard all.
    pub(crate) fn finish(&mut self) -> Result<()> {
        self.say(Talk::Nothing);
        let end = Instant::now() + SETTLE_MAX;
        while !self.stream.is_settled() {
            self.take_turn()?;
            anyhow::ensure!(Instant::now() < end, "not all that was said came to all");
        }
        Ok(())
    }

    /// Says what is due and reads what has come, at some of the sockets.
    pub(crate) fn take_turn(&mut self) -> Result<()> {
        self.speak()?;
        let begin = Instant::now();
        self.events.clear();
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        epoll::wait(&self.epoll, spare_capacity(&mut self.events), Some(&now))?;
        if self.events.is_empty() {
            self.tally.idle += begin.elapsed();
        }
        let is_paced = matches!(self.talk, Talk::Paced { .. });
        let Self { events, stream, tally, members, scratch, .. } = &mut *self;
        for event in events.iter() {
            members[event.data.u64() as usize].read(scratch, |place, input| {
                stream.take(place, input, |sent_at| {
                    tally.deliveries += 1;
                    if is_paced {
                        tally.latencies_us.saturating_record(sent_at.elapsed().as_micros() as u64);
                    }
                })
            })?;
        }
        let Self { talk, tally, speakers, .. } = self;
        self.stream.settle(|speaker, sent_at| {
            if matches!(talk, Talk::Flood { .. }) {
                speakers[speaker].credit += 1;
                tally.latencies_us.saturating_record(sent_at.elapsed().as_micros() as u64);
            }
        });
        Ok(())
    }

    fn speak(&mut self) -> Result<()> {
        if let Talk::Paced { interval } = self.talk {
            while self.due_at <= Instant::now() {
                self.speak_one(0, self.due_at)?;
                self.due_at += interval;
            }
        }
        for speaker in 0..self.speakers.len() {
            if self.speakers[speaker].credit > 0 || !self.members[speaker].has_sent() {
                self.speak_on_credit(speaker)?;
            }
        }
        Ok(())
    }

    fn speak_on_credit(&mut self, number: usize) -> Result<()> {
        let (stream, speaker) = (&mut self.stream, &mut self.speakers[number]);
        let now = Instant::now();
        self.members[number].send(|out| {
            for _ in 0..std::mem::take(&mut speaker.credit) {
                speaker.frames.put(stream.send(number, now), out);
            }
        })
    }

    fn speak_one(&mut self, number: usize, at: Instant) -> Result<()> {
        let (stream, speaker) = (&mut self.stream, &mut self.speakers[number]);
        self.members[number].send(|out| speaker.frames.put(stream.send(number, at), out))
    }
}
