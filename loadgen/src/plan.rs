//! What a run does: the arguments, checked once.

use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::cli::{self, LoadArgs, Pace, Protocol};
use crate::pace::Schedule;
use crate::payload::{self, PAYLOAD_MIN_BYTES};
use crate::threshold::Threshold;

/// More would need more memory for their records than a small machine has.
const MESSAGES_MAX: u64 = 100_000_000;
/// In closed loop the server sets the rate; a client stops when its share of
/// these is sent.
const CLOSED_MESSAGES_MAX: u64 = 16 << 20;
/// Chosen: what a server under test may take; more is a typing error.
const SIZE_MAX_BYTES: u64 = 64 << 20;

/// A run, ready to begin.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What is sent.
    pub scenario: Scenario,
    /// With `{room}` and `{client}` in it.
    pub url: String,
    /// How many.
    pub clients: u32,
    /// Over which clients are spread.
    pub rooms: u32,
    /// When messages are due.
    pub schedule: Schedule,
    /// Names the run.
    pub run_id: String,
    /// Where random bytes begin.
    pub seed: u64,
    /// What must hold.
    pub thresholds: Vec<Threshold>,
    /// Where the result goes.
    pub json: Option<PathBuf>,
    /// See [`LoadArgs`].
    pub max_lateness: Duration,
    /// See [`LoadArgs`].
    pub connect_timeout: Duration,
    /// See [`LoadArgs`].
    pub drain: Duration,
}

/// What is sent, and who should hear it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scenario {
    /// Messages.
    Messages {
        /// What the server speaks.
        protocol: Protocol,
        /// Who should hear a message.
        audience: Audience,
        /// Bytes of a message.
        size_bytes: usize,
        /// Its name in reports.
        name: &'static str,
    },
    /// Pictures.
    Images {
        /// Files to send in turn; generated ones where there are none.
        files: Vec<PathBuf>,
    },
}

/// Who should hear a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Its sender alone.
    Sender,
    /// All of the room.
    Room,
    /// All of the room but its sender.
    Others,
}

