//! What a run does: the arguments, checked once.

use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::access;
use crate::cli::{self, ConnectArgs, ImageArgs, LoadArgs, OutputArgs, Pace, Protocol, RunArgs, TalkArgs};
use crate::client::frame::Opcode;
use crate::client::gate::Access;
use crate::client::has_acks;
use crate::pace::Schedule;
use crate::payload::{self, RUN_ID_MAX_BYTES};
use crate::seed;
use crate::share::Share;
use crate::threshold::{Count, Metric, Threshold, ThresholdError, Times};

/// Their ledger takes 16 bytes each: 1 GiB.
const MESSAGES_MAX: u64 = 1 << 26;
/// Messages per second in open loop, unless asked otherwise. Chosen: harms nobody.
const RATE_DEFAULT: f64 = 10.0;
/// Unless asked otherwise.
const DURATION_DEFAULT: Duration = Duration::from_secs(10);
/// The same for a soak.
const SOAK_DEFAULT: Duration = Duration::from_secs(3600);
/// By how much p99 may grow over a soak, unless asked otherwise. Chosen: what nobody notices.
const SOAK_DRIFT_MAX_PERCENT: f64 = 20.0;
/// Processes, at most. Chosen: more cores than a machine that makes load has.
const PROCESSES_MAX: u32 = 256;
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
    /// See [`LoadArgs`].
    pub max_lateness: Duration,
    /// See [`LoadArgs`].
    pub connect_timeout: Duration,
    /// See [`LoadArgs`].
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
    #[error("--size {size}: from {size_min} bytes, which a message needs to be accounted for, to 64MiB")]
    Size {
        /// As given.
        size: u64,
        /// What the run id and the rest take.
        size_min: usize,
    },
    /// The scheme does not fit the scenario.
    #[error("--url {url}: the address must begin with {expected}")]
    Scheme {
        /// As given.
        url: String,
        /// What would do.
        expected: &'static str,
    },
    /// Not an address.
    #[error("--url {url}: {reason}")]
    Url {
        /// As given.
        url: String,
        /// Why not.
        reason: hyper::http::uri::InvalidUri,
    },
    /// A run's name is put into room names.
    #[error("--run-id {0:?}: 1 to {RUN_ID_MAX_BYTES} letters, digits and -")]
    RunId(String),
    /// A threshold cannot be read.
    #[error(transparent)]
    Threshold(#[from] ThresholdError),
    /// A threshold on something that the scenario does not have.
    #[error("--threshold {expression:?}: `{scenario}` does not measure that")]
    NotMeasured {
        /// As given.
        expression: String,
        /// Its name.
        scenario: &'static str,
    },
    /// A closed loop would wait for ever.
    #[error("--pace closed --others-only: a client that never hears of its own message cannot wait for it")]
    NoReply,
    /// A stage or rate from which nothing follows.
    #[error("--warm-up {0:?}: as long as the run, or longer")]
    WarmUp(Duration),
    /// Processes without a client.
    #[error("--processes {processes}: 1 to {most}, a client for each")]
    Processes {
        /// As given.
        processes: u32,
        /// Of so many.
        most: u32,
    },
    /// Clients that make trouble are WebSockets.
    #[error("--slow, --half-open and --abrupt: go with the protocols of WebSockets")]
    Trouble,
    /// Only one protocol has positions.
    #[error("--resume and --churn: go with the protocol native")]
    Resume,
    /// Not a rate.
    #[error("--churn: a positive number of clients per second")]
    Churn,
    /// Not a percentage.
    #[error("--max-drift: a number of per cent")]
    Drift,
    /// Text that travels inside JSON.
    #[error("--binary: goes with the protocols raw and echo")]
    Binary,
    /// A header field or cookie that cannot be sent.
    #[error("{flag} {text:?}: {expected}")]
    Field {
        /// Which flag.
        flag: &'static str,
        /// As given.
        text: String,
        /// What would do.
        expected: &'static str,
    },
    /// The result would be lost.
    #[error("{flag} {path}: cannot be written: {source}")]
    Unwritable {
        /// Which flag.
        flag: &'static str,
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
            cli::Scenario::Chat(args) => Self::talk("chat", Protocol::Native, args),
            cli::Scenario::Echo(args) => Self::talk("echo", Protocol::Echo, args),
            cli::Scenario::Soak(mut args) => {
                if args.load.stages.is_empty() {
                    args.load.duration.get_or_insert(SOAK_DEFAULT);
                }
                let plan = Self::talk("soak", Protocol::Native, args)?;
                let max_drift = DriftMax { percent: SOAK_DRIFT_MAX_PERCENT, is_asked: false };
                Ok(Self { max_drift: plan.max_drift.or(Some(max_drift)), ..plan })
            }
            cli::Scenario::Image(ImageArgs { url, files, load }) => {
                Self::with_load(Scenario::Images { files }, url, 1, load)
            }
            cli::Scenario::Connect(args) => Self::connect(args),
        }
    }

    fn talk(name: &'static str, protocol: Protocol, args: TalkArgs) -> Result<Self, PlanError> {
        let (processes, share, max_drift) = (args.processes, args.share, args.max_drift);
        let args = match share {
            Some(share) => part(args, share),
            None => args,
        };
        let most = PROCESSES_MAX.min(args.load.clients);
        if share.is_none() && !(1..=most).contains(&processes) {
            return Err(PlanError::Processes { processes, most });
        }
        if max_drift.is_some_and(|percent| !(percent.is_finite() && percent >= 0.0)) {
            return Err(PlanError::Drift);
        }
        let protocol = args.protocol.unwrap_or(protocol);
        let audience = match (protocol, args.others_only) {
            (Protocol::Echo, _) => Audience::Sender,
            (_, false) => Audience::Room,
            (_, true) => Audience::Others,
        };
        let has_trouble = args.slow > 0 || args.half_open > 0 || args.abrupt > 0;
        if protocol == Protocol::Sse && has_trouble {
            return Err(PlanError::Trouble);
        }
        if audience == Audience::Others && args.load.pace == Pace::Closed && !has_acks(protocol) {
            return Err(PlanError::NoReply);
        }
        let opcode = match (args.binary, protocol) {
            (false, _) => Opcode::Text,
            (true, Protocol::Raw | Protocol::Echo) => Opcode::Binary,
            (true, Protocol::Native | Protocol::Sse | Protocol::Channels | Protocol::Socketio) => {
                return Err(PlanError::Binary);
            }
        };
        let resumes = args.resume || args.churn.is_some();
        if resumes && protocol != Protocol::Native {
            return Err(PlanError::Resume);
        }
        if args.churn.is_some_and(|churn| !(churn.is_finite() && churn > 0.0)) {
            return Err(PlanError::Churn);
        }
        let url = args.url.unwrap_or_else(|| default_url(protocol).to_owned());
        let trouble = Trouble { slow: args.slow, half_open: args.half_open, abrupt: args.abrupt };
        let size_bytes = usize::try_from(args.size.as_u64()).unwrap_or(usize::MAX);
        let scenario = Scenario::Talk(Talk { name, protocol, audience, opcode, size_bytes, resumes });
        let plan = Self::with_load(scenario, url, args.rooms, args.load)?;
        let (size, size_min) = (args.size.as_u64(), payload::size_min_bytes(&plan.run_id));
        if !(size_min as u64..=SIZE_MAX_BYTES).contains(&size) {
            return Err(PlanError::Size { size, size_min });
        }
        let max_drift = max_drift.map(|percent| DriftMax { percent, is_asked: true });
        // A part carries itself out.
        let processes = if share.is_some() { 1 } else { processes };
        Ok(Self { trouble, processes, share, max_drift, churn: args.churn, ..plan })
    }

    fn with_load(scenario: Scenario, url: String, rooms: u32, load: LoadArgs) -> Result<Self, PlanError> {
        let schedule = schedule(&load)?;
        if load.warm_up >= schedule.duration() {
            return Err(PlanError::WarmUp(load.warm_up));
        }
        let plan = Self::with_run(scenario, url, (load.clients, rooms), schedule, load.run)?;
        Ok(Self {
            warm_up: load.warm_up,
            abort_after: load.abort_on_fail,
            max_lateness: load.max_lateness,
            drain: load.drain,
            ..plan
        })
    }

    fn connect(args: ConnectArgs) -> Result<Self, PlanError> {
        let error = |rate| PlanError::Messages { rate, duration_s: 0.0 };
        let rate = args.rate.unwrap_or(f64::from(u32::MAX));
        let duration = Duration::try_from_secs_f64(f64::from(args.clients) / rate).map_err(|_| error(rate))?;
        let schedule = Schedule::open(rate, duration.max(Duration::from_nanos(1))).ok_or_else(|| error(rate))?;
        let plan = Self::with_run(Scenario::Connect, args.url, (args.clients, 1), schedule, args.run)?;
        Ok(Self { hold: args.hold, ..plan })
    }

    fn with_run(
        scenario: Scenario,
        url: String,
        (clients, rooms): (u32, u32),
        schedule: Schedule,
        run: RunArgs,
    ) -> Result<Self, PlanError> {
        if rooms > 1 && !url.contains("{room}") {
            return Err(PlanError::NoRoomInUrl { rooms, url });
        }
        if rooms == 0 || clients < rooms {
            return Err(PlanError::EmptyRooms { clients, rooms });
        }
        // New each time, so that what a server keeps of an earlier run is not taken for this one's.
        let seed = run.seed.unwrap_or_else(|| u64::from(rand::random::<u32>()));
        let run_id = run.run_id.unwrap_or_else(|| seed::run_id(seed));
        let is_plain = run_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !(1..=RUN_ID_MAX_BYTES).contains(&run_id.len()) || !is_plain {
            return Err(PlanError::RunId(run_id));
        }
        let plan = Self {
            thresholds: thresholds(&scenario, &run.thresholds)?,
            scenario,
            url,
            clients,
            rooms,
            schedule,
            run_id,
            seed,
            warm_up: Duration::ZERO,
            abort_after: None,
            hold: Duration::ZERO,
            trouble: Trouble::default(),
            processes: 1,
            churn: None,
            share: None,
            max_drift: None,
            outputs: run.outputs,
            access: access::read(run.access)?,
            max_lateness: Duration::MAX / 16,
            connect_timeout: run.connect_timeout,
            drain: Duration::ZERO,
        };
        check_url(&plan)?;
        for (flag, path) in plan.outputs.all() {
            // Opened, not truncated: an earlier result stays until there is a new one.
            let opened = File::options().append(true).create(true).open(path);
            opened.map_err(|source| PlanError::Unwritable { flag, path: path.clone(), source })?;
        }
        Ok(plan)
    }

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

    /// Connections, those that make trouble included.
    #[must_use]
    pub fn connections(&self) -> u32 {
        let Trouble { slow, half_open, abrupt } = self.trouble;
        [slow, half_open, abrupt].into_iter().fold(self.clients, u32::saturating_add)
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
            (Self::Talk(_), Metric::Count(_) | Metric::Time(Times::Latency, _)) => true,
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

/// What one of several processes does: its part of the clients, of the rooms, of the rate, and of who makes
/// trouble. Each has a seed and a run id of its own, so that rooms and messages are told apart.
fn part(mut args: TalkArgs, share: Share) -> TalkArgs {
    let load = &mut args.load;
    let clients = share.part(load.clients);
    let fraction = f64::from(clients) / f64::from(load.clients.max(1));
    if load.pace == Pace::Open {
        load.rate.get_or_insert(RATE_DEFAULT);
    }
    load.rate = load.rate.map(|rate| rate * fraction);
    args.churn = args.churn.map(|churn| churn * fraction);
    for stage in &mut load.stages {
        (stage.from, stage.to) = (stage.from * fraction, stage.to * fraction);
    }
    load.clients = clients;
    load.run.seed = load.run.seed.map(|seed| seed.wrapping_add(share.index.into()));
    load.run.run_id = load.run.run_id.take().map(|id| format!("{id}-{}", share.index));
    // The process that merges writes all others.
    load.run.outputs = OutputArgs { json: load.run.outputs.json.take(), ..OutputArgs::default() };
    args.rooms = share.part(args.rooms).max(1);
    for count in [&mut args.slow, &mut args.half_open, &mut args.abrupt] {
        *count = share.part(*count);
    }
    args
}

fn default_url(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Native => "ws://127.0.0.1:8080/ws?room={room}&name=client-{client}",
        Protocol::Raw => "ws://127.0.0.1:8080/ws/raw/{room}",
        // A raw room with one member is an echo; the tilde keeps it in memory.
        Protocol::Echo => "ws://127.0.0.1:8080/ws/raw/~{room}-{client}",
        Protocol::Channels => "ws://127.0.0.1:8080/ws/chat/{room}/",
        Protocol::Socketio => "ws://127.0.0.1:8080/socket.io/?EIO=4&transport=websocket",
        Protocol::Sse => "http://127.0.0.1:8080/rooms/{room}",
    }
}

