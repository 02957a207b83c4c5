//! From arguments to a plan.

use std::fs::File;
use std::time::Duration;

use super::{Audience, DriftMax, Plan, PlanError, Scenario, Talk, Trouble};
use crate::access;
use crate::cli::{self, ConnectArgs, ImageArgs, LoadArgs, OutputArgs, Pace, Protocol, RunArgs, TalkArgs};
use crate::client::frame::Opcode;
use crate::client::{has_acks, is_by_http};
use crate::pace::Schedule;
use crate::payload::{self, RUN_ID_MAX_BYTES};
use crate::seed;
use crate::share::Share;
use crate::threshold::Threshold;

/// Their ledger takes 16 bytes each: 1 GiB.
pub(super) const MESSAGES_MAX: u64 = 1 << 26;
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
            (Protocol::Echo | Protocol::Http, _) => Audience::Sender,
            (_, false) => Audience::Room,
            (_, true) => Audience::Others,
        };
        let has_trouble = args.slow > 0 || args.half_open > 0 || args.abrupt > 0;
        if is_by_http(protocol) && has_trouble {
            return Err(PlanError::Trouble);
        }
        if audience == Audience::Others && args.load.pace == Pace::Closed && !has_acks(protocol) {
            return Err(PlanError::NoReply);
        }
        let opcode = match (args.binary, protocol) {
            (false, _) => Opcode::Text,
            (true, Protocol::Raw | Protocol::Echo) => Opcode::Binary,
            (true, Protocol::Native | Protocol::Sse | Protocol::Http | Protocol::Channels | Protocol::Socketio) => {
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
        Protocol::Http => "http://127.0.0.1:8080/rooms/{room}/messages",
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
        Scenario::Talk(talk) if is_by_http(talk.protocol) => (&["http://", "https://"], "http:// or https://"),
        Scenario::Talk(_) | Scenario::Connect => (&["ws://", "wss://"], "ws:// or wss://"),
        Scenario::Images { .. } => (&["ws://", "wss://", "http://", "https://"], "ws://, wss://, http:// or https://"),
    };
    if !schemes.iter().any(|scheme| plan.url.starts_with(scheme)) {
        return Err(PlanError::Scheme { url: plan.url.clone(), expected });
    }
    let parsed: Result<hyper::Uri, _> = plan.url_of(0).parse();
    parsed.map(drop).map_err(|reason| PlanError::Url { url: plan.url.clone(), reason })
}