/// The arguments make no sense, or the run could not be reported.
#[derive(Debug, Error)]
pub enum PlanError {
    /// `--rooms` without a place for their names.
    #[error("--rooms {rooms}: the URL needs {{room}} where the room's name goes: {url}")]
    NoRoomInUrl {
        /// That many.
        rooms: u32,
        /// As given.
        url: String,
    },
    /// Fewer clients than rooms, or none.
    #[error("--clients {clients} --rooms {rooms}: every room needs a client, and there must be a room")]
    EmptyRooms {
        /// That many.
        clients: u32,
        /// That many.
        rooms: u32,
    },
    /// Outside what can be scheduled.
    #[error("--rate {rate} for {duration_s} s: the rate must be above 0 and the run have 1 to {MESSAGES_MAX} messages")]
    Messages {
        /// As given.
        rate: f64,
        /// As given.
        duration_s: f64,
    },
    /// A message is too small for what it must carry, or too large.
    #[error("--size {size}: from {PAYLOAD_MIN_BYTES} bytes, which a message needs to be accounted for, to 64MiB")]
    Size {
        /// As given.
        size: u64,
    },
    /// The scheme does not fit the scenario.
    #[error("{url}: the address must begin with {expected}")]
    Scheme {
        /// As given.
        url: String,
        /// What would do.
        expected: &'static str,
    },
    /// A run's name is put into room names.
    #[error("--run-id {0:?}: 1 to 32 letters, digits and -")]
    RunId(String),
    /// The result would be lost.
    #[error("{path}: cannot be written: {source}")]
    Unwritable {
        /// Where.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

impl Plan {
    /// Checks the arguments; also that the result can be written.
    ///
    /// # Errors
    ///
    /// When the run would make no sense.
    pub fn new(scenario: cli::Scenario) -> Result<Self, PlanError> {
        match scenario {
            cli::Scenario::Chat(args) => {
                check_size(args.size.as_u64())?;
                let audience = match (args.protocol, args.others_only) {
                    (Protocol::Echo, _) => Audience::Sender,
                    (Protocol::Native | Protocol::Raw, false) => Audience::Room,
                    (Protocol::Native | Protocol::Raw, true) => Audience::Others,
                };
                let size_bytes = usize::try_from(args.size.as_u64()).unwrap_or(usize::MAX);
                let scenario = Scenario::Messages { protocol: args.protocol, audience, size_bytes, name: "chat" };
                Self::with_load(scenario, args.url, args.rooms, args.load)
            }
            cli::Scenario::Echo(args) => {
                check_size(args.size.as_u64())?;
                let size_bytes = usize::try_from(args.size.as_u64()).unwrap_or(usize::MAX);
                let (protocol, audience) = (Protocol::Echo, Audience::Sender);
                let scenario = Scenario::Messages { protocol, audience, size_bytes, name: "echo" };
                Self::with_load(scenario, args.url, 1, args.load)
            }
            cli::Scenario::Image(args) => {
                Self::with_load(Scenario::Images { files: args.files }, args.url, 1, args.load)
            }
        }
    }

    fn with_load(scenario: Scenario, url: String, rooms: u32, load: LoadArgs) -> Result<Self, PlanError> {
        check_url(&scenario, &url)?;
        if rooms > 1 && !url.contains("{room}") {
            return Err(PlanError::NoRoomInUrl { rooms, url });
        }
        if rooms == 0 || load.clients < rooms {
            return Err(PlanError::EmptyRooms { clients: load.clients, rooms });
        }
        let schedule = Schedule::new(load.rate, load.duration, load.pace)
            .filter(|schedule| (1..=MESSAGES_MAX).contains(&schedule.messages()))
            .ok_or(PlanError::Messages { rate: load.rate, duration_s: load.duration.as_secs_f64() })?;
        let run_id = load.run_id.unwrap_or_else(|| payload::run_id(load.seed));
        if !(1..=32).contains(&run_id.len()) || !run_id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Err(PlanError::RunId(run_id));
        }
        if let Some(path) = &load.json {
            // Opened, not truncated: an earlier result stays until there is a new one.
            let opened = File::options().append(true).create(true).open(path);
            opened.map_err(|source| PlanError::Unwritable { path: path.clone(), source })?;
        }
        Ok(Self {
            scenario,
            url,
            clients: load.clients,
            rooms,
            schedule,
            run_id,
            seed: load.seed,
            thresholds: Threshold::with_defaults(load.thresholds),
            json: load.json,
            max_lateness: load.max_lateness,
            connect_timeout: load.connect_timeout,
            drain: load.drain,
        })
    }

    /// The scenario's name in reports.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self.scenario {
            Scenario::Messages { name, .. } => name,
            Scenario::Images { .. } => "image",
        }
    }

    /// Messages that may be sent: what the records must have room for.
    #[must_use]
    pub fn messages_max(&self) -> u64 {
        match self.schedule.pace() {
            Pace::Open => self.schedule.messages(),
            Pace::Closed => CLOSED_MESSAGES_MAX,
        }
    }

    /// The room of a client.
    #[must_use]
    pub fn room_of(&self, client: u32) -> u32 {
        client % self.rooms
    }

    /// How many clients a room has.
    #[must_use]
    pub fn room_clients(&self, room: u32) -> u32 {
        self.clients / self.rooms + u32::from(room < self.clients % self.rooms)
    }

    /// A client's address.
    #[must_use]
    pub fn url_of(&self, client: u32) -> String {
        let room = format!("{}-{}", self.run_id, self.room_of(client));
        self.url.replace("{room}", &room).replace("{client}", &client.to_string())
    }
}

fn check_size(size: u64) -> Result<(), PlanError> {
    if (PAYLOAD_MIN_BYTES as u64..=SIZE_MAX_BYTES).contains(&size) { Ok(()) } else { Err(PlanError::Size { size }) }
}

fn check_url(scenario: &Scenario, url: &str) -> Result<(), PlanError> {
    let (schemes, expected): (&[&str], _) = match scenario {
        Scenario::Messages { .. } => (&["ws://", "wss://"], "ws:// or wss://"),
        Scenario::Images { .. } => (&["ws://", "wss://", "http://", "https://"], "ws://, wss://, http:// or https://"),
    };
    if schemes.iter().any(|scheme| url.starts_with(scheme)) {
        return Ok(());
    }
    Err(PlanError::Scheme { url: url.to_owned(), expected })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    fn plan(args: &str) -> Result<Plan, PlanError> {
        Plan::new(Cli::try_parse_from(std::iter::once("loadgen").chain(args.split(' '))).unwrap().scenario)
    }

    #[test]
    fn clients_are_spread_over_rooms() {
        let plan = plan("chat --clients 5 --rooms 2 --run-id x").unwrap();
        assert_eq!([plan.room_clients(0), plan.room_clients(1)], [3, 2]);
        assert_eq!(plan.url_of(3), "ws://127.0.0.1:8080/ws?room=x-1&name=client-3");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for bad in [
            "chat --rooms 2 --url ws://127.0.0.1/",
            "chat --rooms 0",
            "chat --clients 2 --rooms 3",
            "chat --rate 0",
            "chat --rate=-1",
            "chat --rate 1000000 --duration 1h",
            "chat --size 10",
            "chat --url http://127.0.0.1/",
            "chat --run-id a/b",
            "chat --json /nowhere/at/all.json",
        ] {
            assert!(plan(bad).is_err(), "{bad}");
        }
    }
}