fn schedule(load: &LoadArgs) -> Result<Schedule, PlanError> {
    let duration = load.duration.unwrap_or(DURATION_DEFAULT);
    let schedule = match load.pace {
        pace if !load.stages.is_empty() => Schedule::staged(load.stages.clone()).map(|schedule| schedule.paced(pace)),
        Pace::Open => Schedule::open(load.rate.unwrap_or(RATE_DEFAULT), duration),
        Pace::Closed => Schedule::closed(load.rate, duration),
    };
    schedule
        .filter(|schedule| schedule.messages().is_none_or(|messages| (1..=MESSAGES_MAX).contains(&messages)))
        .ok_or(PlanError::Messages { rate: load.rate.unwrap_or(RATE_DEFAULT), duration_s: duration.as_secs_f64() })
}

fn thresholds(scenario: &Scenario, texts: &[String]) -> Result<Vec<Threshold>, PlanError> {
    let asked = texts.iter().map(|text| text.parse()).collect::<Result<Vec<Threshold>, _>>()?;
    if let Some(threshold) = asked.iter().find(|threshold| !scenario.measures(threshold.metric())) {
        return Err(PlanError::NotMeasured { expression: threshold.to_string(), scenario: scenario.name() });
    }
    let mut all = match scenario {
        Scenario::Connect => Threshold::with_connection_defaults(asked),
        Scenario::Talk(_) | Scenario::Images { .. } => Threshold::with_defaults(asked),
    };
    all.retain(|threshold| scenario.measures(threshold.metric()));
    Ok(all)
}

fn check_url(plan: &Plan) -> Result<(), PlanError> {
    let (schemes, expected): (&[&str], _) = match plan.scenario {
        Scenario::Talk(Talk { protocol: Protocol::Sse, .. }) => (&["http://", "https://"], "http:// or https://"),
        Scenario::Talk(_) | Scenario::Connect => (&["ws://", "wss://"], "ws:// or wss://"),
        Scenario::Images { .. } => (&["ws://", "wss://", "http://", "https://"], "ws://, wss://, http:// or https://"),
    };
    if !schemes.iter().any(|scheme| plan.url.starts_with(scheme)) {
        return Err(PlanError::Scheme { url: plan.url.clone(), expected });
    }
    let parsed: Result<hyper::Uri, _> = plan.url_of(0).parse();
    parsed.map(drop).map_err(|reason| PlanError::Url { url: plan.url.clone(), reason })
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
    }

    #[test]
    fn images_have_fewer_thresholds() {
        let texts: Vec<_> = plan("image").unwrap().thresholds.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["lost==0", "corrupted==0"]);
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
        ] {
            assert!(plan(bad).is_err(), "{bad}");
        }
    }
}
