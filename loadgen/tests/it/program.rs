//! The program as CI sees it: exit codes, output without a terminal, the result file.

use std::process::{Command, ExitStatus, Output, Stdio};

use serde_json::Value;

use crate::server::{Fault, Server, Speech};

fn command(arguments: &str, url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
    command.args(arguments.split_whitespace()).args(["--url", url]).stdin(Stdio::null());
    command
}

async fn output(arguments: &str, url: &str) -> Output {
    let mut command = command(arguments, url);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

async fn exit_code(arguments: &str, url: &str) -> i32 {
    output(arguments, url).await.status.code().unwrap()
}

const SHORT: &str = "echo --rate 50 --duration 200ms --drain 200ms --max-lateness 1m";

#[tokio::test]
async fn exit_codes_tell_how_it_ended() {
    let good = Server::start(Speech::Echo, Fault::Nothing).await;
    let closing = Server::start(Speech::Echo, Fault::CloseAtOnce).await;
    assert_eq!(exit_code(SHORT, &good.url()).await, 0);
    assert_eq!(exit_code(SHORT, &closing.url()).await, 1);
    assert_eq!(exit_code("echo --size 1", &good.url()).await, 2);
    assert_eq!(exit_code("echo --no-such-option", &good.url()).await, 2);
    assert_eq!(exit_code("chat --rooms 2", "ws://127.0.0.1:1/").await, 2);
    assert_eq!(exit_code("connect --clients 20 --hold 100ms", &good.url()).await, 0);
    assert_eq!(exit_code("connect --clients 20 --hold 100ms", "ws://127.0.0.1:1/").await, 1);
    assert_eq!(exit_code("connect --clients 2 --hold 1s", &closing.url()).await, 99);
    assert_eq!(exit_code("echo --duration 200ms --max-lateness 1ns", &good.url()).await, 98);
    assert_eq!(exit_code(&format!("{SHORT} --threshold lost==7"), &good.url()).await, 99);
}

#[tokio::test]
async fn result_file_that_cannot_be_written_is_refused_before_the_load() {
    let server = Server::start(Speech::Echo, Fault::Nothing).await;
    let output = output("echo --json /no/such/folder/result.json", &server.url()).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    assert!(String::from_utf8(output.stderr).unwrap().contains("/no/such/folder/result.json"));
}

#[tokio::test]
async fn threshold_that_cannot_be_read_is_pointed_at() {
    let output = output("echo --threshold latency:p(99)<50", "ws://127.0.0.1:1/").await;
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("a time needs a unit") && told.ends_with("                  ^\n"), "{told}");
}

