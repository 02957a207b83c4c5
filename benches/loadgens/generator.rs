//! A load generator as a process of its own, on a processor of its own.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use benches::process;
use serde_json::json;

/// The processor of the generator; the server has another.
const GENERATOR_CPU: &str = "1";
/// What is sent: `size` of loadgen, of the floor and in the scripts of k6.
const MESSAGE_BYTES: &str = "64";

/// Where the programs are.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Programs {
    /// Our generator, a release build
    #[arg(long)]
    loadgen: PathBuf,
    /// The floor, a release build of the example
    #[arg(long)]
    floor: PathBuf,
    /// k6
    #[arg(long)]
    k6: PathBuf,
    /// Artillery
    #[arg(long)]
    artillery: PathBuf,
    /// Where scripts and results are put
    #[arg(long, default_value = "target/loadgens")]
    folder: PathBuf,
}

/// A generator that is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Floor,
    /// It also reads at most once a millisecond.
    SleepyFloor,
    Loadgen,
    K6Ws,
    K6Websockets,
    Artillery,
}

impl Kind {
    /// As it is called on the page.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Floor => "the floor",
            Self::SleepyFloor => "the floor, also reading once a millisecond",
            Self::Loadgen => "**loadgen**",
            Self::K6Ws => "k6, `k6/ws`",
            Self::K6Websockets => "k6, `k6/experimental/websockets`",
            Self::Artillery => "Artillery",
        }
    }
}

/// When a client sends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Pace {
    /// When its message has come back.
    Answer,
    /// So long after its message has come back.
    AnswerThenWait,
    /// When it is due, at so many messages a second of all clients together.
    Timer,
    /// One message on a connection of its own, so many a second.
    Arrival,
    /// Never.
    Idle,
}

/// What a generator is to do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) pace: Pace,
    pub(crate) clients: usize,
    /// Messages a second of all clients; of no meaning where answers set the pace.
    pub(crate) rate: f64,
    pub(crate) length: Duration,
    /// Whether all hear what one says.
    pub(crate) is_broadcast: bool,
}

impl Load {
    /// After this a client sends again.
    fn every_ms(&self) -> f64 {
        self.clients as f64 / self.rate * 1e3
    }
}

/// A running generator; it is ended when this is dropped.
#[derive(Debug)]
pub(crate) struct Generator {
    kind: Kind,
    child: Child,
    /// What it found, once it has ended by itself.
    result: PathBuf,
}

