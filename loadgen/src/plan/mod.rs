//! What a run does: the arguments, checked once.

mod arguments;
mod error;

use std::path::PathBuf;
use std::time::Duration;

use crate::cli::{OutputArgs, Protocol};
use crate::client::frame::Opcode;
use crate::client::gate::Access;
use crate::client::is_heard;
use crate::pace::Schedule;
use crate::share::Share;
use crate::threshold::{Count, Metric, Threshold, Times};

pub use error::PlanError;

use arguments::MESSAGES_MAX;

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
    /// The first part, whose times are left out.
    pub warm_up: Duration,
    /// Whether a crossed threshold ends the run, and from when on.
    pub abort_after: Option<Duration>,
    /// How long connections are held that do nothing more.
    pub hold: Duration,
    /// Who makes trouble beside the load.
    pub trouble: Trouble,
    /// Processes that carry it out.
    pub processes: u32,
    /// Clients that drop their connection and come back, per second.
    pub churn: Option<f64>,
    /// Which part of a larger load it is.
    pub share: Option<Share>,
    /// By how much the server may get slower.
    pub max_drift: Option<DriftMax>,
    /// Where results go.
    pub outputs: OutputArgs,
    /// What clients present at the door.
    pub access: Access,
    /// See [`LoadArgs`](crate::cli::LoadArgs).
    pub max_lateness: Duration,
    /// See [`LoadArgs`](crate::cli::LoadArgs).
    pub connect_timeout: Duration,
    /// See [`LoadArgs`](crate::cli::LoadArgs).
    pub drain: Duration,
}

/// By how much the latency's 99th percentile may grow over a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DriftMax {
    /// In per cent.
    pub percent: f64,
    /// Whether it is not a default: a run that is too short to tell then does not pass.
    pub is_asked: bool,
}

/// Clients of which nothing is expected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Trouble {
    /// They read 1 KiB a second.
    pub slow: u32,
    /// They neither read nor answer.
    pub half_open: u32,
    /// They vanish with a reset and come again.
    pub abrupt: u32,
}

/// What is sent, and who should hear it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scenario {
    /// Messages.
    Talk(Talk),
    /// Connections that are held.
    Connect,
    /// Pictures.
    Images {
        /// Files to send in turn; generated ones where there are none.
        files: Vec<PathBuf>,
    },
}

/// A scenario of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Talk {
    /// Its name in reports.
    pub name: &'static str,
    /// What the server speaks.
    pub protocol: Protocol,
    /// Who should hear a message.
    pub audience: Audience,
    /// Text or binary.
    pub opcode: Opcode,
    /// Bytes of a message.
    pub size_bytes: usize,
    /// Whether clients come back.
    pub resumes: bool,
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

/// Counts that there are only where messages are heard.
const OF_WHAT_IS_HEARD: [Count; 4] = [Count::Duplicated, Count::Reordered, Count::Corrupted, Count::Foreign];

impl Plan {
    /// The scenario's name in reports.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.scenario.name()
    }

    /// Whether clients that were closed come back.
    #[must_use]
    pub fn resumes(&self) -> bool {
        matches!(self.scenario, Scenario::Talk(Talk { resumes: true, .. }))
    }

    /// Messages that one client may send: what the records must have room for.
    #[must_use]
    pub fn messages_per_client_max(&self) -> u32 {
        let messages = self.schedule.messages().unwrap_or(MESSAGES_MAX);
        u32::try_from(messages.div_ceil(u64::from(self.clients))).expect("a plan has MESSAGES_MAX at most")
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

    /// Descriptors that the clients need, those that make trouble included.
    #[must_use]
    pub fn descriptors(&self) -> u64 {
        let Trouble { slow, half_open, abrupt } = self.trouble;
        let of_client = match self.scenario {
            // One to read, one to speak.
            Scenario::Talk(Talk { protocol: Protocol::Sse, .. }) => 2,
            // A connection and an alarm.
            Scenario::Images { .. } => 2,
            Scenario::Talk(_) | Scenario::Connect => 1,
        };
        u64::from(self.clients) * of_client + [slow, half_open, abrupt].map(u64::from).iter().sum::<u64>()
    }

    /// A client's address.
    #[must_use]
    pub fn url_of(&self, client: u32) -> String {
        self.url.replace("{room}", &self.room_name(client)).replace("{client}", &client.to_string())
    }

    /// The name of a client's room.
    #[must_use]
    pub fn room_name(&self, client: u32) -> String {
        format!("{}-{}", self.run_id, self.room_of(client))
    }
}