#[tokio::test]
async fn without_a_terminal_there_are_plain_lines_only() {
    let server = Server::start(Speech::Echo, Fault::Nothing).await;
    let output = output("echo --rate 50 --duration 2500ms --max-lateness 1m", &server.url()).await;
    let lines = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(lines.lines().count() >= 3, "{lines}");
    for byte in output.stdout.iter().chain(&output.stderr) {
        assert!(![b'\r', 0x1b].contains(byte));
    }
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

async fn result(arguments: &str, url: &str) -> Value {
    let file = tempfile::NamedTempFile::new().unwrap();
    let arguments = format!("{arguments} --seed 7 --json {}", file.path().display());
    output(&arguments, url).await;
    serde_json::from_slice(&std::fs::read(file.path()).unwrap()).unwrap()
}

const COUNTS: [&str; 13] = [
    "connect_errors",
    "corrupted",
    "disconnects",
    "duplicated",
    "errors",
    "expected",
    "foreign",
    "lost",
    "received",
    "refused",
    "reordered",
    "scheduled",
    "sent",
];

#[tokio::test]
async fn result_file_has_the_promised_fields_and_no_others() {
    let server = Server::start(Speech::Raw, Fault::Nothing).await;
    let chat = "chat --protocol raw --rate 50 --duration 200ms --max-lateness 1m --threshold fanout:max<1h";
    let result = result(chat, &server.url()).await;
    let mut expected = COUNTS.to_vec();
    expected.extend(["version", "scenario", "url", "started", "duration_s", "seed", "verdict", "stalls", "thresholds"]);
    expected.extend(["clients", "run_id", "intervals", "histograms", "generator"]);
    expected.extend(["latency_ms", "naive_latency_ms", "fanout_ms", "lateness_ms", "connect_ms"]);
    expected.sort_unstable();
    let mut found = keys(&result);
    found.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!((&result["version"], &result["seed"], &result["verdict"]), (&1.into(), &7.into(), &"passed".into()));
    assert_eq!((&result["sent"], &result["expected"], &result["received"]), (&10.into(), &100.into(), &100.into()));
    for times in ["latency_ms", "naive_latency_ms", "lateness_ms", "connect_ms"] {
        assert_eq!(keys(&result[times]).len(), 6, "{times}");
    }
    assert_eq!(keys(&result["fanout_ms"]).len(), 3);
    assert_eq!(result["thresholds"][1], serde_json::json!({"expression": "lost==0", "passed": true, "value": 0}));
}

#[tokio::test]
async fn figures_that_a_scenario_does_not_have_are_absent() {
    let server = Server::start(Speech::Echo, Fault::Nothing).await;
    let result = result("echo --pace closed --clients 1 --duration 100ms", &server.url()).await;
    assert!(result.get("fanout_ms").is_none() && result.get("lateness_ms").is_none());
}

#[tokio::test]
async fn a_run_without_messages_has_no_counts_of_messages() {
    let server = Server::start(Speech::Echo, Fault::Nothing).await;
    let result = result("connect --clients 20 --rate 1000 --hold 100ms", &server.url()).await;
    let counts: Vec<_> = keys(&result).into_iter().filter(|key| COUNTS.contains(key)).collect();
    assert_eq!(counts, ["connect_errors", "disconnects"]);
    assert!(result["connect_ms"]["max"].as_f64().unwrap() > 0.0);
}

#[tokio::test]
async fn every_kind_of_report_is_written() {
    let server = Server::start(Speech::Raw, Fault::Nothing).await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let mut arguments = "chat --protocol raw --clients 3 --rate 50 --duration 2s --max-lateness 1m".to_owned();
    for kind in ["html", "csv", "junit", "hlog", "hgrm"] {
        arguments += &format!(" --{kind} {}", file(kind).display());
    }
    assert_eq!(exit_code(&arguments, &server.url()).await, 0);
    let read = |name| std::fs::read_to_string(file(name)).unwrap();
    assert!(read("csv").lines().count() >= 3 && read("csv").starts_with("at_s,for_s,sent,"));
    assert!(read("junit").contains(r#"<testcase name="lost==0""#));
    assert!(read("hgrm").contains("#[Max     ="));
    let log = read("hlog");
    let mut entries = 0;
    for entry in hdrhistogram::serialization::interval_log::IntervalLogIterator::new(log.as_bytes()) {
        entries +=
            usize::from(matches!(entry.unwrap(), hdrhistogram::serialization::interval_log::LogEntry::Interval(_)));
    }
    assert!(entries >= 2, "{log}");
    let html = read("html");
    assert!(html.starts_with("<!DOCTYPE html>") && html.contains("<svg"));
    // The silence behind the load is no rate.
    assert!(!html.contains(" 0 per second") && html.contains("per second</title>"));
    for outside in ["src=", "href=\"http", "@import", "url("] {
        assert!(!html.contains(outside), "nothing is loaded from elsewhere: {outside}");
    }
}

#[tokio::test]
async fn results_are_compared_and_merged() {
    let server = Server::start(Speech::Echo, Fault::Nothing).await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let run = "echo --clients 2 --rate 100 --duration 6s --max-lateness 1m --json";
    let (one, two) = (format!("{run} {}", path("one")), format!("{run} {}", path("two")));
    let url = server.url();
    let (one, two) = tokio::join!(exit_code(&one, &url), exit_code(&two, &url));
    assert_eq!((one, two), (0, 0));
    let program = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_loadgen")).args(arguments).stdin(Stdio::null()).output().unwrap()
    };
    // Whatever this machine did meanwhile, times a thousand is not worse.
    let compared = program(&["compare", &path("one"), &path("two"), "--tolerance", "100000"]);
    let table = String::from_utf8(compared.stdout).unwrap();
    assert_eq!(compared.status.code(), Some(0), "{table}");
    assert!(table.contains("### loadgen echo: not worse") && table.contains("| latency p99 |"), "{table}");
    let merged = program(&["merge", &path("one"), &path("two"), "--json", &path("sum")]);
    assert_eq!(merged.status.code(), Some(0));
    let sum: Value = serde_json::from_slice(&std::fs::read(path("sum")).unwrap()).unwrap();
    assert_eq!((&sum["sent"], &sum["received"], &sum["clients"]), (&1200.into(), &1200.into(), &4.into()));
    let refused = program(&["compare", &path("one"), &path("sum")]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8(refused.stderr).unwrap().contains("not the same load: clients 2 and 4"));
}

#[tokio::test]
async fn several_processes_are_one_load() {
    let server = Server::start(Speech::Raw, Fault::Nothing).await;
    // 20 messages in each of two rooms of 2 and 3 clients: a process has 2 clients and 16 messages, the other 3 and 24.
    let chat = "chat --protocol raw --clients 5 --rooms 2 --processes 2 --rate 100 --duration 400ms --max-lateness 1m \
                --threshold sent==40 --run-id many";
    let result = result(chat, &server.url()).await;
    assert_eq!(result["verdict"], "passed", "{result}");
    let counts =
        ["scheduled", "sent", "expected", "received", "lost", "clients", "seed"].map(|name| result[name].as_u64());
    assert_eq!(counts, [40, 40, 3 * 24 + 2 * 16, 3 * 24 + 2 * 16, 0, 5, 7].map(Some), "{result}");
    assert_eq!(result["run_id"], "many");
    assert_eq!(exit_code("chat --clients 2 --processes 3", &server.url()).await, 2);
}

#[tokio::test]
async fn an_interruption_reaches_all_processes() {
    let server = Server::start(Speech::Echo, Fault::Nothing).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let arguments = format!("echo --rate 100 --duration 1h --processes 2 --json {}", file.path().display());
    let status = interrupted(command(&arguments, &server.url())).await;
    assert_eq!(status.code(), Some(130));
    let result: Value = serde_json::from_slice(&std::fs::read(file.path()).unwrap()).unwrap();
    assert_eq!((&result["verdict"], &result["lost"]), (&"interrupted".into(), &0.into()));
}

#[tokio::test]
async fn capacity_is_what_holds() {
    let server = Server::start(Speech::Echo, Fault::Nothing).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    // Among 20 to 40 a second: more than 6 messages in 200 ms are too many.
    let search = "capacity --protocol echo --rate 20 --duration 200ms --repeat 2 --precision 30 --max-lateness 1m \
                  --threshold sent<7 --drain 100ms --json";
    let code = exit_code(&format!("{search} {}", file.path().display()), &server.url()).await;
    let result: Value = serde_json::from_slice(&std::fs::read(file.path()).unwrap()).unwrap();
    assert_eq!(code, 0, "{result}");
    let [low, high] = ["low", "high"].map(|name| result[name].as_f64().unwrap());
    assert!(23.0 <= low && low <= high && high <= 31.0, "{result}");
    assert_eq!(result["found"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_scenario_file_is_carried_out_and_flags_win_over_it() {
    let server = Server::start(Speech::Echo, Fault::Nothing).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = "scenario = 'echo'\nrate = 50\nduration = '1h'\nmax-lateness = '1m'\nthreshold = ['sent==10']\n";
    std::fs::write(file.path(), text).unwrap();
    let path = file.path().display();
    assert_eq!(exit_code(&format!("run {path} --duration 200ms"), &server.url()).await, 0);
    std::fs::write(file.path(), "scenario = 'echo'\nrat = 50\n").unwrap();
    let refused = output(&format!("run {path}"), &server.url()).await;
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8(refused.stderr).unwrap().contains("unknown key `rat`"));
}

#[tokio::test]
async fn interrupt_writes_the_report_and_ends_with_130() {
    let server = Server::start(Speech::Echo, Fault::Nothing).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let arguments = format!("echo --rate 100 --duration 1h --json {}", file.path().display());
    let status = interrupted(command(&arguments, &server.url())).await;
    assert_eq!(status.code(), Some(130));
    let result: Value = serde_json::from_slice(&std::fs::read(file.path()).unwrap()).unwrap();
    assert_eq!((&result["verdict"], &result["lost"]), (&"interrupted".into(), &0.into()));
    assert!(result["duration_s"].as_f64().unwrap() < 60.0);
}

/// Starts a program and interrupts it when the load is under way.
async fn interrupted(mut command: Command) -> ExitStatus {
    let interrupt = move || {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().unwrap()));
        let mut lines = lines.map(Result::unwrap).skip_while(|line| !line.contains(" sent "));
        assert!(lines.next().is_some(), "a load under way says so");
        let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        // Read to their end, so that nobody is blocked or cut off by what it has to say.
        lines.for_each(drop);
        child.wait().unwrap()
    };
    tokio::task::spawn_blocking(interrupt).await.unwrap()
}