impl Generator {
    /// Starts it, on its processor alone.
    pub(crate) fn start(kind: Kind, load: &Load, server: SocketAddr, programs: &Programs) -> Result<Self> {
        fs::create_dir_all(&programs.folder)?;
        let result = programs.folder.join(format!("{kind:?}-{:?}.json", load.pace));
        // What an earlier run found is not this one's.
        fs::remove_file(&result).ok();
        let mut command = Command::new("taskset");
        command.args(["--cpu-list", GENERATOR_CPU]);
        match kind {
            Kind::Floor | Kind::SleepyFloor => {
                command.arg(&programs.floor).args(floor(kind, load, server));
                command.stdout(fs::File::create(&result)?);
            }
            Kind::Loadgen => {
                command.arg(&programs.loadgen).args(loadgen(load, server)).stdout(Stdio::null());
                if load.pace != Pace::Idle {
                    command.arg("--json").arg(&result);
                }
            }
            Kind::K6Ws | Kind::K6Websockets => {
                let script = if kind == Kind::K6Ws { "k6_ws.js" } else { "k6_websockets.js" };
                command
                    .arg(&programs.k6)
                    .args(["run", "--quiet", "--no-usage-report", "--summary-export"])
                    .arg(&result);
                command
                    .args(k6(load, server))
                    .arg(Path::new("benches/peers/loadgens").join(script))
                    .stdout(Stdio::null());
            }
            Kind::Artillery => {
                let script = programs.folder.join("artillery.json");
                fs::write(&script, artillery(load, server).to_string())?;
                command.arg("node").arg(&programs.artillery).args(["run", "--quiet", "--output"]).arg(&result);
                command.arg(script).env("ARTILLERY_DISABLE_TELEMETRY", "true").stdout(Stdio::null());
            }
        }
        // Whether it went well is seen by what the server was sent; k6 complains of connections that end with it.
        command.stdin(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().context("taskset cannot be started")?;
        Ok(Self { kind, child, result })
    }

    /// Processor time of all its threads so far.
    pub(crate) fn processor_time(&self) -> Result<Duration> {
        Ok(process::processor_time(self.child.id())?)
    }

    /// The most memory that it has had, in MiB.
    pub(crate) fn memory_mib(&self) -> Result<f64> {
        Ok(process::memory_kib(self.child.id(), "VmHWM")? as f64 / 1024.0)
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// Waits for its end; what it says of latency.
    pub(crate) fn finish(mut self) -> Result<serde_json::Value> {
        let status = self.child.wait()?;
        let ours = matches!(self.kind, Kind::Floor | Kind::SleepyFloor | Kind::Loadgen);
        anyhow::ensure!(status.success() || !ours, "{} ended with {status}", self.kind.name());
        let text = fs::read_to_string(&self.result).with_context(|| format!("{} found nothing", self.kind.name()))?;
        Ok(serde_json::from_str(&text)?)
    }
}

impl Drop for Generator {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn floor(kind: Kind, load: &Load, server: SocketAddr) -> Vec<String> {
    let mut words = vec![server.to_string(), format!("--clients={}", load.clients), format!("--size={MESSAGE_BYTES}")];
    words.push(format!("--seconds={}", load.length.as_secs_f64()));
    match load.pace {
        Pace::Idle => words.push("--idle".to_owned()),
        Pace::Timer => words.push(format!("--rate={}", load.rate)),
        Pace::Answer | Pace::AnswerThenWait | Pace::Arrival => {}
    }
    if kind == Kind::SleepyFloor {
        words.push("--sleepy".to_owned());
    }
    words
}

fn loadgen(load: &Load, server: SocketAddr) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let seconds = load.length.as_secs_f64();
    match load.pace {
        Pace::Idle => words.extend(["connect".to_owned(), format!("--hold={seconds}s")]),
        _ if load.is_broadcast => words.extend(["chat".to_owned(), "--protocol=raw".to_owned()]),
        _ => words.push("echo".to_owned()),
    }
    words.extend([format!("--url=ws://{server}/"), format!("--clients={}", load.clients)]);
    if load.pace != Pace::Idle {
        words.extend([format!("--duration={seconds}s"), format!("--size={MESSAGE_BYTES}"), "--seed=1".to_owned()]);
    }
    match load.pace {
        Pace::Answer | Pace::AnswerThenWait => words.push("--pace=closed".to_owned()),
        Pace::Timer | Pace::Arrival => words.push(format!("--rate={}", load.rate)),
        Pace::Idle => {}
    }
    words
}

fn k6(load: &Load, server: SocketAddr) -> Vec<String> {
    let pace = match load.pace {
        Pace::Answer => "answer",
        Pace::AnswerThenWait => "answer, then wait",
        Pace::Timer => "timer",
        Pace::Arrival => "arrival",
        Pace::Idle => "idle",
    };
    let settings = [
        ("URL", format!("ws://{server}/")),
        ("PACE", pace.to_owned()),
        ("CLIENTS", load.clients.to_string()),
        ("SECONDS", load.length.as_secs().to_string()),
        ("EVERY_MS", load.every_ms().to_string()),
        ("RATE", load.rate.to_string()),
    ];
    settings.into_iter().flat_map(|(name, value)| ["--env".to_owned(), format!("{name}={value}")]).collect()
}

/// A scenario as Artillery's documentation shows it. It has no timer that does
/// not wait for the step before, and measures no latency of messages.
fn artillery(load: &Load, server: SocketAddr) -> serde_json::Value {
    let seconds = load.length.as_secs_f64();
    let text = "x".repeat(64);
    let flow = match load.pace {
        Pace::Idle => json!([{"think": seconds}]),
        Pace::Answer => {
            json!([{"loop": [{"send": {"payload": text, "capture": {"regexp": "(x+)", "as": "answer"}}}], "count": -1}])
        }
        Pace::Timer | Pace::AnswerThenWait | Pace::Arrival => {
            json!([{"loop": [{"send": text}, {"think": format!("{}ms", load.every_ms())}], "count": -1}])
        }
    };
    json!({
        "config": {"target": format!("ws://{server}/"), "phases": [{"duration": 1, "arrivalCount": load.clients}]},
        "scenarios": [{"engine": "ws", "flow": flow}],
    })
}
