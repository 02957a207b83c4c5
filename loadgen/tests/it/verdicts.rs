//! How a run ends, and whose fault it was.

use std::sync::Arc;
use std::time::Duration;

use loadgen::exit::Verdict;
use loadgen::plan::Plan;
use tokio_util::sync::CancellationToken;

use crate::server::{Fault, Server, Speech};
use crate::{plan, run};

#[tokio::test]
async fn server_that_closes_at_once_fails_the_run() {
    let server = Server::start(Speech::Echo, Fault::CloseAtOnce).await;
    let outcome = run("echo --clients 3 --rate 30 --duration 10s", &server.url()).await;
    assert_eq!(outcome.verdict, Verdict::Failed);
    assert_eq!((outcome.tally.disconnects, outcome.tally.scheduled), (3, 300));
    assert!(outcome.tally.sent < 300);
}

#[tokio::test]
async fn client_closed_by_the_server_leaves_what_is_expected() {
    let server = Server::start(Speech::Raw, Fault::CloseFirst).await;
    let outcome = run("chat --protocol raw --clients 4 --rate 400 --duration 500ms --drain 300ms", &server.url()).await;
    let tally = outcome.tally;
    assert_eq!((tally.disconnects, tally.lost), (1, 0), "{tally:?}");
    // Three stayed and heard everything; the fourth heard nine.
    assert_eq!(tally.received, 3 * tally.sent + 9);
    assert_eq!(outcome.verdict, Verdict::Failed, "its own messages could not be sent");
}

#[tokio::test]
async fn server_that_does_not_read_fails_the_run() {
    let server = Server::start(Speech::Echo, Fault::Deaf).await;
    let command = "echo --clients 1 --rate 50 --size 1MiB --duration 1s --drain 200ms";
    let outcome = run(command, &server.url()).await;
    assert_eq!(outcome.verdict, Verdict::Failed, "{:?}", outcome.reason);
    assert!(outcome.tally.sent < outcome.tally.scheduled);
}

#[tokio::test]
async fn server_that_is_not_there_fails_the_run_before_the_load() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    drop(listener);
    let outcome = run("echo --clients 3", &url).await;
    assert_eq!(outcome.verdict, Verdict::Failed);
    assert_eq!((outcome.tally.connect_errors, outcome.tally.scheduled, outcome.tally.sent), (3, 100, 0));
    assert!(outcome.thresholds.iter().all(|threshold| !threshold.passed), "nothing was measured");
}

#[tokio::test]
async fn generator_that_was_late_does_not_pass() {
    let server = Server::start(Speech::Echo, Fault::Nothing).await;
    let plan =
        Plan { max_lateness: Duration::from_nanos(1), ..Plan::clone(&plan("echo --duration 1s", &server.url())) };
    let outcome = loadgen::run(&Arc::new(plan), CancellationToken::new(), |_| ()).await.unwrap().0;
    assert_eq!(outcome.verdict, Verdict::GeneratorLimited);
    assert_eq!(outcome.tally.lost, 0);
}

#[tokio::test]
async fn crossed_threshold_is_told_with_its_value() {
    let server = Server::start(Speech::Echo, Fault::Nothing).await;
    let command = "echo --duration 500ms --threshold received<3 --threshold latency:max<1h";
    let outcome = run(command, &server.url()).await;
    assert_eq!(outcome.verdict, Verdict::ThresholdsCrossed);
    let told: Vec<_> = outcome.thresholds.iter().map(|judged| (judged.expression.as_str(), judged.passed)).collect();
    assert_eq!(told[..2], [("received<3", false), ("latency:max<1h", true)]);
    assert_eq!(outcome.thresholds[0].value, Some(5.0));
}

#[tokio::test]
async fn interrupted_run_closes_its_books_without_losses() {
    let server = Server::start(Speech::Raw, Fault::Nothing).await;
    let plan = plan("chat --protocol raw --clients 4 --rate 1000 --duration 1h", &server.url());
    let stop = CancellationToken::new();
    let interrupt = |records: Arc<loadgen::record::Records>| {
        let stop = stop.clone();
        tokio::spawn(async move {
            while records.ledger().sent() < 100 {
                tokio::task::yield_now().await;
            }
            stop.cancel();
        })
    };
    let (outcome, _) = loadgen::run(&plan, stop.clone(), interrupt).await.unwrap();
    assert_eq!(outcome.verdict, Verdict::Interrupted);
    assert_eq!(outcome.tally.lost, 0, "{:?}", outcome.tally);
    assert!((100..10_000).contains(&outcome.tally.sent) && outcome.tally.scheduled < 10_000, "{:?}", outcome.tally);
    assert!(outcome.duration_s < 60.0);
}