impl Scenario {
    fn name(&self) -> &'static str {
        match self {
            Self::Talk(talk) => talk.name,
            Self::Connect => "connect",
            Self::Images { .. } => "image",
        }
    }

    /// Whether a result of this scenario has such a figure.
    #[must_use]
    pub fn measures(&self, metric: Metric) -> bool {
        match (self, metric) {
            (_, Metric::Time(Times::Connect, _)) => true,
            (Self::Talk(talk), Metric::Count(count)) => is_heard(talk.protocol) || !OF_WHAT_IS_HEARD.contains(&count),
            (Self::Talk(_), Metric::Time(Times::Latency, _)) => true,
            (Self::Connect, Metric::Count(count)) => matches!(count, Count::ConnectErrors | Count::Disconnects),
            (Self::Connect, Metric::Time(..)) => false,
            (Self::Talk(talk), Metric::Time(Times::Fanout, _)) => talk.audience != Audience::Sender,
            (Self::Images { .. }, Metric::Count(count)) => {
                !matches!(count, Count::Duplicated | Count::Reordered | Count::Foreign)
            }
            (Self::Images { .. }, Metric::Time(times, _)) => times == Times::Latency,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    fn plan(args: &str) -> Result<Plan, PlanError> {
        Plan::new(Cli::try_parse_from(std::iter::once("loadgen").chain(args.split(' '))).unwrap().into_load().unwrap())
    }

    #[test]
    fn clients_are_spread_over_rooms() {
        let plan = plan("chat --clients 5 --rooms 2 --run-id x").unwrap();
        assert_eq!([plan.room_clients(0), plan.room_clients(1)], [3, 2]);
        assert_eq!(plan.url_of(3), "ws://127.0.0.1:8080/ws?room=x-1&name=client-3");
    }

    #[test]
    fn run_id_comes_from_the_seed_and_the_seed_is_new_each_time() {
        let of = |args: &str| plan(args).unwrap().run_id;
        assert_eq!(of("chat --seed 1"), of("echo --seed 1"));
        assert_ne!(of("chat --seed 1"), of("chat --seed 2"));
        assert_eq!(of("chat --seed 1 --run-id mine"), "mine");
    }

    #[test]
    fn protocol_says_who_hears_a_message() {
        let audience = |args: &str| match plan(args).unwrap().scenario {
            Scenario::Talk(talk) => talk.audience,
            Scenario::Images { .. } | Scenario::Connect => panic!("not a talk"),
        };
        assert_eq!(audience("chat"), Audience::Room);
        assert_eq!(audience("chat --protocol raw --others-only"), Audience::Others);
        assert_eq!(audience("echo"), Audience::Sender);
        assert_eq!(audience("chat --protocol http"), Audience::Sender);
    }

    #[test]
    fn images_have_fewer_thresholds() {
        let texts: Vec<_> = plan("image").unwrap().thresholds.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["lost==0", "corrupted==0"]);
    }

    #[test]
    fn where_nothing_is_heard_nothing_can_be_damaged() {
        let texts: Vec<_> = plan("chat --protocol http").unwrap().thresholds.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["lost==0"]);
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
            "chat --run-id seventeen-letters",
            "chat --json /nowhere/at/all.json",
            "chat --url ws://[",
            "chat --threshold lost",
            "echo --threshold fanout:max<1s",
            "image --threshold foreign==0",
            "chat --protocol raw --others-only --pace closed",
            "chat --pace closed --rate 0",
            "chat --stage 10s:0",
            "chat --warm-up 10s",
            "chat --binary",
            "chat --header nonsense",
            "chat --bind 127.0.0.x",
            "chat --protocol channels --others-only --pace closed",
            "connect --rate 0",
            "connect --threshold lost==0",
            "chat --protocol http --threshold corrupted==0",
            "chat --protocol http --binary",
            "chat --protocol http --slow 1",
            "chat --protocol http --url ws://127.0.0.1/",
        ] {
            assert!(plan(bad).is_err(), "{bad}");
        }
    }
}
